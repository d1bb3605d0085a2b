use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::form::decode;

/// Clients pad Basic credentials or do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Client id and secret of an Authorization header: Basic (RFC 7617), both parts form-encoded first (RFC 6749 section
/// 2.3.1). `None` for another scheme or anything malformed.
pub(super) fn parse(header: &[u8]) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let (scheme, credentials) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Zeroizing::new(BASE64.decode(credentials.trim()).ok()?);
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some((decode(&pair[..colon])?, decode(&pair[colon + 1..])?))
}
