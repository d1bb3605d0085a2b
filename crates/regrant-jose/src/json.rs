//! Strict parsing of untrusted JSON.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

const MAX_DEPTH: usize = 32;
const MAX_VALUES: usize = 1024;

/// Parses a JSON object. Returns `None` for anything else, for a member named twice at any depth (another reader might
/// use the other one, RFC 7515 section 4), and for a text that could cost more memory than a token deserves.
pub(crate) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let left = Cell::new(MAX_VALUES);
    let mut text = serde_json::Deserializer::from_slice(bytes);
    Plain { depth: 0, left: &left }.deserialize(&mut text).ok()?;
    text.end().ok()?;
    serde_json::from_slice(bytes).ok()
}

/// Walks through a value without storing it.
#[derive(Clone, Copy)]
struct Plain<'a> {
    depth: usize,
    left: &'a Cell<usize>,
}

impl Plain<'_> {
    fn enter<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("nested too deep"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Plain<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.enter()?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<Name<'de>>()? {
            if !names.insert(name.0) {
                return Err(A::Error::custom("a member twice"));
            }
            members.next_value_seed(inner)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let inner = self.enter()?;
        while elements.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The name of a member, borrowed unless it contains an escape.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
