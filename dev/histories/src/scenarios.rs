//! Deployments of each store, and the faults that are injected into them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regrant::GrantId;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{PurgeExpired, TokenStore};
use regrant_mysql::MysqlStore;
use regrant_postgres::PostgresStore;
use regrant_redis::{Durability, RedisStore};
use regrant_sqlite::SqliteStore;
use testbed::{LONG, MariaDb, Postgres, Proxy, Random, Redis, RedisCluster, retry, short};

use crate::faulty::{Faulty, Flaw};
use crate::history::Failover;
use crate::node::{Node, ServiceNode};
use crate::process::ProcessNode;
use crate::report::{Report, Table};
use crate::specification::Windows;
use crate::traffic::Traffic;

/// Sessions at a time.
const WORKERS: usize = 6;

/// Difference between the clocks of the nodes, in ms: less than the 5 s that no session ends by.
const SKEW: i64 = 4000;

/// The size of a run.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers choose it")]
pub struct Plan {
    /// Calls between two faults.
    pub calls: usize,
    /// This program, for nodes in other processes.
    pub program: PathBuf,
}

/// Names of the stores, as the command line takes them.
pub const STORES: [&str; 6] = ["memory", "sqlite", "postgres", "mariadb", "redis", "cluster"];

/// Runs all scenarios of a store once.
///
/// # Panics
/// If a server does not start, or a call fails in a way that no injected fault explains.
pub async fn run(store: &str, plan: &Plan, random: &mut Random, table: &mut Table) {
    match store {
        "memory" => table.add("memory, faulty", memory(Flaw::None, plan, random).await),
        "sqlite" => table.add("sqlite, two processes, kills", sqlite(plan, random).await),
        "postgres" => {
            table.add("postgres, links and kills", postgres(plan, random).await);
            table.add("postgres, failover", fail_over_postgres(false, plan, random).await);
            table.add("postgres, failover, lagging", fail_over_postgres(true, plan, random).await);
        }
        "mariadb" => {
            table.add("mariadb, links and kills", mariadb(plan, random).await);
            table.add("mariadb, failover, lagging", fail_over_mariadb(plan, random).await);
        }
        "redis" => {
            table.add("redis, links and kills", redis(plan, random).await);
            let report = fail_over_redis(Durability::Acknowledged, plan, random).await;
            table.add("redis, failover, lagging", report);
            table.add("redis, the same, replicated", fail_over_redis(replicated(), plan, random).await);
            table.add("redis, demotion", demote_redis(plan, random).await);
        }
        _ => cluster(plan, random, table).await,
    }
}

/// A store in memory that fails, with this flaw.
pub async fn memory(flaw: Flaw, plan: &Plan, random: &mut Random) -> Report {
    let (windows, store) = (windows(random), Faulty::new(flaw, random.fork()));
    let mut traffic = traffic(&[store.clone(), store.clone()], windows, Vec::new(), random);
    traffic.calls(10 * plan.calls).await;
    Report::of(&traffic.end().await, windows, store.faults(), |_| Vec::new())
}

/// A file, a node in this process and one in another process that is killed. Between kills the file is locked for
/// longer than the deadline.
async fn sqlite(plan: &Plan, random: &mut Random) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let (windows, file) = (windows(random), folder.path().join("grants.db"));
    let store = SqliteStore::builder().deadline(deadline()).open(&file).expect("a file");
    let now = SystemClock.now();
    let other = Arc::new(ProcessNode::start(&plan.program, &file, now + Duration::from_secs(4), windows));
    let nodes: Vec<Arc<dyn Node>> = vec![Arc::new(ServiceNode::new(store, now, windows)), Arc::clone(&other) as _];
    let mut traffic = Traffic::begin(nodes, Vec::new(), deadline(), WORKERS, random);
    for _ in 0..4 {
        traffic.calls(plan.calls / 2).await;
        other.kill_and_restart().await;
        traffic.calls(plan.calls / 2).await;
        let file = file.clone();
        tokio::task::spawn_blocking(move || lock(&file, 2 * deadline())).await.expect("a lock");
    }
    Report::of(&traffic.end().await, windows, 8, |_| Vec::new())
}

