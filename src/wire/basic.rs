//! HTTP Basic authentication of clients (RFC 7617).
//!
//! RFC 6749 section 2.3.1 differs from RFC 7617 in one point: id and secret are form-encoded before they are joined
//! with a colon. So an id may contain a colon, and the first colon always is the separator. A client that forgets the
//! encoding works until its secret has a `%` or a `+`.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, decoded_len_estimate};
use zeroize::Zeroizing;

use super::form;
use crate::vocabulary::Text;

/// Base64 with or without padding: clients and proxies differ. The secret is compared after decoding, so the padding
/// does not matter.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes an Authorization header: Basic (RFC 7617). Returns `None` for another scheme or bad base64.
pub(super) fn decode(header: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (scheme, credentials) = form::split_once(str::from_utf8(header).ok()?, b' ');
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = credentials?.trim();
    // The buffer is also zeroed if the text stops being base64 behind the secret.
    let mut pair = Zeroizing::new(vec![0; decoded_len_estimate(credentials.len())]);
    let length = BASE64.decode_slice(credentials, &mut pair).ok()?;
    pair.truncate(length);
    Some(pair)
}

/// Splits a decoded header into the client id and the secret, both form-encoded (RFC 6749 section 2.3.1). Returns
/// `None` without a colon or with a broken encoding.
pub(super) fn split(pair: &[u8]) -> Option<(Text<'_>, Text<'_>)> {
    let (id, secret) = form::split_once(form::text(pair)?, b':');
    Some((form::decode(id)?, form::decode(secret?)?))
}
