//! The schedule of an open loop.
//!
//! The timer of tokio has a resolution of a millisecond, which would send the requests in bunches. A `timerfd` has the
//! resolution of the clock.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::now;

/// The times at which one connection sends its requests: a Poisson process.
pub(crate) struct Pace {
    next: Instant,
    rate: f64,
    timer: AsyncFd<OwnedFd>,
}

impl Pace {
    /// A schedule from `begin` with `rate` requests per second.
    pub(crate) fn new(begin: Instant, rate: f64) -> Self {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK).expect("a timer");
        #[expect(deprecated, reason = "its successor is unsafe, and an `OwnedFd` keeps the descriptor open")]
        let timer = AsyncFd::new(timer).expect("can be polled");
        Self { next: begin, rate, timer }
    }

    /// Returns the time of the next request.
    pub(crate) fn next(&mut self) -> Instant {
        self.next += Duration::from_secs_f64(-(1.0 - fastrand::f64()).ln() / self.rate);
        self.next
    }

    /// Waits until `time`. Returns at once if that time has passed.
    pub(crate) async fn until(&self, time: Instant) {
        let wait = time.saturating_duration_since(now());
        if !wait.is_zero() {
            self.sleep(wait).await;
        }
    }

    async fn sleep(&self, wait: Duration) {
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let it_value = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() };
        let once = Itimerspec { it_interval: never, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once).expect("a valid time");
        let mut ready = self.timer.readable().await.expect("a timer");
        // Resets the timer, so that the next wait does not end with this expiry.
        rustix::io::read(&self.timer, &mut [0_u8; 8]).expect("has expired");
        ready.clear_ready();
    }
}
