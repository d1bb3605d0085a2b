//! HTTP without an HTTP library: bytes and headers to typed requests, outcomes to status, headers and JSON.
//!
//! An adapter hands over a [`Request`] and sends the [`Response`] back; [`Endpoints::handle`] is all it calls. The rules
//! it need not know are kept here: what is a duplicate, which header a 401 carries, what may be cached.

mod basic;
mod body;
mod credentials;
mod endpoints;
mod form;
mod malformed;
mod metadata;

pub use endpoints::{Endpoint, Endpoints, Paths};
pub use form::form;
pub use malformed::MalformedRequest;

use std::fmt;

/// An HTTP request as an adapter hands it over. The query string is left behind: no endpoint reads it, since credentials
/// and tokens there end up in logs (RFC 6749 section 2.3.1, RFC 6750 section 5.3).
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Request<'a> {
    /// The method, as it was sent.
    pub method: &'a str,
    /// All headers, one entry per field line, with names in any case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body, exactly as it was sent.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The values of all field lines of this name.
    fn header(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// An HTTP response for an adapter to send. `Debug` does not show the body: tokens are in it.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters take it apart")]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case, without `content-length` and `date`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}
