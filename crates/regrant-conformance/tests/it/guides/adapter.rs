//! The adapter of docs/adapter-guide.md.
#![expect(clippy::expect_used, reason = "regrant answers with statuses and headers that HTTP has")]

// guide: imports
use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use regrant::store::TokenStore;
use regrant::wire::{self, AuthorizationRequest, Endpoints, MalformedRequest};
use regrant::{Approval, Subject};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
// guide: end

// guide: answer
async fn answer<S: TokenStore>(endpoints: &Endpoints<S>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let body = read(body, endpoints.body_limit()).await;
    let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers: Vec<(&str, &[u8])> = headers.collect();
    let body = body.as_deref().map_err(|fault| *fault);
    let request = wire::Request::received(head.method.as_str(), path, &headers, body)
        .with_query(head.uri.query())
        .with_client_certificate(head.extensions.get())
        .with_peer(head.extensions.get());
    let answer = match endpoints.paths().endpoint(path) {
        Some(endpoint) => endpoints.handle(endpoint, &request).await,
        None if endpoints.paths().authorization.as_deref() == Some(path) => authorize(endpoints, &request).await,
        None => wire::Response { status: 404, headers: Vec::new(), body: Vec::new() },
    };
    send(answer.for_method(head.method.as_str()))
}
// guide: end

// guide: authorize
async fn authorize<S: TokenStore>(endpoints: &Endpoints<S>, request: &wire::Request<'_>) -> wire::Response {
    match endpoints.ask(&AuthorizationRequest::read(request, endpoints.body_limit())).await {
        // Here a host signs its user in and asks for consent, on pages of its own.
        Ok(ask) => ask.approve(Approval::of(Subject::from_static("demo"))).await.unwrap_or_else(Into::into),
        Err(error) => error.response(),
    }
}
// guide: end

// guide: read
async fn read(body: Incoming, limit: usize) -> Result<Bytes, MalformedRequest> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(MalformedRequest::TooLarge),
        Err(_) => Err(MalformedRequest::Incomplete),
    }
}
// guide: end

// guide: send
fn send(answer: wire::Response) -> Response<Full<Bytes>> {
    let response = Response::builder().status(answer.status);
    let response = answer.headers.iter().fold(response, |response, (name, value)| response.header(*name, &**value));
    response.body(answer.body.into()).expect("regrant answers with statuses and headers that HTTP has")
}
// guide: end

// guide: serve
pub(crate) async fn serve<S: TokenStore + 'static>(
    listener: TcpListener,
    endpoints: Arc<Endpoints<S>>,
    facts: impl Fn(&mut Request<Incoming>) + Clone + Send + 'static,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (endpoints, facts) = (Arc::clone(&endpoints), facts.clone());
        let service = service_fn(move |mut request| {
            // The certificate of this connection, and its sender.
            facts(&mut request);
            let endpoints = Arc::clone(&endpoints);
            async move { Ok::<_, Infallible>(answer(&endpoints, request).await) }
        });
        connections
            .spawn(http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}
// guide: end
