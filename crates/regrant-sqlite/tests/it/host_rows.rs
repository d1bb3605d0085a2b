//! Rows of the host in the transaction that creates a grant: both are stored, or neither.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regrant::store::{Expect, GrantKey, StoreError, Swap, TokenStore};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, KeyRing, RefreshRequest,
    Subject, SystemEntropy, TokenService,
};
use regrant_sqlite::SqliteStore;
use regrant_sqlite::rusqlite::{Connection, Error};

use crate::support::{Database, create, key, payload, record, record_of};

/// A database of an application that records sign-ins.
fn application() -> (Database, SqliteStore) {
    let database = Database::new();
    database.execute("CREATE TABLE sign_ins (grant_id BLOB, account TEXT UNIQUE)");
    let store = database.open_under("oauth_");
    (database, store)
}

fn sign_in(account: &'static str) -> impl FnOnce(&Connection, &GrantKey) -> rusqlite::Result<()> + Send + 'static {
    move |db, key| {
        let insert = "INSERT INTO sign_ins (grant_id, account) VALUES (?1, ?2)";
        db.execute(insert, (key.id.as_bytes(), account)).map(drop)
    }
}

fn sign_ins(database: &Database) -> i64 {
    database.connection().query_one("SELECT count(*) FROM sign_ins", [], |row| row.get(0)).unwrap()
}

fn service(store: &SqliteStore) -> (TokenService<SqliteStore>, AuthenticatedClient) {
    let service =
        TokenService::builder(store.clone(), ClientRegistry::new(), KeyRing::generate(&SystemEntropy)).build().unwrap();
    let client = Client::new(ClientId::from_static("app"))
        .with_grant_types([GrantType::Password, GrantType::RefreshToken])
        .with_scope("read".parse().unwrap());
    (service, AuthenticatedClient::assertion(client.into()))
}

fn request() -> IssueRequest {
    let approval = Approval::of(Subject::new("demo").unwrap()).with_scope("read".parse().unwrap());
    IssueRequest::new(GrantType::Password, approval)
}

#[tokio::test]
async fn rows_are_stored_with_the_grant_and_name_it() {
    let (database, store) = application();
    let (service, client) = service(&store);
    let tokens = store.write_together(sign_in("demo"), service.issue(&client, request())).await.unwrap();
    let select = "SELECT grant_id FROM sign_ins WHERE account = 'demo'";
    let written: [u8; 16] = database.connection().query_one(select, [], |row| row.get(0)).unwrap();
    assert_eq!(&written, tokens.grant_id.as_bytes());
}

#[tokio::test]
async fn a_call_that_creates_no_grant_writes_no_rows() {
    let (database, store) = application();
    let (service, client) = service(&store);
    let tokens = service.issue(&client, request()).await.unwrap();
    let refresh = RefreshRequest::new(tokens.refresh_token.unwrap());
    store.write_together(sign_in("refreshed"), service.refresh(&client, &refresh)).await.unwrap();
    let wrong = RefreshRequest::new("rt_garbage");
    store.write_together(sign_in("refused"), service.refresh(&client, &wrong)).await.unwrap_err();
    assert_eq!(sign_ins(&database), 0);
    // And none that is left over goes with a later grant.
    service.issue(&client, request()).await.unwrap();
    assert_eq!(sign_ins(&database), 0);
}

#[tokio::test]
async fn a_creation_that_conflicts_writes_no_rows() {
    let (database, store) = application();
    let _ = create(&store, 1, record(b"first")).await.unwrap();
    let swap = store.write_together(sign_in("demo"), create(&store, 1, record(b"second"))).await;
    assert_eq!((swap.unwrap(), sign_ins(&database)), (Swap::Conflict, 0));
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"first"[..]));
}

#[tokio::test]
async fn rows_are_written_once_for_the_first_grant_of_a_call() {
    let (database, store) = application();
    let both = async {
        let one = create(&store, 1, record(b"one")).await.unwrap();
        let two = create(&store, 2, record(b"two")).await.unwrap();
        (one, two)
    };
    assert_eq!(store.write_together(sign_in("demo"), both).await, (Swap::Stored, Swap::Stored));
    assert_eq!(sign_ins(&database), 1);
}

#[tokio::test]
async fn rows_that_fail_leave_no_grant_and_the_other_writes_of_their_commit_are_stored() {
    let (database, store) = application();
    database.execute("INSERT INTO sign_ins VALUES (NULL, 'demo')");
    let error = each_in_one_commit(&database, &store, sign_in("demo")).await;
    assert!(!error.is_transient() && !error.is_corrupt(), "{error:?}");
    assert!(testbed::text_of(&error).contains("UNIQUE constraint failed: sign_ins.account"), "{error:?}");
    assert_eq!(sign_ins(&database), 1);
}

#[tokio::test]
async fn a_failure_of_the_hosts_own_code_is_no_damage_of_the_store() {
    let (database, store) = application();
    let error = each_in_one_commit(&database, &store, |_, _| Err(Error::QueryReturnedNoRows)).await;
    assert!(!error.is_transient() && !error.is_corrupt(), "{error:?}");
}

