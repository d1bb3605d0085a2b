//! Faults found when the store is opened: each is named, without a secret.

use regrant::store::{Expect, StoreOpener, Swap, TokenStore as _};
use regrant_mysql::{MysqlStore, OpenError, Table};
use testbed::{Disturbance, LONG, MariaDb, Proxy, key, retry, text_of};

use crate::server::{new_table, server};
use crate::support::{at, beside, insert, load, open_new, record, soon};

const PASSWORD: &str = "kept-away-from-logs";

#[tokio::test]
async fn an_invalid_url_is_not_repeated_in_the_error() {
    for url in [
        "",
        "nothing",
        "postgres://app:kept-away-from-logs@db",
        "mysql://app@db/auth?kept-away=from-logs",
        "mysql://app:kept-away-from-logs@db",
        "mysql://app:kept-away@db?from-logs=auth",
    ] {
        let error = MysqlStore::open(url).await.unwrap_err();
        assert!(matches!(error, OpenError::InvalidUrl), "{url}");
        let text = text_of(&error);
        assert!(!text.contains("kept") && !text.contains("logs"), "{text}");
    }
}

#[test]
fn a_name_that_would_need_quoting_is_refused() {
    let long = "a".repeat(49);
    for name in ["", "1st", "two words", "semi;colon", "quo`te", "d\u{e9}j\u{e0}", "a.b", "Upper", &long] {
        assert!(matches!(Table::new(name), Err(OpenError::InvalidName)), "{name}");
    }
}

#[tokio::test]
async fn both_schemes_and_a_unix_socket_lead_to_the_store() {
    let (store, _) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    at(&server().url()).migrate().await.unwrap();
    let opener = StoreOpener::new().with::<MysqlStore>();
    let socket = format!("{}?socket={}", server().url(), server().socket().display());
    for url in [
        server().url(),
        server().url().replace("mysql:", "mariadb:"),
        server().url().replace("mysql:", "MYSQL:"),
        socket,
    ] {
        let store = opener.open(&url).await.unwrap();
        assert!(store.load(&key(7)).await.unwrap().is_none());
    }
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
    assert!(text_of(&error).contains("using password: NO"), "{}", text_of(&error));
}

#[tokio::test]
async fn a_missing_database_is_named() {
    let error = at(&(server().url() + "s")).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Login(_)) && text_of(&error).contains("regrants"), "{}", text_of(&error));
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
async fn a_table_of_another_engine_is_refused() {
    let (_, table) = open_new().await;
    server().execute(&format!("ALTER TABLE {table} ENGINE = Aria"));
    let error = at(&server().url()).table(table).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Engine { engine, .. } if engine == "Aria"), "{}", text_of(&error));
}

#[tokio::test]
async fn a_table_without_its_key_is_refused() {
    for (suffix, change) in [("", "DROP PRIMARY KEY"), ("_marks", "DROP PRIMARY KEY, ADD PRIMARY KEY (id, expires_at)")]
    {
        let (_, table) = open_new().await;
        let name = format!("{}{suffix}`", table.to_string().trim_end_matches('`'));
        server().execute(&format!("ALTER TABLE {name} {change}"));
        let error = at(&server().url()).table(table).open().await.unwrap_err();
        assert!(matches!(&error, OpenError::MissingKey { table, .. } if *table == name), "{}", text_of(&error));
    }
}

#[tokio::test]
async fn a_setting_that_would_lose_or_refuse_records_is_named() {
    for (setting, expected) in [
        ("--max-allowed-packet=512K", "max_allowed_packet"),
        ("--innodb-flush-log-at-trx-commit=2", "innodb_flush_log_at_trx_commit"),
        ("--binlog-format=STATEMENT", "binlog_format"),
    ] {
        let server = MariaDb::start_with(&[setting]);
        let builder = at(&server.url());
        // Statement by statement, a server with this binlog format stores no rows at this isolation.
        for statement in Table::default().ddl().split(";\n").filter(|sql| !sql.is_empty()) {
            server.execute(statement);
        }
        let error = builder.open().await.unwrap_err();
        assert!(matches!(&error, OpenError::Setting { name, .. } if *name == expected), "{}", text_of(&error));
        if expected == "innodb_flush_log_at_trx_commit" {
            let store = builder.relaxed_durability(true).open().await.unwrap();
            insert(&store, &key(1), record("grant")).await;
        }
    }
}

#[tokio::test]
async fn a_server_with_lax_and_strange_defaults_keeps_every_byte() {
    let server = MariaDb::start_with(&[
        "--sql-mode=ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH",
        "--default-storage-engine=Aria",
        "--character-set-server=latin1",
        "--collation-server=latin1_german2_ci",
        "--transaction-isolation=SERIALIZABLE",
        "--autocommit=0",
    ]);
    let builder = at(&server.url());
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    let all: Vec<u8> = (0..=255).collect();
    insert(&store, &key(1), record(all.clone())).await;
    let other = builder.open().await.unwrap();
    assert_eq!(&*load(&other, &key(1)).await.record.payload, all);
}

