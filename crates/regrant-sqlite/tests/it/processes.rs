//! Several processes on one file.

use std::process::Stdio;

use regrant_sqlite::SqliteStore;
use tokio::task::JoinSet;

use crate::support::{Database, child, count, count_up, create, file_of_parent, record};

const PROCESSES: usize = 3;
const TASKS: u64 = 4;
const ROUNDS: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn a_count_by_several_processes_is_exact() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"0")).await.unwrap();
    let binary = std::env::current_exe().unwrap();
    let children: Vec<_> = (1..PROCESSES)
        .map(|_| child(&binary, "processes::a_child_counts", &database.path).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    count_by_many(&store).await;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(report.contains("1 passed"), "{report}");
    }
    assert_eq!(count(&store, 1).await, PROCESSES as u64 * TASKS * ROUNDS);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run as a child process by the test above"]
async fn a_child_counts() {
    count_by_many(&SqliteStore::open(file_of_parent()).unwrap()).await;
}

async fn count_by_many(store: &SqliteStore) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..ROUNDS {
                count_up(&store, 1).await;
            }
        });
    }
    tasks.join_all().await;
}
