use regrant::host::{HostClaims, Unavailable};
use regrant::jwt::UserInfoClaims;
use serde::Serialize;

use super::{JwtTokens, json};

/// The claims of OpenID Connect Core section 5.3.2. Without `exp`, so that the answer cannot pass for an `id_token`.
#[derive(Serialize)]
struct UserInfo<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    #[serde(flatten)]
    host_claims: &'a HostClaims,
}

pub(super) fn payload(tokens: &JwtTokens, claims: &UserInfoClaims<'_>) -> Result<Vec<u8>, Unavailable> {
    json(&UserInfo {
        iss: tokens.issuer.as_str(),
        sub: claims.subject.as_str(),
        aud: claims.client.id.as_str(),
        iat: claims.issued_at.as_secs(),
        host_claims: claims.host_claims,
    })
}
