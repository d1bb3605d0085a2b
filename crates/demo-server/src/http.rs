//! The two HTTP libraries. Both pass all requests to the same handler.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::HttpServer;
use axum::Router;
use clap::ValueEnum;
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
    axum::serve(listener, router).with_graceful_shutdown(async move { stop.received().await }).await
}

async fn actix_web(listener: TcpListener, app: Arc<dyn Handler>, mut stop: StopSignal) -> io::Result<()> {
    let app = move || actix_web::App::new().default_service(regrant_actix_web::handler(Arc::clone(&app)));
    let server = HttpServer::new(app).disable_signals().workers(2).listen(listener)?.run();
    let handle = server.handle();
    tokio::spawn(async move {
        stop.received().await;
        handle.stop(true).await;
    });
    server.await
}
