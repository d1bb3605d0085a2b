//! What the server says, and what becomes of it: never an absence, never a write that is told but not there.

use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex as _, GrantOwner, PurgeExpired as _, SingleUse as _, StoreError, Swap, TokenStore as _, UseId,
};
use regrant::token::Realm;
use regrant_postgres::{PostgresStore, PostgresStoreBuilder, Table};
use testbed::Postgres;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, NoTls};

use crate::server::server;
use crate::support::{
    PATIENT, SHORT, assert_transient, beside, insert, key, load, name, open_new, pool, record, swap, telling,
};

#[tokio::test]
async fn an_exhausted_pool_is_a_transient_error_within_the_deadline() {
    let (_, table) = open_new().await;
    let pool = pool(&server().url(), 1);
    let store = PostgresStoreBuilder::from_pool(pool.clone()).table(table).deadline(SHORT).open().await.unwrap();
    let taken = pool.get().await.unwrap();
    let start = Instant::now();
    assert_transient(store.load(&key(1)).await);
    assert!(start.elapsed() >= SHORT && start.elapsed() < 3 * SHORT, "{:?}", start.elapsed());
    drop(taken);
    insert(&store, &key(1), record("grant")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serialization_failures_cost_no_write_and_invent_none() {
    let (_, table) = open_new().await;
    let url = format!("{}?options=-c%20default_transaction_isolation%3Dserializable", server().url());
    let store =
        PostgresStore::builder(&url).unwrap().table(table).max_connections(16).deadline(PATIENT).open().await.unwrap();
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
    assert_eq!(load(&store, &key(1)).await.record.payload, 128_u32.to_be_bytes());
}

/// Adds one, however often it takes.
async fn count_up(store: &PostgresStore) {
    loop {
        let current = load(store, &key(1)).await;
        let count = u32::from_be_bytes(current.record.payload.try_into().unwrap());
        let next = record((count + 1).to_be_bytes());
        match store.compare_and_swap(&key(1), Expect::Version(current.version), next).await {
            Ok(Swap::Stored) => return,
            Ok(Swap::Conflict) => {}
            // Rolled back each time, or it would be counted twice.
            Err(error) => assert!(error.is_transient(), "{}", telling(&error)),
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
    assert!(telling(&error).contains("not at the commit"), "{}", telling(&error));
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
}

/// The failure of each call of the store.
async fn failures(store: &PostgresStore) -> Vec<StoreError> {
    let (realm, owner) = (Realm::default(), GrantOwner::Client(record("").client_id));
    vec![
        store.load(&key(1)).await.unwrap_err(),
        store.compare_and_swap(&key(2), Expect::Absent, record("next")).await.unwrap_err(),
        store.page(&realm, &owner, None, 10).await.unwrap_err(),
        store.purge_expired(Timestamp::from_millis(0), 10).await.unwrap_err(),
        store.use_once(&UseId::from_bytes([1; 32]), Timestamp::from_millis(0)).await.unwrap_err(),
    ]
}

fn assert_rejected(errors: &[StoreError], words: &[&str]) {
    for error in errors {
        let told = telling(error);
        assert!(!error.is_transient() && !error.is_corrupt(), "{told}");
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
    }
}

#[tokio::test]
async fn a_table_that_is_gone_is_rejected_and_named() {
    let (store, table) = open_new().await;
    server().execute(&format!("DROP TABLE {table}; DROP TABLE {}", beside(&table, "marks")));
    assert_rejected(&failures(&store).await, &["42P01", &name(&table)]);
}

#[tokio::test]
async fn a_right_that_was_taken_away_is_rejected_and_its_table_named() {
    let (store, table) = open_new().await;
    for table in [table.to_string(), beside(&table, "marks")] {
        server().execute(&format!("ALTER TABLE {table} OWNER TO postgres"));
    }
    assert_rejected(&failures(&store).await, &["42501", "permission denied", &name(&table)]);
}

#[tokio::test]
async fn a_password_that_was_changed_is_rejected_and_not_shown() {
    let (server, store) = own_server().await;
    server.execute("ALTER ROLE regrant PASSWORD 'another-one'");
    server.terminate_connections();
    let errors = failures(&store).await;
    assert_rejected(&errors, &["28P01", "regrant"]);
    for told in errors.iter().map(|error| telling(error)) {
        assert!(!told.contains(server.password()) && !told.contains("another-one"), "{told}");
    }
}

/// In a failover a primary becomes a replica, and its successor is found without anybody's doing.
#[tokio::test]
async fn a_server_that_takes_no_writes_is_transient_and_told() {
    let (server, store) = own_server().await;
    server.execute("ALTER ROLE regrant SET default_transaction_read_only = on");
    server.terminate_connections();
    for error in failures(&store).await {
        assert!(error.is_transient(), "{}", telling(&error));
        assert!(telling(&error).contains("takes no writes"), "{}", telling(&error));
    }
    server.execute("ALTER ROLE regrant RESET default_transaction_read_only");
    server.terminate_connections();
    insert(&store, &key(2), record("next")).await;
}

/// A purge frees space, an archive takes the log, a neighbour ends: time mends it.
#[tokio::test]
async fn a_server_without_room_is_transient_and_told() {
    let (store, table) = open_new().await;
    let name = name(&table);
    for code in ["53100", "53200", "53300", "58030"] {
        server().execute(&format!(
            "CREATE OR REPLACE FUNCTION {name}_full() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE 'there is no room' USING ERRCODE = '{code}'; END $$; \
             CREATE OR REPLACE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}_full()"
        ));
        let error = store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await.unwrap_err();
        assert!(error.is_transient(), "{code}: {}", telling(&error));
        assert!(telling(&error).contains(code) && telling(&error).contains("no room"), "{}", telling(&error));
    }
}

/// A store with one grant on a server that no other test uses.
async fn own_server() -> (Postgres, PostgresStore) {
    let server = Postgres::start();
    let builder = PostgresStore::builder(server.url()).unwrap().deadline(PATIENT);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    (server, store)
}

#[tokio::test]
async fn what_the_server_quotes_of_a_row_is_not_told() {
    let (store, table) = open_new().await;
    server().execute(&format!("ALTER TABLE {table} ADD CONSTRAINT nobody CHECK (subject IS NULL)"));
    let error = store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await.unwrap_err();
    let text = telling(&error);
    assert!(text.contains("23514") && !text.contains("demo"), "{text}");
}

#[tokio::test]
async fn one_read_only_session_is_left_for_another() {
    let (_, table) = open_new().await;
    let pool = pool(&server().url(), 1);
    let store = PostgresStoreBuilder::from_pool(pool.clone()).table(table).deadline(PATIENT).open().await.unwrap();
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
async fn a_dropped_call_leaves_its_answer_to_nobody() {
    let (_, table) = open_new().await;
    let pool = pool(&server().url(), 1);
    let store =
        PostgresStoreBuilder::from_pool(pool.clone()).table(table.clone()).deadline(PATIENT).open().await.unwrap();
    for id in [1, 2] {
        insert(&store, &key(id), record(format!("grant {id}"))).await;
    }
    let lock = Lock::of(&table).await;
    let version = load(&store, &key(1)).await.version;
    let key_1 = key(1);
    let stuck = store.compare_and_swap(&key_1, Expect::Version(version), record("late"));
    assert!(timeout(SHORT, stuck).await.is_err());
    assert_eq!(pool.status().available, 0, "the connection still owes an answer");
    let other = tokio::spawn({
        let store = store.clone();
        async move { load(&store, &key(2)).await.record }
    });
    lock.release().await;
    assert_eq!(other.await.unwrap(), record("grant 2"));
    assert_eq!(pool.status().size, 1);
    assert_eq!(load(&store, &key(1)).await.record, record("late"), "all, as nothing else was left");
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_ends_on_the_server() {
    let (_, table) = open_new().await;
    let builder = PostgresStore::builder(server().url()).unwrap().table(table.clone()).deadline(SHORT);
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    let version = load(&store, &key(1)).await.version;
    let _lock = Lock::of(&table).await;
    assert_transient(store.compare_and_swap(&key(1), Expect::Version(version), record("late")).await);
    let name = table.to_string();
    tokio::task::spawn_blocking(move || {
        let waiting = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND strpos(query, '{name}') > 0"
        );
        testbed::until("nobody to wait for the lock", || server().execute(&waiting) == "0");
    })
    .await
    .unwrap();
}

/// A foreign transaction that holds all rows of a table.
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
