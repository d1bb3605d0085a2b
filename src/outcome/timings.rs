//! Durations of calls, for the host.

use std::sync::Arc;
use std::time::Duration;

use crate::outcome::Operation;

/// Receives durations. `sink::MetricsSink` is one. The core reads no clock for it: without this port nothing is
/// measured.
///
/// # Contract
/// Both methods are called in the middle of a request: they must be quick, must not block and must not panic.
pub trait Timings: Send + Sync {
    /// The time since any fixed moment, by a clock that never steps back.
    fn now(&self) -> Duration;

    /// Takes note that `what` took so long: until it was answered, failed, or was dropped.
    fn took(&self, what: Timed, took: Duration);
}

impl<T: Timings + ?Sized> Timings for Arc<T> {
    fn now(&self) -> Duration {
        (**self).now()
    }

    fn took(&self, what: Timed, took: Duration) {
        (**self).took(what, took);
    }
}

/// A measured call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timed {
    /// A call of the service, all its store calls included.
    Operation(Operation),
    /// One call of the store.
    Store(StoreCall),
}

/// The calls of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the method of the store's traits that has its name")]
pub enum StoreCall {
    Load,
    CompareAndSwap,
    Page,
    PurgeExpired,
}

impl StoreCall {
    /// A short name, for logs and metric labels.
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

/// Measures until it is dropped.
pub(crate) struct Timer<'a>(Option<(&'a dyn Timings, Timed, Duration)>);

impl<'a> Timer<'a> {
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
