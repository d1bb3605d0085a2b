//! Ends calls at their deadline even while the disk blocks the thread that works on them: a system call cannot be
//! cancelled, but the caller need not wait for it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use crate::deadline::Deadline;

/// Interval of the checks, and so the longest delay of an overdue call. The thread wakes no more often however many
/// calls there are, and sleeps while there are none.
const TICK: Duration = Duration::from_millis(20);

/// A caller that waits for an answer.
pub(crate) trait Waiting: Send + Sync {
    fn is_answered(&self) -> bool;

    /// Answers the caller with [`Failure::DeadlinePassed`](crate::error::Failure::DeadlinePassed).
    fn give_up(&self);
}

/// Waiting callers in order of arrival. Dropping this ends the thread.
pub(crate) struct Overdue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    woken: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Deadline, Arc<dyn Waiting>)>,
    is_asleep: bool,
    is_over: bool,
}

impl Overdue {
    pub(crate) fn spawn() -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        thread::Builder::new().name("sqlite-deadline".to_owned()).spawn(move || own.watch())?;
        Ok(Self(shared))
    }

    pub(crate) fn watch(&self, deadline: Deadline, call: Arc<dyn Waiting>) {
        let mut queue = self.0.queue();
        queue.forget_answered();
        queue.waiting.push_back((deadline, call));
        if queue.is_asleep {
            self.0.woken.notify_one();
        }
    }
}

impl Drop for Overdue {
    fn drop(&mut self) {
        self.0.queue().is_over = true;
        self.0.woken.notify_one();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        loop {
            let mut queue = self.queue();
            queue.forget_answered();
            queue.is_asleep = true;
            let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.is_over;
            let mut queue = self.woken.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner);
            queue.is_asleep = false;
            queue.give_up_overdue();
            if queue.is_over && queue.waiting.is_empty() {
                return;
            }
            drop(queue);
            thread::sleep(TICK);
        }
    }
}

impl Queue {
    fn forget_answered(&mut self) {
        while self.waiting.front().is_some_and(|(_, call)| call.is_answered()) {
            self.waiting.pop_front();
        }
    }

    /// All calls of a store have the same deadline, so they expire in order of arrival.
    fn give_up_overdue(&mut self) {
        self.forget_answered();
        while self.waiting.front().is_some_and(|(deadline, _)| deadline.has_passed()) {
            if let Some((_, call)) = self.waiting.pop_front() {
                call.give_up();
            }
            self.forget_answered();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use rusqlite::Connection;

    use super::*;
    use crate::db::Db;
    use crate::error::Failure;
    use crate::table_prefix::Tables;
    use crate::task::{NewTask, task};
    use crate::threads::spawn_writer;

    const SOON: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_call_ends_at_its_deadline_though_the_disk_does_not_answer() {
        let overdue = Overdue::spawn().unwrap();
        let writer = spawn_writer(Db::new(Connection::open_in_memory().unwrap(), Tables::default())).unwrap();
        let (answers, disk) = mpsc::channel::<()>();
        let ask = |work: Box<dyn FnMut() + Send>| {
            let (deadline, mut work) = (Deadline::after(SOON), work);
            let NewTask { task, waiting, result } = task(deadline, move |_: &Db| {
                work();
                Ok(())
            });
            overdue.watch(deadline, waiting);
            writer.send(task).unwrap();
            result
        };
        let hangs = ask(Box::new(move || disk.recv().unwrap_or_default()));
        let (begun, is_begun) = mpsc::channel();
        let behind = ask(Box::new(move || begun.send(()).unwrap()));
        for result in [hangs, behind] {
            assert!(matches!(result.await.unwrap(), Err(Failure::DeadlinePassed)));
        }
        drop(answers);
        // Later calls are served, and a call that was answered as overdue is not begun.
        let next = loop {
            if let Ok(()) = ask(Box::new(|| ())).await.unwrap() {
                break is_begun.try_recv();
            }
        };
        next.unwrap_err();
    }
}
