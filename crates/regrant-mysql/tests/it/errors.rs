//! Errors of the server: never reported as an absence, and never after an acknowledged write that is missing.

use std::sync::Arc;

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantIndex as _, GrantOwner, PurgeExpired as _, StoreError, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_mysql::{MysqlStore, OpenError};
use testbed::{MariaDb, failures, key, retry, text_of};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::server::server;
use crate::support::{assert_transient, at, beside, insert, load, open_new, record, soon, swap};

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_is_a_transient_error_within_the_deadline() {
    let (patient, table) = open_new().await;
    insert(&patient, &key(1), record("grant")).await;
    let version = load(&patient, &key(1)).await.version;
    let builder = at(&server().url()).table(table.clone()).max_connections(1).deadline(soon());
    let store = retry(async || builder.open().await).await;
    let lock = server().hold(&format!("BEGIN; SELECT * FROM {table} FOR UPDATE"));
    // One call waits for the lock, and the others for its connection.
    let mut stuck = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        stuck.spawn(async move { store.compare_and_swap(&key(1), Expect::Version(version), record("late")).await });
    }
    let errors: Vec<_> = stuck.join_all().await.into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 8);
    assert!(errors.iter().all(StoreError::is_transient), "{errors:?}");
    assert!(errors.iter().any(|error| text_of(error).contains("all are in use")), "{errors:?}");
    drop(lock);
    retry(async || store.load(&key(1)).await).await;
}

/// Deadlocks and lost races, from two nodes.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_swaps_lose_no_write_and_repeat_none() {
    let (one, table) = open_new().await;
    let two = at(&server().url()).table(table).open().await.unwrap();
    insert(&one, &key(1), record(0_u32.to_be_bytes())).await;
    let mut writers = JoinSet::new();
    for number in 0..32 {
        let store = if number % 2 == 0 { one.clone() } else { two.clone() };
        writers.spawn(async move {
            for _ in 0..4 {
                count_up(&store).await;
            }
        });
    }
    writers.join_all().await;
    assert_eq!(*load(&one, &key(1)).await.record.payload, 128_u32.to_be_bytes());
}

/// Adds one, with as many attempts as it takes.
pub(crate) async fn count_up(store: &MysqlStore) {
    loop {
        let current = load(store, &key(1)).await;
        let count = u32::from_be_bytes((*current.record.payload).try_into().unwrap());
        let next = record((count + 1).to_be_bytes());
        match store.compare_and_swap(&key(1), Expect::Version(current.version), next).await {
            Ok(Swap::Stored) => return,
            Ok(Swap::Conflict) => {}
            // Each failed attempt was rolled back; otherwise it would be counted twice.
            Err(error) => assert!(error.is_transient(), "{}", text_of(&error)),
        }
    }
}

/// A refresh moves the expiry while purges run on two nodes: only what has ended is deleted, and nothing fails.
#[tokio::test(flavor = "multi_thread")]
async fn purges_beside_refreshes_delete_what_has_ended_and_nothing_else() {
    let (one, table) = open_new().await;
    let two = at(&server().url()).table(table).open().await.unwrap();
    let now = Timestamp::from_millis(500);
    let ending =
        |at: i64| regrant::store::GrantRecord { expires_at: Some(Timestamp::from_millis(at)), ..record("grant") };
    for id in 0..200 {
        insert(&one, &key(id), ending(if id % 2 == 0 { 400 } else { 600 })).await;
    }
    let mut tasks = JoinSet::new();
    // Each node refreshes grants of its own.
    for (first, store) in [(1, &one), (3, &two)] {
        let purging = store.clone();
        tasks.spawn(async move {
            let mut purged = 0;
            for _ in 0..20 {
                purged += purging.purge_expired(now, 7).await.unwrap();
            }
            purged
        });
        let refreshing = store.clone();
        tasks.spawn(async move {
            for id in (first..200).step_by(4) {
                let current = load(&refreshing, &key(id)).await;
                let next = ending(700 + i64::try_from(id).unwrap());
                let swapped = refreshing.compare_and_swap(&key(id), Expect::Version(current.version), next).await;
                assert_eq!(swapped.unwrap_or_else(|error| panic!("{}", text_of(&error))), Swap::Stored);
            }
            0
        });
    }
    let purged: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(purged, 100);
    for id in 0..200 {
        assert_eq!(one.load(&key(id)).await.unwrap().is_some(), id % 2 == 1, "{id}");
    }
}

