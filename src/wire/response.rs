//! The response, as plain data. The constructors of JSON set the cache headers, so that a cache stores no response with
//! a token by accident.

use std::borrow::Cow;
use std::{fmt, io, mem};

use serde::Serialize;
use zeroize::Zeroizing;

use super::json::{self, Value};

/// The challenge of a 401: the only scheme of the endpoints is Basic (RFC 7617).
const CHALLENGE: &str = "Basic realm=\"oauth2\", charset=\"UTF-8\"";

/// An HTTP response for an adapter to send. `Debug` does not show the body, since tokens are in it.
///
/// ```
/// use regrant::wire::Response;
///
/// #[derive(serde::Serialize)]
/// struct Health {
///     is_up: bool,
/// }
///
/// let response = Response::json(200, &Health { is_up: true }).with_header("x-request-id", "17");
/// assert_eq!(response.body, br#"{"is_up":true}"#);
/// assert!(!format!("{response:?}").contains("is_up"));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters take it apart")]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers in order, with names in lower case and without `date` and `content-length`, which the HTTP library
    /// sets. Only a response to `HEAD` has a `content-length`.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A response with a JSON body that must not be cached. Everything that may contain a token is such a response,
    /// and so are errors (RFC 6749 section 5.1).
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self::cacheable_json(status, body).not_stored()
    }

    /// A JSON document that caches may keep for `max_age` seconds: keys and metadata, which are the same for every
    /// client.
    pub(super) fn public_json(body: &impl Serialize, max_age: u32) -> Self {
        Self::cacheable_json(200, body).with_header("cache-control", format!("public, max-age={max_age}"))
    }

    /// A response without a body.
    pub(super) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A JSON object that must not be cached, as [`json`](Self::json) makes one, with these members.
    pub(super) fn object(status: u16, members: &[(&'static str, Option<Value<'_>>)]) -> Self {
        Self::with_json(status, json::object(members)).not_stored()
    }

    /// A JSON response without cache headers. Each caller adds them.
    fn cacheable_json(status: u16, body: &impl Serialize) -> Self {
        let mut bytes = Body::default();
        #[expect(clippy::expect_used, reason = "structs of strings and integers have a JSON form")]
        serde_json::to_writer(&mut bytes, body).expect("structs of strings and integers have a JSON form");
        Self::with_json(status, mem::take(&mut *bytes.0))
    }

    /// A response with a body that is JSON already, without cache headers.
    pub(super) fn with_json(status: u16, body: Vec<u8>) -> Self {
        Self { body, ..Self::empty(status) }.with_header("content-type", "application/json")
    }

    /// Adds a header. The name is in lower case. A header of the same name stays: the response then has two field
    /// lines.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Returns the response for a request of this method: for `HEAD` the length of the content in place of the content
    /// (RFC 9110 sections 8.6 and 9.3.2), otherwise the response itself. Not every HTTP library drops the content: over
    /// HTTP/2 it would break the connection.
    ///
    /// [`Endpoints::handle`](super::Endpoints::handle) has done it. A second time changes nothing.
    ///
    /// ```
    /// use regrant::wire::Response;
    ///
    /// let response = Response::json(200, &"up").for_method("HEAD");
    /// assert!(response.body.is_empty());
    /// assert!(response.headers.contains(&("content-length", "4".into())));
    /// ```
    #[must_use]
    pub fn for_method(mut self, method: &str) -> Self {
        if method != "HEAD" || self.body.is_empty() {
            return self;
        }
        let length = mem::take(&mut self.body).len();
        self.with_header("content-length", length.to_string())
    }

    /// Forbids caches to keep the response (RFC 6749 section 5.1). `pragma` is for caches of HTTP/1.0, and the RFC
    /// demands both.
    pub(super) fn not_stored(self) -> Self {
        self.with_header("cache-control", "no-store").with_header("pragma", "no-cache")
    }

    /// Makes the response a 401, which always has a challenge (RFC 9110 section 15.5.2).
    pub(super) fn with_challenge(self) -> Self {
        Self { status: 401, ..self }.with_header("www-authenticate", CHALLENGE)
    }
}

/// A body that is written piece by piece. A `Vec` that grows leaves its former bytes behind, and tokens with them. This
/// one zeroes them.
struct Body(Zeroizing<Vec<u8>>);

impl Default for Body {
    /// Has room for most introspection responses.
    fn default() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(512)))
    }
}

impl io::Write for Body {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.0.len() + bytes.len();
        if length > self.0.capacity() {
            let mut larger = Vec::with_capacity(length * 2);
            larger.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Body;

    #[test]
    fn a_body_is_moved_before_its_buffer_would_grow_by_itself() {
        let mut body = Body::default();
        let full = body.0.capacity();
        body.write_all(&vec![b'x'; full]).unwrap();
        assert_eq!((body.0.len(), body.0.capacity()), (full, full));
        body.write_all(b"x").unwrap();
        assert_eq!((body.0.len(), body.0.capacity()), (full + 1, (full + 1) * 2));
    }
}
