use std::sync::{Arc, Mutex};

use regrant::{Event, EventKind, EventSink, Operation, OwnedEvent};

/// Keeps what it is told.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<OwnedEvent>>>);

impl Events {
    /// All that was told since the last call.
    pub(crate) fn take(&self) -> Vec<(Operation, EventKind)> {
        self.take_whole().into_iter().map(|event| (event.operation, event.kind)).collect()
    }

    /// The same, with all that is known.
    pub(crate) fn take_whole(&self) -> Vec<OwnedEvent> {
        std::mem::take(&mut self.0.lock().expect("no panic under the lock"))
    }
}

impl EventSink for Events {
    fn record(&self, event: &Event<'_>) {
        self.0.lock().expect("no panic under the lock").push(event.into());
    }
}
