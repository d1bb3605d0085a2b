//! Signing and reading of the service's JWTs. The crate `regrant-jose` implements the port.
//!
//! Implement it yourself to sign in a key service or a hardware module. The service decides on the claims and calls the
//! issuer before it stores a grant, so a signer that fails has consumed nothing: the client repeats its request.

pub use crate::vocabulary::KeyId;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::grant::Approval;
use crate::ports::Unavailable;
use crate::ports::host::HostClaims;
use crate::vocabulary::{
    AuthorizationDetails, ClientId, Confirmation, GrantType, Issuer, Resources, Scope, Subject, Timestamp,
    forward_to_arc,
};

/// Signs and reads the JWTs of the service: access tokens (RFC 9068), `id_token`s (OpenID Connect Core section 2),
/// introspection responses (RFC 9701) and userinfo responses (OpenID Connect Core section 5.3.2).
///
/// # Contract
/// * **The same claims under the same key give the same text**, so that a replay within grace repeats its access
///   token byte for byte. If the signature is randomized (PS256, ECDSA in a hardware module), at least the payload is
///   the same.
/// * **A key that signed an access token is [held](Self::holds) and [published](Self::jwks) until that token has
///   expired.** Otherwise resource servers refuse valid tokens, and the service drops tokens whose key is not held.
/// * **A new key is published before it signs**, for as long as resource servers cache the key set. Otherwise they
///   refuse its first tokens.
/// * **The `typ` of each kind differs**: `at+jwt`, `JWT` and `token-introspection+jwt` (RFC 8725 section 3.11).
///   Otherwise an `id_token` passes as an access token. A userinfo response has the `typ` of an `id_token`, because
///   clients accept no other one; it has no `exp`, without which no reader accepts an `id_token`.
/// * **Every call ends within seconds**, then with an error. The client waits for the signature.
///
/// ```
/// use regrant::host::Unavailable;
/// use regrant::jwt::{AccessTokenClaims, KeyId};
/// use serde_json::json;
///
/// # async fn kms_sign(_: &str, _: String) -> Result<String, std::io::Error> { Ok(String::new()) }
/// # struct Issuer;
/// # impl Issuer {
/// /// The method of an issuer whose keys are in a key service. A failure of the key service is an outage.
/// async fn access_token(&self, key: &KeyId, claims: &AccessTokenClaims<'_>) -> Result<String, Unavailable> {
///     // Also iss, sub, aud, client_id and iat (RFC 9068 section 2.2).
///     let payload = json!({ "jti": claims.jti, "exp": claims.expires_at.as_secs(), "scope": claims.scope.as_str() });
///     Ok(kms_sign(key.as_str(), payload.to_string()).await?)
/// }
/// # }
/// ```
#[async_trait]
pub trait JwtIssuer: Send + Sync {
    /// Returns the `iss` of all tokens of this issuer. The endpoints must have the same one.
    fn issuer(&self) -> &Issuer;

    /// Returns the longest lifetime of a token for which the issuer keeps its key published, or `None` if there is no
    /// limit. A policy with longer lifetimes is refused: valid tokens would die after a change of keys. Default `None`.
    fn max_token_lifetime(&self) -> Option<Duration> {
        None
    }

    /// Returns the key that signs the access tokens of `client` from `now` on. Clients may have different algorithms,
    /// so the choice may depend on the client.
    fn signing_key(&self, client: &Client, now: Timestamp) -> KeyId;

    /// Returns true while the issuer can sign with `key`. A replay signs with the key of its first response. False
    /// revokes the access tokens of `key`: use it for a key that leaked.
    fn holds(&self, key: &KeyId) -> bool;

