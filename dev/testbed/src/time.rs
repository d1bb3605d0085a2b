//! Deadlines that hold on a busy machine.

use std::fmt::Debug;
use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A deadline for calls that must succeed, however busy the machine.
pub const LONG: Duration = Duration::from_secs(60);

/// Longest wait for an event of a real process.
const LIMIT: Duration = Duration::from_secs(180);

/// Stretches `deadline` by the load of the machine. For calls that must reach their deadline: the test waits for it, so
/// it is short, but long enough for the calls that must succeed before. The load is measured once in each process.
#[must_use]
pub fn short(deadline: Duration) -> Duration {
    static FACTOR: LazyLock<f64> = LazyLock::new(|| slowness().clamp(1.0, 4.0));
    deadline.mul_f64(*FACTOR)
}

/// Waits until `ready` returns true, for three minutes at most.
pub fn until(event: &str, ready: impl FnMut() -> bool) {
    assert!(comes_in_time(ready), "waited in vain: {event}");
}

/// Repeats an operation that may miss its deadline on a busy machine until it succeeds, for three minutes at most.
pub async fn retry<T, E: Debug>(operation: impl AsyncFn() -> Result<T, E>) -> T {
    let begin = now();
    loop {
        match operation().await {
            Ok(value) => return value,
            Err(error) => assert!(begin.elapsed() < LIMIT, "{error:?}"),
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) fn comes_in_time(mut ready: impl FnMut() -> bool) -> bool {
    let begin = now();
    while begin.elapsed() < LIMIT {
        if ready() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Time that 50 ms of work take now, divided by 50 ms. On a quiet machine this is 1.
fn slowness() -> f64 {
    const WORK: Duration = Duration::from_millis(50);
    let (begin, worked) = (now(), time_on_cpu());
    while time_on_cpu().saturating_sub(worked) < WORK {}
    begin.elapsed().div_duration_f64(WORK)
}

/// Time that this thread has spent on a CPU.
fn time_on_cpu() -> Duration {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = statistics.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

#[expect(clippy::disallowed_methods, reason = "waiting for a real process takes real time")]
fn now() -> Instant {
    Instant::now()
}
