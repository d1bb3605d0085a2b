use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::message::HttpRequest;

/// Values of earlier answers, by name: `{old.refresh_token}` in a request or an answer stands for such a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(super) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Stores the strings of a JSON answer, each as `name.member`.
    pub(super) fn set_members(&mut self, name: &str, body: &[u8]) {
        let members: serde_json::Map<String, Value> = serde_json::from_slice(body).unwrap();
        for (member, value) in members.iter().filter_map(|(member, value)| Some((member, value.as_str()?))) {
            self.set(format!("{name}.{member}"), value);
        }
    }

    /// Returns all values whose names end so.
    pub(super) fn named(&self, end: &str) -> Vec<String> {
        self.0.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, value)| value.clone()).collect()
    }

    /// Returns the value of a placeholder, or the text itself.
    pub(super) fn value<'a>(&'a self, text: &'a str) -> &'a str {
        match placeholder(text) {
            Some(name) => self.0.get(name).unwrap_or_else(|| panic!("nothing is known of {text}")),
            None => text,
        }
    }

    /// Returns the request with values in place of placeholders.
    pub(super) fn fill(&self, request: &HttpRequest) -> HttpRequest {
        let mut request = request.clone();
        request.body = self.filled(&request.body);
        for (_, value) in &mut request.headers {
            *value = self.filled(value);
        }
        request.target = String::from_utf8(self.filled(request.target.as_bytes())).unwrap();
        request
    }

    fn filled(&self, bytes: &[u8]) -> Vec<u8> {
        let mut filled = bytes.to_vec();
        for (name, value) in &self.0 {
            let name = format!("{{{name}}}");
            while let Some(at) = filled.windows(name.len()).position(|window| window == name.as_bytes()) {
                filled.splice(at..at + name.len(), value.bytes());
            }
        }
        let is_name = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_alphabetic() || b"._".contains(byte));
        let mut parts = filled.split(|byte| *byte == b'{').skip(1).filter_map(|part| part.split(|b| *b == b'}').next());
        assert!(!parts.any(is_name), "unknown variable in {}", String::from_utf8_lossy(&filled));
        filled
    }

    /// Returns true when `actual` equals `expected`. A new placeholder accepts any token of its kind and keeps that
    /// value.
    pub(super) fn agree(&mut self, member: &str, expected: &Value, actual: &Value) -> bool {
        match (expected, actual) {
            (Value::Object(expected), Value::Object(actual)) => {
                expected.len() == actual.len()
                    && expected
                        .iter()
                        .all(|(name, value)| actual.get(name).is_some_and(|actual| self.agree(name, value, actual)))
            }
            (Value::String(expected), Value::String(actual)) => match placeholder(expected) {
                Some(name) if !self.0.contains_key(name) => {
                    self.set(name, actual);
                    is_token(member, actual)
                }
                _ => self.filled(expected.as_bytes()) == actual.as_bytes(),
            },
            _ => expected == actual,
        }
    }
}

fn placeholder(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

/// Returns true for a non-empty b64token (RFC 6750 section 2.1) with the prefix that secret scanners look for.
fn is_token(member: &str, text: &str) -> bool {
    let prefix = match member {
        "refresh_token" => "rt_",
        "device_code" => "dc_",
        "user_code" | "client_id" | "client_secret" => "",
        "request_uri" => "urn:ietf:params:oauth:request_uri:",
        _ => "at_",
    };
    let is_b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !text.is_empty() && text.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(is_b64token))
}

/// Encodes a form value. Only the characters of tokens and placeholders stay as they are.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'{' | b'}' | b'.' | b'_' | b'-' => encoded.push(byte.into()),
            b' ' => encoded.push('+'),
            _ => write!(encoded, "%{byte:02X}").unwrap(),
        }
    }
    encoded
}

/// Names and values, not yet encoded.
pub(super) type Form<'a> = &'a [(&'a str, &'a str)];

pub(super) fn form(parameters: Form<'_>) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}
