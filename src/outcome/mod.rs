//! Outcomes of calls: refusals with their error codes, events with their causes, durations, and sinks.
//!
//! The host and the client learn different things about one outcome:
//!
//! | | the client gets | the host gets |
//! |---|---|---|
//! | success | tokens | an event such as `issued` or `rotated` |
//! | malformed request | an [`ErrorCode`], and the fault in words | `malformed`, with the [`MalformedRequest`] |
//! | refusal | an [`ErrorCode`] and its fixed text | `refused`, with the [`Refusal`] |
//! | failure of a port | 500 or 503 | `unavailable` or `rejected`, with the [`Failure`] and its sources |
//!
//! The separation is a defence. An answer that distinguishes an unknown token from an expired one helps to probe stolen
//! tokens, and the text of a database error may contain names of tables.
//!
//! Each refusal maps to its code by one exhaustive `match`, in [`Refusal::code`]. A new refusal does not compile until
//! it has a code.

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