#[tokio::test]
async fn rows_that_panic_leave_no_grant_and_the_store_goes_on() {
    let (database, store) = application();
    let error = each_in_one_commit(&database, &store, |db, key| {
        sign_in("demo")(db, key)?;
        panic!("a mistake of the host")
    })
    .await;
    assert!(!error.is_transient() && !error.is_corrupt(), "{error:?}");
    assert!(testbed::text_of(&error).contains("panicked"), "{error:?}");
    assert_eq!(sign_ins(&database), 0);
}

/// Creates a grant with these rows between two grants without, all in one commit. Returns the error of the first.
async fn each_in_one_commit(
    database: &Database,
    store: &SqliteStore,
    rows: impl FnOnce(&Connection, &GrantKey) -> rusqlite::Result<()> + Send + 'static,
) -> StoreError {
    let lock = database.locked();
    let (before, with_rows, after, ()) = tokio::join!(
        create(store, 1, record(b"before")),
        store.write_together(rows, create(store, 2, record(b"with rows"))),
        create(store, 3, record(b"after")),
        async { drop(lock) },
    );
    assert_eq!((before.unwrap(), after.unwrap()), (Swap::Stored, Swap::Stored));
    assert_eq!(payload(store, 2).await, None);
    assert_eq!(payload(store, 1).await.as_deref(), Some(&b"before"[..]));
    assert_eq!(payload(store, 3).await.as_deref(), Some(&b"after"[..]));
    with_rows.unwrap_err()
}

#[tokio::test]
async fn a_failed_commit_stores_neither() {
    let (database, store) = application();
    database.execute(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY); \
         CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER fail_commit AFTER INSERT ON oauth_grants WHEN NEW.client_id = 'bad' \
         BEGIN INSERT INTO child VALUES (1); END",
    );
    let failed = store.write_together(sign_in("demo"), create(&store, 1, record_of("bad"))).await;
    assert!(failed.unwrap_err().is_transient());
    assert_eq!((payload(&store, 1).await, sign_ins(&database)), (None, 0));
}

/// A breach of the contract: nothing is acknowledged, and the store goes on.
#[tokio::test]
async fn rows_that_end_the_transaction_are_acknowledged_by_nobody() {
    let (_database, store) = application();
    for (number, end) in [(1, "COMMIT"), (2, "ROLLBACK")] {
        let rows = move |db: &Connection, _: &GrantKey| db.execute_batch(end);
        let outcome = store.write_together(rows, create(&store, number, record(b"lost"))).await;
        assert!(outcome.unwrap_err().is_transient(), "{end}");
    }
    assert_eq!(create(&store, 3, record(b"afterwards")).await.unwrap(), Swap::Stored);
}

#[tokio::test]
async fn another_store_writes_no_rows() {
    let (database, store) = application();
    let other = database.open_under("other_");
    let swap = store.write_together(sign_in("demo"), create(&other, 1, record(b"other"))).await;
    assert_eq!((swap.unwrap(), sign_ins(&database)), (Swap::Stored, 0));
    let clone = store.clone();
    let swap = store.write_together(sign_in("demo"), create(&clone, 1, record(b"own"))).await;
    assert_eq!((swap.unwrap(), sign_ins(&database)), (Swap::Stored, 1));
}

#[tokio::test]
async fn the_inner_of_two_calls_has_its_own_rows() {
    let (database, store) = application();
    let both = async {
        let _ = store.write_together(sign_in("inner"), create(&store, 1, record(b"inner"))).await.unwrap();
        create(&store, 2, record(b"outer")).await.unwrap()
    };
    assert_eq!(store.write_together(sign_in("outer"), both).await, Swap::Stored);
    let select = "SELECT account FROM sign_ins WHERE grant_id = ?1";
    for (number, account) in [(1, "inner"), (2, "outer")] {
        let found: String =
            database.connection().query_one(select, [key(number).id.as_bytes()], |row| row.get(0)).unwrap();
        assert_eq!(found, account);
    }
}

#[tokio::test]
async fn calls_at_once_have_each_its_own_rows() {
    let (database, store) = application();
    let written = Arc::new(AtomicUsize::new(0));
    let creations = (0..8).map(|number| {
        let (store, written) = (store.clone(), Arc::clone(&written));
        tokio::spawn(async move {
            let rows = move |db: &Connection, of: &GrantKey| {
                assert_eq!(of, &key(number));
                written.fetch_add(1, Ordering::Relaxed);
                db.execute("INSERT INTO sign_ins VALUES (?1, ?2)", (of.id.as_bytes(), number)).map(drop)
            };
            store.write_together(rows, create(&store, number, record([number]))).await.unwrap()
        })
    });
    for creation in creations.collect::<Vec<_>>() {
        assert_eq!(creation.await.unwrap(), Swap::Stored);
    }
    assert_eq!((sign_ins(&database), written.load(Ordering::Relaxed)), (8, 8));
}

/// A swap of a grant that is there is no creation.
#[tokio::test]
async fn a_change_of_a_grant_writes_no_rows() {
    let (database, store) = application();
    let _ = create(&store, 1, record(b"first")).await.unwrap();
    let version = store.load(&key(1)).await.unwrap().unwrap().version;
    let key = key(1);
    let swap = store.compare_and_swap(&key, Expect::Version(version), record(b"second"));
    assert_eq!(store.write_together(sign_in("demo"), swap).await.unwrap(), Swap::Stored);
    assert_eq!(sign_ins(&database), 0);
}
