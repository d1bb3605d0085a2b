//! JSON bodies. Absent members are left out, never null; numbers are integers (clients refuse anything else).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::{MalformedRequest, Response};
use crate::engine::{ActiveToken, TokenResponse, TokenType};
use crate::error_code::ErrorCode;
use crate::grant::Confirmation;
use crate::resource::Resources;

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

#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
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
            refresh_token: tokens.refresh_token.as_ref().map(super::super::secret::RefreshToken::expose),
            scope: tokens.scope.as_str(),
        },
    )
}

/// RFC 7009 section 2.2: the client looks at the status alone; some want JSON all the same.
pub(super) fn revoked() -> Response {
    uncached(200, &serde_json::Map::new())
}

#[derive(Default, Serialize)]
struct IntrospectionBody<'a> {
    active: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<ConfirmationBody>,
}

/// One audience is a string, several are an array (RFC 7519 section 4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(Vec<&'a str>),
}

#[derive(Serialize)]
enum ConfirmationBody {
    #[serde(rename = "jkt")]
    DpopKey(String),
    #[serde(rename = "x5t#S256")]
    Certificate(String),
}

pub(super) fn introspection(active: Option<&ActiveToken>, issuer: &str) -> Response {
    let Some(token) = active else { return uncached(200, &IntrospectionBody::default()) };
    uncached(
        200,
        &IntrospectionBody {
            active: true,
            scope: token.scope.as_str(),
            client_id: Some(token.client_id.as_str()),
            token_type: token.token_type.map(TokenType::as_str),
            exp: token.expires_at.map(super::super::clock::Timestamp::as_secs),
            iat: Some(token.issued_at.as_secs()),
            sub: token.approval.subject.as_ref().map(super::super::vocabulary::Subject::as_str),
            aud: audience(&token.resources),
            iss: Some(issuer),
            auth_time: token.approval.auth_time.map(super::super::clock::Timestamp::as_secs),
            acr: token.approval.acr.as_deref(),
            amr: &token.approval.amr,
            cnf: token.approval.confirmation.as_ref().map(|confirmation| match confirmation {
                Confirmation::DpopKey(thumbprint) => ConfirmationBody::DpopKey(URL_SAFE_NO_PAD.encode(thumbprint)),
                Confirmation::Certificate(thumbprint) => {
                    ConfirmationBody::Certificate(URL_SAFE_NO_PAD.encode(thumbprint))
                }
            }),
        },
    )
}

fn audience(resources: &Resources) -> Option<Audience<'_>> {
    let all: Vec<&str> = resources.iter().map(super::super::resource::Resource::as_str).collect();
    match all.as_slice() {
        [] => None,
        [one] => Some(Audience::One(one)),
        _ => Some(Audience::Several(all)),
    }
}

/// RFC 6749 section 5.1: nothing that may hold a token is cached, errors included.
fn uncached(status: u16, body: &impl Serialize) -> Response {
    json(status, body).with("cache-control", "no-store").with("pragma", "no-cache")
}

pub(super) fn json(status: u16, body: &impl Serialize) -> Response {
    #[expect(clippy::expect_used, reason = "structs of strings and integers have a JSON form")]
    let body = serde_json::to_vec(body).expect("structs of strings and integers have a JSON form");
    Response { status, headers: vec![("content-type", "application/json".to_owned())], body }
}

impl Response {
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// RFC 6749 section 5.2: a client that used the Authorization header is told its scheme.
    pub(super) fn challenging(self) -> Self {
        self.with("www-authenticate", CHALLENGE)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
