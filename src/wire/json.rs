//! Flat JSON objects: token responses and errors.
//!
//! The length is computed before the first byte is written, so the buffer never grows. A buffer that grows leaves its
//! former bytes behind, and tokens with them.

use std::io::{self, Write as _};

/// The value of a member.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// A text that is copied as it is. Tokens and scopes are such texts.
    Plain(&'a str),
    /// A text with characters that JSON escapes.
    Escaped(&'a str),
    Number(u64),
    /// A text that is JSON already.
    Json(&'a str),
}

/// Returns the object with the members that are present. Names are written without escapes.
pub(super) fn object(members: &[(&'static str, Option<Value<'_>>)]) -> Vec<u8> {
    let present = || members.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    // Each member has two quotation marks, a colon, and a comma or the brace at the end.
    let length: usize = present().map(|(name, value)| name.len() + value.max_length() + 4).sum();
    let mut json = Vec::with_capacity(length.max(1) + 1);
    json.push(b'{');
    for (name, value) in present() {
        if json.len() > 1 {
            json.push(b',');
        }
        quoted(name, &mut json);
        json.push(b':');
        #[expect(clippy::expect_used, reason = "a Vec takes all bytes, and every text has a JSON form")]
        value.write(&mut json).expect("a Vec takes all bytes, and every text has a JSON form");
    }
    json.push(b'}');
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
            Self::Number(number) => number.checked_ilog10().map_or(1, |exponent| exponent as usize + 1),
        }
    }

    fn write(self, json: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Plain(text) => {
                quoted(text, json);
                Ok(())
            }
            Self::Escaped(text) => Ok(serde_json::to_writer(json, text)?),
            Self::Number(number) => write!(json, "{number}"),
            Self::Json(text) => json.write_all(text.as_bytes()),
        }
    }
}

fn quoted(text: &str, json: &mut Vec<u8>) {
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
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

#[cfg(test)]
mod tests {
    use super::object;

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
}
