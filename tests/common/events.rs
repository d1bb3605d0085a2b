use std::sync::{Arc, Mutex};

use regrant::{Event, EventKind, EventSink, Operation};

/// Keeps what it is told.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<(Operation, EventKind)>>>);

impl Events {
    /// All that was told since the last call.
    pub(crate) fn take(&self) -> Vec<(Operation, EventKind)> {
        std::mem::take(&mut self.0.lock().expect("no panic under the lock"))
    }
}

impl EventSink for Events {
    fn record(&self, event: &Event<'_>) {
        self.0.lock().expect("no panic under the lock").push((event.operation, event.kind));
    }
}
