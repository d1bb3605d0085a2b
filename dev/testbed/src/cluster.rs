//! A Redis Cluster.

use std::net::SocketAddr;
use std::time::Duration;

use crate::port::Port;
use crate::proxy::Proxy;
use crate::redis::Redis;
use crate::time::{short, until};

const PRIMARIES: usize = 3;
const NODES: usize = 6;
const SLOTS: usize = 16384;

/// A replica is promoted at once, and stays with its primary.
const SETTINGS: [&str; 10] = [
    "--cluster-enabled",
    "yes",
    "--cluster-replica-validity-factor",
    "0",
    "--cluster-allow-replica-migration",
    "no",
    "--repl-diskless-sync-delay",
    "0",
    "--repl-ping-replica-period",
    "1",
];

/// A cluster of six nodes: at first 0 to 2 are primaries and 3 to 5 their replicas, in this order.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
    ids: Vec<String>,
    proxies: Vec<Proxy>,
}

impl RedisCluster {
    /// Starts a cluster and waits until every slot is served and the replicas are in sync.
    #[must_use]
    pub fn start() -> Self {
        Self::assemble((0..NODES).map(|_| Port::reserve()).collect(), Vec::new())
    }

    /// Starts a cluster with a proxy in front of each node. The nodes announce the addresses of the proxies, so all
    /// clients connect through them; the nodes themselves do not.
    #[must_use]
    pub fn start_behind_proxies() -> Self {
        let ports: Vec<Port> = (0..NODES).map(|_| Port::reserve()).collect();
        let proxies = ports.iter().map(|port| Proxy::before(port.address)).collect();
        Self::assemble(ports, proxies)
    }

    /// Addresses for clients: those of the proxies, if there are any.
    #[must_use]
    pub fn nodes(&self) -> Vec<SocketAddr> {
        match &*self.proxies {
            [] => self.nodes.iter().map(Redis::address).collect(),
            proxies => proxies.iter().map(Proxy::address).collect(),
        }
    }

