//! Turns of baseline and service, and their medians.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::TASKS;
use crate::peer::Peer;

/// Grants of each task.
const GRANTS_EACH: usize = 16;

/// All grants of a bench. Each belongs to one task.
pub(crate) const GRANTS: usize = TASKS[TASKS.len() - 1] * GRANTS_EACH;

/// The measured work: the service, or the baseline.
pub(crate) trait Work: Send + Sync + 'static {
    /// Runs before each row of the table.
    fn prepare(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Loads the grant at this place and writes it conditionally.
    fn refresh(&self, place: usize) -> impl Future<Output = ()> + Send;

    /// Loads the grant at this place.
    fn introspect(&self, place: usize) -> impl Future<Output = ()> + Send;
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Refresh,
    Introspect,
}

/// Number and length of the measurements.
pub(crate) struct Plan {
    pub(crate) turns: usize,
    turn: Duration,
    tasks: Vec<usize>,
    /// The program of a peer.
    pub(crate) peer: Option<PathBuf>,
    /// The file for the rate of each turn.
    pub(crate) rows: Option<File>,
}

impl Plan {
    pub(crate) fn full() -> Self {
        Self { turns: 5, turn: Duration::from_millis(1500), ..Self::quick() }
    }

    pub(crate) fn quick() -> Self {
        Self { turns: 1, turn: Duration::from_millis(30), tasks: TASKS.to_vec(), peer: None, rows: None }
    }

    /// Measures with this number of tasks only.
    pub(crate) fn only(self, tasks: usize) -> Self {
        Self { tasks: vec![tasks.clamp(1, TASKS[TASKS.len() - 1])], ..self }
    }

    /// Measures one store and prints its rows. A peer opens its own tables at `place`.
    pub(crate) async fn compare(&self, store: &str, baseline: impl Work, service: impl Work, place: &str) {
        let (baseline, service) = (Arc::new(baseline), Arc::new(service));
        let mut peer = self.peer.as_deref().map(|program| Peer::start(program, store, place));
        for operation in [Operation::Refresh, Operation::Introspect] {
            for &tasks in &self.tasks {
                let (mut baselines, mut services, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
                service.prepare().await;
                for turn in 0..self.turns {
                    let lower = self.rate(&baseline, operation, tasks).await;
                    let rate = self.rate(&service, operation, tasks).await;
                    let work = format!("{store} {operation:?}/{tasks}").to_lowercase();
                    self.row(&work, "floor", turn, lower, "per second");
                    self.row(&work, "regrant", turn, rate, "per second");
                    if let Some(peer) = &mut peer {
                        let rate = peer.rate(&format!("{operation:?}"), tasks, self.turn);
                        self.row(&work, "tower-sessions", turn, rate, "per second");
                    }
                    baselines.push(lower);
                    services.push(rate);
                    ratios.push(rate / lower);
                }
                let (baseline, service, ratio) = (median(baselines), median(services), median(ratios));
                println!("| {store} | {operation:?} | {tasks} | {baseline:.0} | {service:.0} | {ratio:.2} |");
            }
        }
    }

    /// Writes one figure.
    pub(crate) fn row(&self, work: &str, subject: &str, turn: usize, value: f64, unit: &str) {
        if let Some(mut rows) = self.rows.as_ref() {
            writeln!(rows, "stores\t{work}\t{subject}\t{turn}\t{value:.1}\t{unit}").unwrap();
        }
    }

    /// Returns how often per second `tasks` tasks together do the work.
    async fn rate(&self, work: &Arc<impl Work>, operation: Operation, tasks: usize) -> f64 {
        let begin = now();
        let mut set = JoinSet::new();
        for task in 0..tasks {
            let (work, turn) = (Arc::clone(work), self.turn);
            set.spawn(async move {
                let mut done = 0;
                while now().duration_since(begin) < turn {
                    let place = task * GRANTS_EACH + done % GRANTS_EACH;
                    match operation {
                        Operation::Refresh => work.refresh(place).await,
                        Operation::Introspect => work.introspect(place).await,
                    }
                    done += 1;
                }
                done
            });
        }
        let done: usize = set.join_all().await.into_iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = done as f64 / now().duration_since(begin).as_secs_f64();
        rate
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}
