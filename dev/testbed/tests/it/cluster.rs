//! The Redis Cluster of the testbed.

use testbed::RedisCluster;

const KEY: &str = "some-key";

#[test]
fn a_replica_replaces_a_killed_primary_which_restarts_as_replica() {
    let cluster = RedisCluster::start();
    let primary = cluster.primary_of(KEY);
    assert_eq!(cluster.command(primary, &["SET", KEY, "kept"]), "OK");
    cluster.wait_until_replicated(primary);
    cluster.kill(primary);
    cluster.wait_until_ok();
    let promoted = cluster.primary_of(KEY);
    assert_eq!(promoted, primary + 3);
    assert_eq!(cluster.command(promoted, &["GET", KEY]), "kept");
    assert_eq!(cluster.command(promoted, &["WAIT", "1", "100"]), "0");

    cluster.restart(primary);
    cluster.wait_for_replicas();
    cluster.wait_until_ok();
    assert_eq!(cluster.primary_of(KEY), promoted);
    assert_eq!(cluster.command(promoted, &["WAIT", "1", "60000"]), "1");
}

#[test]
fn a_primary_that_is_paused_too_long_is_replaced_and_resumes_as_replica() {
    let cluster = RedisCluster::start();
    let primary = cluster.primary_of(KEY);
    cluster.pause(primary);
    cluster.wait_until_ok();
    assert_eq!(cluster.primary_of(KEY), primary + 3);
    cluster.resume(primary);
    cluster.wait_for_replicas();
    assert!(cluster.command(primary, &["ROLE"]).starts_with("slave"));
}

#[test]
fn nodes_behind_proxies_announce_the_proxies_and_replicate_through_any_outage() {
    let cluster = RedisCluster::start_behind_proxies();
    let nodes = cluster.nodes();
    assert_eq!(nodes, cluster.proxies().iter().map(testbed::Proxy::address).collect::<Vec<_>>());
    let slots = cluster.command(0, &["CLUSTER", "SHARDS"]);
    assert!(nodes.iter().all(|address| slots.lines().any(|line| line == address.port().to_string())), "{slots}");

    let primary = cluster.primary_of(KEY);
    cluster.proxies().iter().for_each(testbed::Proxy::shut);
    assert!(std::net::TcpStream::connect(nodes[primary]).is_err());
    assert_eq!(cluster.command(primary, &["SET", KEY, "kept"]), "OK");
    cluster.wait_until_replicated(primary);
}
