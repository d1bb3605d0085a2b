//! A host on axum: sign-in, consent, authorization code with PKCE, refresh tokens, "my sessions", and a page of
//! administrators, in SQLite or PostgreSQL. `docs/host-guide.md` explains it. Run it with
//! `cargo run -p regrant-axum --example host`, as `demo` or `admin` with `changeit`.
//!
//! The folder `host` has the pages and their parts, without a web framework. The host on actix-web uses it too.

#[path = "host/mod.rs"]
mod host;

use std::{error::Error, net::SocketAddr, sync::Arc};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::map_request;
use regrant::host::Peer;

pub(crate) use host::Host;

/// The endpoints of the library at their paths, and the pages of the host everywhere else.
pub(crate) fn app(host: Arc<Host>) -> Router {
    let endpoints = regrant_axum::router(Arc::clone(&host.endpoints));
    endpoints.fallback_service(regrant_axum::handler(host).with_state(()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (host, listener) = Host::start().await?;
    let app = app(host).layer(map_request(name_peer)).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?)
}

/// Names the sender, by which the rate limit counts. Behind a proxy that is the address in the header of the proxy.
async fn name_peer(ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(Peer::address(address.ip()));
    request
}
