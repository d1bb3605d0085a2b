//! Every HTTP case of the kit, over connections of hyper.

#![expect(clippy::unwrap_used, reason = "a server that cannot be started fails its case")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use regrant::wire::Endpoints;
use regrant_conformance::http::{Exchange, HttpHarness, Loopback, Suite, WatchedStore};
use regrant_tower::OAuth;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::Service;

fn main() -> ExitCode {
    regrant_conformance::run(Suite::new(Hyper))
}

struct Hyper;

#[async_trait]
impl HttpHarness for Hyper {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>) -> Box<dyn Exchange> {
        let (address, server) = start(OAuth::new(endpoints)).await;
        Box::new(Loopback::new(address, server))
    }
}

/// Serves HTTP/1.1, and HTTP/2 to clients that know it before.
async fn start<S>(service: S) -> (SocketAddr, JoinSet<()>)
where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            connections.spawn(async move {
                let http = auto::Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, server)
}
