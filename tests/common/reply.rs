#![expect(clippy::panic, reason = "a response that breaks a rule fails the test")]

use std::collections::BTreeSet;

use regrant::wire::{Endpoint, Request, Response};
use serde_json::Value;

/// A response that has passed what every response must pass.
pub(crate) struct Reply {
    pub(crate) response: Response,
    pub(crate) json: Value,
}

/// First or next tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {}", self.status(), self.response.headers, self.json)
    }
}

impl Reply {
    pub(crate) fn checked(endpoint: Endpoint, request: &Request<'_>, response: Response) -> Self {
        let json = check(endpoint, request, &response);
        Self { response, json }
    }

    pub(crate) const fn status(&self) -> u16 {
        self.response.status
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, member: &str) -> &str {
        self.json[member].as_str().unwrap_or_default()
    }

    /// The names of all members.
    pub(crate) fn members(&self) -> Vec<&str> {
        self.json.as_object().expect("an object").keys().map(String::as_str).collect()
    }

    /// Status and error word, to compare with what is expected.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        (self.status(), self.text("error"))
    }

    /// An access token and a refresh token, both there.
    pub(crate) fn tokens(&self) -> Tokens {
        assert_eq!(self.status(), 200, "{self:?}");
        let member = |name| self.json[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned();
        Tokens { access: member("access_token"), refresh: member("refresh_token") }
    }
}

const CODES: [(&str, u16); 15] = [
    ("invalid_request", 400),
    ("invalid_client", 400),
    ("invalid_grant", 400),
    ("unauthorized_client", 400),
    ("unsupported_grant_type", 400),
    ("invalid_scope", 400),
    ("invalid_target", 400),
    ("invalid_dpop_proof", 400),
    ("use_dpop_nonce", 400),
    ("authorization_pending", 400),
    ("slow_down", 400),
    ("expired_token", 400),
    ("access_denied", 400),
    ("temporarily_unavailable", 503),
    ("server_error", 500),
];

/// What holds for every response: a JSON body that no client stumbles over, and the headers that go with it.
fn check(endpoint: Endpoint, request: &Request<'_>, response: &Response) -> Value {
    let shown = format!("{endpoint:?} {} {}", response.status, String::from_utf8_lossy(&response.body));
    let header = |name: &str| response.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());

    let names: BTreeSet<_> = response.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), response.headers.len(), "a header is there twice: {shown}");
    for (name, value) in &response.headers {
        assert!(name.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase()), "{name}: {shown}");
        assert!(value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{name}: {shown}");
    }
    if response.status == 204 {
        assert!(response.body.is_empty() && request.method == "OPTIONS", "{shown}");
        return Value::Null;
    }
    if header("content-type") == Some("application/token-introspection+jwt") {
        assert_eq!((endpoint, header("cache-control")), (Endpoint::Introspection, Some("no-store")), "{shown}");
        return Value::Null;
    }
    // oauth2-rs refuses any other content type, and an empty body of an error.
    assert_eq!(header("content-type"), Some("application/json"), "{shown}");
    let json: Value = serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{error}: {shown}"));
    assert!(json.is_object(), "{shown}");
    check_values(&json, &shown);

    let is_document = matches!(endpoint, Endpoint::Metadata | Endpoint::OpenIdConfiguration | Endpoint::Jwks);
    if !is_document || response.status != 200 {
        // RFC 6749 section 5.1; C17: errors too.
        assert_eq!(header("cache-control"), Some("no-store"), "{shown}");
        assert_eq!(header("pragma"), Some("no-cache"), "{shown}");
    }
    if response.status == 200 {
        assert_eq!(header("www-authenticate"), None, "{shown}");
        match endpoint {
            Endpoint::Token => check_tokens(&json, &shown),
            Endpoint::Introspection => check_introspection(&json, &shown),
            Endpoint::DeviceAuthorization => check_device(&json, &shown),
            Endpoint::Revocation => assert_eq!(json, serde_json::json!({}), "{shown}"),
            _ => {}
        }
    } else {
        check_error(endpoint, request, response, &json, &shown);
    }
    json
}

