use std::time::{Duration, Instant};

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::outcome::{Event, EventSink, Timed, Timings};

const EVENTS: &str = "regrant_events_total";
const OPERATIONS: &str = "regrant_operation_duration_seconds";
const STORE_CALLS: &str = "regrant_store_duration_seconds";

/// Counts events, and how long calls take. Clones are one sink.
///
/// * `regrant_events_total{operation, kind, cause}`: of failures the cause is the port. Replays granted and reuses
///   punished are two kinds of it: watch both.
/// * `regrant_operation_duration_seconds{operation}` and `regrant_store_duration_seconds{call}`: histograms, if it is
///   given to [`TokenServiceBuilder::timings`](crate::TokenServiceBuilder::timings) too.
///
/// Labels come from fixed lists, so no request can make new ones.
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
    /// The instant from which [`Timings::now`] counts.
    origin: Instant,
}

impl MetricsSink {
    /// A sink that has told the recorder what its metrics are: install the recorder first.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it speaks to the recorder")]
    pub fn new() -> Self {
        describe_counter!(EVENTS, "Outcomes of calls, and facts on the way to them.");
        describe_histogram!(OPERATIONS, Unit::Seconds, "Time that calls of the service took, store included.");
        describe_histogram!(STORE_CALLS, Unit::Seconds, "Time that calls of the store took.");
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

#[expect(clippy::disallowed_methods, reason = "durations decide nothing: the service's time is the Clock's")]
fn instant() -> Instant {
    Instant::now()
}
