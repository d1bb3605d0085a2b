//! poem.

use std::io;
use std::sync::Arc;

use poem::endpoint::TowerCompatExt as _;
use poem::listener::TcpAcceptor;
use poem::{Route, Server};
use regrant::store::TokenStore;
use regrant::wire::Endpoints;
use regrant_tower::OAuth;
use tokio::net::TcpListener;

/// Serves until the listener fails.
pub async fn serve<S: TokenStore + 'static>(listener: TcpListener, endpoints: Arc<Endpoints<S>>) -> io::Result<()> {
    // guide: poem
    let app = Route::new().nest_no_strip("/", OAuth::new(endpoints).compat());
    Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?).run(app).await
    // guide: end
}
