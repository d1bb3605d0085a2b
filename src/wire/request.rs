//! The request, as plain data: no type of an HTTP library, so that every server can be an adapter.

use std::fmt;

use super::MalformedRequest;
use crate::vocabulary::{ClientCertificate, Peer};

/// An HTTP request, as an adapter passes it on.
///
/// The query is for pages of the host, such as the authorization endpoint, and for the end session endpoint.
/// Credentials and access tokens in a URL end up in logs, so none is read there (RFC 6749 section 2.3.1, RFC 6750
/// section 5.3).
///
/// ```
/// use regrant::wire::Request;
///
/// let headers: [(&str, &[u8]); 2] = [("Accept", b"application/json"), ("accept", b"text/html")];
/// let request = Request::new("GET", "/oauth2/jwks", &headers, b"");
/// assert_eq!(request.header("ACCEPT").count(), 2);
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The method, in the case in which it was sent.
    pub method: &'a str,
    /// The path as clients know it: what follows the host and port in the URL, without the query. If a proxy or a
    /// nested router has removed a prefix, the adapter restores it. A DPoP proof must name the origin of the issuer and
    /// this path.
    pub path: &'a str,
    /// The query as it was sent, without the question mark. [`query`](super::query()) reads its parameters.
    pub query: Option<&'a str>,
    /// All headers, one entry per field line. Names may have any case. An adapter must not join repeated lines: a
    /// repeated Authorization header has to be seen.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body, or the reason why it was not received. A part of a body is never passed on as a body. The
    /// parameters of a [`form`](super::form()) borrow from the body.
    pub body: Result<&'a [u8], MalformedRequest>,
    /// The client certificate of the connection, if the TLS stack of this process verified one. A certificate from a
    /// proxy comes in a header: see
    /// [`Endpoints::with_certificate_header`](super::Endpoints::with_certificate_header).
    pub client_certificate: Option<&'a ClientCertificate>,
    /// The sender, by which a [`RateLimit`](crate::host::RateLimit) counts attempts. The host decides which address it
    /// is, since only the host knows its proxies: see [`Peer`].
    pub peer: Option<&'a Peer>,
}

impl<'a> Request<'a> {
    /// A request without a client certificate and a peer.
    #[must_use]
    pub const fn new(method: &'a str, path: &'a str, headers: &'a [(&'a str, &'a [u8])], body: &'a [u8]) -> Self {
        Self::received(method, path, headers, Ok(body))
    }

    /// A request whose body may have been [too large](MalformedRequest::TooLarge) or
    /// [incomplete](MalformedRequest::Incomplete). The endpoint then responds with that error, unless it needs no body.
    ///
    /// ```
    /// use regrant::wire::{MalformedRequest, Request, form};
    ///
    /// let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    /// let cut_off = Request::received("POST", "/oauth2/token", &headers, Err(MalformedRequest::Incomplete));
    /// assert_eq!(form(&cut_off, 1024).err(), Some(MalformedRequest::Incomplete));
    /// ```
    #[must_use]
    pub const fn received(
        method: &'a str,
        path: &'a str,
        headers: &'a [(&'a str, &'a [u8])],
        body: Result<&'a [u8], MalformedRequest>,
    ) -> Self {
        Self { method, path, query: None, headers, body, client_certificate: None, peer: None }
    }

    /// Sets the query, as it was sent.
    #[must_use]
    pub fn with_query(mut self, query: impl Into<Option<&'a str>>) -> Self {
        self.query = query.into();
        self
    }

    /// Sets the client certificate of the connection.
    #[must_use]
    pub fn with_client_certificate(mut self, certificate: impl Into<Option<&'a ClientCertificate>>) -> Self {
        self.client_certificate = certificate.into();
        self
    }

    /// Sets the sender, by which a [`RateLimit`](crate::host::RateLimit) counts attempts.
    #[must_use]
    pub fn with_peer(mut self, peer: impl Into<Option<&'a Peer>>) -> Self {
        self.peer = peer.into();
        self
    }

    /// Returns the values of all field lines with this name, in any case. The caller decides about repetition: for most
    /// headers a second line is an error.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Returns true if the request has at least one field line with this name.
    pub(super) fn has_header(&self, name: &str) -> bool {
        self.header(name).next().is_some()
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}
