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

    /// Measures one store and prints its rows. A peer opens its own tables at `place`; there is none without.
    pub(crate) async fn compare(&self, store: &str, baseline: impl Work, service: impl Work, place: Option<&str>) {
        let (baseline, service) = (Arc::new(baseline), Arc::new(service));
        let mut peer = self.peer.as_deref().zip(place).map(|(program, place)| Peer::start(program, store, place));
        for operation in [Operation::Refresh, Operation::Introspect] {
            for &tasks in &self.tasks {
                let mut turns = Vec::new();
                service.prepare().await;
                for turn in 0..self.turns {
                    let lower = self.speed(&baseline, operation, tasks).await;
                    let speed = self.speed(&service, operation, tasks).await;
                    let work = format!("{store} {operation:?}/{tasks}").to_lowercase();
                    self.row(&work, "floor", turn, lower.rate, "per second");
                    self.row(&work, "regrant", turn, speed.rate, "per second");
                    if let Some(peer) = &mut peer {
                        let rate = peer.rate(&format!("{operation:?}"), tasks, self.turn);
                        self.row(&work, "tower-sessions", turn, rate, "per second");
                    }
                    turns.push((lower, speed));
                }
                let rates = [median(&turns, |(lower, _)| lower.rate), median(&turns, |(_, service)| service.rate)];
                let cpu = [median(&turns, |(lower, _)| lower.cpu), median(&turns, |(_, service)| service.cpu)];
                let ratios = sorted(&turns, |(lower, service)| service.rate / lower.rate);
                println!(
                    "| {store} | {operation:?} | {tasks} | {:.0} | {:.0} | {:.2} ({:.2} to {:.2}) | {:.1} | {:.1} |",
                    rates[0],
                    rates[1],
                    ratios[ratios.len() / 2],
                    ratios[0],
                    ratios[ratios.len() - 1],
                    cpu[0],
                    cpu[1],
                );
            }
        }
    }

    /// Writes one figure.
    pub(crate) fn row(&self, work: &str, subject: &str, turn: usize, value: f64, unit: &str) {
        if let Some(mut rows) = self.rows.as_ref() {
            writeln!(rows, "stores\t{work}\t{subject}\t{turn}\t{value:.1}\t{unit}").unwrap();
        }
    }

    /// Lets `tasks` tasks together do the work.
    async fn speed(&self, work: &Arc<impl Work>, operation: Operation, tasks: usize) -> Speed {
        let (begin, cpu) = (now(), cpu());
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
        let done = done as f64;
        let cpu = self::cpu().saturating_sub(cpu).as_secs_f64() * 1e6 / done;
        Speed { rate: done / now().duration_since(begin).as_secs_f64(), cpu }
    }
}

/// The speed of one turn.
struct Speed {
    /// Operations per second.
    rate: f64,
    /// Processor time of this process for an operation in us. Other processes do not disturb it.
    cpu: f64,
}

type Turn = (Speed, Speed);

fn median(turns: &[Turn], value: impl Fn(&Turn) -> f64) -> f64 {
    sorted(turns, value)[turns.len() / 2]
}

fn sorted(turns: &[Turn], value: impl Fn(&Turn) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = turns.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Processor time of all threads of this process. Zero where the system does not report it.
fn cpu() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let times = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}
