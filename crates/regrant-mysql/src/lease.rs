use std::time::Duration;

use deadpool::managed::Object;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Params, Row, Value};
use tokio::time::Instant;

use crate::connection::{Pool, Session};
use crate::failure::{Failure, Verdict};
use crate::queries::{Kind, Query};
use crate::row;

/// A connection with a statement in progress.
///
/// A call that ends early, by its deadline or because its future is dropped, leaves a connection that still owes a
/// reply. The next statement on it could get that reply, so the connection is closed. The server may still run the
/// statement.
pub(crate) struct Lease {
    session: Option<Session>,
    until: Instant,
    deadline: Duration,
}

/// Result of a statement: rows, or the number of changed rows.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) changed: u64,
    /// Number that the statement set with `LAST_INSERT_ID`, or 0.
    pub(crate) number: u64,
}

/// Failure of a statement, and whether the server may have received it.
pub(crate) struct Unanswered {
    pub(crate) failure: Failure,
    pub(crate) was_sent: bool,
}

impl Lease {
    /// Leases `session` for a call that must end at `until`.
    pub(crate) const fn new(session: Session, until: Instant, deadline: Duration) -> Self {
        Self { session: Some(session), until, deadline }
    }

    pub(crate) async fn ask(mut self, query: &Query, params: &[Value]) -> Result<Answer, Unanswered> {
        let answer = match self.session.as_deref_mut() {
            Some(conn) => answer(conn, query, params).await,
            None => Err(unanswered(false)(Failure::NoConnection)),
        };
        if let Some(session) = self.session.take() {
            let verdict = answer.as_ref().err().map(|unanswered| unanswered.failure.verdict());
            if matches!(verdict, Some(Verdict::RepeatElsewhere | Verdict::Lost)) {
                // The others lead to the same server, which was restarted or demoted.
                forget(session, Duration::ZERO);
            }
        }
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if Instant::now() < self.until {
            drop(Object::take(session));
        } else {
            // The server was silent. A connection not used since then may be dead too, and each would cost its next
            // user a deadline. Connecting again takes a few milliseconds.
            forget(session, self.deadline);
        }
    }
}

/// Closes a connection, and those that are idle for at least this time.
fn forget(session: Session, idle: Duration) {
    let pool = Object::pool(&session);
    drop(Object::take(session));
    if let Some(pool) = pool {
        forget_idle(&pool, idle);
    }
}

/// Closes the connections that are idle for at least this time.
pub(crate) fn forget_idle(pool: &Pool, idle: Duration) {
    drop(pool.retain(|_, metrics| metrics.last_used() < idle));
}

async fn answer(conn: &mut Conn, query: &Query, params: &[Value]) -> Result<Answer, Unanswered> {
    let prepared = conn.prep(query.sql.as_str()).await.map_err(Failure::from).map_err(unanswered(false))?;
    let params = Params::Positional(params.to_vec());
    if query.kind.is_read() {
        let rows: Vec<Row> = conn.exec(&prepared, params).await.map_err(Failure::from).map_err(unanswered(true))?;
        let is_believable = match rows.first() {
            Some(first) => matches!(row::integer(first, 0), Ok(Some(0))),
            None => query.kind != Kind::Read,
        };
        return if is_believable {
            Ok(Answer { rows, changed: 0, number: 0 })
        } else {
            Err(unanswered(false)(Failure::ReadOnly))
        };
    }
    match conn.exec_drop(&prepared, params).await {
        Ok(()) => {
            let (changed, number) = (conn.affected_rows(), conn.last_insert_id().unwrap_or(0));
            Ok(Answer { rows: Vec::new(), changed, number })
        }
        Err(mysql_async::Error::Server(error)) if query.kind == Kind::Insert && is_in_the_way(&error) => {
            Ok(Answer { rows: Vec::new(), changed: 0, number: 0 })
        }
        Err(error) => Err(unanswered(true)(error.into())),
    }
}

/// True if a row has the same primary key: 1062, with the name of the key in the message. A unique index that somebody
/// else has added is a fault of the table.
fn is_in_the_way(error: &mysql_async::ServerError) -> bool {
    error.code == 1062 && error.message.contains("PRIMARY")
}

fn unanswered(was_sent: bool) -> impl FnOnce(Failure) -> Unanswered {
    move |failure| Unanswered { failure, was_sent }
}
