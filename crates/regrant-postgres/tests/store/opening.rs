//! What is wrong is said when the store is opened, by name, and without a secret.

use std::num::NonZeroU16;
use std::time::Duration;

use regrant::store::{Expect, Swap, TokenStore as _};
use regrant_postgres::{OpenError, PostgresStore, PostgresStoreBuilder, Table};
use testbed::{Disturbance, Proxy};

use crate::server::{new_table, server, url_at};
use crate::support::{PATIENT, SHORT, beside, insert, key, load, name, open_new, pool, record, telling};

const PASSWORD: &str = "kept-away-from-logs";

#[tokio::test]
async fn a_url_that_is_none_is_not_repeated() {
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
        let text = telling(&error);
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
async fn a_name_is_taken_as_it_is_spelled() {
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
    let error = at(&url_at(server(), proxy.address())).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{}", telling(&error));
    assert_safe(&error);
}

#[tokio::test]
async fn a_server_that_is_silent_is_unreachable_within_the_deadline() {
    let proxy = Proxy::before(server().address());
    proxy.disturb(Disturbance::Blackhole(Duration::from_secs(60)));
    let builder = at(&url_at(server(), proxy.address())).deadline(SHORT);
    let error = tokio::time::timeout(SHORT * 3, builder.open()).await.unwrap().unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{}", telling(&error));
}

#[tokio::test]
async fn a_wrong_password_is_named_but_not_shown() {
    let url = server().url().replace(server().password(), PASSWORD);
    let builder = at(&url);
    let error = builder.open().await.unwrap_err();
    assert!(matches!(error, OpenError::Login(_)), "{}", telling(&error));
    assert!(telling(&error).contains("regrant"), "the user is named: {}", telling(&error));
    assert_safe(&error);
    assert!(!format!("{builder:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_missing_password_is_named() {
    let error = at(&server().url().replace(&format!(":{}", server().password()), "")).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Login(_)), "{}", telling(&error));
    assert!(telling(&error).contains("password missing"), "{}", telling(&error));
}

#[tokio::test]
async fn a_missing_database_is_named() {
    let error = at(&(server().url() + "s")).open().await.unwrap_err();
    assert!(telling(&error).contains("\"regrants\" does not exist"), "{}", telling(&error));
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
    assert!(telling(&error).contains("purge_at"), "{}", telling(&error));
}

#[tokio::test]
async fn a_role_needs_four_rights_on_two_tables_and_one_on_the_third() {
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
async fn a_role_that_may_not_make_tables_cannot_migrate_unless_all_is_done() {
    let url = new_role("reader");
    let error = at(&url).table(new_table()).migrate().await.unwrap_err();
    assert!(matches!(error, OpenError::MissingPermission { .. }), "{}", telling(&error));

    let (_, table) = open_new().await;
    server().execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    at(&url).table(table).migrate().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_both() {
    let (_, table) = open_new().await;
    server().execute(&format!("INSERT INTO {} VALUES (7)", beside(&table, "schema")));
    let builder = at(&server().url()).table(table);
    for result in [builder.migrate().await, builder.open().await.map(drop)] {
        assert!(matches!(result, Err(OpenError::NewerSchema { found: 7, known: 2 })));
    }
}

#[tokio::test]
async fn an_older_schema_is_refused_until_it_is_migrated() {
    let (_, table) = open_new().await;
    server().execute(&format!("DELETE FROM {} WHERE version > 1", beside(&table, "schema")));
    let builder = at(&server().url()).table(table);
    assert!(matches!(builder.open().await, Err(OpenError::OlderSchema { found: 1, known: 2 })));
    builder.migrate().await.unwrap();
    builder.open().await.unwrap();
}

#[tokio::test]
async fn a_migration_that_was_cut_off_is_finished_by_the_next() {
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
async fn what_the_ddl_makes_can_be_opened_and_may_be_made_twice() {
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
    assert!(!error.is_transient(), "{}", telling(&error));
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
async fn of_several_hosts_the_one_that_takes_writes_is_chosen() {
    let (_, table) = open_new().await;
    let replica = server().standby();
    let both = format!("{},{}", replica.address(), server().address());
    let store = at(&server().url().replace(&server().address().to_string(), &both)).table(table).open().await.unwrap();
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
async fn a_pool_of_the_stores_own_waits_for_the_disk_whatever_the_server_says() {
    let (_, table) = open_new().await;
    refuse_inserts_when(&table, "current_setting('synchronous_commit') = 'off'");
    let url = format!("{}?options=-c%20synchronous_commit%3Doff", server().url());
    let store = at(&url).table(table.clone()).open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;

    // A setting that is not off is the administrator's choice.
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

fn at(url: &str) -> PostgresStoreBuilder {
    PostgresStore::builder(url).unwrap().deadline(PATIENT)
}

/// A role with no rights, and the URL by which it connects.
fn new_role(name: &str) -> String {
    server().execute(&format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"));
    server().url().replace("regrant:", &format!("{name}:")).replace(server().password(), PASSWORD)
}

fn assert_safe(error: &OpenError) {
    let text = telling(error);
    assert!(!text.contains(PASSWORD) && !text.contains(server().password()), "{text}");
}
