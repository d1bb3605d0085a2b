use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::jwt::{AccessTokenClaims, IdTokenClaims, SignError};
use serde_json::{Map, Value};

/// What the protocol says itself (RFC 7519, 7800, 8693, 9068, 9701, OpenID Connect Core section 2): no host may say otherwise.
const RESERVED: [&str; 23] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "cnf",
    "act",
    "may_act",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "nonce",
    "sid",
    "at_hash",
    "c_hash",
    "s_hash",
    "events",
    "token_introspection",
];

/// Where claims come from that only the host knows: `email` for a scope, `roles`, `groups` (RFC 9068 section 2.2.3.1).
///
/// # Contract
/// * A claim of the protocol's own (`sub`, `scope`, `cnf` and the like) is refused: the token is then not issued at all.
/// * A replay within grace asks again. Answers that differ make a different text of the same access token.
/// * Everything told is readable by whoever holds the token, and all of a token must stay below 16 KiB.
#[async_trait]
pub trait ClaimsSource: Send + Sync {
    /// More claims for an access token.
    ///
    /// # Errors
    /// When they cannot be told now: the token is not issued, and the client is told to try again.
    async fn access_token(
        &self,
        claims: &AccessTokenClaims<'_>,
    ) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>>;

    /// More claims for an `id_token` (OpenID Connect Core section 5.4).
    ///
    /// # Errors
    /// When they cannot be told now.
    async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>>;
}

#[async_trait]
impl<S: ClaimsSource + ?Sized> ClaimsSource for Arc<S> {
    async fn access_token(
        &self,
        claims: &AccessTokenClaims<'_>,
    ) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>> {
        (**self).access_token(claims).await
    }

    async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>> {
        (**self).id_token(claims).await
    }
}

/// A host's claims, none of them the protocol's.
pub(super) fn checked(
    claims: Result<Map<String, Value>, Box<dyn Error + Send + Sync>>,
) -> Result<Map<String, Value>, SignError> {
    let claims = claims.map_err(SignError::new)?;
    match RESERVED.iter().find(|name| claims.contains_key(**name)) {
        Some(name) => Err(SignError::new(format!("the claims source must not set {name}"))),
        None => Ok(claims),
    }
}

pub(super) struct NoClaims;

#[async_trait]
impl ClaimsSource for NoClaims {
    async fn access_token(
        &self,
        _: &AccessTokenClaims<'_>,
    ) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>> {
        Ok(Map::new())
    }

    async fn id_token(&self, _: &IdTokenClaims<'_>) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>> {
        Ok(Map::new())
    }
}
