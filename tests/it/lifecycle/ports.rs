//! Ports with a memory: what the service told, drew and asked.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use regrant::event::{Event, EventKind, EventSink, Operation, OwnedEvent, OwnedFailure};
use regrant::host::SubjectGate;
use regrant::{Entropy, GrantId, Subject};

/// An event, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: EventKind,
    pub(crate) operation: Operation,
    pub(crate) grant_id: Option<GrantId>,
    pub(crate) client_id: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) failure: Option<OwnedFailure>,
}

#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<Seen>>>);

impl Events {
    /// All that happened since the last call.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The same, only what happened.
    pub(crate) fn kinds(&self) -> Vec<EventKind> {
        self.take().into_iter().map(|seen| seen.kind).collect()
    }
}

impl EventSink for Events {
    fn record(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(Seen {
            kind: event.kind,
            operation: event.operation,
            grant_id: event.grant_id,
            client_id: event.client_id.map(ToString::to_string),
            subject: event.subject.map(ToString::to_string),
            failure: OwnedEvent::from(event).failure,
        });
    }
}

/// The generator `SplitMix64`: the same bytes in every run.
#[derive(Clone)]
pub(crate) struct Seeded(Arc<AtomicU64>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut word = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A host that can close accounts, and can be down.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<Accounts>>);

#[derive(Default)]
struct Accounts {
    closed: BTreeSet<String>,
    is_down: bool,
}

impl Gate {
    pub(crate) fn close(&self, subject: &str) {
        self.0.lock().unwrap().closed.insert(subject.to_owned());
    }

    pub(crate) fn reopen(&self, subject: &str) {
        self.0.lock().unwrap().closed.remove(subject);
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.0.lock().unwrap().is_down = is_down;
    }
}

#[async_trait]
impl SubjectGate for Gate {
    async fn may_be_served(&self, subject: &Subject) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let accounts = self.0.lock().unwrap();
        if accounts.is_down {
            return Err("the directory is down".into());
        }
        Ok(!accounts.closed.contains(subject.as_str()))
    }
}
