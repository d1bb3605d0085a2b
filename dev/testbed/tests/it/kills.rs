//! A server that is killed under load has lost no acknowledged write.

use std::time::Duration;

use regrant::store::{SingleUse, TokenStore};
use regrant_mysql::MysqlStore;
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use testbed::{Load, MariaDb, Postgres, Random, Redis, retry, short};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_five_kills_of_postgres() {
    let postgres = Postgres::start();
    let builder = PostgresStore::builder(postgres.url()).unwrap().deadline(deadline());
    retry(async || builder.migrate().await).await;
    let store = retry(async || builder.open().await).await;
    five_kills(&store, 30, || {
        postgres.kill();
        postgres.restart();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_five_kills_of_mariadb() {
    let mariadb = MariaDb::start();
    let builder = MysqlStore::builder(mariadb.url()).unwrap().deadline(deadline());
    retry(async || builder.migrate().await).await;
    let store = retry(async || builder.open().await).await;
    five_kills(&store, 30, || {
        mariadb.kill();
        mariadb.restart();
    })
    .await;
}

/// This Redis syncs its log at every write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_five_kills_of_redis() {
    let redis = Redis::start();
    let store = retry(async || RedisStore::builder(redis.url()).deadline(deadline()).open().await).await;
    five_kills(&store, 100, || {
        redis.kill();
        redis.restart();
    })
    .await;
}

fn deadline() -> Duration {
    short(Duration::from_secs(1))
}

async fn five_kills(store: &(impl TokenStore + SingleUse + Clone + 'static), rounds: u64, kill: impl Fn()) {
    let mut random = Random::seeded();
    let mut load = Load::begin(store, 4, &mut random);
    for _ in 0..5 {
        load.rounds(rounds + random.below(rounds)).await;
        kill();
    }
    load.rounds(rounds).await;
    let report = load.end().await;
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}
