use std::sync::Arc;

use async_trait::async_trait;
use regrant::wire::Endpoints;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::adapter::serve;

// guide: harness
use regrant_conformance::http::{Exchange, HttpHarness, Loopback, Suite, WatchedStore};

struct Harness;

#[async_trait]
impl HttpHarness for Harness {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>) -> Box<dyn Exchange> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, endpoints));
        // The server ends with its guard.
        Box::new(Loopback::new(address, server))
    }
}

fn suite() -> Suite<Harness> {
    Suite::new(Harness)
}
// guide: end

pub(crate) fn trials() -> impl Iterator<Item = regrant_conformance::Trial> {
    suite().named("adapter_guide").into_iter()
}
