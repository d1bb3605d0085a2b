//! `scope` in the grammar of RFC 6749 section 3.3.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{InvalidValue, literal};

/// A set of scope tokens. Order and repetition have no meaning (RFC 6749 section 3.3), so equal sets are equal
/// values. Case has meaning.
///
/// The grammar is strict: tokens of `%x21 / %x23-5B / %x5D-7E` with exactly one space between them. The empty text is
/// the empty scope.
///
/// ```
/// use regrant::Scope;
///
/// let granted: Scope = "write read read".parse()?;
/// assert_eq!(granted.to_string(), "read write");
/// assert!("read".parse::<Scope>()?.is_subset_of(&granted));
/// assert!(!"READ".parse::<Scope>()?.is_subset_of(&granted));
/// assert!("read  write".parse::<Scope>().is_err());
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Arc<str>);

impl Scope {
    /// The scope without any token.
    #[must_use]
    pub fn empty() -> Self {
        Self("".into())
    }

    /// Parses a space-delimited list of scope tokens.
    ///
    /// # Errors
    /// [`InvalidValue`] when the text violates the grammar above.
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        let mut is_sorted = true;
        let mut previous = "";
        for token in text.split(' ').filter(|_| !text.is_empty()) {
            if token.is_empty() {
                return Err(InvalidValue::new("scope", "tokens are separated by exactly one space"));
            }
            if !token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return Err(InvalidValue::new("scope", "holds a character outside %x20-21 / %x23-5B / %x5D-7E"));
            }
            is_sorted &= previous < token;
            previous = token;
        }
        // Records contain sorted scopes, so reading a record never sorts.
        if is_sorted {
            return Ok(Self(text.into()));
        }
        let mut tokens: Vec<&str> = text.split(' ').collect();
        tokens.sort_unstable();
        tokens.dedup();
        Ok(Self(tokens.join(" ").into()))
    }

    /// Parses a literal in the code.
    ///
    /// # Panics
    /// Panics if the text violates the grammar above. Use [`new`](Self::new) for text from outside.
    #[must_use]
    pub fn from_static(text: &'static str) -> Self {
        literal(Self::new(text), text)
    }

    /// Returns the tokens in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Returns true if the scope has no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if `token` is in the scope.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|own| own == token)
    }

    /// Returns true if `other` contains every token of `self`. Linear in both, so that a scope as long as the whole
    /// body costs little.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self == other || sorted_subset(self.iter(), other.iter())
    }

    /// Returns the tokens that are in both scopes.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let both: Vec<&str> = self.iter().filter(|token| other.contains(token)).collect();
        Self(both.join(" ").into())
    }

    /// Returns the tokens, separated by one space.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns true if each item of `left` is in `right`. Both are ascending and without repetition.
pub(crate) fn sorted_subset<T: Ord>(left: impl Iterator<Item = T>, right: impl Iterator<Item = T>) -> bool {
    let mut right = right;
    left.into_iter().all(|wanted| {
        right.by_ref().map(|held| held.cmp(&wanted)).find(|order| *order != Ordering::Less) == Some(Ordering::Equal)
    })
}

impl Default for Scope {
    fn default() -> Self {
        Self::empty()
    }
}

impl FromStr for Scope {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        Self::new(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0.as_ref().into()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({:?})", self.0)
    }
}