/// Holds the lock for writes.
fn lock(file: &Path, span: Duration) {
    let other = rusqlite::Connection::open(file).expect("a file");
    other.busy_timeout(LONG).expect("an option");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    std::thread::sleep(span);
    other.execute_batch("ROLLBACK").expect("a transaction");
}

/// Links that drop, cut and delay, ended sessions and a killed server.
async fn postgres(plan: &Plan, random: &mut Random) -> Report {
    let (windows, server) = (windows(random), Postgres::start());
    let links = vec![Proxy::before(server.address()), Proxy::before(server.address())];
    let stores = [postgres_at(server.url_at(links[0].address())).await, postgres_at(server.url()).await];
    let mut traffic = traffic(&stores, windows, links, random);
    for _ in 0..2 {
        traffic.calls(plan.calls).await;
        server.terminate_connections();
        traffic.calls(plan.calls).await;
        server.kill();
        server.restart();
    }
    traffic.calls(plan.calls).await;
    Report::of(&traffic.end().await, windows, 4, |_| Vec::new())
}

/// A standby takes over. If it does not lag, only the last writes before the failover may be lost.
async fn fail_over_postgres(lags: bool, plan: &Plan, random: &mut Random) -> Report {
    let (windows, primary) = (windows(random), Postgres::start());
    let standby = primary.standby();
    let both = primary.url_at(format_args!("{},{}", primary.address(), standby.address()));
    let stores = [postgres_at(both.clone()).await, postgres_at(both).await];
    let mut traffic = traffic(&stores, windows, Vec::new(), random);
    traffic.calls(plan.calls).await;
    let lags_from = traffic.recorder().now();
    standby.catch_up_with(&primary);
    if lags {
        standby.stop_following();
    }
    traffic.calls(plan.calls).await;
    let begins = traffic.recorder().now();
    primary.kill();
    standby.promote();
    let ends = traffic.recorder().now();
    traffic.calls(plan.calls).await;
    let failover = Failover { lags_from, begins, ends };
    Report::of(&traffic.end().await, windows, 1, |_| vec![failover])
}

/// Links that drop, cut and delay, ended sessions and a killed server.
async fn mariadb(plan: &Plan, random: &mut Random) -> Report {
    let (windows, server) = (windows(random), MariaDb::start());
    let links = vec![Proxy::before(server.address()), Proxy::before(server.address())];
    let stores = [mariadb_at(server.url_at(links[0].address())).await, mariadb_at(server.url()).await];
    let mut traffic = traffic(&stores, windows, links, random);
    for _ in 0..2 {
        traffic.calls(plan.calls).await;
        server.terminate_connections();
        traffic.calls(plan.calls).await;
        server.kill();
        server.restart();
    }
    traffic.calls(plan.calls).await;
    Report::of(&traffic.end().await, windows, 4, |_| Vec::new())
}

/// A replica that has followed no more for a while takes over.
async fn fail_over_mariadb(plan: &Plan, random: &mut Random) -> Report {
    let (windows, primary) = (windows(random), MariaDb::start());
    let replica = primary.replica();
    let both = primary.url_at(format_args!("{},{}", primary.address(), replica.address()));
    let stores = [mariadb_at(both.clone()).await, mariadb_at(both).await];
    let mut traffic = traffic(&stores, windows, Vec::new(), random);
    traffic.calls(plan.calls).await;
    let lags_from = traffic.recorder().now();
    replica.catch_up_with(&primary);
    replica.stop_following();
    traffic.calls(plan.calls).await;
    let begins = traffic.recorder().now();
    primary.kill();
    replica.promote();
    let ends = traffic.recorder().now();
    traffic.calls(plan.calls).await;
    let failover = Failover { lags_from, begins, ends };
    Report::of(&traffic.end().await, windows, 1, |_| vec![failover])
}

