//! Every HTTP case of the kit, over connections of hyper.

#![expect(clippy::unwrap_used, reason = "a server that cannot be started fails its case")]

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use regrant::wire::Endpoints;
use regrant_conformance::http::{Connection, Exchange, HttpHarness, Loopback, Suite, WatchedStore};
use regrant_tower::OAuth;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::Service as _;

fn main() -> ExitCode {
    let (http1, http2) = (Suite::new(Hyper::Http1).named("http1"), Suite::new(Hyper::Http2).named("http2"));
    regrant_conformance::run(http1.into_iter().chain(http2))
}

/// The service over one version of HTTP. The server speaks both.
enum Hyper {
    Http1,
    Http2,
}

#[async_trait]
impl HttpHarness for Hyper {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, connection: Connection) -> Box<dyn Exchange> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(accept(listener, OAuth::new(endpoints), connection));
        Box::new(match self {
            Self::Http1 => Loopback::new(address, server),
            Self::Http2 => Loopback::http2(address, server),
        })
    }
}

async fn accept(listener: TcpListener, oauth: OAuth<WatchedStore>, connection: Connection) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (oauth, connection) = (oauth.clone(), connection.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            if let Some(certificate) = connection.certificate.clone() {
                request.extensions_mut().insert(certificate);
            }
            if let Some(peer) = connection.peer.clone() {
                request.extensions_mut().insert(peer);
            }
            oauth.clone().call(request)
        });
        connections.spawn(async move {
            let http = auto::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
