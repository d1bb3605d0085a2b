use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::host::Unavailable;
use regrant::jwt::{AccessTokenClaims, IdTokenClaims};
use serde_json::{Map, Value};

/// The claims of the protocol, which a host must not set (RFC 7519, 7800, 8693, 9068, 9701, OpenID Connect Core section
/// 2).
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

/// Supplies claims that only the host knows: `email` for a scope, `roles`, `groups` (RFC 9068 section 2.2.3.1).
///
/// # Contract
/// * A claim of the protocol (`sub`, `scope`, `cnf` and the like) is refused, and no token is issued.
/// * A replay within the grace period calls the source again. Different claims make another text of the same access
///   token.
/// * Anyone who holds the token can read the claims. The whole token must stay below 16 KiB.
#[async_trait]
pub trait ClaimsSource: Send + Sync {
    /// Returns additional claims for an access token.
    ///
    /// # Errors
    /// When the claims are not available for now. No token is issued, and the client is asked to try again.
    async fn access_token(
        &self,
        claims: &AccessTokenClaims<'_>,
    ) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>>;

    /// Returns additional claims for an `id_token` (OpenID Connect Core section 5.4).
    ///
    /// # Errors
    /// When the claims are not available for now.
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

/// Refuses claims that belong to the protocol.
pub(super) fn reject_reserved(
    claims: Result<Map<String, Value>, Box<dyn Error + Send + Sync>>,
) -> Result<Map<String, Value>, Unavailable> {
    let claims = claims.map_err(Unavailable::new)?;
    match RESERVED.iter().find(|name| claims.contains_key(**name)) {
        Some(name) => Err(Unavailable::new(format!("the claims source must not set {name}"))),
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
