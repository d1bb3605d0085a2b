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

use std::mem;

use memchr::{memchr, memchr2};
use zeroize::{Zeroize as _, Zeroizing};

use super::{MalformedRequest, Request};
use crate::vocabulary::{Parameters, Text};

/// The maximum number of parameters, which is more than any request of the protocol has. Each name is compared with all
/// earlier ones, so without a limit a body of 64 KiB would cost hundreds of millions of comparisons.
pub(super) const MAX_PARAMETERS: usize = 64;

/// The parameters that may repeat (RFC 8707 section 2, RFC 8693 section 2.1).
pub(super) const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

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
pub fn form<'a>(request: &Request<'a>, body_limit: usize) -> Result<Parameters<'a>, MalformedRequest> {
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

/// Reads the query of a request with the strictness of a [`form`](form()). For a host's own pages, such as the
/// authorization endpoint, whose parameters are in the URL (RFC 6749 section 3.1). A missing query has no parameters.
///
/// ```
/// use regrant::wire::{MalformedRequest, Request, query};
///
/// let request = Request::new("GET", "/oauth2/authorize", &[], b"");
/// let parameters = query(&request.with_query("client_id=app&state=a%20b"))?;
/// assert_eq!(parameters.get("state"), Some("a b"));
/// assert_eq!(query(&request.with_query("state=a&state=b")).err(), Some(MalformedRequest::Repeated));
/// # Ok::<(), MalformedRequest>(())
/// ```
///
/// # Errors
/// [`Encoding`](MalformedRequest::Encoding), [`Repeated`](MalformedRequest::Repeated) or
/// [`TooManyParameters`](MalformedRequest::TooManyParameters).
pub fn query<'a>(request: &Request<'a>) -> Result<Parameters<'a>, MalformedRequest> {
    parse(request.query.unwrap_or_default().as_bytes())
}

/// Returns true for the content type of a form, without a charset or with UTF-8 (RFC 6749 appendix B). Another charset
/// would give the bytes another meaning. Other parameters have no meaning and are ignored.
fn is_form(content_type: &[u8]) -> bool {
    if content_type == FORM.as_bytes() {
        return true;
    }
    let Ok(text) = std::str::from_utf8(content_type) else { return false };
    let mut parts = text.split(';').map(str::trim);
    let is_utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) => true,
        None => parameter.is_empty(),
    };
    parts.next().is_some_and(|media| media.eq_ignore_ascii_case(FORM)) && parts.all(is_utf8)
}

/// Parses the body in one pass. Names and values stay in the body, except those that have to be decoded.
///
/// # Errors
/// [`MalformedRequest::Encoding`], [`MalformedRequest::Repeated`] or [`MalformedRequest::TooManyParameters`].
pub(super) fn parse(body: &[u8]) -> Result<Parameters<'_>, MalformedRequest> {
    let body = text(body).ok_or_else(|| fault_of_no_text(body))?;
    // A byte order mark would become part of the first name and hide that parameter.
    if body.starts_with('\u{feff}') {
        return Err(MalformedRequest::Encoding);
    }
    // Most bodies have none, and then each part is a text as it is: the separators are ASCII.
    let has_escapes = is_escaped(body);
    let read = |part| if has_escapes { decode(part) } else { Some(Text::Sent(part)) };
    let mut pairs: Vec<(Text<'_>, Text<'_>)> = Vec::with_capacity(8);
    let mut rest = Some(body);
    while let Some(body) = rest {
        let (pair, behind) = split_once(body, b'&');
        rest = behind;
        if pair.is_empty() {
            continue;
        }
        let (name, value) = split_once(pair, b'=');
        let name = read(name).ok_or(MalformedRequest::Encoding)?;
        let value = read(value.unwrap_or_default()).ok_or(MalformedRequest::Encoding)?;
        let is_repeated = pairs.iter().any(|(earlier, _)| **earlier == *name);
        if is_repeated && !REPEATABLE.contains(&&*name) {
            return Err(MalformedRequest::Repeated);
        }
        if pairs.len() == MAX_PARAMETERS {
            return Err(MalformedRequest::TooManyParameters);
        }
        pairs.push((name, value));
    }
    Ok(Parameters::new(pairs))
}

/// Returns the fault of a body that is no text: that of the parameters before the bad one, if they have one.
#[cold]
fn fault_of_no_text(body: &[u8]) -> MalformedRequest {
    let good = body.split(|byte| *byte == b'&').take_while(|pair| text(pair).is_some());
    let length = good.map(|pair| pair.len() + 1).sum();
    body.get(..length).and_then(|before| parse(before).err()).unwrap_or(MalformedRequest::Encoding)
}

/// Splits at the first `separator`, an ASCII character. Returns `None` as the second part if there is no separator.
pub(super) fn split_once(text: &str, separator: u8) -> (&str, Option<&str>) {
    match memchr(separator, text.as_bytes()) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Returns the text of `bytes`; `None` for bad UTF-8 and for a NUL.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|_| memchr(0, bytes).is_none())
}

fn is_escaped(text: &str) -> bool {
    memchr2(b'+', b'%', text.as_bytes()).is_some()
}

/// Decodes one form-encoded part (RFC 6749 appendix B). Returns `None` for a broken escape, bad UTF-8 or a NUL.
///
/// Each part is decoded on its own: two parts with half a character each must not make a valid text together.
pub(super) fn decode(part: &str) -> Option<Text<'_>> {
    if !is_escaped(part) {
        return Some(Text::Sent(part));
    }
    unescape(part).filter(|text| memchr(0, text.as_bytes()).is_none()).map(Text::Decoded)
}

/// Decodes a part with escapes. The buffer never grows, since decoding never lengthens a text: a reallocation would
/// leave a secret behind.
fn unescape(part: &str) -> Option<Zeroizing<String>> {
    let mut text = Zeroizing::new(Vec::with_capacity(part.len()));
    let mut rest = part.as_bytes();
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
    // Without a copy, so that no second copy has to be zeroed.
    match String::from_utf8(mem::take(&mut *text)) {
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
