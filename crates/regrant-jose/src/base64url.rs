//! Canonical base64url without padding (RFC 7515 section 2). A decoder that accepts other spellings gives one token
//! many texts, which defeats lists of used or revoked tokens.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn encode_into(bytes: impl AsRef<[u8]>, text: &mut String) {
    BASE64_URL_SAFE_NO_PAD.encode_string(bytes, text);
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}
