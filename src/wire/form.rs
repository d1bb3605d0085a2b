//! A strict parser of `application/x-www-form-urlencoded`. ARCHITECTURE.md, order of checks: form.
//!
//! It rejects malformed input and never repairs it: a lossy decoder would make one value of two inputs.
//!
//! | input | RFC 6749 | the attack or fault |
//! |---|---|---|
//! | a parameter twice | section 3.2: forbidden | a gateway checks the first value, the server uses the second |
//! | an empty parameter | section 3.2: counts as omitted | an empty secret is compared, an empty scope is granted |
//! | a broken escape, bad UTF-8, NUL | appendix B: UTF-8 | two texts become one token, a text is cut off at the NUL |
//! | another content type | section 4.1.3: form only | a gateway and the server read one body differently |
//! | very many parameters | | the search for duplicates takes long |

use std::ops::Range;

use zeroize::{Zeroize as _, Zeroizing};

use super::{MalformedRequest, Request};
use crate::vocabulary::{Pair, Parameters};

/// The maximum number of parameters, which is more than any request of the protocol has. Each name is compared with all
/// earlier ones, so without a limit a body of 64 KiB would cost hundreds of millions of comparisons.
const MAX_PARAMETERS: usize = 64;

/// The parameters that may repeat (RFC 8707 section 2, RFC 8693 section 2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// Reads the form of a POST request with the strictness of the library's endpoints. For a host's own endpoints, such as
/// the authorization endpoint. Only `resource` and `audience` may repeat.
///
/// `body_limit` is the maximum length of the body in bytes.
///
/// ```
/// use regrant::wire::{MalformedRequest, Request, form};
///
/// let headers: [(&str, &[u8]); 1] = [("Content-Type", b"application/x-www-form-urlencoded")];
/// let parameters = form(&Request::new("POST", "/oauth2/token", &headers, b"state=a%20b&scope="), 1024)?;
/// assert_eq!(parameters.get("state"), Some("a b"));
/// assert_eq!(parameters.get("scope"), None);
///
/// let twice = form(&Request::new("POST", "/oauth2/token", &headers, b"scope=read&scope=write"), 1024);
/// assert_eq!(twice.err(), Some(MalformedRequest::Repeated));
/// # Ok::<(), MalformedRequest>(())
/// ```
///
/// # Errors
/// [`MalformedRequest`], which [`response`](MalformedRequest::response) turns into an HTTP response. The causes, in the
/// order of the checks: [`Method`](MalformedRequest::Method), [`ContentType`](MalformedRequest::ContentType),
/// [`Incomplete`](MalformedRequest::Incomplete), [`TooLarge`](MalformedRequest::TooLarge),
/// [`Encoding`](MalformedRequest::Encoding), [`Repeated`](MalformedRequest::Repeated),
/// [`TooManyParameters`](MalformedRequest::TooManyParameters). A retry of the same request does not help, except after
/// `Incomplete`.
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

/// Returns true for the content type of a form, without a charset or with UTF-8 (RFC 6749 appendix B). Another charset
/// would give the bytes another meaning. Other parameters have no meaning and are ignored.
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

/// Decodes the whole body into one buffer. Names and values are ranges in it, so secrets are in one place, which is
/// zeroed.
///
/// # Errors
/// [`MalformedRequest::Encoding`], [`MalformedRequest::Repeated`] or [`MalformedRequest::TooManyParameters`].
fn parse(body: &[u8]) -> Result<Parameters, MalformedRequest> {
    // A byte order mark would become part of the first name and hide that parameter.
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(MalformedRequest::Encoding);
    }
    // Decoding never lengthens a text, so the buffer never grows: a reallocation would leave secrets behind.
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut pairs: Vec<Pair> = Vec::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let split = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let name = decode_onto(&mut text, &pair[..split]).ok_or(MalformedRequest::Encoding)?;
        let value = decode_onto(&mut text, pair.get(split + 1..).unwrap_or_default());
        let value = value.ok_or(MalformedRequest::Encoding)?;
        let is_repeated = pairs.iter().any(|earlier| text[earlier.name.clone()] == text[name.clone()]);
        if is_repeated && !REPEATABLE.iter().any(|repeatable| text[name.clone()] == *repeatable.as_bytes()) {
            return Err(MalformedRequest::Repeated);
        }
        if pairs.len() == MAX_PARAMETERS {
            return Err(MalformedRequest::TooManyParameters);
        }
        pairs.push(Pair { name, value });
    }
    Ok(Parameters::new(into_string(text).ok_or(MalformedRequest::Encoding)?, pairs))
}

/// Decodes one form-encoded part (RFC 6749 appendix B). Returns `None` for a broken escape, bad UTF-8 or a NUL.
pub(super) fn decode(part: &[u8]) -> Option<Zeroizing<String>> {
    let mut text = Zeroizing::new(Vec::with_capacity(part.len()));
    decode_onto(&mut text, part)?;
    into_string(text)
}

/// Appends the decoded `part` to `text` and returns its place there.
fn decode_onto(text: &mut Vec<u8>, part: &[u8]) -> Option<Range<usize>> {
    let start = text.len();
    let mut rest = part;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        text.push(match first {
            b'+' => b' ',
            b'%' => {
                let ([high, low], behind) = rest.split_first_chunk()?;
                rest = behind;
                hex(*high)? * 16 + hex(*low)?
            }
            byte => *byte,
        });
    }
    // Each part on its own: two parts with half a character each must not make a valid text together.
    let decoded = std::str::from_utf8(&text[start..]).ok()?;
    (!decoded.contains('\0')).then_some(start..text.len())
}

/// Converts without a copy, so that no second copy has to be zeroed.
fn into_string(mut text: Zeroizing<Vec<u8>>) -> Option<Zeroizing<String>> {
    match String::from_utf8(std::mem::take(&mut *text)) {
        Ok(text) => Some(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

/// Returns the value of a hexadecimal digit in any case; `None` for another letter.
fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
