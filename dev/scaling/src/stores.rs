//! A run on each store: start the server, load the grants, measure, and end the server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use regrant::store::{GrantIndex, GrantOwner, PurgeExpired, TokenStore};
use regrant_postgres::{PostgresStore, Table as PostgresTable};
use regrant_redis::RedisStore;
use regrant_sqlite::SqliteStore;
use testbed::{Postgres, RedisCluster, until};

use crate::cpu::Processes;
use crate::fill::{into_postgres, into_redis, into_sqlite};
use crate::load::Traffic;
use crate::now;
use crate::population::Census;
use crate::table::Table;
use crate::trial::{COLUMNS, Trial};

/// Share of the grants that have expired, where the store deletes on demand.
const EXPIRED_PERCENT: u64 = 5;

/// Primaries of the cluster.
const PRIMARIES: usize = 3;

/// Size of a run.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Number of grants.
    pub grants: u64,
    /// Sessions whose tokens are kept, so that they can be used.
    pub sample: u64,
    /// Length of a window in seconds.
    pub seconds: f64,
    /// Windows of each phase.
    pub windows: u64,
}

impl Size {
    const fn census(self, expired_percent: u64) -> Census {
        Census { grants: self.grants, sample: self.sample, expired_percent }
    }
}

/// Results of a run.
#[derive(Debug)]
pub struct Results {
    /// Rows of the phases.
    pub phases: Table,
    /// Sizes, each with its name.
    pub sizes: Table,
}

/// Runs on PostgreSQL with `fsync=on` and further settings. The table has `partitions` partitions, or none for 0.
pub async fn postgres(size: Size, partitions: u16, settings: &[String]) -> Results {
    let mut all = vec!["fsync=on", "wal_level=minimal", "max_wal_senders=0", "max_connections=64"];
    all.extend(["shared_buffers=1GB", "max_wal_size=4GB", "random_page_cost=1.1"]);
    all.extend(settings.iter().map(String::as_str));
    let server = Postgres::start_with(&all);
    let table = match partitions.try_into() {
        Ok(partitions) => PostgresTable::default().partitioned(partitions),
        Err(_) => PostgresTable::default(),
    };
    let builder = PostgresStore::builder(server.url()).expect("a URL").table(table.clone()).max_connections(32);
    builder.migrate().await.expect("a schema");
    let begin = now();
    let sessions = into_postgres(&server.url(), &table, size.census(EXPIRED_PERCENT)).await;
    server.execute("CHECKPOINT");
    let filled = begin.elapsed();
    let name = if partitions == 0 { "postgres".to_owned() } else { format!("postgres, {partitions} partitions") };
    let first = |text: String| text.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process id");
    let postmaster: u32 = first(server.execute("SELECT pg_read_file('postmaster.pid')"));
    let mut results = Results::new();
    let tree = "FROM pg_partition_tree('regrant_grants') WHERE isleaf";
    let number = |sql: &str| server.execute(sql).parse::<f64>().expect("a number");
    let bytes = |what: &str| number(&format!("SELECT sum({what}(relid)) {tree}"));
    let wal = "SELECT wal_bytes FROM pg_stat_wal";
    let images = "SELECT wal_fpi FROM pg_stat_wal";
    let updates = |what: &str| number(&format!("SELECT sum({what}) FROM pg_stat_user_tables"));
    results.size(&name, size, "fill, seconds", filled.as_secs_f64());
    results.size(&name, size, "table, bytes per grant", bytes("pg_table_size") / size.grants as f64);
    results.size(&name, size, "indexes, bytes per grant", bytes("pg_indexes_size") / size.grants as f64);
    let before = (number(wal), number(images), updates("n_tup_upd"), updates("n_tup_hot_upd"));
    let store = builder.open().await.expect("a store");
    let log = || number(wal);
    let (server, traffic) = (Processes::new([postmaster]), Traffic::new(store, sessions));
    measure(&name, size, traffic, Server { server, log: Some(&log), purges: true }, &mut results).await;
    // The statistics of a session are complete when it ends.
    until("no sessions", || number("SELECT count(*) FROM pg_stat_activity WHERE usename = 'regrant'") == 0.0);
    let (rotations, hot) = (updates("n_tup_upd") - before.2, updates("n_tup_hot_upd") - before.3);
    results.size(&name, size, "updates of rows", rotations);
    results.size(&name, size, "of these HOT, %", 100.0 * hot / rotations);
    results.size(&name, size, "WAL with purge, bytes per update", (number(wal) - before.0) / rotations);
    results.size(&name, size, "full page images with purge, per update", (number(images) - before.1) / rotations);
    results.size(&name, size, "table after the run, bytes per grant", bytes("pg_table_size") / size.grants as f64);
    results.size(&name, size, "indexes after the run, bytes per grant", bytes("pg_indexes_size") / size.grants as f64);
    results
}

