//! Ready-made [`EventSink`](crate::event::EventSink)s, each behind a feature.

#[cfg(feature = "metrics")]
mod metrics_sink;
#[cfg(feature = "tracing")]
mod tracing_sink;

#[cfg(feature = "metrics")]
pub use metrics_sink::MetricsSink;
#[cfg(feature = "tracing")]
pub use tracing_sink::TracingSink;
