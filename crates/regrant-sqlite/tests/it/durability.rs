//! Acknowledged writes survive, however the store ends.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use regrant::store::Swap;
use regrant_sqlite::{SqliteStore, Synchronous};
use testbed::LONG;

use crate::support::{Database, child, count, count_up, create, file_of_parent, payload, record};

#[tokio::test]
async fn acknowledged_writes_survive_reopening() {
    let database = Database::new();
    for synchronous in [Synchronous::Full, Synchronous::Normal] {
        let number = synchronous as u8;
        let store = SqliteStore::builder().synchronous(synchronous).open(&database.path).unwrap();
        assert_eq!(create(&store, number, record(b"kept")).await.unwrap(), Swap::Stored);
        drop(store);
        assert_eq!(payload(&database.open(), number).await.as_deref(), Some(&b"kept"[..]));
    }
}

#[tokio::test]
async fn the_last_handle_closes_the_file() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"kept")).await.unwrap();
    drop(store.clone());
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"kept"[..]));
    drop(store);
    // The last connection to close moves the log into the file and removes it.
    let closed = async {
        while database.wal().exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(LONG, closed).await.expect("the threads end");
}

#[tokio::test]
async fn acknowledged_writes_survive_a_killed_process() {
    let database = Database::new();
    let _ = create(&database.open(), 1, record(b"0")).await.unwrap();
    let binary = std::env::current_exe().unwrap();
    for round in 1..=5 {
        let mut child = child(&binary, "durability::a_child_counts_until_it_is_killed", &database.path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut acknowledged = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let Ok(number) = line.unwrap().parse() else { continue };
            acknowledged = number;
            if number % 20 == round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        // One more write may have been stored than was reported.
        let count = count(&database.open(), 1).await;
        assert!(acknowledged > 0 && (acknowledged..=acknowledged + 1).contains(&count), "{acknowledged}, then {count}");
    }
}

#[tokio::test]
#[ignore = "run as a child process by the test above"]
async fn a_child_counts_until_it_is_killed() {
    let store = SqliteStore::open(file_of_parent()).unwrap();
    loop {
        println!("{}", count_up(&store, 1).await);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_loses_no_acknowledged_write() {
    let database = Database::new();
    drop(database.open());
    let binary = std::env::current_exe().unwrap();
    let child = child(&binary, "durability::a_child_writes_until_the_disk_is_full", &database.path);
    // A file size limit of some hundred KiB stands in for a full disk. With its signal ignored, reaching the limit is
    // an error.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$@\"", "sh"])
        .arg(child.get_program())
        .args(child.get_args())
        .envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("1 passed"), "{report}{}", String::from_utf8_lossy(&output.stderr));
    let acknowledged = report.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u8>().ok()).max();
    let store = database.open();
    for number in 0..=acknowledged.expect("there was some room") {
        assert_eq!(payload(&store, number).await.map(|payload| payload.len()), Some(LARGE));
    }
    assert_eq!(create(&store, u8::MAX, record(b"afterwards")).await.unwrap(), Swap::Stored);
}

const LARGE: usize = 64 * 1024;

#[tokio::test]
#[ignore = "run as a child process by the test above"]
async fn a_child_writes_until_the_disk_is_full() {
    let store = SqliteStore::open(file_of_parent()).unwrap();
    println!();
    for number in 0..100 {
        match create(&store, number, record(vec![number; LARGE])).await {
            Ok(swap) => assert_eq!(swap, Swap::Stored),
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                assert_eq!(payload(&store, number).await, None);
                assert_eq!(payload(&store, number - 1).await.map(|payload| payload.len()), Some(LARGE));
                return;
            }
        }
        println!("acknowledged {number}");
    }
    panic!("the limit is not in force");
}
