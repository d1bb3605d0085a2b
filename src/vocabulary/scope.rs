//! `scope` in the grammar of RFC 6749 section 3.3.
//!
//! The parser is strict. A lenient one would accept a scope that a resource server splits in another way.

use std::cmp::Ordering;
use std::collections::BTreeSet;
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
    /// The token that makes a request one of OpenID Connect (Core section 3.1.2.1).
    pub(crate) const OPENID: &str = "openid";

    /// The scope without any token. In a request an omitted scope is not the empty one: see
    /// [`Client::scope_of`](crate::Client::scope_of).
    #[must_use]
    pub fn empty() -> Self {
        Self("".into())
    }

    /// Parses a space-delimited list of scope tokens.
    ///
    /// # Errors
    /// [`InvalidValue`] for a space at the start, at the end or beside another space, and for a character outside the
    /// grammar: control characters, `"`, `\` and everything that is not ASCII.
    ///
    /// ```
    /// use regrant::Scope;
    ///
    /// assert!(Scope::new("urn:example:read orders/42").is_ok());
    /// assert!(Scope::new(" read").is_err());
    /// assert!(Scope::new("\"read\"").is_err());
    /// assert!(Scope::new("caf\u{e9}").is_err());
    /// ```
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        if is_sorted(text)? {
            return Ok(Self(text.into()));
        }
        let mut tokens: Vec<&str> = text.split(' ').collect();
        tokens.sort_unstable();
        tokens.dedup();
        Ok(Self(tokens.join(" ").into()))
    }

    /// Parses the [text](Self::as_str) of a scope, which is sorted: the only spelling in a record.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and for another order or a repetition.
    pub(crate) fn sorted(text: &str) -> Result<Self, InvalidValue> {
        if is_sorted(text)? { Ok(Self(text.into())) } else { Err(InvalidValue::new("scope", "must be sorted")) }
    }

    /// Parses a literal in the code.
    ///
    /// # Panics
    /// Panics if the text violates the grammar above. Use [`new`](Self::new) for text from outside.
    #[must_use]
    pub fn from_static(text: &'static str) -> Self {
        literal(Self::new(text), text)
    }

    /// Returns the tokens in ascending order of their bytes, each of them once.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Returns true if the scope has no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if `token` is in the scope. A whole token counts, never a part: `read` is not in `read_all`.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|own| own == token)
    }

    /// Returns true if `other` contains every token of `self`. Linear in both, so that a scope as long as the whole
    /// body costs little. True for the empty scope.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self == other || sorted_subset(self.iter(), other.iter())
    }

    /// Returns the tokens that are in both scopes: the granted scope, after the registration of the client was reduced.
    ///
    /// ```
    /// use regrant::Scope;
    ///
    /// let granted = Scope::from_static("read write");
    /// assert_eq!(granted.intersection(&Scope::from_static("admin read")), Scope::from_static("read"));
    /// ```
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let both: Vec<&str> = self.iter().filter(|token| other.contains(token)).collect();
        Self(both.join(" ").into())
    }

    /// Returns the tokens that are in one of the scopes.
    ///
    /// ```
    /// use regrant::Scope;
    ///
    /// let all = Scope::from_static("read write").union(&Scope::from_static("admin read"));
    /// assert_eq!(all, Scope::from_static("admin read write"));
    /// ```
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::of(self.iter().chain(other.iter()).collect())
    }

    /// Returns the scope of tokens that come from scopes.
    pub(crate) fn of(tokens: BTreeSet<&str>) -> Self {
        Self(tokens.into_iter().collect::<Vec<_>>().join(" ").into())
    }

    /// Returns the tokens, separated by one space: the value of `scope` in a response. Sorted, so equal scopes have
    /// equal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks the grammar of a scope. Returns true if its tokens are in ascending order, each of them once.
fn is_sorted(text: &str) -> Result<bool, InvalidValue> {
    let (mut is_sorted, mut previous) = (true, &[][..]);
    for token in text.as_bytes().split(|byte| *byte == b' ').filter(|_| !text.is_empty()) {
        if token.is_empty() {
            return Err(InvalidValue::new("scope", "tokens are separated by exactly one space"));
        }
        if !token.iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            return Err(InvalidValue::new("scope", "holds a character outside %x20-21 / %x23-5B / %x5D-7E"));
        }
        is_sorted &= previous < token;
        previous = token;
    }
    Ok(is_sorted)
}

/// Returns true if each item of `left` is in `right`. Both are ascending and without repetition.
///
/// Both are walked once. A nested search would let a request with thousands of scope tokens cost millions of
/// comparisons.
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
