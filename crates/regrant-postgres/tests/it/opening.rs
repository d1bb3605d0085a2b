//! Faults found when the store is opened: each is named, without a secret.

use std::num::NonZeroU16;

use regrant::store::{Expect, Swap, TokenStore as _};
use regrant_postgres::{OpenError, PostgresStore, PostgresStoreBuilder, Table};
use testbed::{Disturbance, LONG, Proxy, key, text_of};

use crate::server::{new_table, server};
use crate::support::{beside, insert, load, name, open_new, pool, record, soon};

const PASSWORD: &str = "kept-away-from-logs";

#[tokio::test]
async fn an_invalid_url_is_not_repeated_in_the_error() {
    for url in [
        "",
        "nothing",
        "mysql://app:kept-away-from-logs@db",
        "postgres://app@db/auth?kept-away=from-logs",
        "postgres:///auth?user=app",
        "postgres://app:kept-away@db?from-logs=verify-full",
    ] {
        let error = PostgresStore::open(url).await.unwrap_err();
        assert!(matches!(error, OpenError::InvalidUrl), "{url}");
        let text = text_of(&error);
        assert!(!text.contains("kept") && !text.contains("logs"), "{text}");
    }
}

#[test]
fn a_name_that_would_need_quoting_is_refused() {
    let long = "a".repeat(49);
    for name in ["", "1st", "two words", "semi;colon", "quo\"te", "d\u{e9}j\u{e0}", "a.b", &long] {
        assert!(matches!(Table::new("public", name), Err(OpenError::InvalidName)), "{name}");
        assert!(matches!(Table::new(name, "grants"), Err(OpenError::InvalidName)), "{name}");
    }
}

#[tokio::test]
async fn a_name_is_case_sensitive() {
    server().execute("CREATE SCHEMA \"Select\" AUTHORIZATION regrant");
    let table = Table::new("Select", "From_1").unwrap();
    let builder = at(&server().url()).table(table);
    builder.migrate().await.unwrap();
    insert(&builder.open().await.unwrap(), &key(1), record("grant")).await;
    assert_eq!(server().execute("SELECT count(*) FROM \"Select\".\"From_1\""), "1");
}

#[tokio::test]
async fn a_server_that_refuses_connections_is_unreachable() {
    let proxy = Proxy::before(server().address());
    proxy.shut();
    let error = at(&server().url_at(proxy.address())).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{}", text_of(&error));
    assert_safe(&error);
}

#[tokio::test]
async fn a_server_that_is_silent_is_unreachable_within_the_deadline() {
    let proxy = Proxy::before(server().address());
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let builder = at(&server().url_at(proxy.address())).deadline(soon());
    let error = tokio::time::timeout(LONG, builder.open()).await.unwrap().unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{}", text_of(&error));
}

#[tokio::test]
async fn a_wrong_password_is_named_but_not_shown() {
    let url = server().url().replace(server().password(), PASSWORD);
    let builder = at(&url);
    let error = builder.open().await.unwrap_err();
    assert!(matches!(error, OpenError::Login(_)), "{}", text_of(&error));
    assert!(text_of(&error).contains("regrant"), "the user is named: {}", text_of(&error));
    assert_safe(&error);
    assert!(!format!("{builder:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_missing_password_is_named() {
    let error = at(&server().url().replace(&format!(":{}", server().password()), "")).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Login(_)), "{}", text_of(&error));
    assert!(text_of(&error).contains("password missing"), "{}", text_of(&error));
}

#[tokio::test]
async fn a_missing_database_is_named() {
    let error = at(&(server().url() + "s")).open().await.unwrap_err();
    assert!(text_of(&error).contains("\"regrants\" does not exist"), "{}", text_of(&error));
    assert_safe(&error);
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let table = new_table();
    let error = at(&server().url()).table(table.clone()).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::MissingTable { table: named } if *named == table.to_string()));
}

#[tokio::test]
async fn a_missing_column_is_named() {
    let (_, table) = open_new().await;
    server().execute(&format!("ALTER TABLE {table} DROP COLUMN purge_at"));
    let error = at(&server().url()).table(table).open().await.unwrap_err();
    assert!(text_of(&error).contains("purge_at"), "{}", text_of(&error));
}

