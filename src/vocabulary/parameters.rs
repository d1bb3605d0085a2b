//! The decoded parameters of a request.

use std::fmt;
use std::ops::Deref;

use zeroize::Zeroizing;

/// The parameters of a form, in order. An empty value counts as an omitted parameter (RFC 6749 section 3.2).
///
/// `Debug` shows only their number. Values are secrets, and so are the names of a malformed request. The parameters
/// borrow from the body of the request. Copies exist only of texts that had to be decoded; they are zeroed when
/// dropped.
///
/// ```
/// use regrant::wire::{MalformedRequest, Request, form};
///
/// let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
/// let body = b"password=secret&resource=https://a.example&resource=https://b.example";
/// let parameters = form(&Request::new("POST", "/login", &headers, body), 1024)?;
/// assert_eq!(parameters.required("password"), Ok("secret"));
/// assert_eq!(parameters.all("resource").count(), 2);
/// assert_eq!(format!("{parameters:?}"), "Parameters(3)");
/// # Ok::<(), MalformedRequest>(())
/// ```
#[derive(Clone, Default)]
pub struct Parameters<'a>(Vec<(Text<'a>, Text<'a>)>);

/// A decoded name or value.
#[derive(Clone)]
pub(crate) enum Text<'a> {
    /// A text without escapes, in the body of the request.
    Sent(&'a str),
    /// A text that had escapes.
    Decoded(Zeroizing<String>),
}

impl<'a> Parameters<'a> {
    /// Takes decoded names and values.
    pub(crate) const fn new(pairs: Vec<(Text<'a>, Text<'a>)>) -> Self {
        Self(pairs)
    }

    /// Returns the value of `name`, unless it is absent or empty. The name is compared exactly, with regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns the value of `name`.
    ///
    /// # Errors
    /// [`MissingParameter`] when it is absent or empty.
    pub fn required(&self, name: &'static str) -> Result<&str, MissingParameter> {
        self.get(name).ok_or(MissingParameter(name))
    }

    /// Returns all values of `name` that are not empty, for the few parameters that may repeat: `resource` (RFC 8707
    /// section 2) and `audience` (RFC 8693 section 2.1). A form that repeats another parameter is not parsed.
    pub fn all<'p>(&'p self, name: &str) -> impl Iterator<Item = &'p str> {
        let named = self.0.iter().filter(move |(own, _)| **own == *name);
        named.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }

    /// Returns the names and values in their order, those of empty parameters left out. For a host that repeats a
    /// request in a form of its own. The values may be secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value)).filter(|(_, value)| !value.is_empty())
    }

    /// Copies the texts that are still in the body of the request, for a host that keeps the parameters longer. The
    /// copies are zeroed when dropped.
    #[must_use]
    pub fn into_owned(self) -> Parameters<'static> {
        Parameters(self.0.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Decoded(Zeroizing::new(text))
    }
}

impl Text<'_> {
    fn into_owned(self) -> Text<'static> {
        Text::Decoded(match self {
            Self::Sent(text) => Zeroizing::new(text.to_owned()),
            Self::Decoded(text) => text,
        })
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Sent(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({})", self.0.len())
    }
}

/// A required parameter is absent or empty: `invalid_request` (RFC 6749 section 5.2). The error contains the name that
/// the code asked for, and nothing that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {0} is missing")]
pub struct MissingParameter(pub(crate) &'static str);
