use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use regrant::ErrorCode;
use serde_json::json;

/// A refusal in the form of OAuth errors, shown to the caller: nobody is redirected.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl Problem {
    pub(crate) const fn new(status: StatusCode, error: &'static str, description: &'static str) -> Self {
        Self { status, error, description }
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// Nothing was consumed; the same request may succeed in a moment.
    pub(crate) const fn unavailable() -> Self {
        let code = ErrorCode::TemporarilyUnavailable;
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code.as_str(), code.description())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.error, "error_description": self.description }));
        let response = (self.status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            return ([(header::RETRY_AFTER, "1")], response).into_response();
        }
        response
    }
}