#[tokio::test]
async fn a_write_that_a_trigger_refuses_is_not_acknowledged() {
    let (store, table) = open_new().await;
    server().execute(&format!(
        "CREATE TRIGGER {} AFTER INSERT ON {table} FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not now'",
        beside(&table, "refusal"),
    ));
    let error = store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await.unwrap_err();
    assert!(text_of(&error).contains("not now"), "{}", text_of(&error));
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
}

fn assert_rejected(errors: &[StoreError], words: &[&str]) {
    for error in errors {
        let text = text_of(error);
        assert!(!error.is_transient() && !error.is_corrupt(), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

#[tokio::test]
async fn a_missing_table_is_rejected_and_named() {
    let (store, table) = open_new().await;
    server().execute(&format!("DROP TABLE {table}, {}", beside(&table, "marks")));
    let name = table.to_string().replace('`', "");
    assert_rejected(&failures(&store).await, &["1146", &name]);
}

#[tokio::test]
async fn a_revoked_privilege_is_rejected_and_its_table_named() {
    let (server, _) = own_server().await;
    server.execute("CREATE USER worker IDENTIFIED BY 'secret'; GRANT ALL ON regrant.* TO worker");
    let url = server.url().replace("regrant:", "worker:").replace(server.password(), "secret");
    let store = at(&url).open().await.unwrap();
    server.execute("REVOKE ALL ON regrant.* FROM worker; GRANT CREATE TEMPORARY TABLES ON regrant.* TO worker");
    server.execute("KILL USER worker");
    assert_rejected(&failures(&store).await, &["1142", "command denied", "regrant_grants"]);
}

#[tokio::test]
async fn a_changed_password_is_rejected_and_not_shown() {
    let (server, store) = own_server().await;
    server.execute("ALTER USER regrant IDENTIFIED BY 'another-one'");
    server.terminate_connections();
    let errors = failures(&store).await;
    assert_rejected(&errors, &["1045", "regrant"]);
    for text in errors.iter().map(|error| text_of(error)) {
        assert!(!text.contains(server.password()) && !text.contains("another-one"), "{text}");
    }
}

/// In a failover a primary becomes a replica; the store finds the new primary by itself.
#[tokio::test]
async fn a_server_that_accepts_no_writes_is_transient_and_named() {
    let (server, store) = own_server().await;
    server.execute("SET GLOBAL read_only = ON");
    for error in failures(&store).await {
        assert!(error.is_transient(), "{}", text_of(&error));
        assert!(text_of(&error).contains("accepts no writes"), "{}", text_of(&error));
    }
    // A replica that is behind would answer the same.
    assert_transient(store.load(&key(7)).await);
    server.execute("SET GLOBAL read_only = OFF");
    insert(&store, &key(2), record("next")).await;
    assert_eq!(store.load(&key(7)).await.unwrap(), None);
}

#[tokio::test]
async fn sessions_that_may_only_read_are_transient_and_named() {
    let (server, store) = own_server().await;
    server.execute("SET GLOBAL tx_read_only = ON");
    server.terminate_connections();
    assert_transient(store.compare_and_swap(&key(2), Expect::Absent, record("next")).await);
    server.execute("SET GLOBAL tx_read_only = OFF");
    insert(&store, &key(2), record("next")).await;
}

#[tokio::test]
async fn a_server_without_connections_left_is_transient_and_named() {
    let server = MariaDb::start_with(&["--max-user-connections=1"]);
    let builder = at(&server.url()).max_connections(1);
    retry(async || builder.migrate().await).await;
    let store = retry(async || builder.open().await).await;
    let second = builder.open().await.unwrap_err();
    assert!(matches!(second, OpenError::Unreachable(_)), "{}", text_of(&second));
    assert!(text_of(&second).contains("max_user_connections"), "{}", text_of(&second));
    insert(&store, &key(1), record("grant")).await;
}

/// A purge frees space, another session ends: the server recovers.
#[tokio::test]
async fn a_server_without_resources_is_transient_and_named() {
    let (store, table) = open_new().await;
    for number in [1021, 1041, 1114, 1205] {
        server().execute(&format!(
            "CREATE OR REPLACE TRIGGER {} BEFORE INSERT ON {table} FOR EACH ROW \
             SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'out of resources'",
            beside(&table, "refusal"),
        ));
        let error = store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await.unwrap_err();
        let text = text_of(&error);
        assert!(error.is_transient() && text.contains(&number.to_string()) && text.contains("out of"), "{text}");
    }
}

/// A store with one grant on a server that no other test uses.
async fn own_server() -> (MariaDb, MysqlStore) {
    let server = MariaDb::start();
    let builder = at(&server.url());
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    (server, store)
}

#[tokio::test]
async fn a_quoted_value_is_not_in_the_error() {
    let (store, table) = open_new().await;
    server().execute(&format!("ALTER TABLE {table} ADD UNIQUE KEY one_each (subject)"));
    insert(&store, &key(1), record("grant")).await;
    let error = store.compare_and_swap(&key(2), Expect::Absent, record("grant")).await.unwrap_err();
    let text = text_of(&error);
    assert!(text.contains("1062") && !text.contains("demo"), "{text}");
}

#[tokio::test]
async fn a_payload_that_no_server_must_take_is_rejected_before_it_is_sent() {
    let (store, _) = open_new().await;
    let error = store.compare_and_swap(&key(1), Expect::Absent, record(vec![7; 1 << 20])).await.unwrap_err();
    assert!(!error.is_transient() && text_of(&error).contains("too large"), "{}", text_of(&error));
    insert(&store, &key(1), record(vec![7; 900 << 10])).await;
    assert_eq!(load(&store, &key(1)).await.record.payload.len(), 900 << 10);
}

#[tokio::test]
async fn a_dropped_call_does_not_answer_another() {
    let (patient, table) = open_new().await;
    let store = at(&server().url()).table(table.clone()).max_connections(1).open().await.unwrap();
    for id in [1, 2] {
        insert(&store, &key(id), record(format!("grant {id}"))).await;
    }
    let version = load(&store, &key(1)).await.version;
    let lock = server().hold(&format!("BEGIN; SELECT * FROM {table} FOR UPDATE"));
    let key_1 = key(1);
    let stuck = store.compare_and_swap(&key_1, Expect::Version(version), record("late"));
    assert!(timeout(soon(), stuck).await.is_err());
    // The only connection was closed, and the next call opens another one.
    assert_eq!(load(&store, &key(2)).await.record, record("grant 2"));
    drop(lock);
    let stored = retry(async || {
        let found = load(&patient, &key(1)).await;
        if found.version == version { Err("not yet") } else { Ok(found) }
    });
    assert_eq!(stored.await.record, record("late"), "the dropped write was done");
}

#[tokio::test]
async fn a_statement_past_its_deadline_ends_on_the_server() {
    let (patient, table) = open_new().await;
    let builder = at(&server().url()).table(table.clone()).deadline(soon());
    let store = retry(async || builder.open().await).await;
    insert(&patient, &key(1), record("grant")).await;
    let version = load(&patient, &key(1)).await.version;
    let lock = server().hold(&format!("BEGIN; SELECT * FROM {table} FOR UPDATE"));
    assert_transient(store.compare_and_swap(&key(1), Expect::Version(version), record("late")).await);
    let waiting = format!(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'UPDATE {}%'",
        table.to_string().replace('_', "\\\\_")
    );
    let ended = tokio::task::spawn_blocking(move || {
        testbed::until("no session waits for the lock", || server().execute(&waiting) == "0");
    });
    ended.await.unwrap();
    drop(lock);
    // It was rolled back, and does not run later.
    swap(&patient, &key(1), version, record("new")).await;
}

/// Keys and owners are bytes, whatever the collation of the database: it treats these as equal.
#[tokio::test]
async fn owners_that_a_collation_would_confuse_are_told_apart() {
    let (store, _) = open_new().await;
    let grant_of = |subject: &str| regrant::store::GrantRecord {
        subject: Some(regrant::Subject::new(subject).unwrap()),
        ..record("grant")
    };
    let subjects = ["demo", "Demo", "d\u{e9}mo", "demo ", "\u{1f600}", "\u{1f601}"];
    for (id, subject) in (0..).zip(subjects) {
        insert(&store, &key(id), grant_of(subject)).await;
    }
    for (id, subject) in (0..).zip(subjects) {
        let owner = GrantOwner::Subject(regrant::Subject::new(subject).unwrap());
        let page = store.page(&Realm::default(), &owner, None, 10).await.unwrap();
        assert_eq!(page.len(), 1, "{subject:?}");
        assert_eq!(page[0].0, key(id).id);
        assert_eq!(page[0].1.record, grant_of(subject));
    }
    let realm = |name: &'static str| regrant::store::GrantKey { realm: Realm::from_static(name), ..key(9) };
    let store = Arc::new(store);
    insert(&store, &realm("tenant"), record("one")).await;
    for other in ["Tenant", "tenant ", ""] {
        assert_eq!(store.load(&realm(other)).await.unwrap(), None, "{other:?}");
    }
}
