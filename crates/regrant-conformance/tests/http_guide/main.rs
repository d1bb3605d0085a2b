//! The adapter of docs/adapter-guide.md, judged. The guide shows it piece by piece; the last test compares the two.
#![expect(clippy::unwrap_used, reason = "a server that cannot be started fails its case")]

mod adapter;

use std::sync::Arc;

use async_trait::async_trait;
use regrant::wire::Endpoints;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::adapter::serve;

// guide: harness
use regrant_conformance::http::{Exchange, HttpHarness, Loopback, WatchedStore};

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

regrant_conformance::http_tests!(Harness);
// guide: end

#[test]
fn the_guide_shows_this_adapter() {
    let guide = include_str!("../../../../docs/adapter-guide.md");
    let mut shown = 0;
    for source in [include_str!("adapter.rs"), include_str!("main.rs")] {
        let pieces = source.split("// guide: ").skip(1).filter_map(|piece| piece.split_once('\n'));
        for (name, piece) in pieces.filter(|(name, _)| *name != "end" && !name.contains(' ')) {
            assert!(guide.contains(piece.trim()), "the guide does not show: {name}");
            shown += 1;
        }
    }
    assert_eq!(shown, 6);
}
