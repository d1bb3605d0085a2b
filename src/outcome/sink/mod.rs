//! Bridges from [`EventSink`](crate::event::EventSink) to the usual observers, each behind a feature.

#[cfg(feature = "metrics")]
mod metrics_sink;
#[cfg(feature = "tracing")]
mod tracing_sink;

#[cfg(feature = "metrics")]
pub use metrics_sink::MetricsSink;
#[cfg(feature = "tracing")]
pub use tracing_sink::TracingSink;
