//! regrant on hyper alone, with the adapter of `docs/adapter-guide.md`.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use regrant::MemoryStore;
use regrant::wire::{self, Endpoints, MalformedRequest};
use tokio::net::TcpListener;

use crate::{Size, service};

pub(crate) fn serve(size: Size) {
    crate::runtime(size).block_on(async {
        let (endpoints, seed) = service::endpoints(size).await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        seed.announce(listener.local_addr().expect("is bound"));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let endpoints = Arc::clone(&endpoints);
            let service = service_fn(move |request| {
                let endpoints = Arc::clone(&endpoints);
                async move { Ok::<_, Infallible>(answer(&endpoints, request).await) }
            });
            let mut http = http1::Builder::new();
            tokio::spawn(http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service));
        }
    });
}

async fn answer(endpoints: &Endpoints<MemoryStore>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let endpoint = endpoints.paths().endpoint(path).expect("the load names no other path");
    let body = read(body, endpoints.body_limit()).await;
    let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers: Vec<(&str, &[u8])> = headers.collect();
    let body = body.as_deref().map_err(|fault| *fault);
    let request = wire::Request::received(head.method.as_str(), path, &headers, body)
        .with_client_certificate(head.extensions.get());
    send(endpoints.handle(endpoint, &request).await)
}

async fn read(body: Incoming, limit: usize) -> Result<Bytes, MalformedRequest> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(MalformedRequest::TooLarge),
        Err(_) => Err(MalformedRequest::Incomplete),
    }
}

fn send(answer: wire::Response) -> Response<Full<Bytes>> {
    let response = Response::builder().status(answer.status);
    let response = answer.headers.iter().fold(response, |response, (name, value)| response.header(*name, &**value));
    response.body(answer.body.into()).expect("regrant answers with statuses and headers that HTTP has")
}