#[tokio::test]
async fn a_role_needs_four_privileges_on_two_tables_and_one_on_the_third() {
    let (_, table) = open_new().await;
    let url = new_role("worker");
    let open = async || at(&url).table(table.clone()).open().await;

    let error = open().await.unwrap_err();
    assert!(matches!(&error, OpenError::MissingPermission { missing } if missing.contains("_schema")), "{error}");
    server().execute(&format!(
        "GRANT SELECT ON {} TO worker; GRANT SELECT, UPDATE ON {table} TO worker",
        beside(&table, "schema")
    ));
    let error = open().await.unwrap_err();
    assert!(
        matches!(&error, OpenError::MissingPermission { missing } if *missing == format!("INSERT, DELETE on {table}")),
        "{error}"
    );
    server().execute(&format!("GRANT INSERT, DELETE ON {table} TO worker"));
    let error = open().await.unwrap_err();
    let marks = beside(&table, "marks");
    assert!(
        matches!(&error, OpenError::MissingPermission { missing } if missing.ends_with(&format!("DELETE on {marks}")))
    );
    server().execute(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {marks} TO worker"));
    insert(&open().await.unwrap(), &key(1), record("grant")).await;
}

#[tokio::test]
async fn a_role_that_may_not_create_tables_cannot_migrate_unless_nothing_is_to_do() {
    let url = new_role("reader");
    let error = at(&url).table(new_table()).migrate().await.unwrap_err();
    assert!(matches!(error, OpenError::MissingPermission { .. }), "{}", text_of(&error));

    let (_, table) = open_new().await;
    server().execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    at(&url).table(table).migrate().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_migrate_and_open() {
    let (_, table) = open_new().await;
    server().execute(&format!("INSERT INTO {} VALUES (7)", beside(&table, "schema")));
    let builder = at(&server().url()).table(table);
    for result in [builder.migrate().await, builder.open().await.map(drop)] {
        assert!(matches!(result, Err(OpenError::NewerSchema { found: 7, known: 3 })));
    }
}

#[tokio::test]
async fn an_older_schema_is_refused_until_it_is_migrated() {
    let (_, table) = open_new().await;
    server().execute(&format!("DELETE FROM {} WHERE version > 1", beside(&table, "schema")));
    let builder = at(&server().url()).table(table);
    assert!(matches!(builder.open().await, Err(OpenError::OlderSchema { found: 1, known: 3 })));
    builder.migrate().await.unwrap();
    builder.open().await.unwrap();
}

#[tokio::test]
async fn an_interrupted_migration_is_finished_by_the_next() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    let index = name(&table) + "_client";
    server().execute(&format!("DELETE FROM {}; DROP INDEX {index}", beside(&table, "schema")));
    let builder = at(&server().url()).table(table);
    assert!(matches!(builder.open().await, Err(OpenError::MissingTable { .. })));
    builder.migrate().await.unwrap();
    assert_eq!(load(&builder.open().await.unwrap(), &key(1)).await.record, record("grant"));
    assert_eq!(server().execute(&format!("SELECT count(*) FROM pg_indexes WHERE indexname = '{index}'")), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_nodes_may_migrate_at_once() {
    for partitions in [None, NonZeroU16::new(8), None, NonZeroU16::new(3), None] {
        let table = match partitions {
            None => new_table(),
            Some(count) => new_table().partitioned(count),
        };
        let nodes: Vec<_> = (0..8)
            .map(|_| {
                let builder = at(&server().url()).table(table.clone());
                tokio::spawn(async move { builder.migrate().await })
            })
            .collect();
        for node in nodes {
            node.await.unwrap().unwrap();
        }
        at(&server().url()).table(table).open().await.unwrap();
    }
}

#[tokio::test]
async fn the_ddl_creates_tables_that_open_and_may_run_twice() {
    for table in [new_table(), new_table().partitioned(NonZeroU16::new(2).unwrap())] {
        let ddl = format!("SET ROLE regrant; {}", table.ddl());
        server().execute(&ddl);
        server().execute(&ddl);
        at(&server().url()).table(table).open().await.unwrap();
    }
}

#[tokio::test]
async fn a_table_without_its_key_is_refused_at_the_first_grant() {
    let (store, table) = open_new().await;
    let name = name(&table);
    server().execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {name}_pkey"));
    let error = store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await.unwrap_err();
    assert!(!error.is_transient(), "{}", text_of(&error));
}

#[tokio::test]
async fn a_replica_is_refused() {
    let (_, table) = open_new().await;
    let replica = server().standby();
    let own = at(&replica.url()).table(table.clone()).open().await;
    let applications = PostgresStoreBuilder::from_pool(pool(&replica.url(), 1)).table(table).open().await;
    for result in [own, applications] {
        assert!(matches!(result, Err(OpenError::ReadOnly)), "{:?}", result.err());
    }
}

#[tokio::test]
async fn the_host_that_accepts_writes_is_chosen() {
    let (_, table) = open_new().await;
    let replica = server().standby();
    let both = format_args!("{},{}", replica.address(), server().address());
    let store = at(&server().url_at(both)).table(table).open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
}

#[tokio::test]
async fn an_applications_pool_that_does_not_wait_for_the_disk_is_refused() {
    let (_, table) = open_new().await;
    let url = format!("{}?options=-c%20synchronous_commit%3Doff", server().url());
    let opened = PostgresStoreBuilder::from_pool(pool(&url, 1)).table(table).open().await;
    assert!(matches!(opened, Err(OpenError::AsynchronousCommit)), "{:?}", opened.err());
}

#[tokio::test]
async fn a_pool_of_the_store_waits_for_the_disk_whatever_the_server_is_set_to() {
    let (_, table) = open_new().await;
    refuse_inserts_when(&table, "current_setting('synchronous_commit') = 'off'");
    let url = format!("{}?options=-c%20synchronous_commit%3Doff", server().url());
    let store = at(&url).table(table.clone()).open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;

    // Any setting other than off is the choice of the administrator.
    refuse_inserts_when(&table, "current_setting('synchronous_commit') <> 'remote_apply'");
    let url = format!("{}?options=-c%20synchronous_commit%3Dremote_apply", server().url());
    let store = at(&url).table(table).open().await.unwrap();
    assert_eq!(store.compare_and_swap(&key(2), Expect::Absent, record("grant")).await.unwrap(), Swap::Stored);
}

fn refuse_inserts_when(table: &Table, condition: &str) {
    let name = name(table);
    server().execute(&format!(
        "CREATE OR REPLACE FUNCTION {name}_check() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN IF {condition} THEN RAISE 'no'; END IF; RETURN NEW; END $$; \
         CREATE OR REPLACE TRIGGER checked BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}_check()"
    ));
}

pub(crate) fn at(url: &str) -> PostgresStoreBuilder {
    PostgresStore::builder(url).unwrap().deadline(LONG)
}

/// Creates a role without privileges and returns its URL.
pub(crate) fn new_role(name: &str) -> String {
    server().execute(&format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"));
    server().url().replace("regrant:", &format!("{name}:")).replace(server().password(), PASSWORD)
}

fn assert_safe(error: &OpenError) {
    let text = text_of(error);
    assert!(!text.contains(PASSWORD) && !text.contains(server().password()), "{text}");
}