#[tokio::test]
async fn a_user_needs_four_privileges_on_two_tables_and_one_on_the_third() {
    let (_, table) = open_new().await;
    let url = new_user("worker");
    let open = async || at(&url).table(table.clone()).open().await;
    let marks = beside(&table, "marks");
    for (missing, granted, on) in [
        ("_schema", "SELECT", beside(&table, "schema")),
        ("SELECT command denied", "SELECT", table.to_string()),
        ("INSERT command denied", "INSERT", table.to_string()),
        ("UPDATE command denied", "UPDATE", table.to_string()),
        ("DELETE command denied", "DELETE", table.to_string()),
        ("_marks", "SELECT, INSERT", marks.clone()),
        ("DELETE command denied", "DELETE", marks),
    ] {
        let error = open().await.unwrap_err();
        assert!(
            matches!(&error, OpenError::MissingPermission { missing: named } if named.contains(missing)),
            "{missing}: {}",
            text_of(&error)
        );
        server().execute(&format!("GRANT {granted} ON regrant.{on} TO worker"));
    }
    insert(&open().await.unwrap(), &key(1), record("grant")).await;
}

#[tokio::test]
async fn a_user_that_may_not_create_tables_cannot_migrate_unless_nothing_is_to_do() {
    let (_, table) = open_new().await;
    let url = new_user("reader");
    server().execute(&format!("GRANT SELECT ON regrant.{} TO reader", beside(&table, "schema")));
    at(&url).table(table).migrate().await.unwrap();
    let error = at(&url).table(new_table()).migrate().await.unwrap_err();
    assert!(matches!(error, OpenError::MissingPermission { .. }), "{}", text_of(&error));
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_migrate_and_open() {
    let (_, table) = open_new().await;
    server().execute(&format!("INSERT INTO {} VALUES (7)", beside(&table, "schema")));
    let builder = at(&server().url()).table(table);
    for result in [builder.migrate().await, builder.open().await.map(drop)] {
        assert!(matches!(result, Err(OpenError::NewerSchema { found: 7, known: 1 })));
    }
}

#[tokio::test]
async fn an_interrupted_migration_is_finished_by_the_next() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    server().execute(&format!("DELETE FROM {}; DROP TABLE {}", beside(&table, "schema"), beside(&table, "marks")));
    let builder = at(&server().url()).table(table);
    assert!(matches!(builder.open().await, Err(OpenError::MissingTable { .. })));
    builder.migrate().await.unwrap();
    assert_eq!(load(&builder.open().await.unwrap(), &key(1)).await.record, record("grant"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_nodes_may_migrate_at_once() {
    for _ in 0..3 {
        let table = new_table();
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
    let table = new_table();
    server().execute(&table.ddl());
    server().execute(&table.ddl());
    at(&server().url()).table(table).open().await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused_and_the_host_that_accepts_writes_is_chosen() {
    let primary = MariaDb::start();
    at(&primary.url()).migrate().await.unwrap();
    let replica = primary.replica();
    let opened = at(&replica.url()).open().await;
    assert!(matches!(opened, Err(OpenError::ReadOnly)), "{:?}", opened.err());
    let both = format_args!("{},{}", replica.address(), primary.address());
    let store = at(&primary.url_at(both)).open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    assert_eq!(primary.execute("SELECT COUNT(*) FROM regrant_grants"), "1");
}

#[tokio::test]
async fn a_silent_host_costs_its_share_of_the_deadline() {
    let (_, table) = open_new().await;
    let proxy = Proxy::before(server().address());
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let both = format_args!("{},{}", proxy.address(), server().address());
    let builder = at(&server().url_at(both)).table(table).deadline(2 * soon());
    let store = retry(async || builder.open().await).await;
    let stored = retry(async || store.compare_and_swap(&key(1), Expect::Absent, record("grant")).await).await;
    assert_eq!(stored, Swap::Stored);
}

/// Creates a user without privileges and returns the URL.
pub(crate) fn new_user(name: &str) -> String {
    server().execute(&format!("CREATE USER {name} IDENTIFIED BY '{PASSWORD}'"));
    server().execute(&format!("GRANT CREATE TEMPORARY TABLES ON regrant.* TO {name}"));
    server().url().replace("regrant:", &format!("{name}:")).replace(server().password(), PASSWORD)
}

fn assert_safe(error: &OpenError) {
    let text = text_of(error);
    assert!(!text.contains(PASSWORD) && !text.contains(server().password()), "{text}");
}
