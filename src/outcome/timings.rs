//! Durations of calls. No decision depends on them: decisions use the [`Clock`](crate::clock::Clock).

use std::time::Duration;

use crate::outcome::Operation;
use crate::vocabulary::forward_to_arc;

/// Receives the durations of calls. `MetricsSink` (feature `metrics`) is an implementation. Without this port nothing
/// is measured: the library reads no clock of its own.
///
/// # Contract
/// * **Both methods are quick, do not block and do not panic.** They run inside a request, [`took`](Self::took) also
///   while a future is dropped.
/// * **[`now`](Self::now) never goes backwards.** A step back is recorded as a duration of zero.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use regrant::event::{Timed, Timings};
///
/// struct SlowCalls {
///     start: Instant,
/// }
///
/// impl Timings for SlowCalls {
///     fn now(&self) -> Duration {
///         self.start.elapsed()
///     }
///
///     fn took(&self, what: Timed, took: Duration) {
///         if took > Duration::from_secs(1) {
///             eprintln!("{what:?} took {took:?}");
///         }
///     }
/// }
/// ```
pub trait Timings: Send + Sync {
    /// Returns the time since any fixed point, by a monotonic clock.
    fn now(&self) -> Duration;

    /// Records the duration `took` of the call `what`, which succeeded, failed or was dropped.
    fn took(&self, what: Timed, took: Duration);
}

forward_to_arc! {
    Timings {
        fn now(&self) -> Duration;
        fn took(&self, what: Timed, took: Duration);
    }
}

/// A measured call. Operations contain their store calls, so the two kinds are not added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timed {
    /// A call of the service, including its store calls.
    Operation(Operation),
    /// One call of the store.
    Store(StoreCall),
}

/// A call of a store. [`SingleUse`](crate::store::SingleUse) is not measured: the verifiers call it, not the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the method of a store trait with the same name")]
pub enum StoreCall {
    Load,
    CompareAndSwap,
    Page,
    PurgeExpired,
}

impl StoreCall {
    /// Returns a short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::CompareAndSwap => "compare_and_swap",
            Self::Page => "page",
            Self::PurgeExpired => "purge_expired",
        }
    }
}

/// Measures the time until it is dropped. A client that hangs up drops the future of the call, and the slow calls are
/// those that clients give up on: a timer that is stopped by hand would miss them.
pub(crate) struct Timer<'a>(Option<(&'a dyn Timings, Timed, Duration)>);

impl<'a> Timer<'a> {
    /// Starts to measure. Without `timings` no clock is read.
    pub(crate) fn start(timings: Option<&'a dyn Timings>, what: Timed) -> Self {
        Self(timings.map(|timings| (timings, what, timings.now())))
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        if let Some((timings, what, began)) = self.0 {
            timings.took(what, timings.now().saturating_sub(began));
        }
    }
}
