//! The two HTTP libraries. Both pass all requests to the same handler.

use std::any::Any;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::HttpServer;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::map_request;
use clap::ValueEnum;
use regrant::host::Peer;
use regrant::wire::Handler;

use crate::shutdown::StopSignal;

/// The HTTP library.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum HttpLibrary {
    Axum,
    ActixWeb,
}

impl HttpLibrary {
    /// Serves until `stop`, then completes open requests.
    pub(crate) async fn serve(self, listener: TcpListener, app: Arc<dyn Handler>, stop: StopSignal) -> io::Result<()> {
        match self {
            Self::Axum => axum(listener, app, stop).await,
            Self::ActixWeb => actix_web(listener, app, stop).await,
        }
    }
}

async fn axum(listener: TcpListener, app: Arc<dyn Handler>, mut stop: StopSignal) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = Router::new().fallback_service(regrant_axum::handler(app).with_state(()));
    let service = router.layer(map_request(name_peer)).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(async move { stop.received().await }).await
}

async fn actix_web(listener: TcpListener, app: Arc<dyn Handler>, mut stop: StopSignal) -> io::Result<()> {
    let app = move || actix_web::App::new().default_service(regrant_actix_web::handler(Arc::clone(&app)));
    let server =
        HttpServer::new(app).on_connect(name_peer_of_connection).disable_signals().workers(2).listen(listener)?.run();
    let handle = server.handle();
    tokio::spawn(async move {
        stop.received().await;
        handle.stop(true).await;
    });
    server.await
}

/// Names the sender of a request, by which attempts to guess are counted. There is no proxy in front.
async fn name_peer(ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(Peer::address(address.ip()));
    request
}

fn name_peer_of_connection(connection: &dyn Any, data: &mut Extensions) {
    let address = connection.downcast_ref().and_then(|stream: &TcpStream| stream.peer_addr().ok());
    if let Some(address) = address {
        data.insert(Peer::address(address.ip()));
    }
}
