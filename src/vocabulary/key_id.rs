//! The name of a signing key.

use std::fmt;

use crate::vocabulary::InvalidValue;

/// The name of a signing key (`kid`, RFC 7515 section 4.1.4): 1 to 128 printable ASCII characters. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(Box<str>);

impl KeyId {
    /// Checks the text.
    ///
    /// # Errors
    /// When it is empty, too long, or holds something else than printable ASCII.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidValue> {
        let text = text.into();
        if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(InvalidValue::new("kid", "must be 1 to 128 printable ASCII characters"))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
