//! actix-web, axum and the adapter of docs/adapter-guide.md give the same answer to each case of the kit, byte for
//! byte.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::wire::Endpoints;
use regrant_conformance::http::{
    Case, Connection, Exchange, HttpHarness, HttpResponse, Loopback, WatchedStore, cases, exchange,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::common::ActixWeb;

#[tokio::test(flavor = "multi_thread")]
async fn actix_web_answers_byte_for_byte_as_axum_does() {
    differ_in_nothing(&ActixWeb { is_http2: false }, &Axum).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn actix_web_answers_byte_for_byte_as_hyper_does() {
    differ_in_nothing(&ActixWeb { is_http2: false }, &Guide).await;
}

async fn differ_in_nothing(one: &dyn HttpHarness, other: &dyn HttpHarness) {
    let mut compared = 0;
    for case in cases().iter().flat_map(|group| &group.cases).filter(|case| case.is_answered_by_the_adapter()) {
        let (one, other) = (answers(one, case).await, answers(other, case).await);
        assert!(!one.is_empty(), "{}", case.name());
        assert_eq!(one, other, "{}", case.name());
        compared += 1;
    }
    assert!(compared >= 300, "only {compared}");
}

async fn answers(harness: &dyn HttpHarness, case: &Case) -> Vec<HttpResponse> {
    exchange(harness, case).await.iter().map(HttpResponse::normalized).collect()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

struct Axum;

#[async_trait]
impl HttpHarness for Axum {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, connection: Connection) -> Box<dyn Exchange> {
        let (listener, address) = listen().await;
        let mut router = regrant_axum::router(endpoints);
        if let Some(certificate) = connection.certificate {
            router = router.layer(axum::Extension(certificate));
        }
        if let Some(peer) = connection.peer {
            router = router.layer(axum::Extension(peer));
        }
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, router).await });
        Box::new(Loopback::new(address, server))
    }
}

struct Guide;

#[async_trait]
impl HttpHarness for Guide {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, connection: Connection) -> Box<dyn Exchange> {
        let (listener, address) = listen().await;
        let facts = move |request: &mut hyper::Request<_>| {
            connection.certificate.clone().map(|certificate| request.extensions_mut().insert(certificate));
            connection.peer.clone().map(|peer| request.extensions_mut().insert(peer));
        };
        let mut server = JoinSet::new();
        server.spawn(crate::guide::serve(listener, endpoints, facts));
        Box::new(Loopback::new(address, server))
    }
}
