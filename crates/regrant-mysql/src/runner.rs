use std::time::Duration;

use mysql_async::Value;
use tokio::time::{Instant, timeout_at};

use crate::connection::Pool;
use crate::failure::{Failure, Verdict};
use crate::lease::{Answer, Lease, Unanswered, forget_idle};
use crate::queries::Query;

/// Most attempts of a statement that was certainly not applied or that changes nothing.
const MAX_ATTEMPTS: usize = 8;

/// Runs a statement within the deadline, which covers the wait for a connection, connecting, the statement and its
/// repetitions.
pub(crate) struct Runner {
    pub(crate) pool: Pool,
    pub(crate) deadline: Duration,
}

impl Runner {
    pub(crate) async fn run(&self, query: &Query, params: &[Value]) -> Result<Answer, Failure> {
        self.run_until(self.deadline(), query, params).await
    }

    /// End of a call that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.deadline
    }

    pub(crate) async fn run_until(&self, until: Instant, query: &Query, params: &[Value]) -> Result<Answer, Failure> {
        let mut attempt = 1;
        loop {
            let Ok(session) = timeout_at(until, self.pool.get()).await else {
                // An idle connection was asked for a sign of life, in vain; the others may be dead, too.
                forget_idle(&self.pool, self.deadline);
                return Err(Failure::NoConnection);
            };
            let lease = Lease::new(session?, until, self.deadline);
            let Unanswered { failure, was_sent } = match timeout_at(until, lease.ask(query, params)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(unanswered)) => unanswered,
                Err(_) => return Err(Failure::Deadline),
            };
            let may_repeat = match failure.verdict() {
                Verdict::Repeat | Verdict::RepeatElsewhere => true,
                // A write may have been applied: the caller reads the record back. A repetition would conflict with the
                // first attempt.
                Verdict::Lost => query.kind.is_read() || !was_sent,
                Verdict::Busy | Verdict::Refused => false,
            };
            if !may_repeat || attempt == MAX_ATTEMPTS {
                return Err(failure);
            }
            attempt += 1;
        }
    }
}
