use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::connection::retry_while_busy;
use crate::db::Db;
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::overdue::Waiting;

/// Work for a thread that owns a connection.
pub(crate) trait Task: Send {
    /// True if it is too late to begin: the caller has gone or the deadline has passed.
    fn is_over(&self) -> bool;

    fn run(&mut self, db: &Db);

    /// Sends the result to the caller; it is valid only if the transaction was committed.
    fn answer(self: Box<Self>, committed: Result<(), Failure>);
}

/// A task, its waiting caller, and the receiver of its result.
pub(crate) struct NewTask<T> {
    pub(crate) task: Box<dyn Task>,
    pub(crate) waiting: Arc<dyn Waiting>,
    pub(crate) result: oneshot::Receiver<Result<T, Failure>>,
}

/// Makes a task that runs `work`.
pub(crate) fn task<T, W>(deadline: Deadline, work: W) -> NewTask<T>
where
    T: Send + 'static,
    W: FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
{
    let (reply, result) = oneshot::channel();
    let reply = Arc::new(Reply(Mutex::new(Some(reply))));
    let waiting = Arc::clone(&reply) as Arc<dyn Waiting>;
    NewTask { task: Box::new(Call { deadline, work, result: None, reply }), waiting, result }
}

struct Call<T, W> {
    deadline: Deadline,
    work: W,
    /// None until it has run.
    result: Option<rusqlite::Result<T>>,
    reply: Arc<Reply<T>>,
}

/// Answered once: by the thread that does the work or by the one that checks deadlines.
struct Reply<T>(Mutex<Option<oneshot::Sender<Result<T, Failure>>>>);

impl<T> Reply<T> {
    fn sender(&self) -> MutexGuard<'_, Option<oneshot::Sender<Result<T, Failure>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, answer: Result<T, Failure>) {
        // Unlocked first: the caller wakes at once, and its next call looks whether this one was answered.
        let sender = self.sender().take();
        if let Some(sender) = sender {
            // The receiver is gone if the future was dropped; the work stays done.
            let _ = sender.send(answer);
        }
    }
}

impl<T: Send> Waiting for Reply<T> {
    fn is_answered(&self) -> bool {
        self.sender().as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn give_up(&self) {
        self.send(Err(Failure::DeadlinePassed));
    }
}

impl<T, W> Task for Call<T, W>
where
    T: Send,
    W: FnMut(&Db) -> rusqlite::Result<T> + Send,
{
    fn is_over(&self) -> bool {
        self.reply.is_answered() || self.deadline.has_passed()
    }

    fn run(&mut self, db: &Db) {
        self.result = Some(retry_while_busy(self.deadline, || (self.work)(db)));
    }

    fn answer(self: Box<Self>, committed: Result<(), Failure>) {
        self.reply.send(match (self.result, committed) {
            (Some(Err(own)), _) => Err(own.into()),
            (_, Err(shared)) => Err(shared),
            (Some(Ok(answer)), Ok(())) => Ok(answer),
            (None, Ok(())) => Err(Failure::DeadlinePassed),
        });
    }
}
