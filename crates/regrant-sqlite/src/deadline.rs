use std::time::{Duration, Instant};

/// Until when a call may wait. It bounds waiting, for a turn and for locks; what has begun is finished.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// A span beyond the end of time is no deadline.
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
