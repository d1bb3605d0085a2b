//! JSON bodies. Absent members are left out, never null; numbers are integers (clients refuse anything else).

use serde::Serialize;

use super::{MalformedRequest, Response, introspection, requested};
use crate::engine::{DeviceAuthorizationResponse, TokenResponse};
use crate::outcome::ErrorCode;
use crate::vocabulary::{IdToken, RefreshToken};

/// How long a client should wait before it tries again, in seconds.
const RETRY_AFTER: &str = "1";

const CHALLENGE: &str = "Basic realm=\"oauth2\", charset=\"UTF-8\"";

#[derive(Serialize)]
struct ErrorBody {
    error: &'static str,
    error_description: String,
}

pub(super) fn error(code: ErrorCode) -> Response {
    let body = ErrorBody { error: code.as_str(), error_description: code.description().to_owned() };
    let response = uncached(code.status(), &body);
    if code == ErrorCode::TemporarilyUnavailable { response.with("retry-after", RETRY_AFTER) } else { response }
}

pub(super) fn malformed(malformed: MalformedRequest) -> Response {
    let body = ErrorBody { error: malformed.code().as_str(), error_description: malformed.to_string() };
    let response = uncached(malformed.status(), &body);
    if let MalformedRequest::Method(allowed) = malformed { response.with("allow", allowed) } else { response }
}

impl MalformedRequest {
    /// The whole answer: status, headers and a JSON body. For adapters and a host's own endpoints.
    #[must_use]
    pub fn response(self) -> Response {
        malformed(self)
    }
}

#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

pub(super) fn tokens(tokens: &TokenResponse) -> Response {
    uncached(
        200,
        &TokenBody {
            access_token: tokens.access_token.expose(),
            token_type: tokens.token_type.as_str(),
            expires_in: tokens.expires_in.as_secs(),
            refresh_token: tokens.refresh_token.as_ref().map(RefreshToken::expose),
            id_token: tokens.id_token.as_ref().map(IdToken::expose),
            issued_token_type: tokens.is_exchanged.then_some(requested::ACCESS_TOKEN),
            scope: tokens.scope.as_str(),
        },
    )
}

/// RFC 7009 section 2.2: the client looks at the status alone; some want JSON all the same.
pub(super) fn revoked() -> Response {
    uncached(200, &serde_json::Map::new())
}

/// RFC 9701 section 5.
pub(super) fn introspection_jwt(jwt: String) -> Response {
    let headers = vec![("content-type", introspection::JWT_MEDIA_TYPE.to_owned())];
    not_stored(Response { status: 200, headers, body: jwt.into_bytes() })
}

#[derive(Serialize)]
struct DeviceBody<'a> {
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// RFC 8628 section 3.2.
pub(super) fn device(device: &DeviceAuthorizationResponse, verification_uri: &str) -> Response {
    let user_code = device.user_code.expose();
    let joint = if verification_uri.contains('?') { '&' } else { '?' };
    let body = DeviceBody {
        device_code: device.device_code.expose(),
        user_code: &user_code,
        verification_uri,
        verification_uri_complete: format!("{verification_uri}{joint}user_code={user_code}"),
        expires_in: device.expires_in.as_secs(),
        interval: device.interval.as_secs(),
    };
    uncached(200, &body)
}

/// RFC 6749 section 5.1: nothing that may hold a token is cached, errors included.
pub(super) fn uncached(status: u16, body: &impl Serialize) -> Response {
    not_stored(json(status, body))
}

fn not_stored(response: Response) -> Response {
    response.with("cache-control", "no-store").with("pragma", "no-cache")
}

/// A document that everybody may read, and keep for `max_age` seconds.
pub(super) fn cached(body: &impl Serialize, max_age: u32) -> Response {
    json(200, body).with("cache-control", &format!("public, max-age={max_age}"))
}

fn json(status: u16, body: &impl Serialize) -> Response {
    #[expect(clippy::expect_used, reason = "structs of strings and integers have a JSON form")]
    let body = serde_json::to_vec(body).expect("structs of strings and integers have a JSON form");
    Response { status, headers: vec![("content-type", "application/json".to_owned())], body }
}

impl Response {
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The answer as a 401, which always has a challenge (RFC 9110 section 15.5.2).
    pub(super) fn challenging(self) -> Self {
        Self { status: 401, ..self }.with("www-authenticate", CHALLENGE)
    }
}
