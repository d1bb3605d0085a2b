//! Every HTTP case of the kit, over real connections.

#![expect(clippy::unwrap_used, reason = "a server that cannot be started fails its case")]

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::wire::Endpoints;
use regrant_conformance::http::{Exchange, HttpHarness, Loopback, Suite, WatchedStore};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

fn main() -> ExitCode {
    regrant_conformance::run(Suite::new(Axum))
}

struct Axum;

#[async_trait]
impl HttpHarness for Axum {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>) -> Box<dyn Exchange> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, regrant_axum::router(endpoints)).await });
        Box::new(Loopback::new(address, server))
    }
}
