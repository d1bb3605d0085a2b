//! salvo.

use std::io;
use std::sync::Arc;

use regrant::store::TokenStore;
use regrant::wire::Endpoints;
use regrant_tower::OAuth;
use salvo::conn::tcp::TcpAcceptor;
use salvo::http::ReqBody;
use salvo::prelude::TowerServiceCompat;
use salvo::{Router, Server};
use tokio::net::TcpListener;

/// Serves until the listener fails.
pub async fn serve<S: TokenStore + 'static>(listener: TcpListener, endpoints: Arc<Endpoints<S>>) -> io::Result<()> {
    // guide: salvo
    let oauth = TowerServiceCompat::<ReqBody, _, _, _>::compat(OAuth::new(endpoints));
    let app = Router::with_path("{**path}").goal(oauth);
    Server::new(TcpAcceptor::try_from(listener)?).serve(app).await;
    // guide: end
    Ok(())
}
