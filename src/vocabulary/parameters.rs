//! The decoded parameters of a request.

use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

/// The parameters of a form, in order. An empty value counts as an omitted parameter (RFC 6749 section 3.2).
///
/// `Debug` shows only their number. Values are secrets, and so are the names of a malformed request. The text is zeroed
/// when dropped.
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
pub struct Parameters {
    /// All decoded names and values, one after the other, so that there is one buffer to zero.
    text: Zeroizing<String>,
    pairs: Vec<Pair>,
}

/// The places of a name and its value in the text.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
}

impl Parameters {
    /// Takes a decoded text, and the places of names and values in it.
    pub(crate) const fn new(text: Zeroizing<String>, pairs: Vec<Pair>) -> Self {
        Self { text, pairs }
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
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self.pairs.iter().filter(move |pair| self.text[pair.name.clone()] == *name);
        named.map(|pair| &self.text[pair.value.clone()]).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({})", self.pairs.len())
    }
}

/// A required parameter is absent or empty: `invalid_request` (RFC 6749 section 5.2). The error contains the name that
/// the code asked for, and nothing that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {0} is missing")]
pub struct MissingParameter(pub(crate) &'static str);
