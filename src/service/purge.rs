//! The deletion of expired records.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::call::Call;
use super::{TokenError, TokenService};
use crate::outcome::{Operation, StoreCall};
use crate::ports::store::PurgeExpired;

/// The number of records that are deleted by one call of the store.
const BATCH: usize = 1000;

impl<S: PurgeExpired> TokenService<S> {
    /// Deletes at most `limit` records of grants that have ended and returns their number. Fewer than `limit` means
    /// that no such record is left. Safety does not depend on it: it bounds the store. Most hosts call
    /// [`purge_continuously`](Self::purge_continuously).
    ///
    /// # Errors
    /// The failure of the store.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// clock.advance(Duration::from_secs(8 * 24 * 3600)); // the refresh token lived for seven days
    /// while service.purge_expired(100).await? == 100 {}
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn purge_expired(&self, limit: usize) -> Result<usize, TokenError> {
        let call = Call::new(self, Operation::PurgeExpired);
        let _timer = self.timer(call.operation);
        let _store_timer = self.store_timer(StoreCall::PurgeExpired);
        let purged = self.0.store.purge_expired(self.now(), limit).await;
        purged.map_err(|error| call.fail(TokenError::Store(error)))
    }

    /// Deletes all expired records, and does so again after each `interval`, which is more than zero. Never returns:
    /// spawn it, and drop the task to stop it. A purge that is stopped has deleted some records, and nothing is lost.
    ///
    /// `sleep` waits, by the runtime of the host. A failure of the store is an event, and is tried again after the next
    /// interval. Several nodes may purge one store.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// let purge = tokio::spawn(service.clone().purge_continuously(Duration::from_secs(60), tokio::time::sleep));
    /// // until the server stops
    /// purge.abort();
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn purge_continuously<F: Future>(self, interval: Duration, sleep: impl Fn(Duration) -> F) -> ! {
        loop {
            // A failure ends the batches: the next ones would fail, too.
            while matches!(self.purge_expired(BATCH).await, Ok(BATCH)) {
                give_way().await;
            }
            sleep(interval).await;
        }
    }
}

/// Lets other tasks run. The future of a store in memory never waits, and a large purge would hold up its thread.
async fn give_way() {
    let mut has_waited = false;
    poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
