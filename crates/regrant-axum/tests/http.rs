//! Every HTTP case of the kit, over real connections.

#![expect(clippy::unwrap_used, reason = "a server that cannot be started fails its case")]

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Extension;
use regrant::wire::Endpoints;
use regrant_conformance::http::{Connection, Exchange, HttpHarness, Loopback, Suite, WatchedStore};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

fn main() -> ExitCode {
    let http1 = Suite::new(Axum::Http1).named("http1");
    let http2 = Suite::new(Axum::Http2).named("http2");
    regrant_conformance::run(http1.into_iter().chain(http2))
}

/// The adapter over one version of HTTP. The server speaks both.
enum Axum {
    Http1,
    Http2,
}

#[async_trait]
impl HttpHarness for Axum {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, connection: Connection) -> Box<dyn Exchange> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut router = regrant_axum::router(endpoints);
        if let Some(certificate) = connection.certificate {
            router = router.layer(Extension(certificate));
        }
        if let Some(peer) = connection.peer {
            router = router.layer(Extension(peer));
        }
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, router).await });
        Box::new(match self {
            Self::Http1 => Loopback::new(address, server),
            Self::Http2 => Loopback::http2(address, server),
        })
    }
}
