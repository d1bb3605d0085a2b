//! Turns of baseline and service, and their medians.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::TASKS;

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
    turns: usize,
    turn: Duration,
    tasks: Vec<usize>,
}

impl Plan {
    pub(crate) fn full() -> Self {
        Self { turns: 5, turn: Duration::from_millis(1500), tasks: TASKS.to_vec() }
    }

    pub(crate) fn quick() -> Self {
        Self { turns: 1, turn: Duration::from_millis(30), tasks: TASKS.to_vec() }
    }

    /// Measures with this number of tasks only.
    pub(crate) fn only(self, tasks: usize) -> Self {
        Self { tasks: vec![tasks.clamp(1, TASKS[TASKS.len() - 1])], ..self }
    }

    /// Measures one store and prints its rows.
    pub(crate) async fn compare(&self, store: &str, baseline: impl Work, service: impl Work) {
        let (baseline, service) = (Arc::new(baseline), Arc::new(service));
        for operation in [Operation::Refresh, Operation::Introspect] {
            for &tasks in &self.tasks {
                let (mut baselines, mut services, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
                service.prepare().await;
                for _ in 0..self.turns {
                    let lower = self.rate(&baseline, operation, tasks).await;
                    let rate = self.rate(&service, operation, tasks).await;
                    baselines.push(lower);
                    services.push(rate);
                    ratios.push(rate / lower);
                }
                let (baseline, service, ratio) = (median(baselines), median(services), median(ratios));
                println!("| {store} | {operation:?} | {tasks} | {baseline:.0} | {service:.0} | {ratio:.2} |");
            }
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
