//! The identity of a grant.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::vocabulary::InvalidValue;

/// The identity of a grant: 16 random bytes, written as 22 base64url characters.
///
/// A grant id gives no access to anything. It serves the host for listing, revocation and audit. The service draws it;
/// the id of a device authorization is derived from the user code instead.
///
/// ```
/// use regrant::GrantId;
///
/// let id = GrantId::from_bytes([7; 16]);
/// assert_eq!(id.to_string().len(), 22);
/// assert_eq!(id.to_string().parse(), Ok(id));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId([u8; 16]);

impl GrantId {
    /// The id with these bytes, as a store returned them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for the key of a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for GrantId {
    /// 22 base64url characters without padding: fit for URLs, file names and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &URL_SAFE_NO_PAD).fmt(f)
    }
}

impl FromStr for GrantId {
    type Err = InvalidValue;

    /// Parses the text that `Display` writes.
    ///
    /// ```
    /// use regrant::GrantId;
    ///
    /// assert!("BwcHBwcHBwcHBwcHBwcHBw".parse::<GrantId>().is_ok());
    /// assert!("BwcHBwcHBwcHBwcHBwcHBw==".parse::<GrantId>().is_err()); // padding
    /// assert!("BwcHBwcHBwcHBwcHBwcHBx".parse::<GrantId>().is_err()); // a second spelling of the last byte
    /// ```
    ///
    /// # Errors
    /// [`InvalidValue`] when the text is not the base64url form of 16 bytes.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(InvalidValue::new("grant id", "must be 22 base64url characters"))
    }
}
