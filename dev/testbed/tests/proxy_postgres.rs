//! A link to PostgreSQL that loses, cuts and delays costs nobody a session.

use std::time::Duration;

use regrant_postgres::PostgresStore;
use testbed::{Ordeal, Postgres, Proxy, Random};

const DEADLINE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn three_hundred_rounds_over_a_bad_link() {
    let postgres = Postgres::start();
    let proxy = Proxy::before(postgres.address());
    let url = postgres.url().replace(&postgres.address().to_string(), &proxy.address().to_string());
    let builder = PostgresStore::builder(&url).unwrap().deadline(DEADLINE);
    builder.migrate().await.unwrap();
    let mut ordeal = Ordeal::new(builder.open().await.unwrap(), Random::seeded());
    ordeal.run(300, |random| proxy.disturb_at_random(random, DEADLINE)).await;
    proxy.calm();
    let report = ordeal.finish().await;
    println!("{report}");
    assert!(report.is_clean() && proxy.struck() > 50, "{report}");
}
