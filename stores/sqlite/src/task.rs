use regrant::store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection::retry_while_busy;
use crate::deadline::Deadline;
use crate::error::Failure;

/// Work for a thread that owns a connection.
pub(crate) trait Task: Send {
    /// Whether it is too late to begin: nobody waits any more, or nobody should.
    fn is_over(&self) -> bool;

    fn run(&mut self, db: &Connection);

    /// Hands out the result, which stands only if its transaction does.
    fn answer(self: Box<Self>, committed: Result<(), Failure>);
}

/// A task of this work, and where its result will arrive.
pub(crate) fn task<T, W>(deadline: Deadline, work: W) -> (Box<dyn Task>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    W: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (reply, result) = oneshot::channel();
    (Box::new(Call { deadline, work, result: None, reply }), result)
}

struct Call<T, W> {
    deadline: Deadline,
    work: W,
    /// Nothing until it has run.
    result: Option<rusqlite::Result<T>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Task for Call<T, W>
where
    T: Send,
    W: FnMut(&Connection) -> rusqlite::Result<T> + Send,
{
    fn is_over(&self) -> bool {
        self.reply.is_closed() || self.deadline.has_passed()
    }

    fn run(&mut self, db: &Connection) {
        self.result = Some(retry_while_busy(self.deadline, || (self.work)(db)));
    }

    fn answer(self: Box<Self>, committed: Result<(), Failure>) {
        let answer = match (self.result, committed) {
            (Some(Err(own)), _) => Err(own.into()),
            (_, Err(shared)) => Err(shared),
            (Some(Ok(answer)), Ok(())) => Ok(answer),
            (None, Ok(())) => Err(Failure::DeadlinePassed),
        };
        // The receiver is gone if the future was dropped meanwhile. What was done is done.
        let _ = self.reply.send(answer.map_err(StoreError::from));
    }
}
