//! `COPY` in binary form, into a table without indexes, which are built afterwards.

use regrant::Subject;
use regrant::clock::Timestamp;
use regrant::store::Version;
use regrant_postgres::Table;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Transaction};

use super::Batches;
use crate::population::{Census, Made, Session};

const COLUMNS: [Type; 8] =
    [Type::BYTEA, Type::TEXT, Type::INT8, Type::TEXT, Type::TEXT, Type::INT8, Type::INT8, Type::BYTEA];

/// Loads a population into the empty default table of the server at `url`, and returns the sessions of the sample.
pub async fn into_postgres(url: &str, table: &Table, census: Census) -> Vec<Session> {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    run(&client, "SET maintenance_work_mem = '1GB'").await;
    for index in ["subject", "client", "purge"] {
        run(&client, &format!("DROP INDEX regrant_grants_{index}")).await;
    }
    run(&client, "ALTER TABLE regrant_grants DROP CONSTRAINT regrant_grants_pkey").await;
    let mut batches = Batches::of(census);
    let transaction = client.transaction().await.expect("a transaction");
    // A table that was emptied in the same transaction needs no log under `wal_level=minimal`.
    transaction.batch_execute("TRUNCATE regrant_grants").await.expect("an empty table");
    copy(&transaction, &mut batches).await;
    transaction.commit().await.expect("a commit");
    eprintln!("building indexes");
    run(&client, "ALTER TABLE regrant_grants ADD PRIMARY KEY (id, realm)").await;
    run(&client, &table.ddl()).await;
    run(&client, "VACUUM ANALYZE regrant_grants").await;
    batches.sessions
}

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

async fn copy(transaction: &Transaction<'_>, batches: &mut Batches) {
    let copy = "COPY regrant_grants (id, realm, version, client_id, subject, expires_at, purge_at, payload) \
                FROM STDIN (FORMAT binary)";
    let sink = transaction.copy_in(copy).await.expect("a copy");
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &COLUMNS));
    while let Some(batch) = batches.next() {
        for Made { key, record, .. } in &batch {
            let (id, realm) = (key.id.as_bytes().as_slice(), key.realm.as_str());
            let (version, end) = (Version::random().0.cast_signed(), record.expires_at.map(Timestamp::as_millis));
            let (client, subject) = (record.client_id.as_str(), record.subject.as_ref().map(Subject::as_str));
            let row: [&(dyn ToSql + Sync); 8] =
                [&id, &realm, &version, &client, &subject, &end, &end, &&*record.payload];
            writer.as_mut().write(&row).await.expect("a row");
        }
    }
    writer.finish().await.expect("the end of the copy");
}
