//! Outcomes of calls: refusals with their error codes, events with their causes, durations, and sinks.

mod error_code;
mod event;
pub(crate) mod malformed;
pub(crate) mod refusal;
mod sink;
mod timings;

pub use error_code::ErrorCode;
pub(crate) use event::chain;
pub use event::{Event, EventKind, EventSink, Failure, Operation, OwnedEvent, OwnedFailure, Port, ReplayCause};
pub(crate) use malformed::MalformedRequest;
pub(crate) use refusal::Refusal;
#[cfg(feature = "metrics")]
pub use sink::MetricsSink;
#[cfg(feature = "tracing")]
pub use sink::TracingSink;
pub(crate) use timings::Timer;
pub use timings::{StoreCall, Timed, Timings};
