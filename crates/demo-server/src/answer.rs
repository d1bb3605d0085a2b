use regrant::TokenError;
use regrant::event::ErrorCode;
use regrant::wire::{MalformedRequest, Response};
use serde_json::json;

/// The challenge of a 401 (RFC 9110 section 15.5.2): the two headers of AM's zero page login. AM sends no challenge;
/// browsers do not know this scheme and show no password dialog.
pub(crate) const CHALLENGE: &str = "X-OpenAM realm=\"/\"";

/// A refusal in the form of an OAuth error, sent to the caller without redirection.
#[derive(Debug)]
pub(crate) struct Problem {
    status: u16,
    error: &'static str,
    description: String,
}

impl Problem {
    pub(crate) fn new(status: u16, error: &'static str, description: &str) -> Self {
        Self { status, error, description: description.to_owned() }
    }

    pub(crate) fn invalid_request(description: &str) -> Self {
        Self::new(400, "invalid_request", description)
    }

    pub(crate) fn of(code: ErrorCode) -> Self {
        Self::new(code.status(), code.as_str(), code.description())
    }
}

/// The log has the reason: each failure of the service is an event.
impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        Self::of(error.code())
    }
}

impl From<MalformedRequest> for Problem {
    fn from(malformed: MalformedRequest) -> Self {
        Self::new(malformed.status(), malformed.code().as_str(), &malformed.to_string())
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let body = json!({ "error": problem.error, "error_description": problem.description });
        let response = Self::json(problem.status, &body);
        match problem.status {
            401 => response.with_header("www-authenticate", CHALLENGE),
            503 => response.with_header("retry-after", "1"),
            _ => response,
        }
    }
}
