//! Faults of a shard, and one grant in heavy use.

use scaling::model::deployment::Costs;
use scaling::model::scenarios::{latencies, quantile};
use scaling::model::{Done, Fault, Outcome, SECOND, simulate};

const RATE: f64 = 20_000.0;

fn costs() -> Costs {
    Costs {
        name: "a database".to_owned(),
        node_refresh: 60_000,
        node_introspection: 30_000,
        read: 40_000,
        write: 120_000,
        flush: 1_000_000,
        shard_cores: 8,
    }
}

fn run(fault: Option<Fault>, hot: f64) -> Outcome {
    let mut traffic = costs().traffic(RATE);
    traffic.hot = hot;
    simulate(&costs().system(10, 10), &traffic, fault, 12 * SECOND, 3)
}

fn p99(outcome: &Outcome, of: impl Fn(&Done) -> bool) -> f64 {
    quantile(&latencies(outcome.done.iter().filter(|done| of(done))), 0.99)
}

#[test]
fn a_silent_shard_fails_its_own_requests_and_no_others() {
    let outcome = run(Some(Fault::Silent(4 * SECOND, 8 * SECOND)), 0.0);
    assert!(outcome.done.iter().all(|done| done.shard == 0 || done.failures == 0));
    let calm = run(None, 0.0);
    assert!((p99(&outcome, |done| done.shard != 0) / p99(&calm, |done| done.shard != 0) - 1.0).abs() < 0.05);
    let during = |done: &Done| done.shard == 0 && (5 * SECOND..6 * SECOND).contains(&done.began);
    assert!(outcome.done.iter().filter(|done| during(done)).all(|done| done.failures > 0));
}

#[test]
fn every_request_of_a_silent_shard_is_answered_after_its_return() {
    let outcome = run(Some(Fault::Silent(2 * SECOND, 4 * SECOND)), 0.0);
    let late = |done: &&Done| done.shard == 0 && done.ended > 9 * SECOND;
    assert!(outcome.done.iter().filter(late).all(|done| done.failures == 0));
    assert!((outcome.unfinished as f64) < RATE / 100.0, "{}", outcome.unfinished);
}

#[test]
fn a_slow_shard_delays_its_own_requests_and_no_others() {
    let (slow, calm) = (run(Some(Fault::Slow(0, 3.0)), 0.0), run(None, 0.0));
    assert!(p99(&slow, |done| done.shard == 0) > 2.0 * p99(&calm, |done| done.shard == 0));
    assert!((p99(&slow, |done| done.shard != 0) / p99(&calm, |done| done.shard != 0) - 1.0).abs() < 0.05);
}

#[test]
fn the_losers_of_a_race_for_one_grant_are_answered_after_one_more_read() {
    let outcome = run(None, 0.1);
    let hot = outcome.done.iter().filter(|done| done.is_hot).count();
    assert!(hot > 10_000, "{hot}");
    assert!(outcome.failed.is_empty());
}
