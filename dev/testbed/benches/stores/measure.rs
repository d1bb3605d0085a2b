//! Turns of floor and service, and their medians.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::TASKS;

/// How many grants a task goes through.
const GRANTS_EACH: usize = 16;

/// All grants of a bench. No two tasks touch the same one.
pub(crate) const GRANTS: usize = TASKS[TASKS.len() - 1] * GRANTS_EACH;

/// What is measured: the service, or its floor.
pub(crate) trait Work: Send + Sync + 'static {
    /// Before each row of the table.
    fn prepare(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// One load and one conditional write of the grant at this place.
    fn refresh(&self, place: usize) -> impl Future<Output = ()> + Send;

    /// One load of it.
    fn introspect(&self, place: usize) -> impl Future<Output = ()> + Send;
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Refresh,
    Introspect,
}

/// How long to look.
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

    /// With so many tasks alone.
    pub(crate) fn only(self, tasks: usize) -> Self {
        Self { tasks: vec![tasks.clamp(1, TASKS[TASKS.len() - 1])], ..self }
    }

    /// Measures one store and prints its rows.
    pub(crate) async fn compare(&self, store: &str, floor: impl Work, service: impl Work) {
        let (floor, service) = (Arc::new(floor), Arc::new(service));
        for operation in [Operation::Refresh, Operation::Introspect] {
            for &tasks in &self.tasks {
                let (mut floors, mut services, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
                service.prepare().await;
                for _ in 0..self.turns {
                    let lower = self.rate(&floor, operation, tasks).await;
                    let rate = self.rate(&service, operation, tasks).await;
                    floors.push(lower);
                    services.push(rate);
                    ratios.push(rate / lower);
                }
                let (floor, service, ratio) = (median(floors), median(services), median(ratios));
                println!("| {store} | {operation:?} | {tasks} | {floor:.0} | {service:.0} | {ratio:.2} |");
            }
        }
    }

    /// How often a second `tasks` tasks do it together.
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
