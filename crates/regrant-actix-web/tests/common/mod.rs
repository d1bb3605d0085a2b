#![expect(clippy::unwrap_used, reason = "a server that cannot be started fails its case")]

use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::{App, HttpServer};
use async_trait::async_trait;
use regrant::wire::Endpoints;
use regrant_conformance::http::{Connection, Exchange, HttpHarness, Loopback, WatchedStore};
use tokio::sync::oneshot;

/// An actix-web server with two workers, on a thread of its own.
pub(crate) struct ActixWeb {
    pub(crate) is_http2: bool,
}

#[async_trait]
impl HttpHarness for ActixWeb {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, connection: Connection) -> Box<dyn Exchange> {
        let (started, starts) = oneshot::channel();
        let is_http2 = self.is_http2;
        std::thread::spawn(move || {
            System::new().block_on(async {
                let app = move || App::new().configure(regrant_actix_web::configure(Arc::clone(&endpoints)));
                let server = HttpServer::new(app).workers(2).disable_signals().on_connect(move |_, data| {
                    connection.certificate.clone().map(|certificate| data.insert(certificate));
                    connection.peer.clone().map(|peer| data.insert(peer));
                });
                let any_port = ("127.0.0.1", 0);
                let server = if is_http2 { server.bind_auto_h2c(any_port) } else { server.bind(any_port) };
                let server = server.unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, Running(server.handle()))).ok().unwrap();
                server.await
            })
        });
        let (address, running) = starts.await.unwrap();
        Box::new(if is_http2 { Loopback::http2(address, running) } else { Loopback::new(address, running) })
    }
}

struct Running(ServerHandle);

impl Drop for Running {
    fn drop(&mut self) {
        // The stop command is sent at once; its end is not awaited.
        drop(self.0.stop(false));
    }
}
