//! The adapters on a loopback port.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::{App, HttpServer};
use async_trait::async_trait;
use regrant::store::TokenStore;
use regrant::wire::Endpoints;
use regrant_conformance::http::{Connection, Exchange, HttpHarness, Loopback, WatchedStore};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub struct Axum;

#[async_trait]
impl HttpHarness for Axum {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, _: Connection) -> Box<dyn Exchange> {
        let (address, server) = axum(endpoints).await;
        Box::new(Loopback::new(address, server))
    }
}

/// Serves with axum until the result is dropped.
pub async fn axum<S: TokenStore + 'static>(endpoints: Arc<Endpoints<S>>) -> (SocketAddr, JoinSet<std::io::Result<()>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async { ::axum::serve(listener, regrant_axum::router(endpoints)).await });
    (address, server)
}

pub struct ActixWeb;

#[async_trait]
impl HttpHarness for ActixWeb {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, _: Connection) -> Box<dyn Exchange> {
        let (address, running) = actix_web(endpoints).await;
        Box::new(Loopback::new(address, running))
    }
}

/// Serves with actix-web, on a thread of its own, until the result is dropped.
pub async fn actix_web<S: TokenStore + 'static>(endpoints: Arc<Endpoints<S>>) -> (SocketAddr, Running) {
    let (started, starts) = oneshot::channel();
    std::thread::spawn(|| {
        System::new().block_on(async {
            let app = move || App::new().configure(regrant_actix_web::configure(Arc::clone(&endpoints)));
            let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            started.send((address, Running(server.handle()))).ok().unwrap();
            server.await
        })
    });
    starts.await.unwrap()
}

pub struct Running(ServerHandle);

impl Drop for Running {
    fn drop(&mut self) {
        // The stop command is sent at once; its end is not awaited.
        drop(self.0.stop(false));
    }
}
