//! Many clients at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use regrant::store::{SingleUse, TokenStore};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::ordeal::Ordeal;
use crate::random::Random;
use crate::report::Report;

/// Ordeals side by side, each with sessions of its own, while something is done to the server.
#[derive(Debug)]
pub struct Load {
    clients: JoinSet<Report>,
    rounds: Arc<Semaphore>,
    ended: Arc<AtomicBool>,
}

impl Load {
    /// Begins `clients` ordeals.
    pub fn begin<S: TokenStore + SingleUse + Clone + 'static>(store: &S, clients: usize, random: &mut Random) -> Self {
        let (rounds, ended) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
        let mut load = Self { clients: JoinSet::new(), rounds, ended };
        for _ in 0..clients {
            let mut ordeal = Ordeal::new(store.clone(), random.fork());
            let (rounds, ended) = (Arc::clone(&load.rounds), Arc::clone(&load.ended));
            load.clients.spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    ordeal.round().await;
                    rounds.add_permits(1);
                }
                ordeal.finish().await
            });
        }
        load
    }

    /// Returns when so many more rounds were done, by all clients together.
    pub async fn rounds(&mut self, rounds: u64) {
        let rounds = u32::try_from(rounds).expect("not that many");
        tokio::select! {
            done = self.rounds.acquire_many(rounds) => done.expect("is not closed").forget(),
            Some(client) = self.clients.join_next() => panic!("a client stopped: {:?}", client.err()),
        }
    }

    /// Lets the clients finish, and adds up what they found.
    pub async fn end(mut self) -> Report {
        self.ended.store(true, Ordering::Relaxed);
        let mut total = Report::default();
        while let Some(report) = self.clients.join_next().await {
            total += report.expect("a client stopped");
        }
        total
    }
}
