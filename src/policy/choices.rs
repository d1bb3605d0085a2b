use serde::{Deserialize, Serialize};

/// The reaction to the reuse of a spent refresh token. In a configuration file `"revoke"` or `"refuse"`.
///
/// Two parties hold the tokens of one grant, and one of them is a thief. The service cannot know which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnReuse {
    /// Revoke the grant and all its tokens (RFC 9700 section 4.14.2). Both parties lose access, and the user signs in
    /// again.
    Revoke,
    /// Refuse the request and report the reuse. The grant stays valid. A thief who holds the current token keeps access
    /// until the host reacts to the event.
    Refuse,
}

/// The effect of a refresh on earlier access tokens. In a configuration file `"keep"` or `"revoke"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PreviousAccessToken {
    /// They stay valid until they expire. Parallel requests with the earlier token do not fail.
    Keep,
    /// The refresh revokes them. Resource servers that verify JWTs without introspection do not notice.
    Revoke,
}

/// The reaction to a refresh token that is ahead of its record, because the store lost writes. In a configuration file
/// `"heal"` or `"refuse"`. With a store that never loses an acknowledged write the two are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnRollback {
    /// Accept the token as the current one. A failover logs out no user.
    Heal,
    /// Refuse the token. The user has to sign in again.
    Refuse,
}

/// The format of access tokens. In a configuration file `"opaque"` or `"jwt"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessTokenFormat {
    /// A reference that only the service can read. Revocation takes effect at once.
    Opaque,
    /// A signed JWT (RFC 9068). A resource server without introspection accepts the token until it expires, even if
    /// it was revoked. Choose a short lifetime then. The service needs a [`JwtIssuer`](crate::jwt::JwtIssuer).
    Jwt,
}

/// The reaction to a requested scope that the client is not registered for. In a configuration file `"refuse"` or
/// `"ignore"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnUnknownScope {
    /// Refuse the request with `invalid_scope`, unless it is an OpenID Connect request.
    Refuse,
    /// Ignore the unknown tokens of the scope. The response tells the granted scope (RFC 6749 section 3.3).
    Ignore,
}

/// The key to which access tokens must be bound. A stolen token is useless without the key. In a configuration file
/// `"optional"`, `"dpop"`, `"certificate"` or `"either"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SenderConstraint {
    /// A DPoP key if the request has a proof, otherwise none.
    Optional,
    /// A DPoP key (RFC 9449). A request without a proof is refused (`dpop_bound_access_tokens`).
    Dpop,
    /// The client certificate (RFC 8705 section 3). A request without a certificate is refused
    /// (`tls_client_certificate_bound_access_tokens`).
    Certificate,
    /// A DPoP key if the request has a proof, otherwise the client certificate. A request without either is refused.
    Either,
}

/// The clients that must use PKCE (RFC 7636). In a configuration file `"nobody"`, `"public_clients"` or `"everybody"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequirePkce {
    /// None. A challenge that was sent is enforced all the same.
    Nobody,
    /// Public clients. Their codes can be redeemed by anyone who sees them, since no authentication protects them.
    PublicClients,
    /// All clients, as OAuth 2.1 and FAPI 2.0 require. PKCE also stops an attacker who injects a stolen code into the
    /// session of a confidential client (RFC 9700 section 4.5).
    Everybody,
}

/// The members of a token response that tell when the refresh token expires. In a configuration file `"none"` or
/// `"draft"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefreshTokenExpiration {
    /// No member, as in OAuth 2.1 (draft -16, section 1.3.2). A client learns of the expiry by `invalid_grant`.
    None,
    /// `refresh_token_timeout` and `authorization_expires_in`, as in draft-ietf-oauth-refresh-token-expiration-03. The
    /// names may change until the draft is an RFC.
    Draft,
}
