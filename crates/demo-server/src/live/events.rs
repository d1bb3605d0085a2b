//! The last events of each grant of the page.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regrant::GrantId;
use regrant::event::{Event, EventSink};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{CLIENT, explain};

/// The events that are kept for a grant, and the grants. Strangers can make both, so both are few.
const EVENTS: usize = 64;
const GRANTS: usize = 1000;

/// The time that a request waits for an event. Shorter than the time that open requests get when the server stops.
const WAIT: Duration = Duration::from_secs(4);

/// The time after which a browser asks again, in milliseconds.
const RETRY: &str = "retry: 100\n\n";

/// The sink of the page. It holds no secret, since events have none. Clones share the events.
#[derive(Clone, Default)]
pub(crate) struct LiveEvents(Arc<Shared>);

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    news: Notify,
}

#[derive(Default)]
struct Kept {
    /// The number of the last event.
    last: u64,
    /// The numbers and texts of the events, oldest first.
    events: HashMap<GrantId, VecDeque<(u64, String)>>,
    /// The grants, in the order of their first event.
    order: VecDeque<GrantId>,
}

impl LiveEvents {
    /// Returns the events of a grant behind the number `last`, as server-sent events. Waits when there is none yet, and
    /// not for ever.
    pub(crate) async fn after(&self, id: GrantId, last: u64) -> String {
        timeout(WAIT, self.next(id, last)).await.unwrap_or_else(|_| RETRY.to_owned())
    }

    async fn next(&self, id: GrantId, last: u64) -> String {
        loop {
            // Before the look: an event in between wakes this request.
            let mut news = std::pin::pin!(self.0.news.notified());
            news.as_mut().enable();
            let found = self.found(id, last);
            if !found.is_empty() {
                return format!("{RETRY}{found}");
            }
            news.await;
        }
    }

    fn found(&self, id: GrantId, last: u64) -> String {
        let kept = self.kept();
        let events = kept.events.get(&id).into_iter().flatten().filter(|(number, _)| last < *number);
        events.fold(String::new(), |mut text, (number, data)| {
            let _ = write!(text, "id: {number}\ndata: {data}\n\n");
            text
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for LiveEvents {
    fn record(&self, event: &Event<'_>) {
        let Some(id) = event.grant_id.filter(|_| event.client_id == Some(&*CLIENT)) else { return };
        let text = explain::event(event).to_string();
        let mut kept = self.kept();
        kept.last += 1;
        let number = kept.last;
        if !kept.events.contains_key(&id) {
            kept.order.push_back(id);
            if kept.order.len() > GRANTS {
                let oldest = kept.order.pop_front();
                oldest.map(|oldest| kept.events.remove(&oldest));
            }
        }
        let events = kept.events.entry(id).or_default();
        events.push_back((number, text));
        if events.len() > EVENTS {
            events.pop_front();
        }
        drop(kept);
        self.0.news.notify_waiters();
    }
}
