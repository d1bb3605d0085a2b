//! HTTP Basic authentication of clients (RFC 7617).
//!
//! RFC 6749 section 2.3.1 differs from RFC 7617 in one point: id and secret are form-encoded before they are joined
//! with a colon. So an id may contain a colon, and the first colon always is the separator. A client that forgets the
//! encoding works until its secret has a `%` or a `+`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::form::decode;

/// Base64 with or without padding: clients and proxies differ. The secret is compared after decoding, so the padding
/// does not matter.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Parses the client id and secret of an Authorization header: Basic (RFC 7617), with both parts form-encoded (RFC 6749
/// section 2.3.1). Returns `None` for another scheme or a malformed header.
pub(super) fn parse(header: &[u8]) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let (scheme, credentials) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Zeroizing::new(BASE64.decode(credentials.trim()).ok()?);
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some((decode(&pair[..colon])?, decode(&pair[colon + 1..])?))
}
