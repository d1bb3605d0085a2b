//! Every answer, written out. No case takes its expectation from the library.

use regrant::wire::Endpoint;
use serde_json::{Value, json};

use super::clients::SCOPE;

/// The whole answer to a request.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// All headers except those of the server.
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    /// These bytes.
    Exactly(String),
    /// A JSON object with these members. A placeholder stands for a value.
    Json(Value),
    /// An empty body.
    Empty,
    /// An answer of the server's own, of at least the status, or none: regrant never sees the request.
    ServersOwn,
}

impl Answer {
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Turns the answer into a 401 with its challenge (RFC 9110 section 15.5.2), for credentials in the Authorization
    /// header (RFC 6749 section 5.2).
    pub(super) fn challenging(mut self) -> Self {
        self.status = 401;
        self.with("www-authenticate", "Basic realm=\"oauth2\", charset=\"UTF-8\"")
    }

    pub(super) fn bodyless(mut self) -> Self {
        self.body = Body::Empty;
        self
    }
}

/// RFC 6749 section 5.1: an answer that may hold a token is not cached.
fn uncached(status: u16, body: Body) -> Answer {
    let headers = [("content-type", "application/json"), ("cache-control", "no-store"), ("pragma", "no-cache")];
    Answer { status, headers: headers.into(), body }
}

pub(super) fn ok(json: Value) -> Answer {
    uncached(200, Body::Json(json))
}

/// A pushed request (RFC 9126 section 2.2), or a new client (RFC 7591 section 3.2.1).
pub(super) fn created(json: Value) -> Answer {
    uncached(201, Body::Json(json))
}

/// New tokens of this `token_type`.
pub(super) fn tokens_of_type(token_type: &str) -> Answer {
    ok(json!({
        "access_token": "{new.access_token}", "token_type": token_type, "expires_in": 3600,
        "refresh_token": "{new.refresh_token}", "scope": SCOPE,
    }))
}

/// New tokens: `{new.access_token}`, `{new.refresh_token}`.
pub(super) fn tokens() -> Answer {
    tokens_for(SCOPE)
}

/// New tokens for this scope.
pub(super) fn tokens_for(scope: &str) -> Answer {
    ok(json!({
        "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": "{new.refresh_token}", "scope": scope,
    }))
}

/// A new access token alone.
pub(super) fn access_token_for(scope: &str) -> Answer {
    ok(json!({ "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": 3600, "scope": scope }))
}

/// RFC 7009 section 2.2.
pub(super) fn revoked() -> Answer {
    uncached(200, Body::Exactly("{}".to_owned()))
}

/// RFC 7662 section 2.2.
pub(super) fn inactive() -> Answer {
    uncached(200, Body::Exactly("{\"active\":false}".to_owned()))
}

fn refused(status: u16, error: &str, description: &str) -> Answer {
    let body = format!("{{\"error\":\"{error}\",\"error_description\":\"{description}\"}}");
    uncached(status, Body::Exactly(body))
}

pub(super) fn invalid_request(description: &str) -> Answer {
    refused(400, "invalid_request", description)
}

pub(super) fn missing(parameter: &str) -> Answer {
    invalid_request(&format!("The parameter {parameter} is missing."))
}

/// Failed credentials in the body, at the token, revocation or device authorization endpoint.
pub(super) fn invalid_client() -> Answer {
    refused(400, "invalid_client", "Client authentication failed.")
}

/// Failed credentials in the body at any endpoint. Introspection always sends a challenge (RFC 7662 section 2.3).
pub(super) fn invalid_client_at(endpoint: Endpoint) -> Answer {
    if endpoint == Endpoint::Introspection { invalid_client().challenging() } else { invalid_client() }
}

pub(super) fn invalid_grant() -> Answer {
    refused(400, "invalid_grant", "The provided access grant is invalid, expired, or revoked.")
}

pub(super) fn unauthorized_client() -> Answer {
    refused(400, "unauthorized_client", "The client is not allowed to use this grant type.")
}

pub(super) fn unsupported_grant_type() -> Answer {
    refused(400, "unsupported_grant_type", "The grant type is not supported.")
}

pub(super) fn invalid_scope() -> Answer {
    refused(400, "invalid_scope", "The requested scope is invalid or exceeds what was granted.")
}

pub(super) fn malformed_scope() -> Answer {
    refused(400, "invalid_scope", "The scope is malformed.")
}

pub(super) fn invalid_target() -> Answer {
    refused(400, "invalid_target", "The requested resource is invalid or exceeds what was granted.")
}

pub(super) fn malformed_resource() -> Answer {
    refused(400, "invalid_target", "A resource must be an absolute URI without a fragment.")
}

pub(super) fn invalid_authorization_details() -> Answer {
    let description = "The authorization details are invalid or exceed what was granted.";
    refused(400, "invalid_authorization_details", description)
}

