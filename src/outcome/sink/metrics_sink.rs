use std::time::{Duration, Instant};

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::outcome::{Event, EventSink, Timed, Timings};

const EVENTS: &str = "regrant_events_total";
const OPERATIONS: &str = "regrant_operation_duration_seconds";
const STORE_CALLS: &str = "regrant_store_duration_seconds";

/// Counts events and measures calls, with the crate `metrics`. Clones are one sink. Requires the feature `metrics`.
///
/// * `regrant_events_total{operation, kind, cause}` counts events. The cause of a failure is the port. The kinds to
///   watch are `replayed` and `reuse_detected`.
/// * `regrant_operation_duration_seconds{operation}` and `regrant_store_duration_seconds{call}` are histograms. They
///   need the sink in [`TokenServiceBuilder::timings`](crate::TokenServiceBuilder::timings) as well.
///
/// All labels come from fixed lists, so requests cannot create new time series.
///
/// ```
/// use regrant::event::MetricsSink;
/// use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
///
/// let (metrics, keys) = (MetricsSink::new(), KeyRing::generate(&SystemEntropy));
/// let builder = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys);
/// let service = builder.events(metrics.clone()).timings(metrics).build()?;
/// # Ok::<(), regrant::policy::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MetricsSink {
    /// The start of [`Timings::now`].
    origin: Instant,
}

impl MetricsSink {
    /// A sink that has described its metrics to the recorder. Install the recorder first.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it has an effect on the recorder")]
    pub fn new() -> Self {
        describe_counter!(EVENTS, "Outcomes of calls, and facts found during calls.");
        describe_histogram!(OPERATIONS, Unit::Seconds, "Duration of calls of the service, including the store.");
        describe_histogram!(STORE_CALLS, Unit::Seconds, "Duration of calls of the store.");
        Self { origin: instant() }
    }
}

impl EventSink for MetricsSink {
    fn record(&self, event: &Event<'_>) {
        let (operation, kind) = (event.operation.as_str(), event.kind.as_str());
        let port = event.failure.map(|failure| failure.port.as_str());
        let cause = event.kind.cause().or(port).unwrap_or_default();
        counter!(EVENTS, "operation" => operation, "kind" => kind, "cause" => cause).increment(1);
    }
}

impl Timings for MetricsSink {
    fn now(&self) -> Duration {
        instant().saturating_duration_since(self.origin)
    }

    fn took(&self, what: Timed, took: Duration) {
        match what {
            Timed::Operation(operation) => histogram!(OPERATIONS, "operation" => operation.as_str()),
            Timed::Store(call) => histogram!(STORE_CALLS, "call" => call.as_str()),
        }
        .record(took);
    }
}

#[expect(clippy::disallowed_methods, reason = "no decision depends on durations; those use the Clock")]
fn instant() -> Instant {
    Instant::now()
}
