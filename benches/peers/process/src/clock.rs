//! The clock of the subjects: the machine's clock and an offset. So a call pays for reading the clock, and half an hour
//! between two refreshes takes no time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use regrant::clock::{Clock, SystemClock, Timestamp};

/// A time after which a retry is no longer answered: 60 s with both libraries.
pub(crate) const AFTER_RETRIES: Duration = Duration::from_secs(70);

/// Time before each batch of rotations. A grant is rotated every half hour, as clients do, and not before a retry with
/// the token of its last rotation has become impossible.
pub(crate) fn between_batches(step: Duration, batch: usize) -> Duration {
    let batch = u32::try_from(batch).expect("a small batch");
    AFTER_RETRIES.max(step * batch)
}

#[derive(Clone, Default)]
pub(crate) struct Shifted(Arc<AtomicU64>);

impl Shifted {
    pub(crate) fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).expect("less than 500 years");
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }

    fn offset(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.offset()
    }
}

impl oauth_as::server::Clock for Shifted {
    fn now(&self) -> SystemTime {
        SystemTime::now() + self.offset()
    }
}
