//! The identifier of a signing key, which names the key that verifies a JWT.

use crate::vocabulary::{InvalidValue, text_type};

text_type! {
    /// The identifier of a signing key (`kid`, RFC 7515 section 4.1.4): 1 to 128 printable ASCII characters. Not a
    /// secret.
    ///
    /// ```
    /// use regrant::jwt::KeyId;
    ///
    /// assert!(KeyId::new("2026-11").is_ok());
    /// assert!(KeyId::new("november 2026").is_err()); // a space
    /// ```
    KeyId, |text| match text.len() {
        1..=128 if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(()),
        _ => Err(InvalidValue::new("kid", "must be 1 to 128 printable ASCII characters")),
    }
}
