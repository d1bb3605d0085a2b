//! JSON from outside, read strictly.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Parses a JSON object with the strictness of [`form`](crate::wire::form()). Returns `None` for anything else, for a
/// member that is named twice at any depth, for more than 32 levels, and for more than 1024 values.
///
/// Of two members with one name two readers could take different ones (RFC 8259 section 4), for example a proxy that
/// checks redirection URIs. The bounds are there because a text of many short values costs far more memory than its
/// length.
///
/// ```
/// use regrant::wire::json_object;
///
/// let object = json_object(br#"{ "iss": "https://as.example" }"#);
/// assert_eq!(object.map(|members| members["iss"] == "https://as.example"), Some(true));
/// assert_eq!(json_object(br#"{ "iss": "https://as.example", "iss": "https://other.example" }"#), None);
/// assert_eq!(json_object(b"[]"), None);
/// ```
#[must_use]
pub fn json_object(json: &[u8]) -> Option<Map<String, Value>> {
    strict_json(json, 32, 1024)
}

/// Parses a JSON text with at most `max_depth` levels and `max_values` values, in which no object names a member twice.
pub(crate) fn strict_json<T: DeserializeOwned>(json: &[u8], max_depth: usize, max_values: usize) -> Option<T> {
    let left = Cell::new(max_values);
    let mut text = serde_json::Deserializer::from_slice(json);
    Strict { levels: max_depth, left: &left }.deserialize(&mut text).ok()?;
    text.end().ok()?;
    serde_json::from_slice(json).ok()
}

/// Walks through a value without storing it.
#[derive(Clone, Copy)]
struct Strict<'a> {
    /// The number of further levels.
    levels: usize,
    /// The number of further values, at all levels.
    left: &'a Cell<usize>,
}

impl Strict<'_> {
    fn enter<E: Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { levels, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
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
