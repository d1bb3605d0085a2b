//! Settings of single requests, which override those of the application's client.

use std::time::Duration;

use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

/// Settings of reads and of writes.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) read: Builder,
    /// A write is one request. The SDK would repeat a write whose reply was lost, and the second attempt would conflict
    /// with the first: a client whose proof was used once would be told that it was used before.
    pub(crate) write: Builder,
}

impl Settings {
    /// A connection, and the wait for an answer, take a part of the deadline, so that a silent connection can be
    /// replaced in time. Reads and writes have the same limits, because the SDK keeps connections for each pair of
    /// them.
    pub(crate) fn new(deadline: Duration) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(deadline / 4)
            .read_timeout(deadline / 2)
            // Not for each attempt: an attempt includes the wait for credentials, which may have to be fetched.
            .operation_timeout(deadline)
            .build();
        let with = |retries| Builder::default().timeout_config(timeouts.clone()).retry_config(retries);
        let pause = Duration::from_millis(50).min(deadline / 40);
        let reads = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(pause);
        Self { read: with(reads), write: with(RetryConfig::disabled()) }
    }
}