    /// URLs for clients.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes().iter().map(|address| format!("redis://{address}/")).collect()
    }

    /// Proxies in the order of the nodes; none after [`start`](Self::start).
    #[must_use]
    pub fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    /// Current primary of the slot of `key`.
    #[must_use]
    pub fn primary_of(&self, key: &str) -> usize {
        let asked = self.nodes.iter().position(Redis::is_running).expect("a running node");
        let slot = self.command(asked, &["CLUSTER", "KEYSLOT", key]).parse().expect("a slot");
        let view = self.view_of(asked);
        view.into_iter().find(|seen| seen.serves(slot)).map(|seen| seen.node).expect("a primary of the slot")
    }

    /// Runs a command on a node and returns its reply, one element a line. Panics on an error or a redirection.
    #[expect(clippy::must_use_candidate, reason = "often called for its effect")]
    pub fn command(&self, node: usize, words: &[&str]) -> String {
        self.nodes[node].command(words)
    }

    /// Waits until the replica of a primary has everything that was written before this call. (`WAIT` is about the
    /// writes of its own connection, and each [`command`](Self::command) has a new one.)
    pub fn wait_until_replicated(&self, primary: usize) {
        self.nodes[(primary + PRIMARIES) % NODES].catch_up_with(&self.nodes[primary]);
    }

    /// Kills a node (SIGKILL).
    pub fn kill(&self, node: usize) {
        self.nodes[node].kill();
    }

    /// Restarts a node. If its replica was promoted meanwhile, the node becomes the replica.
    pub fn restart(&self, node: usize) {
        self.nodes[node].restart();
    }

    /// Stops a node without closing its connections (SIGSTOP): nothing answers.
    pub fn pause(&self, node: usize) {
        self.nodes[node].pause();
    }

    /// Continues after [`pause`](Self::pause).
    pub fn resume(&self, node: usize) {
        self.nodes[node].resume();
    }

    /// Disconnects the replica of a primary, and waits until the primary has written data that the replica lacks. Needs
    /// writes in that shard meanwhile. The replica has everything that was written before this call.
    pub fn fall_behind(&self, primary: usize) {
        let replica = (primary + PRIMARIES) % NODES;
        self.wait_until_replicated(primary);
        // With a password that the primary does not know, the replica cannot connect.
        self.command(replica, &["CONFIG", "SET", "masterauth", "unknown"]);
        self.command(primary, &["CLIENT", "KILL", "TYPE", "replica"]);
        let disconnected_at = self.nodes[primary].written();
        until("writes that are not replicated", || self.nodes[primary].written() > disconnected_at + 4000);
    }

    /// Shard of a key: the primary that served it at first, and its replica.
    #[must_use]
    pub fn shard_of(&self, key: &str) -> usize {
        let running = self.nodes.iter().position(Redis::is_running).expect("a running node");
        let slot: usize = self.command(running, &["CLUSTER", "KEYSLOT", key]).parse().expect("a slot");
        (1..PRIMARIES).filter(|primary| primary * SLOTS / PRIMARIES <= slot).count()
    }

    /// Waits until all running nodes agree that every slot is served by a running node. After a kill, the replica has
    /// been promoted by then.
    pub fn wait_until_ok(&self) {
        until("a cluster that is ok", || self.running().all(|node| self.is_ok_for(node)));
    }

    /// Waits until all nodes run and each primary has its replica in sync.
    pub fn wait_for_replicas(&self) {
        until("replicas in sync", || self.running().filter(|&node| self.has_peer_in_sync(node)).count() == NODES);
    }

    fn assemble(ports: Vec<Port>, proxies: Vec<Proxy>) -> Self {
        let mut cluster = Self { nodes: Vec::new(), ids: Vec::new(), proxies };
        let buses: Vec<Port> = (0..NODES).map(|_| Port::reserve()).collect();
        for (node, port) in ports.into_iter().enumerate() {
            let settings = cluster.settings(node, &buses[node]);
            cluster.nodes.push(Redis::start_on(port, &settings));
            cluster.ids.push(cluster.command(node, &["CLUSTER", "MYID"]));
        }
        cluster.introduce(&buses);
        cluster.wait_for_replicas();
        cluster.wait_until_ok();
        cluster
    }

    fn settings(&self, node: usize, bus: &Port) -> Vec<String> {
        let bus = bus.address.port().to_string();
        let mut settings = SETTINGS.map(str::to_owned).to_vec();
        settings.extend(["--cluster-port".to_owned(), bus.clone()]);
        // A node counts as failed after a second of silence; on a busy machine a node may be silent for longer.
        let node_timeout = short(Duration::from_secs(1)).as_millis().to_string();
        settings.extend(["--cluster-node-timeout".to_owned(), node_timeout]);
        if let Some(proxy) = self.proxies.get(node) {
            settings.extend(["--cluster-announce-ip".to_owned(), proxy.address().ip().to_string()]);
            settings.extend(["--cluster-announce-port".to_owned(), proxy.address().port().to_string()]);
            settings.extend(["--cluster-announce-bus-port".to_owned(), bus]);
            // The proxies recognise replicas by this address and leave them undisturbed.
            settings.extend(["--bind-source-addr".to_owned(), Proxy::UNDISTURBED.to_string()]);
        }
        settings
    }

    /// Assigns the slots, introduces the nodes to each other, and gives each primary its replica.
    fn introduce(&self, buses: &[Port]) {
        for (node, bus) in buses.iter().enumerate() {
            let epoch = (node + 1).to_string();
            self.ok(node, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
            let port = self.nodes[node].address().port().to_string();
            self.ok(0, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus.address.port().to_string()]);
        }
        for primary in 0..PRIMARIES {
            let (first, end) = (primary * SLOTS / PRIMARIES, (primary + 1) * SLOTS / PRIMARIES);
            self.ok(primary, &["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(end - 1).to_string()]);
        }
        until("nodes that know each other", || (0..NODES).all(|node| self.view_of(node).len() == NODES));
        for primary in 0..PRIMARIES {
            self.ok(primary + PRIMARIES, &["CLUSTER", "REPLICATE", &self.ids[primary]]);
        }
    }

    fn ok(&self, node: usize, words: &[&str]) {
        assert_eq!(self.command(node, words), "OK", "{words:?}");
    }

    fn running(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|&node| self.nodes[node].is_running())
    }

    fn is_ok_for(&self, node: usize) -> bool {
        let view = self.view_of(node);
        let mut serving = view.iter().filter(|seen| seen.is_primary() && !seen.slots.is_empty());
        self.command(node, &["CLUSTER", "INFO"]).contains("cluster_state:ok")
            && serving.all(|seen| !seen.is_failing() && self.nodes[seen.node].is_running())
    }

    fn has_peer_in_sync(&self, node: usize) -> bool {
        let info = self.command(node, &["INFO", "replication"]);
        info.contains("master_link_status:up") || info.contains("connected_slaves:1") && info.contains("state=online")
    }

    /// View of a node on all nodes, itself included, by its `CLUSTER NODES`.
    fn view_of(&self, node: usize) -> Vec<Seen> {
        let table = self.command(node, &["CLUSTER", "NODES"]);
        table.lines().filter_map(|line| self.parse(line)).collect()
    }

    /// Parses a line; `None` for a node whose id is not known yet.
    fn parse(&self, line: &str) -> Option<Seen> {
        let mut words = line.split(' ');
        let id = words.next()?;
        let node = self.ids.iter().position(|known| known == id)?;
        let flags = words.nth(1)?.split(',').map(str::to_owned).collect();
        let slots = words.skip(5).filter_map(slot_range).collect();
        Some(Seen { node, flags, slots })
    }
}

/// A node in the view of another node.
struct Seen {
    node: usize,
    flags: Vec<String>,
    slots: Vec<(usize, usize)>,
}

impl Seen {
    fn is_primary(&self) -> bool {
        self.flags.iter().any(|flag| flag == "master")
    }

    fn is_failing(&self) -> bool {
        self.flags.iter().any(|flag| flag.starts_with("fail"))
    }

    fn serves(&self, slot: usize) -> bool {
        self.is_primary()
            && !self.is_failing()
            && self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }
}

/// Parses `5461-10922` or `7`. Slots being moved stand in brackets and are skipped.
fn slot_range(word: &str) -> Option<(usize, usize)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}
