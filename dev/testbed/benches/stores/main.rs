//! The service on each store, compared with the minimum that the same server has to do for it: the same statements
//! without a library.
//!
//! ```text
//! cargo bench -p testbed --bench stores              # all
//! cargo bench -p testbed --bench stores -- redis 8   # one, with 8 tasks
//! ```
//!
//! For each number of tasks the baseline and the service run alternately, several times, on the same server. The table
//! has the medians and the median of the ratios of each pair. The processor time is that of this process, without the
//! server.
//!
//! `benches/peers/run stores` adds `--turns N`, `--peer PROGRAM` (a third subject, as a process: see `peer`) and
//! `--rows FILE` (each figure, for its report).

#![expect(clippy::unwrap_used, reason = "a bench that cannot run stops")]

mod mariadb;
mod measure;
mod peer;
mod postgres;
mod redis;
mod service;
mod sqlite;

use std::env;
use std::fs::File;

use crate::measure::Plan;

/// Numbers of concurrent tasks.
const TASKS: [usize; 3] = [1, 8, 32];

/// Bytes of a typical record.
const PAYLOAD: usize = 300;

/// Changes half of a record, as a refresh changes digests, salts and times.
fn change(payload: &mut [u8], version: i64) {
    let (_, half) = payload.split_at_mut(PAYLOAD / 2);
    for (place, byte) in half.iter_mut().enumerate() {
        *byte = version.wrapping_add(1).wrapping_mul(0x9e37_79b9).to_le_bytes()[place % 4];
    }
}

#[tokio::main]
async fn main() {
    // `cargo test` runs benches too, to check that they run. `cargo bench` adds its argument behind all others.
    let is_bench = env::args().any(|argument| argument == "--bench");
    let (mut plan, mut only) = (if is_bench { Plan::full() } else { Plan::quick() }, None);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap();
        match argument.as_str() {
            "--bench" => {}
            "--turns" => plan.turns = value().parse().unwrap(),
            "--peer" => plan.peer = Some(value().into()),
            "--rows" => plan.rows = Some(File::options().append(true).create(true).open(value()).unwrap()),
            other => match other.parse() {
                Ok(tasks) => plan = plan.only(tasks),
                Err(_) => only = Some(argument),
            },
        }
    }
    let is_wanted = |store: &str| only.as_ref().is_none_or(|only| store.contains(only.as_str()));

    println!(
        "| store | operation | tasks | baseline, per second | service, per second | ratio (lowest to highest) \
         | baseline, CPU in us | service, CPU in us |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|");
    if is_wanted("sqlite") {
        sqlite::measure(&plan).await;
    }
    if is_wanted("postgres") {
        postgres::measure(&plan).await;
    }
    if is_wanted("mariadb") {
        mariadb::measure(&plan).await;
    }
    if is_wanted("redis") {
        redis::measure(&plan).await;
    }
}
