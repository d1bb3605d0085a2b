//! The clock of the servers whose library takes one: the machine's clock, and a step ahead with each reading.
//!
//! A client refreshes when its access token is about to expire. The load refreshes each grant several times a second,
//! so without this clock every record would hold the access tokens and rotations of a day.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use regrant::clock::{Clock, SystemClock, Timestamp};

/// Between two refreshes of one grant. Access tokens live for an hour.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(30 * 60);

#[derive(Clone)]
pub(crate) struct Moving {
    offset: Arc<AtomicU64>,
    step: u64,
}

impl Moving {
    /// A clock that is read once by each request, about one of `grants` in turn.
    pub(crate) fn new(grants: usize) -> Self {
        let step = BETWEEN_REFRESHES / u32::try_from(grants).expect("fewer grants");
        Self { offset: Arc::default(), step: u64::try_from(step.as_nanos()).expect("a short time") }
    }

    fn offset(&self) -> Duration {
        Duration::from_nanos(self.offset.fetch_add(self.step, Ordering::Relaxed))
    }
}

impl Clock for Moving {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.offset()
    }
}

impl oauth_as::server::Clock for Moving {
    fn now(&self) -> SystemTime {
        SystemTime::now() + self.offset()
    }
}
