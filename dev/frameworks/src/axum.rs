//! axum, without `regrant-axum`.

use std::io;
use std::sync::Arc;

use axum::Router;
use regrant::store::TokenStore;
use regrant::wire::Endpoints;
use regrant_tower::OAuth;
use tokio::net::TcpListener;

/// Serves until the listener fails.
pub async fn serve<S: TokenStore + 'static>(listener: TcpListener, endpoints: Arc<Endpoints<S>>) -> io::Result<()> {
    // guide: axum
    let app = Router::new().fallback_service(OAuth::new(endpoints));
    axum::serve(listener, app).await
    // guide: end
}
