//! The error codes of the protocol, with one text and one status each.

/// An `error` value of RFC 6749 and its extensions, with its fixed description and status.
///
/// The texts never contain input of the client, so they cannot contain characters that RFC 6749 section 5.2 forbids.
///
/// | the client | on |
/// |---|---|
/// | starts a new session | `invalid_grant`, `expired_token`, `access_denied` |
/// | refreshes, and sends the request with the new access token | `invalid_token` |
/// | sends the same request again, later | `temporarily_unavailable` (503, 429), `authorization_pending`, `slow_down` |
/// | sends the request with the new nonce | `use_dpop_nonce` |
/// | waits for the operator | `server_error` |
/// | signs the user in again, with a page | `login_required`, `consent_required` and their like |
/// | is misconfigured, and retries in vain | all others |
///
/// ```
/// use regrant::event::ErrorCode;
///
/// assert_eq!((ErrorCode::InvalidGrant.as_str(), ErrorCode::InvalidGrant.status()), ("invalid_grant", 400));
/// assert_eq!(ErrorCode::TemporarilyUnavailable.status(), 503);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// `invalid_request` (RFC 6749 section 5.2). A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// `invalid_client` (RFC 6749 section 5.2). One answer for an unknown client, a wrong secret and a wrong method, so
    /// that it does not reveal which clients exist.
    InvalidClient,
    /// `invalid_grant` (RFC 6749 section 5.2). Clients end the session on it, so it is used only for final refusals.
    InvalidGrant,
    /// `unauthorized_client` (RFC 6749 section 5.2). The client is not registered for the flow.
    UnauthorizedClient,
    /// `unsupported_grant_type` (RFC 6749 section 5.2). The server does not offer the flow.
    UnsupportedGrantType,
    /// `invalid_scope` (RFC 6749 section 5.2). The scope is malformed, or exceeds the grant or the registration.
    InvalidScope,
    /// `invalid_target` (RFC 8707 section 2). A resource is malformed, or outside of the grant or the registration.
    InvalidTarget,
    /// `invalid_authorization_details` (RFC 9396 section 5). They are malformed, of a type that is not registered, or
    /// exceed the grant.
    InvalidAuthorizationDetails,
    /// `invalid_dpop_proof` (RFC 9449 section 5). The proof is missing, malformed, expired, or was used before.
    InvalidDpopProof,
    /// `use_dpop_nonce` (RFC 9449 section 8). The nonce is in the header `DPoP-Nonce`.
    UseDpopNonce,
    /// `invalid_token` (RFC 6750 section 3.1), at a protected resource such as the userinfo endpoint. One answer for an
    /// access token that is unknown, has ended, or is bound to a key that the sender does not have.
    InvalidToken,
    /// `insufficient_scope` (RFC 6750 section 3.1), at a protected resource.
    InsufficientScope,
    /// `authorization_pending` (RFC 8628 section 3.5). The device continues to poll.
    AuthorizationPending,
    /// `slow_down` (RFC 8628 section 3.5). The device continues to poll, with an interval that is 5 seconds longer.
    SlowDown,
    /// `expired_token` (RFC 8628 section 3.5). The device starts a new device authorization.
    ExpiredToken,
    /// `access_denied` (RFC 6749 section 4.1.2.1, RFC 8628 section 3.5), for authorization endpoints and devices.
    AccessDenied,
    /// `unsupported_response_type` (RFC 6749 section 4.1.2.1), for authorization endpoints.
    UnsupportedResponseType,
    /// `login_required` (OpenID Connect Core section 3.1.2.6). The user must sign in, and the client asked for no page.
    LoginRequired,
    /// `consent_required` (OpenID Connect Core section 3.1.2.6). The user must consent, and the client asked for no
    /// page.
    ConsentRequired,
    /// `account_selection_required` (OpenID Connect Core section 3.1.2.6). The user must choose an account, and the
    /// client asked for no page.
    AccountSelectionRequired,
    /// `interaction_required` (OpenID Connect Core section 3.1.2.6). A page is needed for another reason, and the
    /// client asked for none.
    InteractionRequired,
    /// `invalid_request_object` (RFC 9101 section 7). The request object is malformed, expired, or not signed by the
    /// client.
    InvalidRequestObject,
    /// `request_not_supported` (RFC 9101 section 7). The server reads no request objects.
    RequestNotSupported,
    /// `request_uri_not_supported` (RFC 9101 section 7). The server reads no request objects at the URLs of clients.
    RequestUriNotSupported,
    /// `registration_not_supported` (OpenID Connect Core section 3.1.2.6). The server reads no metadata of a client in
    /// a request.
    RegistrationNotSupported,
    /// `invalid_request_uri` (RFC 9101 section 7), for authorization endpoints. One answer for a `request_uri` that is
    /// unknown, expired, used or of another client.
    InvalidRequestUri,
    /// `invalid_redirect_uri` (RFC 7591 section 3.2.2), at the registration endpoint.
    InvalidRedirectUri,
    /// `invalid_client_metadata` (RFC 7591 section 3.2.2), at the registration endpoint.
    InvalidClientMetadata,
    /// `temporarily_unavailable` (RFC 6749 section 4.1.2.1), with status 503 as in RFC 7009 section 2.2.1. The client
    /// sends the same request again. If the first one was stored after all, the second one is answered in the same
    /// way.
    TemporarilyUnavailable,
    /// `temporarily_unavailable` with status 429 (RFC 6585 section 4): too many attempts. No specification has a word
    /// of its own for it, and clients know this one: they must not end the session on it.
    TooManyRequests,
    /// `server_error` (RFC 6749 section 4.1.2.1). Further attempts fail until an operator repairs the service.
    ServerError,
}

