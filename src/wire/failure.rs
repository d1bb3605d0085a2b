//! Error responses.
//!
//! | failure | status | body and headers |
//! |---|---|---|
//! | malformed request | 400, 404, 405 or 413 | the fault, and `Allow` for 405 |
//! | `invalid_client`, for credentials in a header | 401 | the code, and `WWW-Authenticate` |
//! | another refusal | 400 | the code and its fixed text |
//! | too many attempts | 429 | `temporarily_unavailable`, `Retry-After` |
//! | outage | 503 | `temporarily_unavailable`, `Retry-After` |
//! | failure that will repeat | 500 | `server_error` |
//!
//! The userinfo endpoint is a protected resource and has the challenges of RFC 6750: see `user_info`.
//!
//! A body contains fixed texts alone, never a text that the client sent. So no response can reflect a script or a
//! secret, and two refusals with one code have equal bodies: the cause is for the host.

use std::borrow::Cow;
use std::time::Duration;

use super::{Endpoint, MalformedRequest, Request, Response};
use crate::outcome::ErrorCode;
use crate::service::TokenError;

/// The `retry-after` of a 503, in seconds. It is short, because a failover takes seconds and users wait.
const RETRY_AFTER: &str = "1";

/// The reason why an endpoint responds with an error.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// A malformed request. It has not been reported to the host yet.
    ///
    /// The client may see the fault: it is its own mistake and reveals nothing about tokens.
    Malformed(MalformedRequest),
    /// An error of the service, which has reported it to the host.
    ///
    /// Only the code reaches this module, so the cause of a refusal cannot leak into a response.
    Code(ErrorCode),
    /// The same, with a text that says more than that of the code. For authorization requests, where the text reveals
    /// nothing but the mistake of the client.
    Described(ErrorCode, &'static str),
    /// The rate limit admits no further attempt before this time has passed.
    RateLimited(Duration),
}

impl Failure {
    /// Returns the error code.
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::Malformed(malformed) => malformed.code(),
            Self::Code(code) | Self::Described(code, _) => code,
            Self::RateLimited(_) => ErrorCode::TooManyRequests,
        }
    }

    /// Returns the text of the error.
    pub(super) fn description(self) -> Cow<'static, str> {
        match self {
            Self::Malformed(malformed) => malformed.to_string().into(),
            Self::Described(_, text) => text.into(),
            failure => failure.code().description().into(),
        }
    }

    /// Returns the JSON with the text of the code.
    fn json(self) -> Response {
        let code = self.code();
        self.with_headers(described(code.status(), code, code.description()))
    }

    /// Adds the header that tells the next step: the allowed methods, or the time to wait (RFC 9110 sections 15.5.6 and
    /// 10.2.3, RFC 6585 section 4).
    pub(super) fn with_headers(self, response: Response) -> Response {
        match self {
            Self::Malformed(MalformedRequest::Method(allowed)) => response.with_header("allow", allowed),
            // In whole seconds, rounded up: a client that comes back too early would be refused again.
            Self::RateLimited(wait) => {
                response.with_header("retry-after", wait.as_millis().div_ceil(1000).max(1).to_string())
            }
            failure if failure.code() == ErrorCode::TemporarilyUnavailable => {
                response.with_header("retry-after", RETRY_AFTER)
            }
            _ => response,
        }
    }

    /// Returns the error response. It depends on the endpoint and the request only for `invalid_client`.
    pub(super) fn response(self, endpoint: Endpoint, request: &Request<'_>) -> Response {
        let is_introspection = endpoint == Endpoint::Introspection;
        let (code, response) = match self {
            // RFC 7662 section 2.3: a caller without credentials gets a 401 and a challenge.
            Self::Malformed(MalformedRequest::NoClient) if is_introspection => {
                (ErrorCode::InvalidClient, error(ErrorCode::InvalidClient))
            }
            Self::Malformed(malformed) => (malformed.code(), malformed.response()),
            Self::Described(code, text) => (code, described(code.status(), code, text)),
            failure => (failure.code(), failure.json()),
        };
        // RFC 6749 section 5.2: credentials in the Authorization header get a challenge. Credentials in the body do
        // not: a challenge makes browsers ask the user for a password.
        let has_challenge = is_introspection || request.has_header("authorization");
        if code == ErrorCode::InvalidClient && has_challenge { response.with_challenge() } else { response }
    }
}

impl<E: Into<MalformedRequest>> From<E> for Failure {
    fn from(malformed: E) -> Self {
        Self::Malformed(malformed.into())
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::RateLimited { retry_after } => Self::RateLimited(retry_after),
            error => Self::Code(error.code()),
        }
    }
}

impl From<TokenError> for Response {
    /// Returns the error response of the token endpoint, for a host's own endpoints: the code as JSON, and the time to
    /// wait where a retry helps. The cause is for the host alone.
    ///
    /// ```
    /// use regrant::TokenError;
    /// use regrant::wire::Response;
    ///
    /// let response = Response::from(TokenError::Contended);
    /// assert_eq!(response.status, 503);
    /// assert!(response.headers.contains(&("retry-after", "1".into())));
    /// ```
    fn from(error: TokenError) -> Self {
        Failure::from(error).json()
    }
}

impl MalformedRequest {
    /// Returns the whole error response, with status, headers and a JSON body. For adapters and a host's own endpoints.
    ///
    /// ```
    /// use regrant::wire::MalformedRequest;
    ///
    /// let response = MalformedRequest::Method("POST").response();
    /// assert_eq!(response.status, 405);
    /// assert!(response.headers.contains(&("allow", "POST".into())));
    /// assert!(response.headers.contains(&("cache-control", "no-store".into())));
    /// ```
    #[must_use]
    pub fn response(self) -> Response {
        Failure::Malformed(self).with_headers(described(self.status(), self.code(), &self.to_string()))
    }
}

/// Returns the response of an error code.
pub(super) fn error(code: ErrorCode) -> Response {
    Failure::Code(code).json()
}

/// Returns the response to one attempt too many.
pub(super) fn rate_limited(wait: Duration) -> Response {
    Failure::RateLimited(wait).json()
}

/// Returns the JSON of an error (RFC 6749 section 5.2). There is no `error_uri`.
pub(super) fn described(status: u16, code: ErrorCode, description: &str) -> Response {
    Response::object(status, &[("error", Some(code.as_str().into())), ("error_description", Some(description.into()))])
}