/// Links that drop, cut and delay, and a killed server whose log is synced at every write.
async fn redis(plan: &Plan, random: &mut Random) -> Report {
    let (windows, server) = (windows(random), Redis::start());
    let links = vec![Proxy::before(server.address()), Proxy::before(server.address())];
    let stores = [
        redis_behind(&links[0], Durability::Acknowledged).await,
        redis_behind(&links[1], Durability::Acknowledged).await,
    ];
    let mut traffic = traffic(&stores, windows, links, random);
    for _ in 0..3 {
        traffic.calls(plan.calls).await;
        server.kill();
        server.restart();
    }
    traffic.calls(plan.calls).await;
    Report::of(&traffic.end().await, windows, 3, |_| Vec::new())
}

/// A replica that has followed no more for a while takes over behind the same address.
async fn fail_over_redis(durability: Durability, plan: &Plan, random: &mut Random) -> Report {
    let (windows, primary) = (windows(random), Redis::start());
    let replica = primary.replica();
    let link = Proxy::before(primary.address());
    let stores = [redis_behind(&link, durability).await, redis_behind(&link, durability).await];
    let mut traffic = traffic(&stores, windows, Vec::new(), random);
    traffic.calls(plan.calls).await;
    let lags_from = traffic.recorder().now();
    replica.catch_up_with(&primary);
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    traffic.calls(plan.calls).await;
    let begins = traffic.recorder().now();
    primary.kill();
    link.lead_to(replica.address());
    let ends = traffic.recorder().now();
    // Until then, no write can be replicated.
    primary.restart();
    follow(&primary, &replica);
    traffic.calls(plan.calls).await;
    let failover = Failover { lags_from, begins, ends };
    let losing = durability == Durability::Acknowledged;
    Report::of(&traffic.end().await, windows, 1, |_| if losing { vec![failover] } else { Vec::new() })
}

/// A replica is promoted, and later the former primary becomes its replica. The connections to it stay open, and it
/// keeps its old data.
async fn demote_redis(plan: &Plan, random: &mut Random) -> Report {
    let (windows, primary) = (windows(random), Redis::start());
    let replica = primary.replica();
    let link = Proxy::before(primary.address());
    let stores =
        [redis_behind(&link, Durability::Acknowledged).await, redis_behind(&link, Durability::Acknowledged).await];
    let mut traffic = traffic(&stores, windows, Vec::new(), random);
    traffic.calls(plan.calls).await;
    let lags_from = traffic.recorder().now();
    replica.catch_up_with(&primary);
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    traffic.calls(plan.calls / 2).await;
    replica.command(&["CONFIG", "SET", "repl-diskless-sync-delay", "3600"]);
    // From here on: a new connection is one to the successor, while others still lead to the former primary.
    let begins = traffic.recorder().now();
    link.lead_to(replica.address());
    primary.command(&["REPLICAOF", "127.0.0.1", &replica.address().port().to_string()]);
    let ends = traffic.recorder().now();
    traffic.calls(plan.calls).await;
    let failover = Failover { lags_from, begins, ends };
    Report::of(&traffic.end().await, windows, 1, |_| vec![failover])
}

fn follow(server: &Redis, primary: &Redis) {
    server.command(&["REPLICAOF", "127.0.0.1", &primary.address().port().to_string()]);
    primary.wait_for_replica();
}

