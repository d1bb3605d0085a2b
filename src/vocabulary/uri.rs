//! URIs: the grammar of the values that are URIs, and the comparison of resource indicators.

use std::borrow::Cow;

use crate::vocabulary::InvalidValue;

/// Checks the form of redirection URIs, resource indicators and extension grant types: a scheme with text after it, no
/// fragment, only characters that are allowed in a URI, and at most 2 KiB.
///
/// The check is no parser of URIs. The characters are checked because the text gets into `Location` headers and JSON.
pub(crate) fn absolute_uri(what: &'static str, text: &str) -> Result<(), InvalidValue> {
    let is_uri_byte = |byte: u8| matches!(byte, 0x21..=0x7e) && !b"\"<>\\^`{|}".contains(&byte);
    let scheme_is_valid = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    match text.split_once(':') {
        _ if text.len() > 2048 => Err(InvalidValue::new(what, "must be at most 2048 characters long")),
        _ if !text.bytes().all(is_uri_byte) => Err(InvalidValue::new(what, "holds a character no URI may hold")),
        _ if text.contains('#') => Err(InvalidValue::new(what, "must not have a fragment")),
        Some((scheme, rest)) if scheme_is_valid(scheme) && !rest.is_empty() && rest != "//" => Ok(()),
        _ => Err(InvalidValue::new(what, "must be an absolute URI")),
    }
}

/// Returns the normal form of an absolute URI, for comparison only (RFC 3986 section 6.2):
///
/// | section | normalization |
/// |---|---|
/// | 6.2.2.1 | scheme and host in lower case, percent-encodings in upper case |
/// | 6.2.2.2 | percent-encodings of unreserved characters are decoded |
/// | 6.2.2.3 | dot segments of the path are removed, if the URI has an authority |
/// | 6.2.3 | an empty port, and the default port of `http` and `https`, is removed; an empty path is `/` |
///
/// Nothing else: path, query and user information keep their case, and `?` with an empty query stays.
pub(crate) fn normal_form(uri: &str) -> String {
    let uri = with_normal_escapes(uri);
    let Some((scheme, rest)) = uri.split_once(':') else { return uri.into_owned() };
    let scheme = scheme.to_ascii_lowercase();
    let Some(rest) = rest.strip_prefix("//") else { return format!("{scheme}:{rest}") };
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    let at = if authority.contains('@') { "@" } else { "" };
    let host = without_default_port(&scheme, host).to_ascii_lowercase();
    format!("{scheme}://{user}{at}{host}{}{query}", without_dot_segments(path))
}

/// Decodes unreserved characters, and writes the other percent-encodings in upper case.
fn with_normal_escapes(uri: &str) -> Cow<'_, str> {
    if !uri.contains('%') {
        return Cow::Borrowed(uri);
    }
    let mut normal = String::with_capacity(uri.len());
    let mut parts = uri.split('%');
    normal.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let byte = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(char::from(byte));
                normal.push_str(&part[2..]);
            }
            Some(_) => {
                normal.push('%');
                normal.push_str(&part[..2].to_ascii_uppercase());
                normal.push_str(&part[2..]);
            }
            // No percent-encoding. Such a text is compared as it is.
            None => {
                normal.push('%');
                normal.push_str(part);
            }
        }
    }
    Cow::Owned(normal)
}

fn without_default_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    match (host.rsplit_once(':'), scheme) {
        (Some((name, "")), _) | (Some((name, "80")), "http") | (Some((name, "443")), "https") => name,
        _ => host,
    }
}

/// Removes dot segments (RFC 3986 section 5.2.4). The path is empty or begins with `/`.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_dot = matches!(segment, "." | "..");
        if segment == ".." {
            kept.pop();
        }
        if !is_dot {
            kept.push(segment);
        } else if segments.peek().is_none() {
            // A dot segment at the end names the directory.
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}
