//! Several workloads at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use regrant::store::{SingleUse, TokenStore};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::random::Random;
use crate::report::Report;
use crate::workload::Workload;

/// Several [`Workload`]s at once, each with its own sessions, while the test disturbs the server.
#[derive(Debug)]
pub struct Load {
    workloads: JoinSet<Report>,
    rounds: Arc<Semaphore>,
    ended: Arc<AtomicBool>,
}

impl Load {
    /// Starts `workloads` workloads.
    pub fn begin<S: TokenStore + SingleUse + Clone + 'static>(
        store: &S,
        workloads: usize,
        random: &mut Random,
    ) -> Self {
        let (rounds, ended) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
        let mut load = Self { workloads: JoinSet::new(), rounds, ended };
        for _ in 0..workloads {
            let mut workload = Workload::new(store.clone(), random.fork());
            let (rounds, ended) = (Arc::clone(&load.rounds), Arc::clone(&load.ended));
            load.workloads.spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    workload.round().await;
                    rounds.add_permits(1);
                }
                workload.finish().await
            });
        }
        load
    }

    /// Waits for `rounds` more rounds of all workloads together.
    pub async fn rounds(&mut self, rounds: u64) {
        let rounds = u32::try_from(rounds).expect("not that many");
        tokio::select! {
            done = self.rounds.acquire_many(rounds) => done.expect("is not closed").forget(),
            Some(workload) = self.workloads.join_next() => panic!("a workload failed: {:?}", workload.err()),
        }
    }

    /// Ends the workloads and adds up their reports.
    pub async fn end(mut self) -> Report {
        self.ended.store(true, Ordering::Relaxed);
        let mut total = Report::default();
        while let Some(report) = self.workloads.join_next().await {
            total += report.expect("a workload failed");
        }
        total
    }
}