/// Links that drop, cut and delay; then a replica that lags takes over, with each durability.
async fn cluster(plan: &Plan, random: &mut Random, table: &mut Table) {
    let cluster = RedisCluster::start_behind_proxies();
    let windows = windows(random);
    let stores = [cluster_at(&cluster, Durability::Acknowledged).await, cluster_at(&cluster, replicated()).await];
    let mut traffic_on_links = traffic(&stores, windows, Vec::new(), random);
    for _ in 0..4 {
        for link in &cluster.proxies()[..3] {
            link.disturb_at_random(random, deadline());
        }
        traffic_on_links.calls(plan.calls / 2).await;
    }
    cluster.proxies().iter().for_each(Proxy::clear);
    let disturbed = cluster.proxies().iter().map(Proxy::disturbed).sum();
    let report = Report::of(&traffic_on_links.end().await, windows, disturbed, |_| Vec::new());
    table.add("cluster, links", report);
    let report = fail_over_cluster(&cluster, 0, Durability::Acknowledged, plan, random).await;
    table.add("cluster, failover, lagging", report);
    let report = fail_over_cluster(&cluster, 1, replicated(), plan, random).await;
    table.add("cluster, the same, replicated", report);
}

/// Kills a primary whose replica lags. Grants of the other shards lose nothing.
async fn fail_over_cluster(
    cluster: &RedisCluster,
    primary: usize,
    durability: Durability,
    plan: &Plan,
    random: &mut Random,
) -> Report {
    let windows = windows(random);
    let stores = [cluster_at(cluster, durability).await, cluster_at(cluster, durability).await];
    let mut traffic = traffic(&stores, windows, Vec::new(), random);
    traffic.calls(plan.calls).await;
    let lags_from = traffic.recorder().now();
    cluster.fall_behind(primary);
    let begins = traffic.recorder().now();
    cluster.kill(primary);
    cluster.wait_until_ok();
    let ends = traffic.recorder().now();
    // Until then, no write of this shard can be replicated.
    cluster.restart(primary);
    cluster.wait_for_replicas();
    traffic.calls(plan.calls).await;
    let record = traffic.end().await;
    let shards: HashMap<_, _> = record
        .operations
        .keys()
        .map(|id| (*id, cluster.shard_of(&format!("{{{}}}", GrantId::from_bytes(*id)))))
        .collect();
    let failover = Failover { lags_from, begins, ends };
    let losing = durability == Durability::Acknowledged;
    Report::of(&record, windows, 1, |id| if losing && shards[id] == primary { vec![failover] } else { Vec::new() })
}

/// Starts sessions on a node for each store.
fn traffic<S>(stores: &[S], windows: Windows, links: Vec<Proxy>, random: &mut Random) -> Traffic
where
    S: TokenStore + PurgeExpired + Clone + 'static,
{
    let now = SystemClock.now();
    let nodes = stores.iter().zip([0, SKEW]).map(|(store, skew)| {
        let now = regrant::clock::Timestamp::from_millis(now.as_millis() + skew);
        Arc::new(ServiceNode::new(store.clone(), now, windows)) as Arc<dyn Node>
    });
    Traffic::begin(nodes.collect(), links, deadline(), WORKERS, random)
}

async fn postgres_at(url: String) -> PostgresStore {
    let builder = PostgresStore::builder(url).expect("a URL").deadline(deadline());
    retry(async || builder.migrate().await).await;
    retry(async || builder.open().await).await
}

async fn mariadb_at(url: String) -> MysqlStore {
    let builder = MysqlStore::builder(url).expect("a URL").deadline(deadline());
    retry(async || builder.migrate().await).await;
    retry(async || builder.open().await).await
}

async fn redis_behind(link: &Proxy, durability: Durability) -> RedisStore {
    let url = format!("redis://{}", link.address());
    retry(async || RedisStore::builder(&url).durability(durability).deadline(2 * deadline()).open().await).await
}

async fn cluster_at(cluster: &RedisCluster, durability: Durability) -> RedisStore {
    let open =
        async || RedisStore::cluster(cluster.urls()).durability(durability).deadline(2 * deadline()).open().await;
    retry(open).await
}

fn replicated() -> Durability {
    Durability::Replicated { replicas: 1, timeout: deadline() }
}

/// Deadline of the stores. It decides how long a run takes: some delays are longer.
fn deadline() -> Duration {
    short(Duration::from_millis(200))
}

fn windows(random: &mut Random) -> Windows {
    *random.pick(&[Windows::Open, Windows::Open, Windows::Closed])
}
