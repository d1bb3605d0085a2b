use std::sync::Arc;

use async_trait::async_trait;
use regrant::host::Peer;
use regrant::proof::ClientCertificate;
use regrant::wire::{Endpoints, MalformedRequest, Request, Response};

use super::message::{Framing, HttpRequest, HttpResponse};
use super::store::WatchedStore;

/// Access of the kit to an adapter.
#[async_trait]
pub trait HttpHarness: Send + Sync {
    /// Serves `endpoints`, each at its path of [`Endpoints::paths`], until the result is dropped: in nearly all cases a
    /// [`Loopback`](super::Loopback) server on a port of its own. Called once for each case, from several threads at
    /// once.
    ///
    /// `connection` is what the code that accepts a connection knows about every connection to this server. The server
    /// tells it to the adapter as in production, usually through the extensions of a request.
    ///
    /// # Panics
    /// When it cannot be served: the case has failed.
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, connection: Connection) -> Box<dyn Exchange>;
}

/// The facts about a connection that no request contains. The server around the adapter knows them, and the adapter
/// hands them on with each request.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Connection {
    /// The client certificate of the TLS handshake: [`Request::client_certificate`]. The group
    /// `connection_certificates` judges it.
    pub certificate: Option<ClientCertificate>,
    /// The sender that the host has determined: [`Request::peer`]. The group `senders` judges it.
    pub peer: Option<Peer>,
}

/// A running server.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Sends `requests` one after the other on one connection. Returns fewer answers than requests when the server
    /// closes the connection, or the stream, without an answer.
    ///
    /// # Panics
    /// When the bytes that the server sends are no answer: the case has failed.
    async fn exchange(&self, requests: &[HttpRequest]) -> Vec<HttpResponse>;

    /// Returns the reason why a request cannot be sent here. Its case is then shown as ignored. By default each request
    /// can be sent.
    fn cannot_send(&self, request: &HttpRequest) -> Option<&'static str> {
        let _ = request;
        None
    }
}

/// The answers of [`Endpoints::handle`] without an adapter: the reference for every adapter.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing in it")]
pub struct Direct;

#[async_trait]
impl HttpHarness for Direct {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, connection: Connection) -> Box<dyn Exchange> {
        Box::new(InProcess { endpoints, connection })
    }
}

struct InProcess {
    endpoints: Arc<Endpoints<WatchedStore>>,
    connection: Connection,
}

#[async_trait]
impl Exchange for InProcess {
    async fn exchange(&self, requests: &[HttpRequest]) -> Vec<HttpResponse> {
        let mut responses = Vec::new();
        for request in requests {
            responses.push(answer(&self.endpoints, request, &self.connection).await);
        }
        responses
    }

    fn cannot_send(&self, request: &HttpRequest) -> Option<&'static str> {
        if matches!(request.framing, Framing::Raw(_)) {
            return Some("no HTTP server is involved");
        }
        self.endpoints.paths().endpoint(request.path()).is_none().then_some("no router is involved")
    }
}

/// Does the work of an adapter, without HTTP.
pub(super) async fn answer(
    endpoints: &Endpoints<WatchedStore>,
    request: &HttpRequest,
    connection: &Connection,
) -> HttpResponse {
    // RFC 9110 section 5.5: white space around a value is not part of it.
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.trim_ascii()));
    let headers: Vec<_> = headers.collect();
    let body = match request.received() {
        _ if request.body.len() > endpoints.body_limit() => Err(MalformedRequest::TooLarge),
        body => body.ok_or(MalformedRequest::Incomplete),
    };
    let endpoint = endpoints.paths().endpoint(request.path()).unwrap_or(request.endpoint);
    let query = request.target.split_once('?').map(|(_, query)| query);
    let wire = Request::received(&request.method, request.path(), &headers, body)
        .with_query(query)
        .with_client_certificate(connection.certificate.as_ref())
        .with_peer(connection.peer.as_ref());
    received(request, endpoints.handle(endpoint, &wire).await)
}

/// Returns a response as a client receives it.
fn received(request: &HttpRequest, response: Response) -> HttpResponse {
    let (length, headers): (Vec<_>, Vec<_>) =
        response.headers.into_iter().partition(|(name, _)| *name == "content-length");
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
    let content_length = length.first().and_then(|(_, length)| length.parse().ok());
    // RFC 9110 section 9.3.2.
    let body = if request.method == "HEAD" { Vec::new() } else { response.body };
    HttpResponse { status: response.status, headers, content_length, body }
}
