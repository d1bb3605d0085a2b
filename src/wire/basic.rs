use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::form::decode;

/// Base64 with or without padding: clients and proxies differ.
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