pub(super) fn malformed_authorization_details() -> Answer {
    let description = "The authorization_details must be a JSON array of objects with a type.";
    refused(400, "invalid_authorization_details", description)
}

pub(super) fn invalid_dpop_proof() -> Answer {
    refused(400, "invalid_dpop_proof", "The DPoP proof is missing or not valid for this request.")
}

pub(super) fn malformed_proof() -> Answer {
    refused(400, "invalid_dpop_proof", "There must be one well-formed DPoP proof.")
}

pub(super) fn use_dpop_nonce() -> Answer {
    refused(400, "use_dpop_nonce", "The DPoP proof must have the nonce of the DPoP-Nonce header.")
}

pub(super) fn unsupported_response_type() -> Answer {
    refused(400, "unsupported_response_type", "The response_type must be code.")
}

pub(super) fn invalid_request_object(description: &str) -> Answer {
    refused(400, "invalid_request_object", description)
}

pub(super) fn request_not_supported() -> Answer {
    refused(400, "request_not_supported", "The server reads no request objects.")
}

pub(super) fn pending() -> Answer {
    refused(400, "authorization_pending", "The user has not decided yet.")
}

pub(super) fn slow_down() -> Answer {
    refused(400, "slow_down", "The device polls too often.")
}

pub(super) fn expired_token() -> Answer {
    refused(400, "expired_token", "The device code has expired.")
}

pub(super) fn denied() -> Answer {
    refused(400, "access_denied", "The resource owner or the service denied the request.")
}

pub(super) fn not_served() -> Answer {
    refused(404, "invalid_request", "The server does not have this endpoint.")
}

pub(super) fn malformed_certificate() -> Answer {
    invalid_request("The client certificate is malformed.")
}

/// A well-formed request that lacks something.
pub(super) fn unfit_request() -> Answer {
    invalid_request("The request is missing a parameter, repeats one, or is otherwise malformed.")
}

pub(super) fn invalid_redirect_uri() -> Answer {
    let description =
        "Redirection URIs must be https, loopback or of a private-use scheme, without a fragment, and at most 16.";
    refused(400, "invalid_redirect_uri", description)
}

pub(super) fn invalid_client_metadata(description: &str) -> Answer {
    refused(400, "invalid_client_metadata", description)
}

/// A registration without the initial access token, or with another one.
pub(super) fn unauthorized_registration(error: Option<&str>) -> Answer {
    match error {
        None => refused(401, "invalid_token", "The initial access token is missing.")
            .with("www-authenticate", "Bearer realm=\"oauth2\""),
        Some(error) => refused(401, error, "The access token is not valid for this request.")
            .with("www-authenticate", "Bearer realm=\"oauth2\", error=\"invalid_token\""),
    }
}

pub(super) fn unavailable() -> Answer {
    let description = "The service is temporarily unavailable; try again.";
    refused(503, "temporarily_unavailable", description).with("retry-after", "1")
}

/// RFC 6585 section 4.
pub(super) fn too_many_attempts(retry_after: &'static str) -> Answer {
    let description = "There were too many attempts; try again later.";
    refused(429, "temporarily_unavailable", description).with("retry-after", retry_after)
}

pub(super) fn method_not_allowed() -> Answer {
    refused(405, "invalid_request", "The method must be POST.").with("allow", "POST")
}

pub(super) fn too_large() -> Answer {
    refused(413, "invalid_request", "The body is too large.")
}

pub(super) fn incomplete() -> Answer {
    invalid_request("The body is incomplete.")
}

pub(super) fn content_type() -> Answer {
    invalid_request("The content type must be application/x-www-form-urlencoded.")
}

pub(super) fn not_utf_8() -> Answer {
    invalid_request("The body is not form-encoded UTF-8.")
}

pub(super) fn repeated() -> Answer {
    invalid_request("A parameter is repeated.")
}

pub(super) fn no_client() -> Answer {
    invalid_request("Client authentication is missing.")
}

pub(super) fn several_authentications() -> Answer {
    invalid_request("Client authentication must be done in exactly one way.")
}

pub(super) fn malformed_authorization() -> Answer {
    invalid_request("The Authorization header must be well-formed Basic authentication.")
}

pub(super) fn malformed_client_id() -> Answer {
    invalid_request("The client_id is malformed.")
}

/// A refusal, in the server's own words, of bytes that are not HTTP.
pub(super) fn refused_by_the_server() -> Answer {
    Answer { status: 400, headers: Vec::new(), body: Body::ServersOwn }
}

/// Anything but a success, in the server's own words, at a path that is no endpoint.
pub(super) fn served_by_nobody() -> Answer {
    Answer { status: 300, headers: Vec::new(), body: Body::ServersOwn }
}
