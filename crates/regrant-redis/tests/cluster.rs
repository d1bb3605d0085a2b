//! A cluster that changes under the store.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use common::{PATIENT, assert_transient, connected, count, count_up, create, existing, key, name, record, swap};
use regrant::store::{Swap, TokenStore as _};
use regrant_redis::RedisStore;
use testbed::{RedisCluster, until};
use tokio::task::JoinSet;

const WRITERS: usize = 8;

/// Writers that count up in one grant while something happens to the cluster; how many they counted for certain, and how
/// often the outcome is not known.
struct Race {
    store: RedisStore,
    writers: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    certain: Arc<AtomicU64>,
    unknown: Arc<AtomicU64>,
}

impl Race {
    async fn start(cluster: &RedisCluster) -> Self {
        let store = connected(RedisStore::cluster(cluster.urls()).deadline(PATIENT)).await;
        create(&store, &key(1), record(0_u64.to_be_bytes())).await;
        let [certain, unknown] = [(), ()].map(|()| Arc::new(AtomicU64::new(0)));
        let mut race = Self { store, writers: JoinSet::new(), is_over: Arc::default(), certain, unknown };
        // As on two nodes of an application.
        let handles = [race.store.clone(), connected(RedisStore::cluster(cluster.urls()).deadline(PATIENT)).await];
        for number in 0..WRITERS {
            let (is_over, certain, unknown) =
                (Arc::clone(&race.is_over), Arc::clone(&race.certain), Arc::clone(&race.unknown));
            let store = handles[number % 2].clone();
            race.writers.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let tally = if count_up(&store, &key(1)).await.is_some() { &certain } else { &unknown };
                    tally.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        race.goes_on();
        race
    }

    /// Waits until the writers have counted on.
    fn goes_on(&self) {
        let before = self.certain.load(Ordering::Relaxed);
        until("writers that count", || self.certain.load(Ordering::Relaxed) > before + 200);
    }

    async fn stop(self) -> (u64, u64, u64) {
        self.is_over.store(true, Ordering::Relaxed);
        self.writers.join_all().await;
        let [certain, unknown] = [&self.certain, &self.unknown].map(|tally| tally.load(Ordering::Relaxed));
        (count(&self.store, &key(1)).await, certain, unknown)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_that_nodes_forget_are_sent_again() {
    let cluster = RedisCluster::start();
    let store = connected(RedisStore::cluster(cluster.urls()).deadline(PATIENT)).await;
    for number in 0..30 {
        create(&store, &key(number), record("old")).await;
    }
    for node in 0..cluster.nodes().len() {
        cluster.command(node, &["SCRIPT", "FLUSH"]);
    }
    for number in 0..30 {
        let version = existing(&store, &key(number)).await.version;
        assert_eq!(swap(&store, key(number), version, record("new")).await.unwrap(), Swap::Stored);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_is_exact_while_its_slot_moves_from_node_to_node() {
    let cluster = RedisCluster::start();
    let race = Race::start(&cluster).await;
    let counter = name(&key(1));
    let slot = cluster.command(0, &["CLUSTER", "KEYSLOT", &counter]);
    for _ in 0..4 {
        let from = cluster.primary_of(&counter);
        let to = (from + 1) % 3;
        let [source, target] = [from, to].map(|node| cluster.command(node, &["CLUSTER", "MYID"]));
        cluster.command(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]);
        cluster.command(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]);
        race.goes_on();
        // The key is there, the slot is still here: for a while each call is redirected by ASK.
        let address = cluster.nodes()[to];
        cluster.command(from, &["MIGRATE", "127.0.0.1", &address.port().to_string(), &counter, "0", "5000"]);
        race.goes_on();
        for node in [to, from, (to + 1) % 3] {
            cluster.command(node, &["CLUSTER", "SETSLOT", &slot, "NODE", &target]);
        }
        until("nodes that agree", || cluster.primary_of(&counter) == to);
        race.goes_on();
    }
    let (count, certain, unknown) = race.stop().await;
    assert_eq!((count, unknown), (certain, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_is_exact_through_orderly_failovers() {
    let cluster = RedisCluster::start();
    let race = Race::start(&cluster).await;
    let counter = name(&key(1));
    for _ in 0..3 {
        let primary = cluster.primary_of(&counter);
        let replica = (primary + 3) % 6;
        // On a busy machine the nodes may give up after 5 s, and are asked again.
        let mut polls = (0..).map(|poll| poll % 400 == 0);
        until("a replica that took over", || {
            let is_done = cluster.command(replica, &["ROLE"]).starts_with("master");
            if !is_done && polls.next() == Some(true) {
                cluster.command(replica, &["CLUSTER", "FAILOVER"]);
            }
            is_done
        });
        race.goes_on();
        cluster.wait_for_replicas();
    }
    let (count, certain, unknown) = race.stop().await;
    assert!((certain..=certain + unknown).contains(&count), "{count} of {certain} and at most {unknown}");
    println!("counted {count}, {certain} for certain, {unknown} of unknown outcome");
}

/// What is lost with the primary is not counted here; what is asked for are answers, and soon.
#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_after_a_primary_was_killed_or_fell_silent() {
    let cluster = RedisCluster::start();
    let store = connected(RedisStore::cluster(cluster.urls()).deadline(Duration::from_secs(3))).await;
    create(&store, &key(1), record("kept")).await;
    for silence in [false, true] {
        let primary = cluster.primary_of(&name(&key(1)));
        if silence {
            cluster.pause(primary);
        } else {
            cluster.kill(primary);
        }
        cluster.wait_until_ok();
        let mut attempts = 0;
        while let Err(error) = store.load(&key(1)).await {
            assert_transient(&error);
            attempts += 1;
            assert!(attempts < 10, "the cluster has recovered, the store has not");
        }
        println!("a primary that {}: {attempts} calls failed", if silence { "fell silent" } else { "was killed" });
        assert_eq!(existing(&store, &key(1)).await.record.payload, b"kept");
        if silence {
            cluster.resume(primary);
        } else {
            cluster.restart(primary);
        }
        cluster.wait_for_replicas();
    }
}