/// Runs on a Redis Cluster of three primaries with `appendfsync everysec`. The replicas are ended, because they would
/// take half of the memory.
pub async fn redis(size: Size) -> Results {
    let cluster = RedisCluster::start();
    (PRIMARIES..2 * PRIMARIES).for_each(|replica| cluster.kill(replica));
    let all = |words: &[&str]| -> Vec<String> { (0..PRIMARIES).map(|node| cluster.command(node, words)).collect() };
    let sum = |section: &str, field: &str| -> f64 {
        let number = |info: &String| info.lines().find_map(|line| line.strip_prefix(field)?.trim().parse::<f64>().ok());
        all(&["INFO", section]).iter().map(|info| number(info).expect("a number")).sum()
    };
    // The log of the fill would be rewritten again and again.
    all(&["CONFIG", "SET", "appendonly", "no"]);
    all(&["CONFIG", "SET", "appendfsync", "everysec"]);
    let empty = sum("memory", "used_memory:");
    let begin = now();
    let urls = cluster.urls()[..PRIMARIES].to_vec();
    let (loaded, census) = (urls.clone(), size.census(0));
    let sessions = tokio::task::spawn_blocking(move || into_redis(&loaded, census)).await.expect("a fill");
    let filled = begin.elapsed();
    let used = sum("memory", "used_memory:") - empty;
    all(&["CONFIG", "SET", "appendonly", "yes"]);
    let is_rewriting = || sum("persistence", "aof_rewrite_in_progress:") + sum("persistence", "aof_rewrite_scheduled:");
    while is_rewriting() > 0.0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let name = "redis cluster, 3 primaries";
    let mut results = Results::new();
    results.size(name, size, "fill, seconds", filled.as_secs_f64());
    results.size(name, size, "memory, bytes per grant", used / size.grants as f64);
    results.size(
        name,
        size,
        "resident memory, bytes per grant",
        sum("memory", "used_memory_rss:") / size.grants as f64,
    );
    results.size(
        name,
        size,
        "log after a rewrite, bytes per grant",
        sum("persistence", "aof_current_size:") / size.grants as f64,
    );
    let ids = all(&["INFO", "server"]).into_iter().map(|info| {
        let id = info.lines().find_map(|line| line.strip_prefix("process_id:")?.trim().parse().ok());
        id.expect("a process id")
    });
    let store = RedisStore::cluster(&urls).open().await.expect("a store");
    let log = || sum("persistence", "aof_current_size:");
    let (server, traffic) = (Processes::new(ids), Traffic::new(store, sessions));
    measure(name, size, traffic, Server { server, log: Some(&log), purges: false }, &mut results).await;
    results
}

/// Runs on a SQLite file with `synchronous=FULL`.
pub async fn sqlite(size: Size) -> Results {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("grants.db");
    let begin = now();
    let (file, census) = (path.clone(), size.census(EXPIRED_PERCENT));
    let sessions = tokio::task::spawn_blocking(move || into_sqlite(&file, census)).await.expect("a fill");
    let filled = begin.elapsed();
    let name = "sqlite";
    let bytes = |path: &Path| path.metadata().map_or(0.0, |file| file.len() as f64);
    let mut results = Results::new();
    results.size(name, size, "fill, seconds", filled.as_secs_f64());
    results.size(name, size, "file, bytes per grant", bytes(&path) / size.grants as f64);
    let store = SqliteStore::open(&path).expect("a store");
    let (server, traffic) = (Processes::default(), Traffic::new(store, sessions));
    measure(name, size, traffic, Server { server, log: None, purges: true }, &mut results).await;
    results.size(name, size, "file after the run, bytes per grant", bytes(&path) / size.grants as f64);
    results
}

/// The server under a store.
struct Server<'a> {
    server: Processes,
    log: Option<&'a (dyn Fn() -> f64 + Sync)>,
    purges: bool,
}

/// Checks the loaded grants through the store, then runs the phases.
async fn measure<S: TokenStore + GrantIndex + PurgeExpired + 'static>(
    name: &str,
    size: Size,
    traffic: Arc<Traffic<S>>,
    server: Server<'_>,
    results: &mut Results,
) {
    check(&traffic).await;
    let Server { server, log, purges } = server;
    let (store, window) = (name.to_owned(), Duration::from_secs_f64(size.seconds));
    let trial = Trial { store, grants: size.grants, traffic, server, log, purges, window, windows: size.windows };
    trial.run(&mut results.phases).await;
}

/// Checks that grants of the sample are active and that the listings of their owners have them.
async fn check<S: TokenStore + GrantIndex + PurgeExpired + 'static>(traffic: &Traffic<S>) {
    let step = (traffic.len() / 100).max(1);
    for place in (0..traffic.len()).step_by(step) {
        let session = traffic.session(place);
        let client = traffic.client(&session);
        let active = traffic.service().introspect(client, &session.access_token).await.expect("an answer");
        let subject = active.expect("an active token").approval.subject.expect("a subject");
        let owner = GrantOwner::SubjectAndClient(subject, client.id.clone());
        let listed = traffic.service().grants(&owner, None, 100).await.expect("a page");
        assert!(!listed.grants.is_empty(), "the listing of an owner lacks a grant");
    }
}

impl Results {
    fn new() -> Self {
        Self { phases: Table::new(&COLUMNS), sizes: Table::new(&["store", "grants", "quantity", "value"]) }
    }

    fn size(&mut self, store: &str, size: Size, quantity: &str, value: f64) {
        let value = if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        self.sizes.push(vec![store.to_owned(), size.grants.to_string(), quantity.to_owned(), value]);
    }
}
