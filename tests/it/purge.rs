//! The purge that goes on until the host stops it.

use std::cell::RefCell;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use fixtures::{APP, Server, seconds};
use regrant::clock::Timestamp;
use regrant::event::EventKind;
use regrant::store::{Expect, GrantKey, GrantRecord, PurgeExpired, StoreError, StoredGrant, Swap, TokenStore};
use regrant::{ClientRegistry, KeyRing, SystemEntropy, TokenService};

/// Runs the purge for `rounds` intervals. `between` runs in each of them.
fn purge_for(server: &Server, rounds: usize, between: impl Fn(usize)) -> Vec<Duration> {
    let slept = RefCell::new(Vec::new());
    let sleep = |interval| {
        slept.borrow_mut().push(interval);
        let round = slept.borrow().len();
        between(round);
        async move {
            if round == rounds {
                pending::<()>().await;
            }
        }
    };
    let mut purge = pin!(server.service().clone().purge_continuously(seconds(60), sleep));
    let mut context = Context::from_waker(Waker::noop());
    // Until the last interval the purge only gives way to other tasks.
    while slept.borrow().len() < rounds {
        assert!(purge.as_mut().poll(&mut context).is_pending());
    }
    slept.borrow().clone()
}

#[tokio::test]
async fn expired_records_are_deleted_after_each_interval_until_the_future_is_dropped() {
    let server = Server::start();
    server.sign_in(APP).await;
    let slept = purge_for(&server, 3, |round| {
        // Nothing has expired in the first round.
        assert_eq!(server.store().grants.len(), usize::from(round == 1));
        server.advance(seconds(8 * 24 * 3600));
    });
    assert_eq!(slept, [seconds(60); 3]);
    server.sign_in(APP).await;
    server.advance(seconds(8 * 24 * 3600));
    assert_eq!(server.store().grants.len(), 1, "nobody purges any more");
}

#[tokio::test]
async fn a_failure_of_the_store_is_an_event_and_is_tried_again_after_the_interval() {
    let server = Server::start();
    server.sign_in(APP).await;
    server.advance(seconds(8 * 24 * 3600));
    server.config.events.take();
    server.store().set_down(true);
    let store = server.store().clone();
    purge_for(&server, 2, |round| {
        assert_eq!(store.grants.len(), usize::from(round == 1));
        store.set_down(false);
    });
    assert_eq!(server.config.events.kinds(), [EventKind::Unavailable]);
}

/// A store with a thousand batches of expired records. Counts the batches that were deleted.
#[derive(Default)]
struct Full(AtomicUsize);

#[async_trait]
impl TokenStore for Full {
    async fn load(&self, _: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        Ok(None)
    }

    async fn compare_and_swap(&self, _: &GrantKey, _: Expect, _: GrantRecord) -> Result<Swap, StoreError> {
        Ok(Swap::Conflict)
    }
}

#[async_trait]
impl PurgeExpired for Full {
    async fn purge_expired(&self, _: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Ok(if self.0.fetch_add(1, Ordering::Relaxed) < 1000 { limit } else { 0 })
    }
}

#[test]
fn a_large_purge_lets_other_tasks_run() {
    let keys = KeyRing::generate(&SystemEntropy);
    let store = Arc::new(Full::default());
    let service = TokenService::builder(Arc::clone(&store), ClientRegistry::new(), keys).build().unwrap();
    let mut purge = pin!(service.purge_continuously(seconds(60), |_| pending::<()>()));
    let mut context = Context::from_waker(Waker::noop());
    for batches in 1..4 {
        // Each poll ends after one batch, although the store never waits.
        assert!(purge.as_mut().poll(&mut context).is_pending());
        assert_eq!(store.0.load(Ordering::Relaxed), batches);
    }
}
