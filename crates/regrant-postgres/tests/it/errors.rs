//! Errors of the server: never reported as an absence, and never after an acknowledged write that is missing.

use regrant::store::{Expect, StoreError, Swap, TokenStore as _};
use regrant_postgres::{PostgresStore, PostgresStoreBuilder, Table};
use testbed::{LONG, Postgres, failures, key, retry, text_of};
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, NoTls};

use crate::server::server;
use crate::support::{assert_transient, beside, insert, load, name, open_new, pool, record, soon, swap};

#[tokio::test]
async fn an_exhausted_pool_is_a_transient_error_within_the_deadline() {
    let (_, table) = open_new().await;
    let pool = pool(&server().url(), 1);
    let builder = PostgresStoreBuilder::from_pool(pool.clone()).table(table).deadline(soon());
    let store = retry(async || builder.open().await).await;
    let taken = pool.get().await.unwrap();
    let start = Instant::now();
    assert_transient(store.load(&key(1)).await);
    assert!(start.elapsed() >= soon());
    drop(taken);
    retry(async || store.load(&key(1)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serialization_failures_lose_no_write_and_repeat_none() {
    let (_, table) = open_new().await;
    let url = format!("{}?options=-c%20default_transaction_isolation%3Dserializable", server().url());
    let store =
        PostgresStore::builder(&url).unwrap().table(table).max_connections(16).deadline(LONG).open().await.unwrap();
    insert(&store, &key(1), record(0_u32.to_be_bytes())).await;
    let writers: Vec<_> = (0..32)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..4 {
                    count_up(&store).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(*load(&store, &key(1)).await.record.payload, 128_u32.to_be_bytes());
}

/// Adds one, with as many attempts as it takes.
async fn count_up(store: &PostgresStore) {
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

#[tokio::test]
async fn a_write_that_fails_at_its_commit_is_not_acknowledged() {
    let (store, table) = open_new().await;
    server().execute(&format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not at the commit'; END $$; \
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION refuse()"
    ));
    let error = store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await.unwrap_err();
    assert!(text_of(&error).contains("not at the commit"), "{}", text_of(&error));
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
    server().execute(&format!("DROP TABLE {table}; DROP TABLE {}", beside(&table, "marks")));
    assert_rejected(&failures(&store).await, &["42P01", &name(&table)]);
}

#[tokio::test]
async fn a_revoked_privilege_is_rejected_and_its_table_named() {
    let (store, table) = open_new().await;
    for table in [table.to_string(), beside(&table, "marks")] {
        server().execute(&format!("ALTER TABLE {table} OWNER TO postgres"));
    }
    assert_rejected(&failures(&store).await, &["42501", "permission denied", &name(&table)]);
}

#[tokio::test]
async fn a_changed_password_is_rejected_and_not_shown() {
    let (server, store) = own_server().await;
    server.execute("ALTER ROLE regrant PASSWORD 'another-one'");
    server.terminate_connections();
    let errors = failures(&store).await;
    assert_rejected(&errors, &["28P01", "regrant"]);
    for text in errors.iter().map(|error| text_of(error)) {
        assert!(!text.contains(server.password()) && !text.contains("another-one"), "{text}");
    }
}

/// In a failover a primary becomes a replica; the store finds the new primary by itself.
#[tokio::test]
async fn a_server_that_accepts_no_writes_is_transient_and_named() {
    let (server, store) = own_server().await;
    server.execute("ALTER ROLE regrant SET default_transaction_read_only = on");
    server.terminate_connections();
    for error in failures(&store).await {
        assert!(error.is_transient(), "{}", text_of(&error));
        assert!(text_of(&error).contains("accepts no writes"), "{}", text_of(&error));
    }
    server.execute("ALTER ROLE regrant RESET default_transaction_read_only");
    server.terminate_connections();
    insert(&store, &key(2), record("next")).await;
}

/// A purge frees space, an archive takes the log, another session ends: the server recovers.
#[tokio::test]
async fn a_server_without_resources_is_transient_and_named() {
    let (store, table) = open_new().await;
    let name = name(&table);
    for code in ["53100", "53200", "53300", "58030"] {
        server().execute(&format!(
            "CREATE OR REPLACE FUNCTION {name}_full() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE 'out of resources' USING ERRCODE = '{code}'; END $$; \
             CREATE OR REPLACE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}_full()"
        ));
        let error = store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await.unwrap_err();
        assert!(error.is_transient(), "{code}: {}", text_of(&error));
        assert!(text_of(&error).contains(code) && text_of(&error).contains("out of resources"), "{}", text_of(&error));
    }
}

/// A store with one grant on a server that no other test uses.
async fn own_server() -> (Postgres, PostgresStore) {
    let server = Postgres::start();
    let builder = PostgresStore::builder(server.url()).unwrap().deadline(LONG);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    (server, store)
}

#[tokio::test]
async fn a_quoted_row_is_not_in_the_error() {
    let (store, table) = open_new().await;
    server().execute(&format!("ALTER TABLE {table} ADD CONSTRAINT no_subject CHECK (subject IS NULL)"));
    let error = store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await.unwrap_err();
    let text = text_of(&error);
    assert!(text.contains("23514") && !text.contains("demo"), "{text}");
}

#[tokio::test]
async fn a_read_only_session_is_replaced() {
    let (_, table) = open_new().await;
    let pool = pool(&server().url(), 1);
    let store = PostgresStoreBuilder::from_pool(pool.clone()).table(table).deadline(LONG).open().await.unwrap();
    insert(&store, &key(1), record("old")).await;
    let version = load(&store, &key(1)).await.version;
    let spoil =
        async || pool.get().await.unwrap().batch_execute("SET default_transaction_read_only = on").await.unwrap();
    spoil().await;
    load(&store, &key(1)).await;
    spoil().await;
    swap(&store, &key(1), version, record("new")).await;
}

#[tokio::test]
async fn a_dropped_call_does_not_answer_another() {
    let (_, table) = open_new().await;
    let pool = pool(&server().url(), 1);
    let store = PostgresStoreBuilder::from_pool(pool.clone()).table(table.clone()).deadline(LONG).open().await.unwrap();
    for id in [1, 2] {
        insert(&store, &key(id), record(format!("grant {id}"))).await;
    }
    let lock = Lock::of(&table).await;
    let version = load(&store, &key(1)).await.version;
    let key_1 = key(1);
    let stuck = store.compare_and_swap(&key_1, Expect::Version(version), record("late"));
    assert!(timeout(soon(), stuck).await.is_err());
    assert_eq!(pool.status().available, 0, "the connection still owes an answer");
    let other = tokio::spawn({
        let store = store.clone();
        async move { load(&store, &key(2)).await.record }
    });
    lock.release().await;
    assert_eq!(other.await.unwrap(), record("grant 2"));
    assert_eq!(pool.status().size, 1);
    assert_eq!(load(&store, &key(1)).await.record, record("late"), "the dropped write was done");
}

#[tokio::test]
async fn a_statement_past_its_deadline_ends_on_the_server() {
    let (patient, table) = open_new().await;
    let builder = PostgresStore::builder(server().url()).unwrap().table(table.clone()).deadline(soon());
    let store = retry(async || builder.open().await).await;
    insert(&patient, &key(1), record("grant")).await;
    let version = load(&patient, &key(1)).await.version;
    let _lock = Lock::of(&table).await;
    assert_transient(store.compare_and_swap(&key(1), Expect::Version(version), record("late")).await);
    let name = table.to_string();
    tokio::task::spawn_blocking(move || {
        let waiting = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND strpos(query, '{name}') > 0"
        );
        testbed::until("no session waits for the lock", || server().execute(&waiting) == "0");
    })
    .await
    .unwrap();
}

/// A transaction of another session that locks all rows of a table.
struct Lock(Client);

impl Lock {
    async fn of(table: &Table) -> Self {
        let (client, connection) = tokio_postgres::connect(&server().url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&format!("BEGIN; SELECT FROM {table} FOR UPDATE")).await.unwrap();
        Self(client)
    }

    async fn release(self) {
        self.0.batch_execute("COMMIT").await.unwrap();
    }
}
