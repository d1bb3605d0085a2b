//! Threads that own the connections: one writer and a few readers.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use crate::connection::{is_busy, wait_for_lock};
use crate::db::Db;
use crate::error::Failure;
use crate::task::Task;

/// Most writes in one commit. Bounded, so that other processes get their turn at the write lock.
const WRITES_PER_COMMIT: usize = 64;

/// Most reads that a reader takes at once; the rest is left to the other readers.
const READS_PER_TURN: usize = 8;

/// Sender of tasks to the threads. They end when the last clone is dropped, so a caller that waits for an answer keeps
/// them alive.
pub(crate) type Queue = Sender<Box<dyn Task>>;

pub(crate) fn spawn_writer(db: Db) -> io::Result<Queue> {
    let (queue, tasks) = mpsc::channel();
    thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
        while let Some(batch) = take(&tasks, WRITES_PER_COMMIT) {
            write(&db, batch);
        }
        close(db);
    })?;
    Ok(queue)
}

pub(crate) fn spawn_readers(connections: Vec<Db>) -> io::Result<Queue> {
    let (queue, tasks) = mpsc::channel();
    let tasks = Arc::new(Mutex::new(tasks));
    for db in connections {
        let tasks = Arc::clone(&tasks);
        let next = move || take(&tasks.lock().unwrap_or_else(PoisonError::into_inner), READS_PER_TURN);
        thread::Builder::new().name("sqlite-reader".to_owned()).spawn(move || {
            while let Some(batch) = next() {
                read(&db, batch);
            }
            close(db);
        })?;
    }
    Ok(queue)
}

/// Closes one connection at a time. The last connection to close moves the log into the file. Two that close at the
/// same moment each see the other one, and neither would do it.
pub(crate) fn close(db: Db) {
    static CLOSING: Mutex<()> = Mutex::new(());
    let _turn = CLOSING.lock().unwrap_or_else(PoisonError::into_inner);
    drop(db);
}

/// Waits for a task, then takes the other queued tasks too, up to `limit`.
fn take(tasks: &Receiver<Box<dyn Task>>, limit: usize) -> Option<Vec<Box<dyn Task>>> {
    let first = tasks.recv().ok()?;
    Some(std::iter::once(first).chain(tasks.try_iter()).take(limit).collect())
}

fn read(db: &Db, batch: Vec<Box<dyn Task>>) {
    for mut task in batch {
        if !task.is_over() {
            task.run(db);
        }
        task.answer(Ok(()));
    }
}

/// Group commit: one transaction and one flush to the disk for all tasks, then all answers.
fn write(db: &Db, mut batch: Vec<Box<dyn Task>>) {
    let committed = begin(db, &mut batch).and_then(|()| run(db, &mut batch)).and_then(|()| commit(db));
    for task in batch {
        task.answer(committed.clone());
    }
}

/// Waits for the write lock while any caller waits for this batch.
fn begin(db: &Db, batch: &mut Vec<Box<dyn Task>>) -> Result<(), Failure> {
    loop {
        for late in batch.extract_if(.., |task| task.is_over()) {
            late.answer(Ok(()));
        }
        match execute(db, "BEGIN IMMEDIATE") {
            Err(error) if is_busy(&error) && !batch.is_empty() => wait_for_lock(),
            result => return result.map_err(Failure::from),
        }
    }
}

/// Runs the tasks in order of arrival, so two swaps of one grant behave as in separate transactions. A failed task does
/// not affect the others, unless SQLite itself rolled back the transaction (a full disk, an I/O error).
fn run(db: &Db, batch: &mut [Box<dyn Task>]) -> Result<(), Failure> {
    for task in batch {
        // The task before this one may have taken long.
        if task.is_over() {
            continue;
        }
        task.run(db);
        if db.is_autocommit() {
            return Err(Failure::RolledBack);
        }
    }
    Ok(())
}

fn commit(db: &Db) -> Result<(), Failure> {
    execute(db, "COMMIT").map_err(|error| {
        if !db.is_autocommit() {
            // If this fails too, the next BEGIN fails and reports it.
            let _ = execute(db, "ROLLBACK");
        }
        Failure::Commit(Arc::new(error))
    })
}

fn execute(db: &Db, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}
