//! HTTP without an HTTP library: bytes and headers to typed requests, outcomes to status, headers and JSON.
//!
//! An adapter hands over a [`Request`] and sends the [`Response`] back; [`Endpoints::handle`] is all it calls. The rules
//! it need not know are kept here: what is a duplicate, which header a 401 carries, what may be cached.

mod basic;
mod body;
mod certificate;
mod cors;
mod credentials;
mod endpoints;
mod form;
mod introspection;
mod metadata;
mod paths;
mod requested;

pub use crate::outcome::malformed::MalformedRequest;
pub use certificate::CertificateHeader;
pub use cors::Cors;
pub use endpoints::Endpoints;
pub use form::form;
pub use paths::{Endpoint, Paths};

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::vocabulary::ClientCertificate;

/// An HTTP request as an adapter hands it over. The query string is left behind: no endpoint reads it, since credentials
/// and tokens there end up in logs (RFC 6749 section 2.3.1, RFC 6750 section 5.3).
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The method, as it was sent.
    pub method: &'a str,
    /// The path as clients know it, without the issuer in front: what a DPoP proof must name behind it.
    pub path: &'a str,
    /// All headers, one entry per field line, with names in any case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body, exactly as it was sent, or why it is not here: half a body must never be taken for a whole one.
    pub body: Result<&'a [u8], MalformedRequest>,
    /// The certificate of the connection, if the TLS stack of this process verified one. A proxy's goes into a header:
    /// [`Endpoints::with_certificate_header`].
    pub client_certificate: Option<&'a ClientCertificate>,
}

impl<'a> Request<'a> {
    /// A request without a client certificate.
    #[must_use]
    pub const fn new(method: &'a str, path: &'a str, headers: &'a [(&'a str, &'a [u8])], body: &'a [u8]) -> Self {
        Self::received(method, path, headers, Ok(body))
    }

    /// A request as an adapter received it: the body may have been [too large](MalformedRequest::TooLarge) or
    /// [incomplete](MalformedRequest::Incomplete). It is answered all the same, where the body matters with what was wrong.
    #[must_use]
    pub const fn received(
        method: &'a str,
        path: &'a str,
        headers: &'a [(&'a str, &'a [u8])],
        body: Result<&'a [u8], MalformedRequest>,
    ) -> Self {
        Self { method, path, headers, body, client_certificate: None }
    }

    /// Sets the certificate of the connection.
    #[must_use]
    pub const fn with_client_certificate(mut self, certificate: Option<&'a ClientCertificate>) -> Self {
        self.client_certificate = certificate;
        self
    }

    /// The values of all field lines of this name, in any case.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Answers HTTP requests: what every adapter serves. Write a host's own endpoints as one, and they work with all of them, with
/// the same strictness as the library's.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::wire::{Handler, Request, Response, form};
///
/// struct Echo;
///
/// #[async_trait]
/// impl Handler for Echo {
///     async fn respond(&self, request: &Request<'_>) -> Response {
///         match form(request, self.body_limit()) {
///             Ok(parameters) => Response::json(200, &parameters.get("message")),
///             Err(malformed) => malformed.response(),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Handler: Send + Sync {
    /// The answer.
    async fn respond(&self, request: &Request<'_>) -> Response;

    /// How many bytes a body may have. An adapter need not read further: it hands over [`MalformedRequest::TooLarge`].
    fn body_limit(&self) -> usize {
        64 * 1024
    }
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn respond(&self, request: &Request<'_>) -> Response {
        (**self).respond(request).await
    }

    fn body_limit(&self) -> usize {
        (**self).body_limit()
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

impl Response {
    /// A JSON body that nobody may keep.
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        body::uncached(status, body)
    }

    /// Adds a header, its name in lower case.
    #[must_use]
    pub fn with_header(self, name: &'static str, value: &str) -> Self {
        self.with(name, value)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}
