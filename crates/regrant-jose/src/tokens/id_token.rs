use regrant::clock::Timestamp;
use regrant::host::{HostClaims, Unavailable};
use regrant::jwt::IdTokenClaims;
use serde::Serialize;
use sha2::{Digest, Sha256, Sha512};

use super::{JwtTokens, json};
use crate::algorithm::Algorithm;
use crate::base64url;

/// The claims of OpenID Connect Core sections 2 and 3.1.3.6, in this order.
#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    azp: &'a str,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    at_hash: String,
    #[serde(flatten)]
    host_claims: &'a HostClaims,
}

pub(super) fn payload(
    tokens: &JwtTokens,
    claims: &IdTokenClaims<'_>,
    algorithm: Algorithm,
) -> Result<Vec<u8>, Unavailable> {
    let (client, approval) = (claims.client.id.as_str(), claims.approval);
    json(&IdToken {
        iss: tokens.issuer.as_str(),
        sub: claims.subject.as_str(),
        aud: client,
        azp: client,
        exp: claims.expires_at.as_secs(),
        iat: claims.issued_at.as_secs(),
        auth_time: approval.auth_time.map(Timestamp::as_secs),
        nonce: claims.nonce,
        acr: approval.acr.as_deref(),
        amr: &approval.amr,
        sid: approval.session_id.as_deref(),
        at_hash: at_hash(algorithm, claims.access_token),
        host_claims: claims.host_claims,
    })
}

/// The left half of the hash of the signature algorithm (section 3.1.3.6). Ed25519 uses SHA-512 (RFC 8032 section 5.1).
fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    match algorithm {
        Algorithm::EdDsa | Algorithm::Ed25519 => base64url::encode(&Sha512::digest(access_token)[..32]),
        _ => base64url::encode(&Sha256::digest(access_token)[..16]),
    }
}
