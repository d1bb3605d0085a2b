//! Answers calls whose time is over, whatever the disk does to the thread that works on them: a call to the system
//! cannot be given up, but the caller need not wait for it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use crate::deadline::Deadline;

/// How often it looks: so much later than its deadline a call ends at most. Its thread wakes for nothing more often,
/// however many calls there are, and not at all while there are none.
const TICK: Duration = Duration::from_millis(20);

/// Somebody who waits for an answer.
pub(crate) trait Waiting: Send + Sync {
    fn is_answered(&self) -> bool;

    /// Answers that there will be no answer.
    fn give_up(&self);
}

/// The callers that wait, in the order in which they came. Dropping this ends the thread.
pub(crate) struct Overdue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    line: Mutex<Line>,
    woken: Condvar,
}

#[derive(Default)]
struct Line {
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
        let mut line = self.0.line();
        line.forget_answered();
        line.waiting.push_back((deadline, call));
        if line.is_asleep {
            self.0.woken.notify_one();
        }
    }
}

impl Drop for Overdue {
    fn drop(&mut self) {
        self.0.line().is_over = true;
        self.0.woken.notify_one();
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        loop {
            let mut line = self.line();
            line.forget_answered();
            line.is_asleep = true;
            let idle = |line: &mut Line| line.waiting.is_empty() && !line.is_over;
            let mut line = self.woken.wait_while(line, idle).unwrap_or_else(PoisonError::into_inner);
            line.is_asleep = false;
            line.give_up_late();
            if line.is_over && line.waiting.is_empty() {
                return;
            }
            drop(line);
            thread::sleep(TICK);
        }
    }
}

impl Line {
    fn forget_answered(&mut self) {
        while self.waiting.front().is_some_and(|(_, call)| call.is_answered()) {
            self.waiting.pop_front();
        }
    }

    /// All calls of a store may take equally long, so whoever came first is late first.
    fn give_up_late(&mut self) {
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
    use crate::error::Failure;
    use crate::task::{Asked, task};
    use crate::threads::spawn_writer;

    const SOON: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_call_ends_at_its_deadline_though_the_disk_does_not_answer() {
        let overdue = Overdue::spawn().unwrap();
        let writer = spawn_writer(Connection::open_in_memory().unwrap()).unwrap();
        let (answers, disk) = mpsc::channel::<()>();
        let ask = |work: Box<dyn FnMut() + Send>| {
            let (deadline, mut work) = (Deadline::after(SOON), work);
            let Asked { task, waiting, result } = task(deadline, move |_: &Connection| {
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
        // Whoever comes next is served, and what was answered as late is not begun.
        let next = loop {
            if let Ok(()) = ask(Box::new(|| ())).await.unwrap() {
                break is_begun.try_recv();
            }
        };
        next.unwrap_err();
    }
}
