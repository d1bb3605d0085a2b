//! Progress of long work: a bar on a terminal, and lines in the log otherwise. Short work shows none.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regrant::clock::{Clock, Timestamp};
use tracing::info;

/// The time between two states of the bar.
const ON_TERMINAL: Duration = Duration::from_millis(100);

/// The time between two lines of the log.
const IN_LOG: Duration = Duration::from_secs(5);

/// The number of steps after which a state is shown at the latest: a clock of tests stands still.
const EVERY: usize = 10_000;

/// The characters of a full bar.
const WIDTH: usize = 30;

/// True while a bar is the last line of the terminal.
static IS_DRAWN: AtomicBool = AtomicBool::new(false);

/// The progress of one piece of work. Dropped when the work is over, which removes the bar.
pub(crate) struct Progress {
    /// The things that are counted, as in "grants revoked".
    what: &'static str,
    clock: Arc<dyn Clock>,
    is_terminal: bool,
    state: Mutex<State>,
}

struct State {
    total: Option<usize>,
    done: usize,
    shown: usize,
    shown_at: Timestamp,
}

impl State {
    fn is_due(&self, now: Timestamp, interval: Duration) -> bool {
        now.since(self.shown_at).is_some_and(|age| interval <= age) || EVERY <= self.done - self.shown
    }
}

impl Progress {
    pub(crate) fn new(what: &'static str, clock: Arc<dyn Clock>) -> Self {
        let state = State { total: None, done: 0, shown: 0, shown_at: clock.now() };
        Self { what, clock, is_terminal: stderr().is_terminal(), state: Mutex::new(state) }
    }

    /// Sets the number that is expected at the end. Without it the progress is a count.
    pub(crate) fn expect(&self, total: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).total = Some(total);
    }

    /// Counts `steps`, and shows the state if the last one is old enough.
    pub(crate) fn add(&self, steps: usize) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done = state.done.saturating_add(steps);
        let interval = if self.is_terminal { ON_TERMINAL } else { IN_LOG };
        if state.is_due(now, interval) {
            (state.shown, state.shown_at) = (state.done, now);
            if self.is_terminal {
                draw(&bar(self.what, state.done, state.total));
            } else {
                info!("{}", line(self.what, state.done, state.total));
            }
        }
    }

    /// Returns the number of steps so far.
    pub(crate) fn done(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).done
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        erase();
    }
}

fn draw(text: &str) {
    IS_DRAWN.store(true, Ordering::Relaxed);
    // A terminal that is gone is no reason to stop the work, here and below.
    let _ = write!(stderr(), "\r\x1b[K{text}");
}

/// Removes the bar, so that another text has the line for itself.
pub(crate) fn erase() {
    if IS_DRAWN.swap(false, Ordering::Relaxed) {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}

fn bar(what: &str, done: usize, total: Option<usize>) -> String {
    let text = line(what, done, total);
    match total {
        Some(total) => {
            let filled = WIDTH.saturating_mul(done.min(total)) / total.max(1);
            format!("[{:<WIDTH$}] {text}", "#".repeat(filled))
        }
        None => text,
    }
}

fn line(what: &str, done: usize, total: Option<usize>) -> String {
    match total {
        // More can come than was counted before, such as codes that wait.
        Some(total) => format!("{done} of {} {what}", total.max(done)),
        None => format!("{done} {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{EVERY, IN_LOG, State, Timestamp, WIDTH, bar, line};

    #[test]
    fn a_state_is_shown_after_a_time_and_after_many_steps_when_the_clock_stands_still() {
        let start = Timestamp::from_millis(1_000);
        let state = |done| State { total: None, done, shown: 7, shown_at: start };
        let end = start + IN_LOG;
        assert!(state(8).is_due(end, IN_LOG));
        assert!(!state(8).is_due(Timestamp::from_millis(end.as_millis() - 1), IN_LOG));
        assert!(!state(8).is_due(Timestamp::from_millis(0), IN_LOG), "the clock stepped back");
        assert!(state(7 + EVERY).is_due(start, IN_LOG));
        assert!(!state(6 + EVERY).is_due(start, IN_LOG));
    }

    #[test]
    fn a_bar_is_full_at_the_end_and_never_overflows() {
        for (done, filled) in [(0, 0), (1, 7), (2, 15), (4, WIDTH), (5, WIDTH)] {
            let bar = bar("grants revoked", done, Some(4));
            assert_eq!(bar.matches('#').count(), filled, "{bar}");
            assert_eq!(bar.find(']'), Some(WIDTH + 1), "{bar}");
        }
    }

    #[test]
    fn nothing_to_do_and_an_unknown_total_have_a_text() {
        assert!(bar("clients", 0, Some(0)).ends_with("] 0 of 0 clients"));
        assert_eq!(bar("records deleted", 7, None), "7 records deleted");
        assert_eq!(line("grants revoked", 1, Some(4)), "1 of 4 grants revoked");
        assert_eq!(line("grants revoked", 5, Some(4)), "5 of 5 grants revoked");
    }
}
