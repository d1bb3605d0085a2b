use std::time::{Duration, Instant};

/// End of the time that a call may wait in the queue and for locks. Work that has begun is finished.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// A span that overflows the clock means no deadline.
    pub(crate) fn after(span: Duration) -> Self {
        Self(now().checked_add(span))
    }

    pub(crate) fn has_passed(self) -> bool {
        self.0.is_some_and(|end| end <= now())
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a caller waits is no decision about a grant")]
fn now() -> Instant {
    Instant::now()
}
