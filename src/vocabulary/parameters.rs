//! The parameters of a request, after decoding.

use std::fmt;

use zeroize::Zeroizing;

/// The parameters of a form, in order. An empty value is an omitted one (RFC 6749 section 3.2). `Debug` shows how many there
/// are and nothing of them: secrets are among the values, and in a malformed request among the names.
#[derive(Clone, Default)]
pub struct Parameters(Vec<(String, Zeroizing<String>)>);

impl Parameters {
    /// The value of `name`, unless it is absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// [`MissingParameter`] when it is absent or empty.
    pub fn required(&self, name: &'static str) -> Result<&str, MissingParameter> {
        self.get(name).ok_or(MissingParameter(name))
    }

    /// All values of `name` that are not empty, for the few parameters that may repeat.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, value)| own == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&mut self, name: String, value: Zeroizing<String>) {
        self.0.push((name, value));
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({})", self.0.len())
    }
}

/// A parameter that the request must have and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {0} is missing")]
pub struct MissingParameter(pub(crate) &'static str);
