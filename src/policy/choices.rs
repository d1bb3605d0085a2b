use serde::{Deserialize, Serialize};

/// The reaction to a spent refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnReuse {
    /// Revoke the grant and all its tokens (RFC 9700 section 4.14.2).
    Revoke,
    /// Refuse the request and report it; the grant lives on.
    Refuse,
}

/// The fate of earlier access tokens on refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PreviousAccessToken {
    /// They live until they expire.
    Keep,
    /// They die with the refresh.
    Revoke,
}

/// The answer to a token that is ahead of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnRollback {
    /// Adopt the token as the head: nobody is logged out by a failover.
    Heal,
    /// Refuse it; the user has to sign in again.
    Refuse,
}

/// How access tokens look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessTokenFormat {
    /// A reference that only the service can read: revoked is revoked at once.
    Opaque,
    /// A signed JWT (RFC 9068). A resource server that does not introspect accepts it until it expires, revoked or not.
    Jwt,
}

/// What access tokens must be bound to, so that a stolen one is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SenderConstraint {
    /// To a DPoP key if the request has a proof, otherwise to nothing.
    Optional,
    /// To a DPoP key (RFC 9449): a request without a proof is refused (`dpop_bound_access_tokens`).
    Dpop,
    /// To the client certificate (RFC 8705 section 3): a request without one is refused
    /// (`tls_client_certificate_bound_access_tokens`).
    Certificate,
    /// To a DPoP key if the request has a proof, otherwise to the client certificate; without either it is refused.
    Either,
}

/// Who must use PKCE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequirePkce {
    /// Nobody has to; a challenge that was sent is always enforced.
    Nobody,
    /// Clients that do not authenticate.
    PublicClients,
    /// Every client.
    Everybody,
}
