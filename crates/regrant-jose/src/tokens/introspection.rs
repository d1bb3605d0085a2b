use regrant::ClientId;
use regrant::clock::Timestamp;
use regrant::host::Unavailable;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{JwtTokens, json};

/// The claims of RFC 9701 section 5. Without top-level `sub` and `exp`, so that the answer cannot pass for an access
/// token.
#[derive(Serialize)]
struct Introspection<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    token_introspection: &'a Map<String, Value>,
}

pub(super) fn payload(
    tokens: &JwtTokens,
    caller: &ClientId,
    answer: &Map<String, Value>,
    now: Timestamp,
) -> Result<Vec<u8>, Unavailable> {
    json(&Introspection {
        iss: tokens.issuer.as_str(),
        aud: caller.as_str(),
        iat: now.as_secs(),
        token_introspection: answer,
    })
}
