//! `application/x-www-form-urlencoded`, strictly: what cannot be decoded is refused, never repaired. A lossy decoder would
//! make one value of two inputs.

use zeroize::Zeroizing;

use super::{MalformedRequest, Request};
use crate::vocabulary::Parameters;

/// More than any request of the protocol has; it keeps the search for duplicates short.
const MAX_PARAMETERS: usize = 64;

/// The parameters that may repeat (RFC 8707 section 2, RFC 8693 section 2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// Reads the form of a POST request as strictly as the endpoints do: for a host's own endpoints, such as the authorization
/// endpoint. Only `resource` and `audience` may repeat.
///
/// ```
/// use regrant::wire::{MalformedRequest, Request, form};
///
/// let headers: [(&str, &[u8]); 1] = [("Content-Type", b"application/x-www-form-urlencoded")];
/// let parameters = form(&Request::new("POST", "/oauth2/token", &headers, b"state=a%20b&scope="), 1024)?;
/// assert_eq!(parameters.get("state"), Some("a b"));
/// assert_eq!(parameters.get("scope"), None);
/// # Ok::<(), MalformedRequest>(())
/// ```
///
/// # Errors
/// What is wrong with it, which knows its [answer](MalformedRequest::response).
pub fn form(request: &Request<'_>, body_limit: usize) -> Result<Parameters, MalformedRequest> {
    if request.method != "POST" {
        return Err(MalformedRequest::Method("POST"));
    }
    let mut content_types = request.header("content-type");
    match (content_types.next(), content_types.next()) {
        (Some(content_type), None) if is_form(content_type) => {}
        _ => return Err(MalformedRequest::ContentType),
    }
    let body = request.body?;
    if body.len() > body_limit {
        return Err(MalformedRequest::TooLarge);
    }
    parse(body)
}

/// Whether a content type is the form's, with no charset or UTF-8.
fn is_form(content_type: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content_type) else { return false };
    let mut parts = text.split(';').map(str::trim);
    let is_utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) => true,
        None => parameter.is_empty(),
    };
    parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        && parts.all(is_utf8)
}

/// Reads a form body.
fn parse(body: &[u8]) -> Result<Parameters, MalformedRequest> {
    // A byte order mark would hide the first parameter behind a name that nobody knows.
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(MalformedRequest::Encoding);
    }
    let mut parameters = Parameters::default();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let split = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = (&pair[..split], pair.get(split + 1..).unwrap_or_default());
        let name = decode(name).ok_or(MalformedRequest::Encoding)?;
        let value = decode(value).ok_or(MalformedRequest::Encoding)?;
        if parameters.contains(&name) && !REPEATABLE.contains(&name.as_str()) {
            return Err(MalformedRequest::Repeated);
        }
        if parameters.len() == MAX_PARAMETERS {
            return Err(MalformedRequest::TooManyParameters);
        }
        parameters.push(name.to_string(), value);
    }
    Ok(parameters)
}

/// Decodes one form-encoded part (RFC 6749 appendix B). `None` for a broken escape, bad UTF-8 or a NUL.
pub(super) fn decode(part: &[u8]) -> Option<Zeroizing<String>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(part.len()));
    let mut rest = part;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        decoded.push(match first {
            b'+' => b' ',
            b'%' => {
                let ([high, low], behind) = rest.split_first_chunk()?;
                rest = behind;
                hex(*high)? << 4 | hex(*low)?
            }
            byte => *byte,
        });
    }
    let text = std::str::from_utf8(&decoded).ok().filter(|text| !text.contains('\0'))?;
    Some(Zeroizing::new(text.to_owned()))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
