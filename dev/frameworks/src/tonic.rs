//! tonic, beside services of gRPC.

use std::sync::Arc;

use regrant::store::TokenStore;
use regrant::wire::Endpoints;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Serves until the listener fails.
pub async fn serve<S: TokenStore + 'static>(
    listener: TcpListener,
    endpoints: Arc<Endpoints<S>>,
) -> Result<(), tonic::transport::Error> {
    // guide: tonic
    let routes = Routes::from(regrant_axum::router(endpoints)); // and `add_service` for those of gRPC
    Server::builder().accept_http1(true).add_routes(routes).serve_with_incoming(TcpIncoming::from(listener)).await
    // guide: end
}
