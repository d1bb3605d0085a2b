//! hyper, HTTP/1.1 and HTTP/2.

use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use regrant::store::TokenStore;
use regrant::wire::Endpoints;
use regrant_tower::OAuth;
use tokio::net::TcpListener;

/// Serves until the listener fails.
pub async fn serve<S: TokenStore + 'static>(listener: TcpListener, endpoints: Arc<Endpoints<S>>) {
    // guide: hyper
    let oauth = TowerToHyperService::new(OAuth::new(endpoints));
    while let Ok((stream, _)) = listener.accept().await {
        let oauth = oauth.clone();
        tokio::spawn(async move {
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), oauth).await;
        });
    }
    // guide: end
}
