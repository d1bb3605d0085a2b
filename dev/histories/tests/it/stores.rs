//! Histories of each store under faults, short form.

use std::path::PathBuf;

use histories::report::Table;
use histories::scenarios::{Plan, run};
use testbed::Random;

/// Runs all scenarios of a store. Only a failover to a replica that lags may lose anything.
async fn all_histories_have_an_order(store: &str) {
    let plan = Plan { calls: 80, program: PathBuf::from(env!("CARGO_BIN_EXE_histories")) };
    let mut table = Table::default();
    run(store, &plan, &mut Random::seeded(), &mut table).await;
    println!("{table}");
    assert!(table.is_linearizable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_in_memory_have_an_order() {
    all_histories_have_an_order("memory").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_of_two_processes_on_one_file_have_an_order() {
    all_histories_have_an_order("sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_on_postgres_have_an_order() {
    all_histories_have_an_order("postgres").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_on_mariadb_have_an_order() {
    all_histories_have_an_order("mariadb").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_on_redis_have_an_order() {
    all_histories_have_an_order("redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_on_a_redis_cluster_have_an_order() {
    all_histories_have_an_order("cluster").await;
}
