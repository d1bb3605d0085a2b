//! The service on each store, beside the least that the same server has to do for it: the same statements, without a library.
//!
//! ```text
//! cargo bench -p regrant-testbed --bench stores              # all
//! cargo bench -p regrant-testbed --bench stores -- redis     # one
//! ```
//!
//! For each number of tasks the floor and the service take turns, several times, on the same server; the table has medians,
//! and the median of the ratios within a turn.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

#[path = "stores/measure.rs"]
mod measure;
#[path = "stores/postgres.rs"]
mod postgres;
#[path = "stores/redis.rs"]
mod redis;
#[path = "stores/service.rs"]
mod service;
#[path = "stores/sqlite.rs"]
mod sqlite;

use std::env;

use crate::measure::Plan;

/// How many tasks call at the same time.
const TASKS: [usize; 3] = [1, 8, 32];

/// The bytes of a typical record.
const PAYLOAD: usize = 300;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // `cargo test` runs benches too, to see that they run.
    let plan = if arguments.iter().any(|argument| argument == "--bench") { Plan::full() } else { Plan::quick() };
    let only = arguments.iter().find(|argument| !argument.starts_with('-'));
    let is_wanted = |store: &str| only.is_none_or(|only| store.contains(only.as_str()));

    println!("| store | operation | tasks | floor, per second | service, per second | ratio |");
    println!("|---|---|--:|--:|--:|--:|");
    if is_wanted("sqlite") {
        sqlite::measure(&plan).await;
    }
    if is_wanted("postgres") {
        postgres::measure(&plan).await;
    }
    if is_wanted("redis") {
        redis::measure(&plan).await;
    }
}
