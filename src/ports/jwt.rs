//! What the library asks of whoever makes its JWTs. `regrant-jose` does.

pub use crate::vocabulary::KeyId;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::grant::Approval;
use crate::vocabulary::{ClientId, Confirmation, GrantType, Resources, Scope, Subject, Timestamp};

/// Makes and reads the JWTs of the service: access tokens (RFC 9068), `id_token`s (OpenID Connect Core section 2),
/// introspection answers (RFC 9701).
///
/// # Contract
/// * **The same claims under the same key are the same text**, so that a replay within grace repeats its access token byte
///   for byte. Where the signature is randomized (PS256, a hardware module's ECDSA) at least the payload must be the same.
/// * A key that signed an access token is [held](Self::holds) and [published](Self::jwks) until that token has expired.
/// * Claims are told in the clear: what the host adds must be meant for whoever holds the token.
#[async_trait]
pub trait JwtIssuer: Send + Sync {
    /// The `iss` of all its tokens.
    fn issuer(&self) -> &str;

    /// The key that signs the access tokens of `client` from `now` on.
    fn signing_key(&self, client: &Client, now: Timestamp) -> KeyId;

    /// Whether it can still sign with `key`: a replay signs with the key of its first answer.
    fn holds(&self, key: &KeyId) -> bool;

    /// Signs an access token with `key`.
    ///
    /// # Errors
    /// When that cannot be done. Nothing is consumed then, and the client is told to try again.
    async fn access_token(&self, key: &KeyId, claims: &AccessTokenClaims<'_>) -> Result<String, SignError>;

    /// Signs an `id_token`.
    ///
    /// # Errors
    /// When that cannot be done now.
    async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<String, SignError>;

    /// Signs an introspection answer for `caller` (RFC 9701 section 5), whose members are `answer`.
    ///
    /// # Errors
    /// When that cannot be done now.
    async fn introspection(
        &self,
        caller: &ClientId,
        answer: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<String, SignError>;

    /// The `jti` of an access token that it signed itself, whether expired or not; `None` for everything else.
    fn read_access_token(&self, jwt: &str) -> Option<String>;

    /// The keys to publish at `now` (a JWK set, RFC 7517 section 5): those in use, those to come, and those whose tokens
    /// still live.
    fn jwks(&self, now: Timestamp) -> Map<String, Value>;

    /// The algorithms of its `id_token`s, for the metadata.
    fn algorithms(&self) -> Vec<&'static str>;
}

/// What an access token says (RFC 9068 section 2.2).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AccessTokenClaims<'a> {
    /// `jti`: refers to the grant, to nobody but the service.
    pub jti: &'a str,
    /// The client, of which `client_id` is told.
    pub client: &'a Client,
    /// The flow that created the grant.
    pub grant_type: &'a GrantType,
    /// `scope`.
    pub scope: &'a Scope,
    /// `aud`; when empty, the issuer's default.
    pub resources: &'a Resources,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `cnf`.
    pub confirmation: Option<&'a Confirmation>,
    /// Who approved, and how they were authenticated. Without a subject `sub` is the client id (RFC 9068 section 2.2).
    pub approval: &'a Approval,
}

/// What an `id_token` says (OpenID Connect Core section 2). `Debug` does not show the access token.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct IdTokenClaims<'a> {
    /// The client: `aud` and `azp`.
    pub client: &'a Client,
    /// `sub`.
    pub subject: &'a Subject,
    /// How the subject was authenticated: `auth_time`, `acr`, `amr`, `sid`.
    pub approval: &'a Approval,
    /// The scope of the access token that goes with it, for claims that depend on it (section 5.4).
    pub scope: &'a Scope,
    /// `nonce`: at redemption alone (section 12.2).
    pub nonce: Option<&'a str>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// The access token that goes with it, for `at_hash`.
    pub access_token: &'a str,
}

impl<'a> AccessTokenClaims<'a> {
    /// Claims without scope, resources and confirmation, for tests of a [`JwtIssuer`].
    #[must_use]
    pub fn new(
        jti: &'a str,
        client: &'a Client,
        approval: &'a Approval,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        let (grant_type, scope, resources) = (&GrantType::AuthorizationCode, &approval.scope, &approval.resources);
        Self { jti, client, grant_type, scope, resources, issued_at, expires_at, confirmation: None, approval }
    }

    /// Sets the key that the token is bound to.
    #[must_use]
    pub const fn with_confirmation(mut self, confirmation: Option<&'a Confirmation>) -> Self {
        self.confirmation = confirmation;
        self
    }
}

impl fmt::Debug for IdTokenClaims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenClaims")
            .field("client", &self.client)
            .field("subject", &self.subject)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl<'a> IdTokenClaims<'a> {
    /// Claims without a nonce.
    #[must_use]
    pub fn new(
        client: &'a Client,
        subject: &'a Subject,
        approval: &'a Approval,
        issued_at: Timestamp,
        expires_at: Timestamp,
        access_token: &'a str,
    ) -> Self {
        Self { client, subject, approval, scope: &approval.scope, nonce: None, issued_at, expires_at, access_token }
    }

    /// Sets the nonce of the authentication request.
    #[must_use]
    pub const fn with_nonce(mut self, nonce: Option<&'a str>) -> Self {
        self.nonce = nonce;
        self
    }
}

/// A JWT could not be signed: the key service is out of reach, a key is gone.
#[derive(Debug, thiserror::Error)]
#[error("signing failed")]
pub struct SignError(#[source] Box<dyn Error + Send + Sync>);

impl SignError {
    /// Signing failed for this cause.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

#[async_trait]
impl<T: JwtIssuer + ?Sized> JwtIssuer for Arc<T> {
    fn issuer(&self) -> &str {
        (**self).issuer()
    }

    fn signing_key(&self, client: &Client, now: Timestamp) -> KeyId {
        (**self).signing_key(client, now)
    }

    fn holds(&self, key: &KeyId) -> bool {
        (**self).holds(key)
    }

    async fn access_token(&self, key: &KeyId, claims: &AccessTokenClaims<'_>) -> Result<String, SignError> {
        (**self).access_token(key, claims).await
    }

    async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<String, SignError> {
        (**self).id_token(claims).await
    }

    async fn introspection(
        &self,
        caller: &ClientId,
        answer: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<String, SignError> {
        (**self).introspection(caller, answer, now).await
    }

    fn read_access_token(&self, jwt: &str) -> Option<String> {
        (**self).read_access_token(jwt)
    }

    fn jwks(&self, now: Timestamp) -> Map<String, Value> {
        (**self).jwks(now)
    }

    fn algorithms(&self) -> Vec<&'static str> {
        (**self).algorithms()
    }
}
