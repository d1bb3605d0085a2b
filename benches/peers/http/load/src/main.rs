//! A load generator for token endpoints. It measures the CPU time of the server, not its own.
//!
//! ```text
//! http-load [OPTION VALUE]... --server NAME=COMMAND [--server NAME=COMMAND]...
//!
//!   --connections 1,8,32          keep-alive connections, each with its own token chains
//!   --work refresh,introspect
//!   --turns 5                     every server is measured once in each turn: A B C A B C
//!   --seconds 1                   length of a measurement; in a closed loop it has 1000 requests at least
//!   --warm 20000                  requests of each work to each server before the first turn
//!   --rate 0                      requests per second of all connections together, in an open loop; 0: a closed loop
//!   --part http                   first column of the table
//!   --out FILE                    the table: part, work, subject, turn, value, unit
//! ```
//!
//! COMMAND starts a server that prints lines `{"work":"refresh","token":"..."}` and then `listening on http://ADDRESS`,
//! and that ends with its input. The servers run side by side, and one of them is under load at a time.
//!
//! In a closed loop each connection sends its next request when it has the response. In an open loop the requests have
//! a schedule that does not depend on the responses (a Poisson process), and latency counts from the scheduled time: a
//! slow response delays the requests behind it, and that delay is measured (no coordinated omission).

mod connection;
mod options;
mod pace;
mod server;
mod table;

use std::fs;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::connection::{Connection, Limit};
use crate::options::Options;
use crate::pace::Pace;
use crate::server::Server;
use crate::table::Table;

/// The requests that a connection sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// A refresh with rotation, over the refresh token that the last refresh of its chain returned.
    Refresh,
    /// Introspection of an opaque access token, with the secret of the client.
    Introspect,
}

/// The least number of requests of a measurement in a closed loop.
const LEAST: usize = 1000;

fn main() {
    let options = Options::read();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    runtime.block_on(measure(&options));
}

async fn measure(options: &Options) {
    println!("load of the machine before: {}", load());
    let mut servers: Vec<Server> = options.servers.iter().map(|(name, command)| Server::start(name, command)).collect();
    let mut table = Table::create(&options.part, options.out.as_deref());
    for server in &mut servers {
        let resident = server.resident();
        table.row("growth", &server.name, 0, resident, "MB resident");
        for work in &options.work {
            burst(server, *work, 8, Limit::Requests(options.warm / 8), 0.0).await;
        }
    }
    for turn in 1..=options.turns {
        for connections in &options.connections {
            for work in &options.work {
                for server in &mut servers {
                    turn_of(server, *work, *connections, turn, options, &mut table).await;
                }
            }
        }
        for server in &servers {
            table.row("growth", &server.name, turn, server.resident(), "MB resident");
            table.row("growth", &server.name, turn, count(server.refreshes), "refreshes");
        }
    }
    println!("load of the machine after: {}", load());
    let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
    table.summary(&names);
}

async fn turn_of(
    server: &mut Server,
    work: Work,
    connections: usize,
    turn: usize,
    options: &Options,
    table: &mut Table,
) {
    // A slow server has enough requests in a closed loop, too.
    let least = if options.rate > 0.0 { 0 } else { LEAST / connections };
    let limit = Limit::Time(now() + options.length, least);
    let Burst { latencies, elapsed, cpu_time } = burst(server, work, connections, limit, options.rate).await;
    assert!(!latencies.is_empty(), "no request in {:?}: set --seconds", options.length);
    let requests = count(latencies.len());
    let work = format!("{}, {connections} connections", work.name());
    let mut row = |value, unit| table.row(&work, &server.name, turn, value, unit);
    row(cpu_time.as_secs_f64() * 1e6 / requests, "server CPU us/request");
    for (share, unit) in [(0.5, "p50 us"), (0.99, "p99 us"), (0.999, "p99.9 us")] {
        row(percentile(&latencies, share).as_secs_f64() * 1e6, unit);
    }
    row(requests / elapsed.max(options.length).as_secs_f64(), "requests/s");
}

struct Burst {
    /// In ascending order.
    latencies: Vec<Duration>,
    elapsed: Duration,
    /// The time of the server, without that for opening and closing the connections.
    cpu_time: Duration,
}

/// Sends requests until `limit`.
async fn burst(server: &mut Server, work: Work, connections: usize, limit: Limit, rate: f64) -> Burst {
    let mut tokens = server.take_tokens(work);
    fastrand::shuffle(&mut tokens);
    let mut opened = Vec::new();
    for chains in tokens.chunks(tokens.len().div_ceil(connections)) {
        opened.push(Connection::open(server.address, work, chains.to_vec()).await);
    }
    let (begin, before) = (now(), server.cpu_time());
    let mut tasks = JoinSet::new();
    for connection in opened {
        let pace = (rate > 0.0).then(|| Pace::new(begin, rate / count(connections)));
        tasks.spawn(connection.run(limit, pace));
    }
    let (mut latencies, mut tokens) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (chains, measured) = done.expect("every request succeeds");
        tokens.extend(chains);
        latencies.extend(measured);
    }
    let (elapsed, cpu_time) = (begin.elapsed(), server.cpu_time().saturating_sub(before));
    server.give_back(work, tokens, latencies.len());
    latencies.sort_unstable();
    Burst { latencies, elapsed, cpu_time }
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::Introspect => "introspect",
        }
    }
}

fn percentile(ascending: &[Duration], share: f64) -> Duration {
    let index = (count(ascending.len()) * share) as usize;
    ascending[index.min(ascending.len() - 1)]
}

const fn count(number: usize) -> f64 {
    number as f64
}

/// The load averages of the machine: other work makes latencies meaningless, and CPU times somewhat longer.
fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").expect("Linux");
    averages.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn now() -> Instant {
    Instant::now()
}
