use std::sync::Arc;

use async_trait::async_trait;
use regrant::wire::{Endpoints, MalformedRequest, Request, Response};

use super::message::{HttpRequest, HttpResponse};
use super::store::WatchedStore;

/// Access of the kit to an adapter.
#[async_trait]
pub trait HttpHarness: Send + Sync {
    /// Serves `endpoints`, each at its path of [`Endpoints::paths`], until the result is dropped: in nearly all cases a
    /// [`Loopback`](super::Loopback) server on a port of its own. Called once for each case, from several threads at
    /// once.
    ///
    /// # Panics
    /// When it cannot be served: the case has failed.
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>) -> Box<dyn Exchange>;
}

/// A running server.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Sends `requests` one after the other on one connection. Returns fewer answers than requests when the server
    /// closes the connection without an answer.
    async fn exchange(&self, requests: &[HttpRequest]) -> Vec<HttpResponse>;
}

/// The answers of [`Endpoints::handle`] without an adapter: the reference for every adapter.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing in it")]
pub struct Direct;

#[async_trait]
impl HttpHarness for Direct {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>) -> Box<dyn Exchange> {
        Box::new(InProcess(endpoints))
    }
}

struct InProcess(Arc<Endpoints<WatchedStore>>);

#[async_trait]
impl Exchange for InProcess {
    async fn exchange(&self, requests: &[HttpRequest]) -> Vec<HttpResponse> {
        let mut responses = Vec::new();
        for request in requests {
            responses.push(answer(&self.0, request).await);
        }
        responses
    }
}

/// Does the work of an adapter, without HTTP.
pub(super) async fn answer(endpoints: &Endpoints<WatchedStore>, request: &HttpRequest) -> HttpResponse {
    // RFC 9110 section 5.5: white space around a value is not part of it.
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.trim_ascii()));
    let headers: Vec<_> = headers.collect();
    let body = match request.received() {
        _ if request.body.len() > endpoints.body_limit() => Err(MalformedRequest::TooLarge),
        body => body.ok_or(MalformedRequest::Incomplete),
    };
    let endpoint = endpoints.paths().endpoint(request.path()).unwrap_or(request.endpoint);
    let query = request.target.split_once('?').map(|(_, query)| query);
    let wire = Request::received(&request.method, request.path(), &headers, body).with_query(query);
    received(request, endpoints.handle(endpoint, &wire).await)
}

/// Returns a response as a client receives it.
fn received(request: &HttpRequest, response: Response) -> HttpResponse {
    let headers = response.headers.into_iter().filter(|(name, _)| *name != "content-length");
    let headers = headers.map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
    // RFC 9110 section 9.3.2.
    let body = if request.method == "HEAD" { Vec::new() } else { response.body };
    HttpResponse { status: response.status, headers, body }
}
