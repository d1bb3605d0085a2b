//! The error words of the protocol.

/// An `error` value of RFC 6749 and its extensions, with its fixed description and status. Nothing a client sent is ever
/// echoed, so no error text can carry characters that RFC 6749 section 5.2 forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// `invalid_request` (RFC 6749 section 5.2).
    InvalidRequest,
    /// `invalid_client` (RFC 6749 section 5.2).
    InvalidClient,
    /// `invalid_grant` (RFC 6749 section 5.2). Clients take it for the end of the session, so it is said only when it is.
    InvalidGrant,
    /// `unauthorized_client` (RFC 6749 section 5.2).
    UnauthorizedClient,
    /// `unsupported_grant_type` (RFC 6749 section 5.2).
    UnsupportedGrantType,
    /// `invalid_scope` (RFC 6749 section 5.2).
    InvalidScope,
    /// `invalid_target` (RFC 8707 section 2).
    InvalidTarget,
    /// `invalid_dpop_proof` (RFC 9449 section 5).
    InvalidDpopProof,
    /// `use_dpop_nonce` (RFC 9449 section 8): the nonce to use is in the header `DPoP-Nonce`.
    UseDpopNonce,
    /// `authorization_pending` (RFC 8628 section 3.5): poll on.
    AuthorizationPending,
    /// `slow_down` (RFC 8628 section 3.5): poll on, and wait 5 seconds longer from now on.
    SlowDown,
    /// `expired_token` (RFC 8628 section 3.5): begin a new device authorization.
    ExpiredToken,
    /// `access_denied` (RFC 6749 section 4.1.2.1, RFC 8628 section 3.5): for authorization endpoints, and devices.
    AccessDenied,
    /// `unsupported_response_type` (RFC 6749 section 4.1.2.1), for authorization endpoints.
    UnsupportedResponseType,
    /// `temporarily_unavailable` (RFC 6749 section 4.1.2.1, used with 503 as RFC 7009 section 2.2.1 does): try again.
    /// It may be unknown if anything was stored; the same request again settles it.
    TemporarilyUnavailable,
    /// `server_error` (RFC 6749 section 4.1.2.1): trying again does not help until somebody mends the service.
    ServerError,
}

impl ErrorCode {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }

    /// The `error_description` on the wire: one for each word, whatever the cause.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is missing a parameter, repeats one, or is otherwise malformed.",
            Self::InvalidClient => "Client authentication failed.",
            Self::InvalidGrant => "The provided access grant is invalid, expired, or revoked.",
            Self::UnauthorizedClient => "The client is not allowed to use this grant type.",
            Self::UnsupportedGrantType => "The grant type is not supported.",
            Self::InvalidScope => "The requested scope is invalid or exceeds what was granted.",
            Self::InvalidTarget => "The requested resource is invalid or exceeds what was granted.",
            Self::InvalidDpopProof => "The DPoP proof is missing or not valid for this request.",
            Self::UseDpopNonce => "The DPoP proof must have the nonce of the DPoP-Nonce header.",
            Self::AuthorizationPending => "The user has not decided yet.",
            Self::SlowDown => "The device polls too often.",
            Self::ExpiredToken => "The device code has expired.",
            Self::AccessDenied => "The resource owner or the service denied the request.",
            Self::UnsupportedResponseType => "The response type is not supported.",
            Self::TemporarilyUnavailable => "The service is temporarily unavailable; try again.",
            Self::ServerError => "The service is not able to answer.",
        }
    }

    /// The HTTP status: 400 unless a specification says otherwise. `invalid_client` becomes 401 where the answer has a
    /// challenge, and only there (RFC 9110 section 15.5.2).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}
