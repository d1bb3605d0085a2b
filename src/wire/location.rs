//! Parameters in the URLs of redirections, in percent-encoding (RFC 3986 section 2.1). Every parser of forms reads it,
//! and nothing of a parameter can end a header line.

use std::fmt::Write as _;

/// Appends `parameters` to `uri`, behind the `mark` of a query (`?`) or a fragment (`#`). A query that is there already
/// stays as it is (RFC 6749 section 3.1.2).
///
/// The text does not grow while it is written: a reallocation would leave an authorization code behind.
pub(super) fn with_parameters(uri: &str, mark: char, parameters: &[(&str, &str)]) -> String {
    let longest: usize = parameters.iter().map(|(name, value)| name.len() + value.len() * 3 + 2).sum();
    let mut location = String::with_capacity(uri.len() + longest);
    location.push_str(uri);
    let mut joint = match uri.split_once(mark) {
        None => Some(mark),
        Some((_, there)) if there.is_empty() || there.ends_with('&') => None,
        Some(_) => Some('&'),
    };
    for (name, value) in parameters {
        location.extend(joint);
        encode_pair(name, value, &mut location);
        joint = Some('&');
    }
    location
}

/// Returns names and values as a query, or as the body of a form.
pub(super) fn encoded<'p>(parameters: impl Iterator<Item = (&'p str, &'p str)>) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push('&');
        }
        encode_pair(name, value, &mut text);
    }
    text
}

fn encode_pair(name: &str, value: &str, text: &mut String) {
    encode(name, text);
    text.push('=');
    encode(value, text);
}

fn encode(part: &str, text: &mut String) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            #[expect(clippy::expect_used, reason = "a String takes every text")]
            write!(text, "%{byte:02X}").expect("a String takes every text");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::with_parameters;

    #[test]
    fn parameters_are_encoded_and_join_those_that_are_there() {
        let parameters = [("code", "ac_1"), ("state", "a&b=c d/\u{e9}\r\n")];
        let tail = "code=ac_1&state=a%26b%3Dc%20d%2F%C3%A9%0D%0A";
        for (uri, mark, joint) in [
            ("https://app.example/cb", '?', "?"),
            ("https://app.example/cb?", '?', ""),
            ("https://app.example/cb?a=%20b", '?', "&"),
            ("https://app.example/cb?a=b&", '?', ""),
            ("app:cb", '?', "?"),
            ("https://app.example/cb", '#', "#"),
            ("https://app.example/cb?a=b", '#', "#"),
        ] {
            let location = with_parameters(uri, mark, &parameters);
            assert_eq!(location, format!("{uri}{joint}{tail}"));
        }
        assert_eq!(with_parameters("app:cb", '?', &[]), "app:cb");
    }

    #[test]
    fn the_longest_text_has_not_grown() {
        let parameters = [("code", "\u{e9}".repeat(50)), ("state", "\u{e9}".repeat(50))];
        let location = with_parameters("app:cb", '?', &parameters.each_ref().map(|(name, value)| (*name, &**value)));
        assert_eq!(location.len(), location.capacity());
    }
}
