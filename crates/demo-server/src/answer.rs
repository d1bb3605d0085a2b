use regrant::TokenError;
use regrant::event::ErrorCode;
use regrant::wire::{AuthorizationFault, MalformedRequest, Response};
use serde_json::json;

use crate::html::{Escaped, Page};

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

    /// The same for a person in a browser.
    pub(crate) fn page(&self) -> Response {
        let body = format!("<p id=\"error\">{}</p>\n", Escaped(&self.description));
        // A browser needs no challenge: the page is the answer.
        let status = if self.status == 401 { 403 } else { self.status };
        let response = Page { status, title: "This does not work", body, form_action: "" }.into();
        self.with_retry_after(response)
    }

    fn with_retry_after(&self, response: Response) -> Response {
        if matches!(self.status, 429 | 503) { response.with_header("retry-after", "1") } else { response }
    }
}

/// The log has the reason: each failure of the service is an event.
impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        Self::of(error.code())
    }
}

impl From<AuthorizationFault> for Problem {
    fn from(fault: AuthorizationFault) -> Self {
        Self::new(fault.status(), fault.code().as_str(), &fault.description())
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
            _ => problem.with_retry_after(response),
        }
    }
}
