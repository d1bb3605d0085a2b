//! The knee of each deployment, and what faults do.

use super::deployment::Costs;
use super::{Done, Fault, Nanos, Outcome, SECOND, simulate};
use crate::table::Table;

/// Latency that the 99th percentile must not exceed, in milliseconds.
pub const BOUND_MS: f64 = 10.0;

/// Loads of a curve, as shares of what the busiest kind of machine can do.
const SHARES: [f64; 14] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.99];

/// Requests of a point of a curve, at least.
const REQUESTS: f64 = 150_000.0;

/// Returns the latencies of a deployment under growing load, and the highest rate within the bound.
///
/// A point simulates `REQUESTS` requests, or 200 for each machine if that is more. The first quarter is left out.
#[must_use]
pub fn curve(costs: &Costs, nodes: usize, shards: usize) -> (Table, f64) {
    let system = costs.system(nodes, shards);
    let [node_limit, shard_limit] = costs.limits(&system);
    let limit = node_limit.min(shard_limit);
    let mut table = Table::new(&["store", "nodes", "shards", "rate_per_s", "share", "p50_ms", "p99_ms", "p999_ms"]);
    let mut knee = 0.0;
    for share in SHARES {
        let rate = limit * share;
        let requests = REQUESTS.max(200.0 * (nodes + shards) as f64);
        // Long enough for some flushes, whatever the rate.
        let length = ((requests / rate * SECOND as f64) as Nanos).max(SECOND / 10);
        let outcome = simulate(&system, &costs.traffic(rate), None, length, 1);
        let latencies = latencies(outcome.done.iter().filter(|done| done.began > length / 4));
        let p99 = quantile(&latencies, 0.99);
        if p99 <= BOUND_MS {
            knee = rate;
        }
        table.push(vec![
            costs.name.clone(),
            nodes.to_string(),
            shards.to_string(),
            format!("{rate:.0}"),
            format!("{share}"),
            format!("{:.3}", quantile(&latencies, 0.5)),
            format!("{p99:.3}"),
            format!("{:.3}", quantile(&latencies, 0.999)),
        ]);
    }
    (table, knee)
}

/// Runs the knee of 10, 100 and 1000 nodes on growing numbers of shards. Returns the knees and all curves.
#[must_use]
pub fn knees(stores: &[Costs]) -> (Table, Table) {
    let mut knees =
        Table::new(&["store", "nodes", "shards", "node_limit_per_s", "shard_limit_per_s", "knee_per_s", "knee_share"]);
    let mut curves = Table::default();
    for costs in stores {
        for nodes in [10, 100, 1000] {
            for shards in [1, 10, 100] {
                let (mut curve, knee) = curve(costs, nodes, shards);
                curves.header.clone_from(&curve.header);
                curves.rows.append(&mut curve.rows);
                let [node_limit, shard_limit] = costs.limits(&costs.system(nodes, shards));
                knees.push(vec![
                    costs.name.clone(),
                    nodes.to_string(),
                    shards.to_string(),
                    format!("{node_limit:.0}"),
                    format!("{shard_limit:.0}"),
                    format!("{knee:.0}"),
                    format!("{:.2}", knee / node_limit.min(shard_limit)),
                ]);
            }
        }
    }
    (knees, curves)
}

/// A fault, or heavy use of one grant, in a small deployment.
struct Scenario {
    name: &'static str,
    fault: Option<Fault>,
    hot: f64,
}

const FROM: Nanos = 10 * SECOND;
const LENGTH: Nanos = 70 * SECOND;

const SCENARIOS: [Scenario; 6] = [
    Scenario { name: "no fault", fault: None, hot: 0.0 },
    Scenario { name: "shard lost for good", fault: Some(Fault::Silent(FROM, LENGTH)), hot: 0.0 },
    Scenario { name: "failover of 30 s", fault: Some(Fault::Silent(FROM, FROM + 30 * SECOND)), hot: 0.0 },
    Scenario { name: "shard 3 times as slow", fault: Some(Fault::Slow(FROM, 3.0)), hot: 0.0 },
    Scenario { name: "shard 10 times as slow", fault: Some(Fault::Slow(FROM, 10.0)), hot: 0.0 },
    Scenario { name: "10 % of refreshes for one grant", fault: None, hot: 0.1 },
];

/// Simulates faults of one shard of a deployment. Each row is an interval of the
/// simulation, with the requests that began in it.
#[must_use]
pub fn faults(costs: &Costs, nodes: usize, shards: usize, rate: f64) -> Table {
    let mut table = Table::new(&[
        "store",
        "scenario",
        "second",
        "requests",
        "failed_attempts",
        "failed_percent",
        "p99_other_shards_ms",
        "p99_shard_0_ms",
        "p99_hot_ms",
        "answered_hot_per_s",
    ]);
    for scenario in SCENARIOS {
        let mut traffic = costs.traffic(rate);
        traffic.hot = scenario.hot;
        let outcome = simulate(&costs.system(nodes, shards), &traffic, scenario.fault, LENGTH, 1);
        for second in [5, 12, 20, 38, 41, 43, 46, 50, 60] {
            table.push(interval(costs, &scenario, &outcome, second, rate));
        }
    }
    table
}

fn interval(costs: &Costs, scenario: &Scenario, outcome: &Outcome, second: Nanos, rate: f64) -> Vec<String> {
    let range = second * SECOND..(second + 1) * SECOND;
    let began: Vec<&Done> = outcome.done.iter().filter(|done| range.contains(&done.began)).collect();
    let failed = outcome.failed.iter().filter(|at| range.contains(at)).count();
    let p99 = |of: &dyn Fn(&Done) -> bool| {
        let latencies = latencies(began.iter().copied().filter(|done| of(done)));
        if latencies.is_empty() { "-".to_owned() } else { format!("{:.1}", quantile(&latencies, 0.99)) }
    };
    vec![
        costs.name.clone(),
        scenario.name.to_owned(),
        second.to_string(),
        began.len().to_string(),
        failed.to_string(),
        format!("{:.2}", 100.0 * failed as f64 / rate),
        p99(&|done| done.shard != 0),
        p99(&|done| done.shard == 0 && !done.is_hot),
        p99(&|done| done.is_hot),
        outcome.done.iter().filter(|done| done.is_hot && range.contains(&done.ended)).count().to_string(),
    ]
}

/// Returns the latencies of some requests in milliseconds, in ascending order.
pub fn latencies<'a>(done: impl Iterator<Item = &'a Done>) -> Vec<f64> {
    let mut latencies: Vec<f64> = done.map(|done| (done.ended - done.began) as f64 / 1e6).collect();
    latencies.sort_by(f64::total_cmp);
    latencies
}

/// Returns the value that this share of sorted values does not exceed; infinite without values.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::INFINITY)
}
