use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::vocabulary::Timestamp;

/// The length of a window.
const MINUTE: Duration = Duration::from_secs(60);

/// A limit of work that strangers can cause: so many times in a minute, for all of them together.
pub(crate) struct Rate {
    most: u32,
    /// The start of the current window, and the number of times in it.
    window: Mutex<(Timestamp, u32)>,
}

impl Rate {
    pub(crate) fn per_minute(most: u32) -> Self {
        Self { most, window: Mutex::new((Timestamp::default(), 0)) }
    }

    /// Takes one of the times. Returns false if none is left in this minute.
    pub(crate) fn try_take(&self, now: Timestamp) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, count) = &mut *window;
        // A clock that was set back starts a window too. Otherwise nothing would be left until it catches up.
        if now.since(*start).is_none_or(|age| age >= MINUTE) {
            (*start, *count) = (now, 0);
        }
        let is_left = *count < self.most;
        *count += u32::from(is_left);
        is_left
    }
}