    /// Signs an access token with `key`.
    ///
    /// # Errors
    /// [`Unavailable`] when the key service is out of reach or the key is gone. Nothing is consumed then, and the
    /// client gets 503.
    async fn access_token(&self, key: &KeyId, claims: &AccessTokenClaims<'_>) -> Result<String, Unavailable>;

    /// Signs an `id_token`, at redemption and at refresh, when the scope contains `openid`.
    ///
    /// # Errors
    /// As for [`access_token`](Self::access_token).
    async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<String, Unavailable>;

    /// Signs an introspection response for `caller` (RFC 9701 section 5) with the members of `answer`.
    ///
    /// # Errors
    /// As for [`access_token`](Self::access_token).
    async fn introspection(
        &self,
        caller: &ClientId,
        answer: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<String, Unavailable>;

    /// Signs a userinfo response (OpenID Connect Core section 5.3.2), for a client that is registered for it.
    ///
    /// # Errors
    /// As for [`access_token`](Self::access_token).
    async fn user_info(&self, claims: &UserInfoClaims<'_>) -> Result<String, Unavailable>;

    /// Returns the `jti` of an access token that this issuer signed, expired or not. Returns `None` for any other text.
    /// The signature must be verified: introspection and revocation trust the result.
    fn read_access_token(&self, jwt: &str) -> Option<String>;

    /// Returns the facts of an `id_token` that this issuer signed, expired or not (OpenID Connect RP-Initiated Logout
    /// 1.0 section 4). Returns `None` for any other text, tokens of another kind included. The signature must be
    /// verified: logout revokes the grants of the session.
    fn read_id_token(&self, jwt: &str) -> Option<IdTokenHint>;

    /// Returns the keys to publish at `now` as a JWK set (RFC 7517 section 5): keys in use, keys soon to be used, and
    /// keys whose tokens have not expired yet.
    fn jwks(&self, now: Timestamp) -> Map<String, Value>;

    /// Returns the algorithms of the issuer's `id_token`s, for the metadata (`id_token_signing_alg_values_supported`,
    /// OpenID Connect Discovery section 3).
    fn algorithms(&self) -> Vec<&'static str>;
}

forward_to_arc! {
    JwtIssuer {
        async fn access_token(&self, key: &KeyId, claims: &AccessTokenClaims<'_>) -> Result<String, Unavailable>;
        async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<String, Unavailable>;
        async fn introspection(
            &self,
            caller: &ClientId,
            answer: &Map<String, Value>,
            now: Timestamp
        ) -> Result<String, Unavailable>;
        async fn user_info(&self, claims: &UserInfoClaims<'_>) -> Result<String, Unavailable>;
        fn issuer(&self) -> &Issuer;
        fn max_token_lifetime(&self) -> Option<Duration>;
        fn signing_key(&self, client: &Client, now: Timestamp) -> KeyId;
        fn holds(&self, key: &KeyId) -> bool;
        fn read_access_token(&self, jwt: &str) -> Option<String>;
        fn read_id_token(&self, jwt: &str) -> Option<IdTokenHint>;
        fn jwks(&self, now: Timestamp) -> Map<String, Value>;
        fn algorithms(&self) -> Vec<&'static str>;
    }
}

/// The content of an access token (RFC 9068 section 2.2). In the JWT times are seconds (RFC 7519 section 2).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AccessTokenClaims<'a> {
    /// `jti`. Refers to the grant; only the service can resolve the reference.
    pub jti: &'a str,
    /// The client. The token contains its `client_id`.
    pub client: &'a Client,
    /// The flow that created the grant.
    pub grant_type: &'a GrantType,
    /// `scope`.
    pub scope: &'a Scope,
    /// `aud`. If empty, the issuer itself: `aud` is never absent (RFC 9068 section 2.2).
    pub resources: &'a Resources,
    /// `authorization_details` (RFC 9396 section 9.1).
    pub authorization_details: Option<&'a AuthorizationDetails>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `cnf`.
    pub confirmation: Option<&'a Confirmation>,
    /// The approval, with the subject and their authentication. Without a subject `sub` is the client id (RFC 9068
    /// section 2.2).
    pub approval: &'a Approval,
    /// The claims of the host. None of them has the name of a claim above.
    pub host_claims: &'a HostClaims,
}

/// The content of an `id_token` (OpenID Connect Core section 2). `Debug` does not show the access token.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct IdTokenClaims<'a> {
    /// The client: `aud` and `azp`.
    pub client: &'a Client,
    /// `sub`.
    pub subject: &'a Subject,
    /// The authentication of the subject: `auth_time`, `acr`, `amr`, `sid`.
    pub approval: &'a Approval,
    /// The scope of the access token of the same response. Claims may depend on the scope (section 5.4).
    pub scope: &'a Scope,
    /// `nonce`. Present at redemption only (section 12.2).
    pub nonce: Option<&'a str>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// The access token of the same response, for `at_hash`.
    pub access_token: &'a str,
    /// The claims of the host. None of them has the name of a claim above.
    pub host_claims: &'a HostClaims,
}

impl<'a> AccessTokenClaims<'a> {
    /// Claims with the scope, resources and authorization details of the approval and without a confirmation, for tests
    /// of a [`JwtIssuer`].
    ///
    /// ```
    /// use regrant::clock::Timestamp;
    /// use regrant::jwt::AccessTokenClaims;
    /// use regrant::{Approval, Client, ClientId, Scope, Subject};
    ///
    /// let client = Client::new(ClientId::from_static("app"));
    /// let approval = Approval::of(Subject::from_static("demo")).with_scope(Scope::from_static("read"));
    /// let (from, to) = (Timestamp::from_millis(0), Timestamp::from_millis(3_600_000));
    /// let claims = AccessTokenClaims::new("reference", &client, &approval, from, to);
    /// assert_eq!(claims.scope.as_str(), "read");
    /// ```
    #[must_use]
    pub fn new(
        jti: &'a str,
        client: &'a Client,
        approval: &'a Approval,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        let (grant_type, scope, resources) = (&GrantType::AuthorizationCode, &approval.scope, &approval.resources);
        Self {
            jti,
            client,
            grant_type,
            scope,
            resources,
            authorization_details: approval.authorization_details.as_ref(),
            issued_at,
            expires_at,
            confirmation: None,
            approval,
            host_claims: HostClaims::none(),
        }
    }

    /// Sets the key to which the token is bound.
    #[must_use]
    pub fn with_confirmation(mut self, confirmation: impl Into<Option<&'a Confirmation>>) -> Self {
        self.confirmation = confirmation.into();
        self
    }

    /// Sets the claims of the host.
    #[must_use]
    pub const fn with_host_claims(mut self, claims: &'a HostClaims) -> Self {
        self.host_claims = claims;
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
        let (scope, host_claims) = (&approval.scope, HostClaims::none());
        Self { client, subject, approval, scope, nonce: None, issued_at, expires_at, access_token, host_claims }
    }

    /// Sets the nonce of the authentication request.
    #[must_use]
    pub fn with_nonce(mut self, nonce: impl Into<Option<&'a str>>) -> Self {
        self.nonce = nonce.into();
        self
    }

    /// Sets the claims of the host.
    #[must_use]
    pub const fn with_host_claims(mut self, claims: &'a HostClaims) -> Self {
        self.host_claims = claims;
        self
    }
}

/// The content of a userinfo response that is a JWT (OpenID Connect Core section 5.3.2). It never expires: the client
/// reads it at once, and without an `exp` it cannot pass for an `id_token`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UserInfoClaims<'a> {
    /// The client: `aud`.
    pub client: &'a Client,
    /// `sub`.
    pub subject: &'a Subject,
    /// `iat`.
    pub issued_at: Timestamp,
    /// The claims of the host. None of them has the name of a claim above.
    pub host_claims: &'a HostClaims,
}

impl<'a> UserInfoClaims<'a> {
    /// Claims for tests of a [`JwtIssuer`].
    #[must_use]
    pub const fn new(
        client: &'a Client,
        subject: &'a Subject,
        issued_at: Timestamp,
        host_claims: &'a HostClaims,
    ) -> Self {
        Self { client, subject, issued_at, host_claims }
    }
}

/// The facts of an `id_token` by which a client asks for a logout (`id_token_hint`, OpenID Connect RP-Initiated Logout
/// 1.0 section 2). The signature was verified; the token may have expired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdTokenHint {
    /// `aud`.
    pub client_id: ClientId,
    /// `sub`.
    pub subject: Subject,
    /// `sid`. Absent if the approval had no [`session_id`](Approval::session_id).
    pub session_id: Option<String>,
}

impl IdTokenHint {
    /// The facts of an `id_token`, for a [`JwtIssuer`].
    #[must_use]
    pub fn new(client_id: ClientId, subject: Subject, session_id: impl Into<Option<String>>) -> Self {
        Self { client_id, subject, session_id: session_id.into() }
    }
}
