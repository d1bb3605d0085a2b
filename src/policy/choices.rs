use serde::{Deserialize, Serialize};

/// The reaction to the reuse of a spent refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnReuse {
    /// Revoke the grant and all its tokens (RFC 9700 section 4.14.2).
    Revoke,
    /// Refuse the request and report the reuse. The grant stays valid.
    Refuse,
}

/// The effect of a refresh on earlier access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PreviousAccessToken {
    /// They stay valid until they expire.
    Keep,
    /// The refresh revokes them.
    Revoke,
}

/// The reaction to a refresh token that is ahead of its record, because the store lost writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnRollback {
    /// Accept the token as the current one. A failover logs out no user.
    Heal,
    /// Refuse the token. The user has to sign in again.
    Refuse,
}

/// The format of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessTokenFormat {
    /// A reference that only the service can read. Revocation takes effect at once.
    Opaque,
    /// A signed JWT (RFC 9068). A resource server without introspection accepts the token until it expires, even if
    /// it was revoked.
    Jwt,
}

/// The key to which access tokens must be bound. A stolen token is useless without the key.
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

/// The clients that must use PKCE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequirePkce {
    /// None. A challenge that was sent is enforced all the same.
    Nobody,
    /// Public clients.
    PublicClients,
    /// All clients.
    Everybody,
}
