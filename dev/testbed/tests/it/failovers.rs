//! A replica that takes over may lack the last acknowledged writes. No session is lost by that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regrant::clock::{Clock as _, SystemClock};
use regrant::store::TokenStore as _;
use regrant_mysql::MysqlStore;
use regrant_postgres::PostgresStore;
use regrant_redis::{Durability, RedisStore};
use testbed::{
    LONG, Load, MariaDb, Postgres, Proxy, Random, Redis, RedisCluster, RedisSentinels, Report, RetryingClient, key,
    retry, short,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;

fn deadline() -> Duration {
    short(Duration::from_secs(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_follows_takes_over_and_no_session_is_lost() {
    fail_over_postgres(|_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_lagged_takes_over_and_sessions_heal() {
    let report = fail_over_postgres(Postgres::stop_following).await;
    assert!(report.heals > 0 && report.double_uses > 0, "{report}");
}

/// Kills the primary under load, and promotes the standby that lags or does not.
async fn fail_over_postgres(lag: impl FnOnce(&Postgres)) -> Report {
    let primary = Postgres::start();
    let standby = primary.standby();
    let both = primary.url_at(format_args!("{},{}", primary.address(), standby.address()));
    let builder = PostgresStore::builder(both).unwrap().deadline(deadline());
    retry(async || builder.migrate().await).await;
    let store = retry(async || builder.open().await).await;
    let mut load = Load::begin(&store, 4, &mut Random::seeded());
    load.rounds(100).await;
    lag(&standby);
    load.rounds(50).await;
    primary.kill();
    standby.promote();
    load.rounds(100).await;
    no_session_was_lost(load.end().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_of_mariadb_that_follows_takes_over_and_no_session_is_lost() {
    fail_over_mariadb(|_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_of_mariadb_that_lagged_takes_over_and_sessions_heal() {
    let report = fail_over_mariadb(MariaDb::stop_following).await;
    assert!(report.heals > 0 && report.double_uses > 0, "{report}");
}

/// Kills the primary under load, and promotes the replica that lags or does not.
async fn fail_over_mariadb(lag: impl FnOnce(&MariaDb)) -> Report {
    let primary = MariaDb::start();
    let replica = primary.replica();
    let both = primary.url_at(format_args!("{},{}", primary.address(), replica.address()));
    let builder = MysqlStore::builder(both).unwrap().deadline(deadline());
    retry(async || builder.migrate().await).await;
    let store = retry(async || builder.open().await).await;
    let mut load = Load::begin(&store, 4, &mut Random::seeded());
    load.rounds(100).await;
    lag(&replica);
    load.rounds(50).await;
    primary.kill();
    replica.promote();
    load.rounds(100).await;
    no_session_was_lost(load.end().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_are_lost_with_the_primary_and_sessions_heal() {
    let [_, lagged] = fail_over_redis(Durability::Acknowledged).await;
    assert!(lagged.heals > 0, "{lagged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicated_writes_survive_the_primary() {
    let durability = Durability::Replicated { replicas: 1, timeout: short(Duration::from_millis(200)) };
    let [followed, lagged] = fail_over_redis(durability).await;
    assert!(followed.is_clean() && lagged.is_clean());
}

/// Kills each primary in turn under load: at first when its replica follows, then its successors when theirs lag.
async fn fail_over_redis(durability: Durability) -> [Report; 2] {
    let cluster = RedisCluster::start();
    let open = async || RedisStore::cluster(cluster.urls()).durability(durability).deadline(deadline()).open().await;
    let store = retry(open).await;
    let mut reports = [Report::default(); 2];
    for (primaries, report) in [0..3, 3..6].into_iter().zip(&mut reports) {
        let lags = primaries.start > 0;
        let mut load = Load::begin(&store, 4, &mut Random::seeded());
        for primary in primaries {
            load.rounds(60).await;
            if lags {
                cluster.fall_behind(primary);
            }
            cluster.kill(primary);
            cluster.wait_until_ok();
            // Until then, no write of this shard can be replicated.
            cluster.restart(primary);
            cluster.wait_for_replicas();
        }
        load.rounds(60).await;
        *report = no_session_was_lost(load.end().await);
    }
    reports
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_promote_a_replica_and_no_session_is_lost() {
    fail_over_by_sentinels(Durability::Acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicated_writes_survive_a_failover_by_sentinels() {
    let durability = Durability::Replicated { replicas: 1, timeout: short(Duration::from_millis(200)) };
    for report in fail_over_by_sentinels(durability).await {
        assert!(report.is_clean(), "{report}");
    }
}

/// Two failovers under load: one that an administrator asks for, and one because the primary is killed.
async fn fail_over_by_sentinels(durability: Durability) -> [Report; 2] {
    let group = RedisSentinels::start();
    let open = async || RedisStore::builder(group.url()).durability(durability).deadline(deadline()).open().await;
    let store = retry(open).await;
    let mut reports = [Report::default(); 2];
    for (kills, report) in [false, true].into_iter().zip(&mut reports) {
        let mut load = Load::begin(&store, 4, &mut Random::seeded());
        let service = Service::watch(&store);
        load.rounds(60).await;
        let former = group.primary().expect("a primary");
        if kills {
            group.servers()[former].kill();
            group.wait_for_successor(former);
            // Until then, no write can be replicated.
            group.servers()[former].restart();
        } else {
            group.fail_over();
        }
        group.wait_for_replica();
        load.rounds(60).await;
        let (reason, gap) = (if kills { "kill" } else { "SENTINEL FAILOVER" }, service.longest_gap().await);
        let silence = RedisSentinels::down_after().as_millis();
        println!("{reason}: no read was answered for {} ms; down-after-milliseconds {silence}", gap.as_millis());
        *report = no_session_was_lost(load.end().await);
    }
    reports
}

/// Reads a store all the time, to measure how long it does not answer.
struct Service {
    reader: JoinHandle<Duration>,
    is_over: Arc<AtomicBool>,
}

impl Service {
    fn watch(store: &RedisStore) -> Self {
        let (store, is_over) = (store.clone(), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&is_over);
        let reader = tokio::spawn(async move {
            let (mut answered_at, mut longest) = (Instant::now(), Duration::ZERO);
            while !ends.load(Ordering::Relaxed) {
                if store.load(&key(u128::MAX)).await.is_ok() {
                    longest = longest.max(answered_at.elapsed());
                    answered_at = Instant::now();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            longest
        });
        Self { reader, is_over }
    }

    async fn longest_gap(self) -> Duration {
        self.is_over.store(true, Ordering::Relaxed);
        self.reader.await.expect("the reader")
    }
}

fn no_session_was_lost(report: Report) -> Report {
    println!("{report}");
    assert_eq!((report.lost_sessions, report.forks), (0, 0), "{report}");
    report
}

/// The address has moved to another server. The connections of two nodes still lead to the former primary, which is a
/// replica with old data by now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_primary_ends_no_session_and_undoes_no_revocation() {
    let former = Redis::start();
    // It does not send its data yet, so the replica keeps its own.
    let current = Redis::start_with(&["--repl-diskless-sync-delay", "3600"]);
    let link = Proxy::before(former.address());
    let client = async |address| {
        let url = format!("redis://{address}");
        let store = retry(async || RedisStore::builder(&url).deadline(LONG).open().await).await;
        let client = RetryingClient::new(store, SystemClock.now());
        client.sign_in().await;
        client
    };
    let (late, later, moved) =
        (client(link.address()).await, client(link.address()).await, client(current.address()).await);
    link.lead_to(current.address());
    former.command(&["REPLICAOF", "127.0.0.1", &current.address().port().to_string()]);

    let token = moved.sign_in().await;
    let next = late.refresh(&token).await.expect("the session was ended by old data");
    assert!(later.is_active(&next).await);
    moved.revoke(&next).await;
    assert!(!late.is_active(&next).await && !later.is_active(&next).await);
}