impl ErrorCode {
    /// Returns the value of `error` on the wire.
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
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::InteractionRequired => "interaction_required",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::TemporarilyUnavailable | Self::TooManyRequests => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }

    /// Returns the `error_description` on the wire. It depends on the code only, never on the cause.
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
            Self::InvalidAuthorizationDetails => "The authorization details are invalid or exceed what was granted.",
            Self::InvalidDpopProof => "The DPoP proof is missing or not valid for this request.",
            Self::UseDpopNonce => "The DPoP proof must have the nonce of the DPoP-Nonce header.",
            Self::InvalidToken => "The access token is not valid for this request.",
            Self::InsufficientScope => "The access token does not have the scope that is needed.",
            Self::AuthorizationPending => "The user has not decided yet.",
            Self::SlowDown => "The device polls too often.",
            Self::ExpiredToken => "The device code has expired.",
            Self::AccessDenied => "The resource owner or the service denied the request.",
            Self::UnsupportedResponseType => "The response type is not supported.",
            Self::LoginRequired => "The user must sign in.",
            Self::ConsentRequired => "The user must consent.",
            Self::AccountSelectionRequired => "The user must choose an account.",
            Self::InteractionRequired => "The user must be asked.",
            Self::InvalidRequestObject => "The request object is not accepted.",
            Self::RequestNotSupported => "The server reads no request objects.",
            Self::RequestUriNotSupported => "The server reads no request_uri but its own.",
            Self::RegistrationNotSupported => "The server reads no metadata of a client in a request.",
            Self::InvalidRequestUri => "The request_uri is unknown, has expired, or was used before.",
            Self::InvalidRedirectUri => "A redirection URI is missing or not accepted.",
            Self::InvalidClientMetadata => "The metadata of the client are not accepted.",
            Self::TemporarilyUnavailable => "The service is temporarily unavailable; try again.",
            Self::TooManyRequests => "There were too many attempts; try again later.",
            Self::ServerError => "The service is not able to answer.",
        }
    }

    /// Returns the HTTP status: 400 unless a specification differs. A response with a challenge has 401 instead (RFC
    /// 9110 section 15.5.2), for example `invalid_dpop_proof` at a protected resource (RFC 9449 section 7.1).
    ///
    /// ```
    /// use regrant::event::ErrorCode;
    ///
    /// // A client repeats the same request on 503 and 429 only.
    /// let is_retryable = |code: ErrorCode| matches!(code.status(), 503 | 429);
    /// assert!(is_retryable(ErrorCode::TemporarilyUnavailable));
    /// assert!(!is_retryable(ErrorCode::InvalidGrant));
    /// ```
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TooManyRequests => 429,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            _ => 400,
        }
    }
}
