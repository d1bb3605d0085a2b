//! Userinfo (OpenID Connect Core section 5.3): claims about the resource owner, for the holder of an access token.

use std::fmt;

use crate::ports::host::HostClaims;
use crate::vocabulary::{AccessToken, ClientId, GrantId, PresentedKeys, Subject, TokenType};

/// A userinfo request: an access token, and the keys that the request presents. No client authenticates.
///
/// ```
/// use regrant::openid::UserInfoRequest;
/// use regrant::proof::{DpopProof, PresentedKeys};
/// use regrant::token::TokenType;
///
/// # let (token, header) = ("at_AAEC", String::new());
/// // Authorization: Bearer at_AAEC
/// let bearer = UserInfoRequest::new(token);
/// // Authorization: DPoP at_AAEC
/// let proof =
///     DpopProof { jwt: header, method: "GET".into(), url: "https://as.example/oauth2/userinfo".into() };
/// let bound = UserInfoRequest::new(token)
///     .with_token_type(TokenType::Dpop)
///     .with_presented_keys(PresentedKeys::none().with_dpop(proof));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UserInfoRequest {
    /// The access token: opaque or a JWT.
    pub access_token: AccessToken,
    /// The scheme of the `Authorization` header. A token in the body is a bearer token (RFC 6750 section 2.2). Default
    /// `Bearer`.
    pub token_type: TokenType,
    /// The keys that the request presents. A bound token needs its key. Default none.
    pub presented_keys: PresentedKeys,
}

impl UserInfoRequest {
    /// A request with a bearer token and without keys.
    #[must_use]
    pub fn new(access_token: impl Into<AccessToken>) -> Self {
        Self { access_token: access_token.into(), token_type: TokenType::Bearer, presented_keys: PresentedKeys::none() }
    }

    /// Sets the scheme by which the token is presented.
    #[must_use]
    pub const fn with_token_type(mut self, token_type: TokenType) -> Self {
        self.token_type = token_type;
        self
    }

    /// Sets the keys that the request presents.
    #[must_use]
    pub fn with_presented_keys(mut self, presented_keys: PresentedKeys) -> Self {
        self.presented_keys = presented_keys;
        self
    }
}

/// A userinfo response. The wire layer writes `sub` and the claims as JSON, or sends the JWT. `Debug` shows no claim
/// and no JWT: claims are personal data.
#[derive(Clone)]
#[non_exhaustive]
pub struct UserInfoResponse {
    /// `sub`. A client compares it with the `sub` of its `id_token` (OpenID Connect Core section 5.3.2).
    pub subject: Subject,
    /// The claims of the [`ClaimsSource`](crate::host::ClaimsSource).
    pub host_claims: HostClaims,
    /// The response as a JWT, if the client is registered for one
    /// ([`userinfo_signed_response`](crate::Client::userinfo_signed_response)). The client must not get JSON then.
    pub jwt: Option<String>,
    /// The client that the token was issued to. For the host.
    pub client_id: ClientId,
    /// The id of the grant. For the host.
    pub grant_id: GrantId,
}

impl fmt::Debug for UserInfoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfoResponse")
            .field("subject", &self.subject)
            .field("host_claims", &self.host_claims)
            .field("client_id", &self.client_id)
            .field("grant_id", &self.grant_id)
            .finish_non_exhaustive()
    }
}
