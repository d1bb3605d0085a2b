//! The simulator against results of queueing theory.

use scaling::model::scenarios::{latencies, quantile};
use scaling::model::{SECOND, Step, System, Traffic, Work, simulate};

const MICROSECOND: u64 = 1000;
const SERVICE: u64 = 100 * MICROSECOND;

/// A single station without a network: one node whose work is all that a request needs.
fn station(cores: usize, work: Work, load: f64) -> Vec<f64> {
    let system = System { nodes: 1, node_cores: cores, ..shards(1) };
    let rate = load * cores as f64 * (SECOND / SERVICE) as f64;
    let traffic = traffic(rate, vec![Step::Node(work)]);
    let outcome = simulate(&system, &traffic, None, 60 * SECOND, 7);
    assert!((outcome.busy[0] - load).abs() < 0.02, "{:?}", outcome.busy);
    latencies(outcome.done.iter().filter(|done| done.began > SECOND))
}

fn shards(shards: usize) -> System {
    System { nodes: 1, node_cores: 1, shards, shard_cores: 1, flush: 1000 * MICROSECOND, deadline: 2 * SECOND }
}

fn traffic(rate: f64, steps: Vec<Step>) -> Traffic {
    Traffic { rate, refreshes: 1.0, steps: [steps, vec![], vec![]], hot: 0.0, retry_after: SECOND }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn is_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found / expected - 1.0).abs() < tolerance, "{found} instead of {expected}");
}

#[test]
fn exponential_service_has_the_latencies_of_the_m_m_1_queue() {
    for load in [0.3, 0.7, 0.9] {
        let latencies = station(1, Work::Exponential(SERVICE), load);
        // The time in the system is exponential with mean s / (1 - load).
        let expected = 0.1 / (1.0 - load);
        is_near(mean(&latencies), expected, 0.05);
        is_near(quantile(&latencies, 0.99), expected * 100_f64.ln(), 0.1);
    }
}

#[test]
fn constant_service_has_the_mean_of_the_m_d_1_queue() {
    for load in [0.3, 0.7, 0.9] {
        let latencies = station(1, Work::Constant(SERVICE), load);
        // Pollaczek and Khinchine: the mean wait is half of that of the M/M/1 queue.
        is_near(mean(&latencies), 0.1 + 0.1 * load / (2.0 * (1.0 - load)), 0.06);
    }
}

#[test]
fn several_processors_have_the_mean_of_the_m_m_c_queue() {
    let (cores, load) = (4_u32, 0.8);
    let latencies = station(4, Work::Exponential(SERVICE), load);
    // Erlang C.
    let offered = f64::from(cores) * load;
    let term = |n: u32| offered.powi(n.cast_signed()) / (1..=n).map(f64::from).product::<f64>();
    let waiting = term(cores) / (1.0 - load);
    let probability = waiting / ((0..cores).map(term).sum::<f64>() + waiting);
    is_near(mean(&latencies), 0.1 + probability * 0.1 / (f64::from(cores) * (1.0 - load)), 0.05);
}

#[test]
fn a_log_flushes_all_that_wait_at_once() {
    // One request a flush would be 1000 a second; 20 000 a second share the flushes.
    let traffic = traffic(20_000.0, vec![Step::Flush]);
    let outcome = simulate(&shards(1), &traffic, None, 10 * SECOND, 7);
    assert!(outcome.done.len() > 199_000, "{}", outcome.done.len());
    let latencies = latencies(outcome.done.iter());
    // A request waits for the flush in progress, 0 to 1 ms, and then for its own.
    is_near(mean(&latencies), 1.5, 0.02);
    assert!(quantile(&latencies, 1.0) <= 2.0, "{}", quantile(&latencies, 1.0));
}

#[test]
fn a_request_takes_the_sum_of_its_steps() {
    let steps = vec![
        Step::Node(Work::Constant(10 * MICROSECOND)),
        Step::Wait(200 * MICROSECOND),
        Step::Read(Work::Constant(30 * MICROSECOND)),
        Step::Write(Work::Constant(40 * MICROSECOND)),
        Step::Flush,
    ];
    let outcome = simulate(&shards(1), &traffic(1.0, steps), None, 30 * SECOND, 7);
    let latencies = latencies(outcome.done.iter());
    is_near(quantile(&latencies, 0.5), 1.28, 1e-9);
}

#[test]
fn equal_seeds_give_equal_results() {
    let traffic = traffic(9000.0, vec![Step::Node(Work::Exponential(SERVICE))]);
    let run = |seed| simulate(&shards(1), &traffic, None, SECOND, seed).done;
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
