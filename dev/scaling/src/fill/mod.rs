//! Bulk loading of a population, each store in its own way.

mod postgres;
mod redis;
mod sqlite;

pub use postgres::into_postgres;
pub use redis::into_redis;
pub use sqlite::into_sqlite;

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::now;
use crate::population::{Census, Made, Population, Session};

/// Grants in one batch.
const BATCH: usize = 20_000;

/// Threads that make grants.
const THREADS: u64 = 2;

/// Batches of a population. Keeps the sessions of the sample, and reports progress.
struct Batches {
    made: Receiver<Vec<Made>>,
    sessions: Vec<Session>,
    count: u64,
    begin: std::time::Instant,
}

impl Batches {
    fn of(census: Census) -> Self {
        let (sender, made) = sync_channel(4);
        for part in 0..THREADS {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut population = Population::part(census, part, THREADS);
                loop {
                    let batch: Vec<Made> = population.by_ref().take(BATCH).collect();
                    if batch.is_empty() || sender.send(batch).is_err() {
                        return;
                    }
                }
            });
        }
        Self { made, sessions: Vec::new(), count: 0, begin: now() }
    }

    fn next(&mut self) -> Option<Vec<Made>> {
        let mut batch = self.made.recv().ok()?;
        self.sessions.extend(batch.iter_mut().filter_map(|made| made.session.take()));
        let before = self.count / 1_000_000;
        self.count += batch.len() as u64;
        if self.count / 1_000_000 > before {
            eprintln!("{} grants after {:.0} s", self.count, self.begin.elapsed().as_secs_f64());
        }
        Some(batch)
    }
}
