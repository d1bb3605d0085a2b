//! regrant on hyper, as a tower service.

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use regrant_tower::OAuth;
use tokio::net::TcpListener;

use crate::{Size, service};

pub(crate) fn serve(size: Size) {
    crate::runtime(size).block_on(async {
        let (endpoints, seed) = service::endpoints(size).await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        seed.announce(listener.local_addr().expect("is bound"));
        let service = TowerToHyperService::new(OAuth::new(endpoints));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let mut http = http1::Builder::new();
            tokio::spawn(http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service.clone()));
        }
    });
}
