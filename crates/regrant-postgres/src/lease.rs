use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::failure::{Failure, Unanswered, Verdict};
use crate::param::Param;
use crate::queries::{Kind, Query};
use crate::row::Row;
use crate::session::Session;

/// A session with a statement in progress.
///
/// A call that ends early, by its deadline or because its future is dropped, leaves a connection that still owes a
/// reply and may be dead. Such a connection returns to the pool only after that reply.
pub(crate) struct Lease {
    session: Option<Session>,
    until: Instant,
    deadline: Duration,
}

/// Result of a statement: rows, or the number of changed rows.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) changed: u64,
}

impl Lease {
    /// Leases `session` for a call that must end at `until`.
    pub(crate) const fn new(session: Session, until: Instant, deadline: Duration) -> Self {
        Self { session: Some(session), until, deadline }
    }

    pub(crate) async fn ask(mut self, query: &Query, params: &[Param<'_>]) -> Result<Answer, Unanswered> {
        let answer = self.answer(query, params).await;
        if let Some(session) = self.session.take() {
            let verdict = answer.as_ref().err().map(|unanswered| unanswered.failure.verdict());
            if matches!(verdict, Some(Verdict::RepeatElsewhere | Verdict::Lost)) {
                session.discard();
            }
        }
        answer
    }

    async fn answer(&mut self, query: &Query, params: &[Param<'_>]) -> Result<Answer, Unanswered> {
        let session = self.session.as_mut().ok_or(Failure::NoConnection).map_err(Unanswered::not_sent)?;
        let answer = match query.kind {
            Kind::Write => Answer { rows: Vec::new(), changed: session.execute(&query.sql, params).await? },
            _ => Answer { rows: session.query(&query.sql, params).await?, changed: 0 },
        };
        let is_believable = match answer.rows.first() {
            Some(row) => !query.kind.is_read() || matches!(row.get(0), Ok(false)),
            None => query.kind != Kind::Read,
        };
        if is_believable { Ok(answer) } else { Err(Unanswered::not_sent(Failure::ReadOnly)) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(settle(session, self.until, self.deadline))),
            Err(_) => session.discard(),
        }
    }
}

/// Waits until the server has replied to everything sent on this connection.
async fn settle(mut session: Session, until: Instant, deadline: Duration) {
    if !matches!(timeout_at(until, session.is_settled()).await, Ok(true)) {
        // The server was silent on all connections.
        session.discard_with_idle(deadline);
    }
}
