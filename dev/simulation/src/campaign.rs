//! Many lives, each of its own seed; and the shortest form of one that failed.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::judge::{Tally, Violation};
use crate::life::{Life, Outcome, Plan, Step};

/// A life in which a promise broke.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) violation: Violation,
}

/// The sums over a campaign.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) lives: u64,
    pub(crate) steps: u64,
    pub(crate) calls: u64,
    pub(crate) thefts_found: u64,
    pub(crate) heals: u64,
    pub(crate) refreshed_by_thieves: u64,
    pub(crate) seconds: f64,
    pub(crate) failures: Vec<Failure>,
    pub(crate) seen: BTreeSet<(&'static str, &'static str, &'static str)>,
}

impl Summary {
    /// The number of requests in a second.
    pub(crate) fn rate(&self) -> u64 {
        let millis = (self.seconds * 1000.0).max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive time")]
        let millis = millis as u64;
        self.calls * 1000 / millis
    }

    /// The number of pairs of event and cause that were seen.
    pub(crate) fn pairs(&self) -> usize {
        self.seen.iter().map(|(_, kind, cause)| (kind, cause)).collect::<BTreeSet<_>>().len()
    }

    fn add(&mut self, steps: usize, tally: Tally) {
        self.lives += 1;
        self.steps += steps as u64;
        self.calls += tally.calls;
        self.thefts_found += tally.thefts_found;
        self.heals += tally.heals;
        self.refreshed_by_thieves += tally.refreshed_by_thieves;
        self.seen.extend(tally.seen);
    }
}

/// Runs the life of one seed.
pub(crate) fn live(seed: u64, is_traced: bool) -> Outcome {
    let plan = Plan::new(seed);
    Life::run(&plan, &plan.steps, is_traced)
}

#[expect(clippy::disallowed_methods, reason = "a rate of a campaign, no decision")]
fn started() -> Instant {
    Instant::now()
}

/// The length of a campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    Lives(u64),
    Seconds(u64),
}

/// Runs the lives of the seeds from `from` on `threads` threads, and stops after `most` failures.
pub(crate) fn run(from: u64, length: Length, threads: usize, most: usize) -> Summary {
    let (next, summary, started) = (AtomicU64::new(from), Mutex::new(Summary::default()), started());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = match length {
                        Length::Lives(count) => seed - from >= count,
                        Length::Seconds(seconds) => started.elapsed().as_secs() >= seconds,
                    };
                    if is_over {
                        break;
                    }
                    let plan = Plan::new(seed);
                    let outcome = Life::run(&plan, &plan.steps, false);
                    let Ok(mut summary) = summary.lock() else { break };
                    summary.add(plan.steps.len(), outcome.tally);
                    summary.failures.extend(outcome.violation.map(|violation| Failure { seed, violation }));
                    if summary.failures.len() >= most {
                        break;
                    }
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_default();
    summary.seconds = started.elapsed().as_secs_f64();
    summary.failures.sort_by_key(|failure| failure.seed);
    summary
}

/// Removes steps from a failing life as long as it fails by the same check. Returns the shortest form.
pub(crate) fn shrink(seed: u64) -> Option<(Vec<Step>, Outcome)> {
    let plan = Plan::new(seed);
    let check = Life::run(&plan, &plan.steps, false).violation?.check;
    let fails = |steps: &[Step]| Life::run(&plan, steps, false).violation.is_some_and(|found| found.check == check);
    let mut steps = plan.steps.clone();
    let mut size = steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            if fails(&fewer) {
                steps = fewer;
            } else {
                at += size;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    let outcome = Life::run(&plan, &steps, true);
    Some((steps, outcome))
}

#[cfg(test)]
mod tests {
    use super::{Length, live, run, shrink};

    #[test]
    fn one_seed_reproduces_a_life_bit_for_bit() {
        for seed in 0..20 {
            let (first, second) = (live(seed, false), live(seed, true));
            assert_eq!(first.fingerprint, second.fingerprint, "seed {seed}");
        }
    }

    #[test]
    fn two_seeds_are_two_lives() {
        assert_ne!(live(1, false).fingerprint, live(2, false).fingerprint);
    }

    #[test]
    fn a_short_campaign_meets_theft_loss_and_rollback_and_breaks_no_promise() {
        let summary = run(0, Length::Lives(600), 2, 1);
        assert!(summary.failures.is_empty(), "{:?}", summary.failures);
        assert!(summary.thefts_found > 50 && summary.refreshed_by_thieves > 5 && summary.heals > 0, "{summary:?}");
        for event in ["rotated", "replayed", "healed", "reuse_detected", "write_confirmed", "unavailable"] {
            assert!(summary.seen.iter().any(|(_, kind, _)| *kind == event), "no life has met {event}");
        }
    }

    #[test]
    fn a_life_that_keeps_every_promise_has_no_shortest_failure() {
        assert!(shrink(0).is_none());
    }
}
