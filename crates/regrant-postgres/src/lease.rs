use std::time::Duration;

use deadpool_postgres::{Client, Object};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::failure::{Failure, Verdict};
use crate::queries::{Kind, Query};

/// A connection with a statement in progress.
///
/// A call that ends early, by its deadline or because its future is dropped, leaves a connection that still owes a
/// reply and may be dead. Such a connection returns to the pool only after that reply.
pub(crate) struct Lease {
    client: Option<Client>,
    until: Instant,
    deadline: Duration,
}

/// Result of a statement: rows, or the number of changed rows.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) changed: u64,
}

/// Failure of a statement, and whether the server may have received it.
pub(crate) struct Unanswered {
    pub(crate) failure: Failure,
    pub(crate) was_sent: bool,
}

impl Lease {
    /// Leases `client` for a call that must end at `until`.
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

/// Waits until the server has replied to everything sent on this connection.
async fn settle(client: Client, until: Instant, deadline: Duration) {
    if matches!(timeout_at(until, client.check_connection()).await, Ok(Ok(()))) {
        return;
    }
    let pool = Object::pool(&client);
    drop(Object::take(client));
    // The server was silent on all connections. Idle connections not used since then may be dead too, and each would
    // cost its next user a deadline. Connecting again takes a few milliseconds.
    if let Some(pool) = pool {
        pool.retain(|_, metrics| metrics.last_used() < deadline);
    }
}
