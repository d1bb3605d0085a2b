use std::sync::Arc;

use async_trait::async_trait;
use hyper::Request;
use hyper::body::Incoming;
use regrant::wire::Endpoints;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::adapter::serve;

// guide: harness
use regrant_conformance::http::{Connection, Exchange, HttpHarness, Loopback, Suite, WatchedStore};

struct Harness;

#[async_trait]
impl HttpHarness for Harness {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, connection: Connection) -> Box<dyn Exchange> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let facts = move |request: &mut Request<Incoming>| {
            connection.certificate.clone().map(|certificate| request.extensions_mut().insert(certificate));
            connection.peer.clone().map(|peer| request.extensions_mut().insert(peer));
        };
        let mut server = JoinSet::new();
        server.spawn(serve(listener, endpoints, facts));
        // The server ends with its guard. A client of HTTP/2 is `Loopback::http2`.
        Box::new(Loopback::new(address, server))
    }
}

fn suite() -> Suite<Harness> {
    Suite::new(Harness)
}
// guide: end

pub(crate) fn trials() -> impl Iterator<Item = regrant_conformance::Trial> {
    suite().named("adapter_guide").into_iter()
}
