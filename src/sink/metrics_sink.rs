use metrics::counter;

use crate::event::{Event, EventKind, EventSink, ReplayCause};

/// Counts events in `regrant_events_total{operation, kind, cause}`. Replays granted and reuses punished are two of them:
/// watch both. Labels come from fixed lists, so no request can make new ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsSink;

impl EventSink for MetricsSink {
    fn record(&self, event: &Event<'_>) {
        let cause = match event.kind {
            EventKind::Refused(cause) | EventKind::ReuseDetected { cause, .. } => cause.to_string(),
            EventKind::Replayed { cause: ReplayCause::LostResponse, .. } => "lost response".to_owned(),
            EventKind::Replayed { cause: ReplayCause::Concurrent, .. } => "concurrent".to_owned(),
            _ => String::new(),
        };
        let (operation, kind) = (event.operation.as_str(), event.kind.as_str());
        counter!("regrant_events_total", "operation" => operation, "kind" => kind, "cause" => cause).increment(1);
    }
}
