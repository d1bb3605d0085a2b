//! For the macro's use.

use std::time::Duration;

/// No case takes longer on any store that works.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Runs one case on threads of its own.
///
/// # Panics
/// When the case fails or does not end, or there is no thread to run it on.
#[expect(clippy::expect_used, reason = "a case that cannot run has failed")]
pub fn case(case: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the system has threads for a test")
        .block_on(async { tokio::time::timeout(TIME_LIMIT, case).await })
        .expect("the case ends in time");
}
