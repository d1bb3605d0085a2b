use std::time::Duration;

use deadpool_postgres::{Client, Object};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::failure::{Failure, Verdict};
use crate::queries::{Kind, Query};

/// A connection while a statement is under way on it.
///
/// Who leaves in between, because the deadline has passed or because the caller dropped the future, leaves a connection
/// that still owes an answer, and perhaps is dead. It goes back to the pool when it has answered, or not at all.
pub(crate) struct Lease {
    client: Option<Client>,
    until: Instant,
    deadline: Duration,
}

/// What a statement gave: rows, or the number of those that it changed.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) changed: u64,
}

/// Why a statement gave no answer, and whether the server may have got it.
pub(crate) struct Unanswered {
    pub(crate) failure: Failure,
    pub(crate) was_sent: bool,
}

impl Lease {
    /// Expects its answer `until` then, at the end of the `deadline`.
    pub(crate) const fn new(client: Client, until: Instant, deadline: Duration) -> Self {
        Self { client: Some(client), until, deadline }
    }

    pub(crate) async fn ask(mut self, query: &Query, params: &[&(dyn ToSql + Sync)]) -> Result<Answer, Unanswered> {
        let answer = self.answer(query, params).await;
        if let Some(client) = self.client.take() {
            let verdict = answer.as_ref().err().map(|unanswered| unanswered.failure.verdict());
            if matches!(verdict, Some(Verdict::RepeatElsewhere | Verdict::Lost)) {
                drop(Object::take(client));
            }
        }
        answer
    }

    async fn answer(&self, query: &Query, params: &[&(dyn ToSql + Sync)]) -> Result<Answer, Unanswered> {
        let unanswered = |was_sent| move |failure| Unanswered { failure, was_sent };
        let client = self.client.as_ref().ok_or(Failure::NoConnection).map_err(unanswered(false))?;
        let prepared = client.prepare_cached(&query.sql).await.map_err(Failure::from).map_err(unanswered(false))?;
        let answered = match query.kind {
            Kind::Write => client.execute(&prepared, params).await.map(|changed| Answer { rows: Vec::new(), changed }),
            _ => client.query(&prepared, params).await.map(|rows| Answer { rows, changed: 0 }),
        };
        let answer = answered.map_err(Failure::from).map_err(unanswered(true))?;
        let is_believable = match answer.rows.first() {
            Some(row) => !query.kind.is_read() || matches!(row.try_get(0), Ok(false)),
            None => query.kind != Kind::Read,
        };
        if is_believable { Ok(answer) } else { Err(unanswered(false)(Failure::ReadOnly)) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(settle(client, self.until, self.deadline))),
            Err(_) => drop(Object::take(client)),
        }
    }
}

/// Waits until the server has answered all that it was asked on this connection.
async fn settle(client: Client, until: Instant, deadline: Duration) {
    if matches!(timeout_at(until, client.check_connection()).await, Ok(Ok(()))) {
        return;
    }
    let pool = Object::pool(&client);
    drop(Object::take(client));
    // A silent server was silent to all: idle connections that were not used since may be as dead, and each would cost
    // its next user a deadline. Connecting anew costs a few milliseconds.
    if let Some(pool) = pool {
        pool.retain(|_, metrics| metrics.last_used() < deadline);
    }
}