/// oauth4webapi: a null member is a hard error, so is a number that is not an integer.
fn check_values(value: &Value, shown: &str) {
    match value {
        Value::Null => panic!("a null: {shown}"),
        Value::Number(number) => assert!(number.is_i64() || number.is_u64(), "{number} is no integer: {shown}"),
        Value::Array(items) => items.iter().for_each(|item| check_values(item, shown)),
        Value::Object(members) => members.values().for_each(|member| check_values(member, shown)),
        Value::Bool(_) | Value::String(_) => {}
    }
}

fn check_tokens(json: &Value, shown: &str) {
    let known = ["access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "issued_token_type"];
    for (name, value) in json.as_object().into_iter().flatten() {
        assert!(known.contains(&name.as_str()), "{name}: {shown}");
        if name == "expires_in" {
            assert!(value.as_u64().is_some_and(|seconds| seconds > 0), "expires_in: {shown}");
        } else {
            assert!(value.as_str().is_some_and(|text| !text.is_empty()), "{name}: {shown}");
        }
    }
    assert!(json["access_token"].is_string() && json["token_type"].is_string(), "{shown}");
    for token in ["access_token", "refresh_token"].iter().filter_map(|name| json[name].as_str()) {
        // RFC 6750 section 2.1: b64token.
        let is_b64token = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
        assert!(is_b64token, "{shown}");
    }
}

/// RFC 8628 section 3.2.
fn check_device(json: &Value, shown: &str) {
    let members: Vec<_> = json.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["device_code", "expires_in", "interval", "user_code", "verification_uri", "verification_uri_complete"];
    assert!(members.len() == expected.len() && expected.iter().all(|name| members.contains(name)), "{shown}");
    for number in ["expires_in", "interval"] {
        assert!(json[number].as_u64().is_some_and(|seconds| seconds > 0), "{number}: {shown}");
    }
}

fn check_introspection(json: &Value, shown: &str) {
    // C132: a boolean, not a string.
    match json["active"].as_bool() {
        // RFC 7662 section 2.2: nothing else, not even the reason.
        Some(false) => assert_eq!(*json, serde_json::json!({ "active": false }), "{shown}"),
        Some(true) => {
            for name in ["exp", "iat", "auth_time"] {
                let moment = &json[name];
                assert!(moment.is_null() || moment.as_i64().is_some_and(|at| at > 0), "{name}: {shown}");
            }
        }
        None => panic!("active is no boolean: {shown}"),
    }
}

fn check_error(endpoint: Endpoint, request: &Request<'_>, response: &Response, json: &Value, shown: &str) {
    let header = |name: &str| response.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(2), "{shown}");
    let code = json["error"].as_str().unwrap_or_default();
    let (_, status) = CODES.iter().find(|(known, _)| *known == code).unwrap_or_else(|| panic!("{shown}"));
    match response.status {
        405 => {
            assert_eq!(code, "invalid_request", "{shown}");
            assert!(header("allow").is_some(), "RFC 9110 section 15.5.6: {shown}");
        }
        404 | 413 => assert_eq!(code, "invalid_request", "{shown}"),
        401 => assert_eq!(code, "invalid_client", "{shown}"),
        other => assert_eq!(other, *status, "{shown}"),
    }
    // RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E.
    let description = json["error_description"].as_str().unwrap_or_default();
    assert!(!description.is_empty(), "{shown}");
    assert!(description.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{shown}");

    assert_eq!(header("retry-after").is_some(), response.status == 503, "{shown}");
    assert!(header("retry-after").is_none_or(|wait| wait.parse::<u32>().is_ok()), "{shown}");

    // RFC 9110 section 15.5.2: no 401 without a challenge. RFC 6749 section 5.2: the scheme is named to a client that
    // used the header. RFC 7662 section 2.3: and at introspection in any case.
    let has_header = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let is_challenged = code == "invalid_client" && (has_header || endpoint == Endpoint::Introspection);
    assert_eq!(response.status == 401, is_challenged, "{shown}");
    let challenge = header("www-authenticate");
    assert_eq!(challenge.is_some(), is_challenged, "{shown}");
    assert!(challenge.is_none_or(|challenge| challenge.starts_with("Basic realm=")), "{shown}");
}
