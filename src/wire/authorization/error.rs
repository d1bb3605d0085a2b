use std::borrow::Cow;

use super::redirection::Redirection;
use crate::outcome::{ErrorCode, Refusal};
use crate::service::TokenError;
use crate::wire::Response;
use crate::wire::failure::Failure;

/// The reason why an authorization request has no code for an answer. The reason is in the events; the texts contain
/// nothing that was sent.
///
/// ```
/// use regrant::wire::{AuthorizationError, Response};
///
/// /// A host with pages of its own.
/// fn answered(error: AuthorizationError) -> Response {
///     match error {
///         AuthorizationError::Redirect { response, .. } => response,
///         AuthorizationError::Show(fault) => page(fault.status(), &fault.description()),
///     }
/// }
/// # fn page(status: u16, text: &str) -> Response { Response::json(status, &text) }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "an error is sent to the client or shown to the user")]
pub enum AuthorizationError {
    /// An error for the client: the response redirects the browser to the registered URI.
    #[error("the authorization request is answered with {}", .code.as_str())]
    Redirect {
        /// The error code in the response.
        code: ErrorCode,
        /// The response to send.
        response: Response,
    },
    /// An error for the user. There is no URI that is known to be the client's, or an outage may end soon: the user
    /// sends the same request or form again.
    #[error("the authorization request is answered with a page: {}", .0.description())]
    Show(AuthorizationFault),
}

/// An error that is shown to the user, with a fixed text.
#[derive(Clone, Debug)]
pub struct AuthorizationFault(Failure);

impl AuthorizationError {
    /// Returns the error code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Redirect { code, .. } => *code,
            Self::Show(fault) => fault.code(),
        }
    }

    /// Returns the response: the redirection, or a [plain text](AuthorizationFault::response) for the user.
    #[must_use]
    pub fn response(self) -> Response {
        match self {
            Self::Redirect { response, .. } => response,
            Self::Show(fault) => fault.response(),
        }
    }

    /// Sends the failure to the client, if there is a way and a retry does not help. The answer of the client to an
    /// outage would be a page without a way back to the form.
    pub(super) fn of(failure: Failure, redirection: Option<&Redirection>) -> Self {
        let fault = AuthorizationFault(failure);
        let may_retry = matches!(fault.code(), ErrorCode::TemporarilyUnavailable | ErrorCode::TooManyRequests);
        match redirection.filter(|_| !may_retry) {
            Some(redirection) => {
                let code = fault.code();
                Self::Redirect { code, response: redirection.error(code, &fault.description()) }
            }
            None => Self::Show(fault),
        }
    }
}

impl From<AuthorizationError> for Response {
    fn from(error: AuthorizationError) -> Self {
        error.response()
    }
}

impl AuthorizationFault {
    /// Returns the HTTP status: 400, 405, 413, 429, 500 or 503.
    #[must_use]
    pub fn status(&self) -> u16 {
        match &self.0 {
            Failure::Malformed(malformed) => malformed.status(),
            failure => failure.code().status(),
        }
    }

    /// Returns the error code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code()
    }

    /// Returns the text for the user. It is plain text in English.
    #[must_use]
    pub fn description(&self) -> Cow<'static, str> {
        self.0.description()
    }

    /// Returns the text as a response, with `Allow` for 405 and `Retry-After` for 429 and 503. A host that shows a page
    /// of its own takes the headers from it.
    #[must_use]
    pub fn response(&self) -> Response {
        let text = format!("{}\n", self.description());
        let response = Response { body: text.into_bytes(), ..Response::empty(self.status()) };
        let response = response
            .with_header("content-type", "text/plain; charset=utf-8")
            .with_header("x-content-type-options", "nosniff")
            .not_stored();
        self.0.with_headers(response)
    }
}

/// Returns the failure for an error of the service. These refusals have texts of their own, since the developer of the
/// client sees nothing else.
pub(super) fn described(error: TokenError) -> Failure {
    match error {
        TokenError::Refused(refusal) => match text(refusal) {
            Some(text) => Failure::Described(refusal.code(), text),
            None => Failure::Code(refusal.code()),
        },
        error => error.into(),
    }
}

const fn text(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        // One text: a stranger must not find out which clients there are.
        Refusal::ClientUnknown | Refusal::RedirectUriNotRegistered => {
            Some("The client_id and the redirect_uri must be those of a registered client.")
        }
        Refusal::RedirectUriMissing => Some("The parameter redirect_uri is missing."),
        Refusal::CodeChallengeRequired => Some("The parameter code_challenge is missing: the client must use PKCE."),
        Refusal::RequestObjectRequired => Some("The parameter request is missing: the client must sign its requests."),
        Refusal::PushedRequestRequired => {
            Some("The parameter request_uri is missing: the client must push its requests.")
        }
        Refusal::PushedRequestTooLarge => Some("The request is too large."),
        Refusal::ScopeMissing => Some("The parameter scope is missing, and the client has no default."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_the_developer_of_the_client_can_mend_says_how() {
        for (refusal, words) in [
            (Refusal::ClientUnknown, "client_id and the redirect_uri"),
            (Refusal::RedirectUriNotRegistered, "client_id and the redirect_uri"),
            (Refusal::RedirectUriMissing, "redirect_uri is missing"),
            (Refusal::CodeChallengeRequired, "code_challenge is missing"),
            (Refusal::RequestObjectRequired, "request is missing"),
            (Refusal::PushedRequestRequired, "request_uri is missing"),
            (Refusal::PushedRequestTooLarge, "too large"),
            (Refusal::ScopeMissing, "scope is missing"),
        ] {
            let Failure::Described(code, text) = described(TokenError::Refused(refusal)) else { panic!("{refusal:?}") };
            assert!(code == refusal.code() && text.contains(words), "{code:?} {text}");
        }
    }
}
