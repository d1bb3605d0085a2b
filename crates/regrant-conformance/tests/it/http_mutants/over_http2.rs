//! Adapters that are wrong over HTTP/2, where no server drops what must not be sent.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use regrant::wire::{self, Endpoints, Handler as _, MalformedRequest};
use regrant_conformance::Trial;
use regrant_conformance::http::{Connection, Exchange, HttpHarness, Loopback, WatchedStore};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::accepts;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    HeadWithContent,
    HalfBody,
    NoAnswer,
}

/// Each mutant, and the cases that must reject it.
const MUTANTS: [(&str, Flaw, &[&str]); 3] = [
    (
        "content_for_head",
        Flaw::HeadWithContent,
        &[
            "metadata::a_head_is_answered_without_a_body",
            "method::head_is_refused_with_allow_at_token",
            "transport::a_request_behind_a_head_is_answered",
        ],
    ),
    (
        "half_a_body_taken_for_a_whole_one",
        Flaw::HalfBody,
        &[
            "transport::an_announced_refresh_that_breaks_off_consumes_nothing",
            "transport::a_chunked_refresh_that_breaks_off_consumes_nothing",
        ],
    ),
    ("no_answer", Flaw::NoAnswer, &["tokens::client_credentials_give_an_access_token_alone"]),
];

pub(super) fn trials() -> impl Iterator<Item = Trial> {
    MUTANTS.iter().map(|(name, flaw, cases)| {
        crate::test(format!("http_mutants::over_http2::{name}"), move || {
            for case in *cases {
                assert!(accepts(&Broken(Flaw::None), case), "{case} rejects a correct adapter");
                // A busy server gets half a body and the reset of its stream at once, and drops the request.
                let passes = (0..5).all(|_| accepts(&Broken(*flaw), case));
                assert!(!passes, "{case} lets {flaw:?} pass");
            }
        })
    })
}

struct Broken(Flaw);

#[async_trait]
impl HttpHarness for Broken {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, _: Connection) -> Box<dyn Exchange> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, endpoints, self.0));
        Box::new(Loopback::http2(address, server))
    }
}

async fn serve(listener: TcpListener, endpoints: Arc<Endpoints<WatchedStore>>, flaw: Flaw) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let endpoints = Arc::clone(&endpoints);
        let service = service_fn(move |request| {
            let endpoints = Arc::clone(&endpoints);
            async move {
                // The stream is reset.
                if flaw == Flaw::NoAnswer {
                    Err(io::Error::other("no answer"))
                } else {
                    Ok(answer(&endpoints, request, flaw).await)
                }
            }
        });
        connections.spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(endpoints: &Endpoints<WatchedStore>, request: Request<Incoming>, flaw: Flaw) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = read(body, endpoints.body_limit(), flaw).await;
    let headers: Vec<_> = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let body = body.as_deref().map_err(|fault| *fault);
    let request = wire::Request::received(head.method.as_str(), head.uri.path(), &headers, body);
    let answer = endpoints.respond(&request.with_query(head.uri.query())).await;
    let response = Response::builder().status(answer.status);
    let response = answer.headers.iter().fold(response, |response, (name, value)| response.header(*name, &**value));
    let body = match (head.method.as_str(), flaw) {
        ("HEAD", Flaw::HeadWithContent) => Bytes::from_static(b"content"),
        ("HEAD", _) => Bytes::new(),
        _ => answer.body.into(),
    };
    response.body(body.into()).unwrap()
}

async fn read(body: Incoming, limit: usize, flaw: Flaw) -> Result<Bytes, MalformedRequest> {
    let mut body = Limited::new(body, limit);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => whole.extend(frame.into_data().unwrap_or_default()),
            Err(error) if error.is::<LengthLimitError>() => return Err(MalformedRequest::TooLarge),
            Err(_) if flaw == Flaw::HalfBody => break,
            Err(_) => return Err(MalformedRequest::Incomplete),
        }
    }
    Ok(whole.into())
}
