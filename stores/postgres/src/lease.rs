use std::time::Duration;

use deadpool_postgres::{Client, Object};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::failure::{Failure, Verdict};
use crate::queries::Query;

/// A connection while a statement is under way on it.
///
/// Who leaves in between, because the deadline has passed or because the caller dropped the future, leaves a connection
/// that still owes an answer, and perhaps is dead. It goes back to the pool when it has answered, or not at all.
pub(crate) struct Lease {
    client: Option<Client>,
    until: Instant,
    deadline: Duration,
}

/// Why a statement gave no rows, and whether the server may have got it.
pub(crate) struct Unanswered {
    pub(crate) failure: Failure,
    pub(crate) was_sent: bool,
}

impl Lease {
    /// Expects its answer `until` then, at the end of the `deadline`.
    pub(crate) const fn new(client: Client, until: Instant, deadline: Duration) -> Self {
        Self { client: Some(client), until, deadline }
    }

    pub(crate) async fn ask(mut self, query: &Query, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Unanswered> {
        let answer = self.answer(query, params).await;
        if let Some(client) = self.client.take() {
            let verdict = answer.as_ref().err().map(|unanswered| unanswered.failure.verdict());
            if matches!(verdict, Some(Verdict::RepeatElsewhere | Verdict::Lost)) {
                drop(Object::take(client));
            }
        }
        answer
    }

    async fn answer(&self, query: &Query, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Unanswered> {
        let unanswered = |was_sent| move |failure| Unanswered { failure, was_sent };
        let client = self.client.as_ref().ok_or(Failure::NoConnection).map_err(unanswered(false))?;
        let prepared = client.prepare_cached(&query.sql).await.map_err(Failure::from).map_err(unanswered(false))?;
        let rows = client.query(&prepared, params).await.map_err(Failure::from).map_err(unanswered(true))?;
        if query.is_read && !rows.first().is_some_and(|row| matches!(row.try_get(0), Ok(false))) {
            return Err(unanswered(false)(Failure::ReadOnly));
        }
        Ok(rows)
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
