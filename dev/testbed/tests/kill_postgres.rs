//! A PostgreSQL that is killed under load has lost nothing it acknowledged.

use std::time::Duration;

use regrant_postgres::PostgresStore;
use testbed::{Load, Postgres, Random};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_five_kills() {
    let postgres = Postgres::start();
    let builder = PostgresStore::builder(postgres.url()).unwrap().deadline(Duration::from_secs(1));
    builder.migrate().await.unwrap();
    let mut random = Random::seeded();
    let mut load = Load::begin(&builder.open().await.unwrap(), 4, &mut random);
    for _ in 0..5 {
        load.rounds(30 + random.below(30)).await;
        postgres.kill();
        postgres.restart();
    }
    load.rounds(30).await;
    let report = load.end().await;
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}
