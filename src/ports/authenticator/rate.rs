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

/// The work was done as many times as a minute allows. Among the causes of a failure it makes the answer 429.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the limit of a minute is reached")]
pub(crate) struct RateExceeded {
    /// The rest of the minute.
    pub(crate) retry_after: Duration,
}

impl Rate {
    pub(crate) fn per_minute(most: u32) -> Self {
        Self { most, window: Mutex::new((Timestamp::default(), 0)) }
    }

    /// Takes one of the times.
    ///
    /// # Errors
    /// [`RateExceeded`] if none is left in this minute.
    pub(crate) fn take(&self, now: Timestamp) -> Result<(), RateExceeded> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, count) = &mut *window;
        let age = match now.since(*start) {
            Some(age) if age < MINUTE => age,
            // A clock that was set back starts a window too. Otherwise nothing would be left until it catches up.
            _ => {
                (*start, *count) = (now, 0);
                Duration::ZERO
            }
        };
        if *count >= self.most {
            return Err(RateExceeded { retry_after: MINUTE.saturating_sub(age) });
        }
        *count += 1;
        Ok(())
    }
}
