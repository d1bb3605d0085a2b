//! The size of a PostgreSQL table after many rotations: are the updates HOT, and does the table grow?

use std::time::Duration;

use regrant_postgres::{PostgresStore, Table as PostgresTable};
use testbed::Postgres;

use crate::fill::into_postgres;
use crate::load::{Mix, Traffic};
use crate::population::Census;
use crate::table::Table;

/// Rotates `grants` grants about `rotations` times each, without `fsync`, and measures the table ten times meanwhile.
pub async fn run(grants: u64, rotations: u64) -> Table {
    let server = Postgres::start_with(&["wal_level=minimal", "max_wal_senders=0", "autovacuum_naptime=10s"]);
    let table = PostgresTable::default();
    let builder = PostgresStore::builder(server.url()).expect("a URL").table(table.clone()).max_connections(32);
    builder.migrate().await.expect("a schema");
    let census = Census { grants, sample: grants, expired_percent: 0 };
    let sessions = into_postgres(&server.url(), &table, census).await;
    let traffic = Traffic::new(builder.open().await.expect("a store"), sessions);
    let column = |sql: &str| server.execute(sql);
    let mut rows = Table::new(&[
        "rotations_per_grant",
        "table_bytes_per_grant",
        "index_bytes_per_grant",
        "hot_percent",
        "dead_rows_percent",
        "autovacuums",
        "record_bytes",
    ]);
    let mut rotated = 0;
    for step in 0..=10 {
        while rotated < grants * rotations * step / 10 {
            rotated +=
                traffic.closed(32, Duration::from_secs(1), Mix { refresh_percent: 100 }, rotated).await.refreshes;
        }
        // The statistics arrive within a second.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let statistics = "FROM pg_stat_user_tables WHERE relname = 'regrant_grants'";
        let per_grant = |sql: &str| {
            let bytes: f64 = column(&format!("SELECT {sql}('regrant_grants')")).parse().expect("a number");
            format!("{:.0}", bytes / grants as f64)
        };
        rows.push(vec![
            format!("{:.1}", rotated as f64 / grants as f64),
            per_grant("pg_table_size"),
            per_grant("pg_indexes_size"),
            column(&format!("SELECT round(100.0 * n_tup_hot_upd / greatest(n_tup_upd, 1), 2) {statistics}")),
            column(&format!("SELECT round(100.0 * n_dead_tup / greatest(n_live_tup, 1), 1) {statistics}")),
            column(&format!("SELECT autovacuum_count {statistics}")),
            column("SELECT round(avg(length(payload))) FROM regrant_grants"),
        ]);
    }
    rows
}
