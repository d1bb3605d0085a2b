//! JSON objects of responses: tokens, introspection, userinfo and errors.
//!
//! The length is computed before the first byte is written, so the buffer never grows. A buffer that grows leaves its
//! former bytes behind, and tokens with them.

use serde::Serialize;

use crate::ports::host::HostClaims;
use crate::vocabulary::Timestamp;

/// The value of a member.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// A text that is copied as it is. Tokens and scopes are such texts.
    Plain(&'a str),
    /// A text with characters that JSON escapes.
    Escaped(&'a str),
    Number(u64),
    /// A time in seconds, negative before 1970.
    Time(i64),
    /// A text that is JSON already.
    Json(&'a str),
}

/// Returns the object with the members that are present. Names are written without escapes.
pub(super) fn object(members: &[(&'static str, Option<Value<'_>>)]) -> Vec<u8> {
    joined(members, "")
}

/// Returns the object with the members that are present, and with the claims of the host behind them.
pub(super) fn object_with(members: &[(&'static str, Option<Value<'_>>)], claims: &HostClaims) -> Vec<u8> {
    let claims = if claims.is_empty() { String::new() } else { text(claims) };
    joined(members, claims.get(1..).unwrap_or_default())
}

/// Returns the JSON of a value that serde writes, for [`Value::Json`].
pub(super) fn text(value: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "lists and maps of texts have a JSON form")]
    serde_json::to_string(value).expect("lists and maps of texts have a JSON form")
}

/// `others` is empty, or an object without its first brace.
fn joined(members: &[(&'static str, Option<Value<'_>>)], others: &str) -> Vec<u8> {
    let present = || members.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    // Each member has two quotation marks, a colon, and a comma or the brace at the end.
    let length: usize = present().map(|(name, value)| name.len() + value.max_length() + 4).sum();
    let mut json = Vec::with_capacity((length + others.len()).max(1) + 1);
    json.push(b'{');
    for (name, value) in present() {
        if json.len() > 1 {
            json.push(b',');
        }
        json.push(b'"');
        json.extend_from_slice(name.as_bytes());
        json.extend_from_slice(b"\":");
        #[expect(clippy::expect_used, reason = "a Vec takes all bytes, and texts and numbers have a JSON form")]
        value.write(&mut json).expect("a Vec takes all bytes, and texts and numbers have a JSON form");
    }
    if others.is_empty() {
        json.push(b'}');
    } else {
        if json.len() > 1 {
            json.push(b',');
        }
        json.extend_from_slice(others.as_bytes());
    }
    json
}

impl Value<'_> {
    /// Returns the maximum length in bytes: the exact one, except for a text with escapes.
    fn max_length(self) -> usize {
        match self {
            Self::Plain(text) => text.len() + 2,
            Self::Json(text) => text.len(),
            // The longest escape, such as \u0000, has six bytes.
            Self::Escaped(text) => text.len() * 6 + 2,
            Self::Number(number) => digits(number),
            Self::Time(seconds) => digits(seconds.unsigned_abs()) + usize::from(seconds < 0),
        }
    }

    fn write(self, json: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Plain(text) => {
                json.push(b'"');
                json.extend_from_slice(text.as_bytes());
                json.push(b'"');
            }
            Self::Escaped(text) => serde_json::to_writer(json, text)?,
            Self::Number(number) => serde_json::to_writer(json, &number)?,
            Self::Time(seconds) => serde_json::to_writer(json, &seconds)?,
            Self::Json(text) => json.extend_from_slice(text.as_bytes()),
        }
        Ok(())
    }
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |exponent| exponent as usize + 1)
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        #[expect(
            clippy::needless_bitwise_bool,
            reason = "without branches the loop is compiled to vector instructions"
        )]
        let must_escape = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
        if text.bytes().fold(false, |found, byte| found | must_escape(byte)) {
            Self::Escaped(text)
        } else {
            Self::Plain(text)
        }
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<Timestamp> for Value<'_> {
    /// Whole seconds (RFC 7662 section 2.2).
    fn from(time: Timestamp) -> Self {
        Self::Time(time.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_object_is_that_of_a_json_library_and_its_buffer_has_not_grown() {
        let numbers = [0, 9, 10, 3600, 99_999, 100_000, u64::MAX];
        let texts =
            ["", "at_AAEC", "openid profile", "\"", "\\", "a\nb\t\u{1f}\u{0}", "\u{7f}", "\u{e9}\u{2028}\u{1f600}"];
        for number in numbers {
            for text in texts {
                let members = [("text", Some(text.into())), ("none", None), ("number", Some(number.into()))];
                let json = object(&members);
                let expected = format!("{{\"text\":{},\"number\":{number}}}", serde_json::to_string(text).unwrap());
                assert_eq!(String::from_utf8_lossy(&json), expected);
                let exact =
                    1 + "\"text\":".len() + text.len() + 2 + 1 + "\"number\":".len() + number.to_string().len() + 1;
                let longest = exact + text.len() * 5;
                let is_plain = expected.len() == exact;
                assert_eq!(json.capacity(), if is_plain { exact } else { longest });
            }
        }
        assert_eq!(object(&[]), b"{}");
    }

    #[test]
    fn times_are_whole_seconds_on_both_sides_of_1970() {
        for (millis, seconds) in [(0, "0"), (1_999, "1"), (-1, "-1"), (i64::MIN, "-9223372036854776")] {
            let json = object(&[("exp", Some(Timestamp::from_millis(millis).into()))]);
            assert_eq!(String::from_utf8_lossy(&json), format!("{{\"exp\":{seconds}}}"));
            assert_eq!(json.capacity(), json.len());
        }
    }

    #[test]
    fn the_claims_of_the_host_follow_the_members() {
        let claims = HostClaims::from_iter([("\"a}", json!("{")), ("roles", json!([{"a": {"b": {}}}]))]);
        let sub = [("sub", Some("demo".into()))];
        for (members, expected) in [
            (&sub[..], r#"{"sub":"demo","\"a}":"{","roles":[{"a":{"b":{}}}]}"#),
            (&[], r#"{"\"a}":"{","roles":[{"a":{"b":{}}}]}"#),
        ] {
            let json = object_with(members, &claims);
            assert_eq!(String::from_utf8_lossy(&json), expected);
            assert_eq!(json.capacity(), json.len());
        }
        assert_eq!(object_with(&sub, &HostClaims::default()), br#"{"sub":"demo"}"#);
    }
}
