//! The steps of refreshes and introspections, with measured times.

use super::{Nanos, SECOND, Step, System, Traffic, Work};
use crate::table::Table;

const MICROSECOND: Nanos = 1000;
const MILLISECOND: Nanos = 1000 * MICROSECOND;

/// Time from a node to its store, one way: both in one zone of a cloud.
pub const NETWORK: Nanos = 150 * MICROSECOND;

/// Processor time of HTTP for a request, on the node: 18 us for a refresh by `regrant-axum` on a memory store, of which
/// the service takes 5.
pub const HTTP: Nanos = 13 * MICROSECOND;

/// Times of a store. Without the times of HTTP and of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Name of the store.
    pub name: String,
    /// Processor time of a refresh on the node.
    pub node_refresh: Nanos,
    /// Processor time of an introspection on the node.
    pub node_introspection: Nanos,
    /// Processor time of the shard for a read.
    pub read: Nanos,
    /// Processor time of the shard for a conditional write, and for its share of background work.
    pub write: Nanos,
    /// Time of a flush of the log; 0 if a write does not wait for it.
    pub flush: Nanos,
    /// Processors of a shard that can work at the same time.
    pub shard_cores: usize,
}

impl Costs {
    /// The measured times of PostgreSQL, on shards of eight processors whose disk flushes a log in 1 ms. `None` without
    /// a run.
    #[must_use]
    pub fn of_postgres(runs: &Table) -> Option<Self> {
        Self::measured(runs, "postgres", "PostgreSQL", MILLISECOND, 8)
    }

    /// The measured times of a primary of a Redis Cluster, which runs commands on one thread and does not wait for its
    /// log (`appendfsync everysec`). `None` without a run.
    #[must_use]
    pub fn of_redis(runs: &Table) -> Option<Self> {
        Self::measured(runs, "redis", "Redis Cluster", 0, 1)
    }

    fn measured(runs: &Table, store: &str, name: &str, flush: Nanos, shard_cores: usize) -> Option<Self> {
        let [stores, phase, percent] = ["store", "phase", "refresh_percent"].map(|name| runs.column(name));
        let time = |refresh_percent: &str, column: &str| {
            let is_wanted = |row: &&Vec<String>| {
                row[stores].starts_with(store) && row[phase] == "closed" && row[percent] == refresh_percent
            };
            let micros: f64 = runs.rows.iter().rfind(is_wanted)?[runs.column(column)].parse().ok()?;
            Some((micros * MICROSECOND as f64) as Nanos)
        };
        let read = time("0", "store_cpu_us")?;
        Some(Self {
            name: name.to_owned(),
            node_refresh: time("100", "node_cpu_us")?,
            node_introspection: time("0", "node_cpu_us")?,
            read,
            write: time("100", "store_cpu_us")?.saturating_sub(read),
            flush,
            shard_cores,
        })
    }

    /// A system of nodes with two processors on shards of this store.
    #[must_use]
    pub const fn system(&self, nodes: usize, shards: usize) -> System {
        let Self { shard_cores, flush, .. } = *self;
        System { nodes, node_cores: 2, shards, shard_cores, flush, deadline: 2 * SECOND }
    }

    /// Requests at this rate, half of them refreshes.
    #[must_use]
    pub fn traffic(&self, rate: f64) -> Traffic {
        let part = |time: Nanos| Step::Node(Work::Exponential(time));
        let (read, write) = (Step::Read(Work::Exponential(self.read)), Step::Write(Work::Exponential(self.write)));
        let wait = Step::Wait(NETWORK);
        let commit: &[Step] = if self.flush > 0 { &[Step::Flush] } else { &[] };
        let call = |step: Step| [wait, step, wait];
        let refresh = (HTTP + self.node_refresh) / 3;
        let introspection = u64::midpoint(HTTP, self.node_introspection);
        let mut rotate = vec![part(refresh)];
        rotate.extend(call(read));
        rotate.push(part(refresh));
        rotate.extend([wait, write]);
        rotate.extend(commit);
        rotate.extend([wait, part(refresh)]);
        let mut introspect = vec![part(introspection)];
        introspect.extend(call(read));
        introspect.push(part(introspection));
        // The loser of a race waits for the commit of the winner, reads its record and answers it.
        let mut lost = Vec::from(commit);
        lost.extend([wait, part(refresh)]);
        lost.extend(call(read));
        lost.push(part(refresh));
        Traffic { rate, refreshes: 0.5, steps: [rotate, introspect, lost], hot: 0.0, retry_after: SECOND }
    }

    /// Returns the rate at which the processors of the nodes, and of the shards, would be busy all the time.
    #[must_use]
    pub fn limits(&self, system: &System) -> [f64; 2] {
        let mean = |refresh: Nanos, introspection: Nanos| (refresh + introspection) as f64 / 2.0 / SECOND as f64;
        let node = mean(HTTP + self.node_refresh, HTTP + self.node_introspection);
        let shard = mean(self.read + self.write, self.read);
        [(system.nodes * system.node_cores) as f64 / node, (system.shards * system.shard_cores) as f64 / shard]
    }
}
