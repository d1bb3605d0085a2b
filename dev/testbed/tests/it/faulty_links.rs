//! A connection that drops, cuts and delays costs no session.

use std::time::Duration;

use regrant::store::{SingleUse, TokenStore};
use regrant_mysql::MysqlStore;
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use testbed::{Dynalite, MariaDb, Postgres, Proxy, Random, Redis, RedisCluster, Workload, retry, short};

use crate::dynamodb;

/// Deadline of the stores. It decides how long the test takes: some delays are longer.
fn deadline() -> Duration {
    short(Duration::from_millis(200))
}

#[tokio::test]
async fn three_hundred_rounds_over_a_faulty_link_to_postgres() {
    let postgres = Postgres::start();
    let link = Proxy::before(postgres.address());
    let builder = PostgresStore::builder(postgres.url_at(link.address())).unwrap().deadline(deadline());
    retry(async || builder.migrate().await).await;
    three_hundred_rounds(retry(async || builder.open().await).await, &[link]).await;
}

#[tokio::test]
async fn three_hundred_rounds_over_a_faulty_link_to_mariadb() {
    let mariadb = MariaDb::start();
    let link = Proxy::before(mariadb.address());
    let builder = MysqlStore::builder(mariadb.url_at(link.address())).unwrap().deadline(deadline());
    retry(async || builder.migrate().await).await;
    three_hundred_rounds(retry(async || builder.open().await).await, &[link]).await;
}

#[tokio::test]
async fn three_hundred_rounds_over_a_faulty_link_to_redis() {
    let redis = Redis::start();
    let link = Proxy::before(redis.address());
    let url = format!("redis://{}", link.address());
    let store = retry(async || RedisStore::builder(&url).deadline(deadline()).open().await).await;
    three_hundred_rounds(store, &[link]).await;
}

/// Each link in turn may be disturbed, and stays so until a request meets it.
#[tokio::test]
async fn three_hundred_rounds_over_faulty_links_to_a_redis_cluster() {
    let cluster = RedisCluster::start_behind_proxies();
    let store = retry(async || RedisStore::cluster(cluster.urls()).deadline(2 * deadline()).open().await).await;
    three_hundred_rounds(store, &cluster.proxies()[..3]).await;
}

#[tokio::test]
async fn three_hundred_rounds_over_a_faulty_link_to_dynamodb() {
    let dynalite = Dynalite::start();
    let link = Proxy::before(dynalite.address());
    let builder = dynamodb::at(link.address()).deadline(2 * deadline());
    builder.create_table().await.unwrap();
    three_hundred_rounds(builder.open().await.unwrap(), &[link]).await;
}

async fn three_hundred_rounds(store: impl TokenStore + SingleUse, links: &[Proxy]) {
    let mut workload = Workload::new(store, Random::seeded());
    workload.run(300, |random| random.pick(links).disturb_at_random(random, deadline())).await;
    links.iter().for_each(Proxy::clear);
    let report = workload.finish().await;
    println!("{report}");
    assert!(report.is_clean() && links.iter().map(Proxy::disturbed).sum::<usize>() > 50, "{report}");
}
