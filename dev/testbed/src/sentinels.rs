//! Redis Sentinel.

use std::net::SocketAddr;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::redis::Redis;
use crate::time::{short, until};

const SENTINELS: usize = 3;

/// A replica is promoted as soon as the sentinels agree.
const SETTINGS: [&str; 2] = ["--repl-ping-replica-period", "1"];

/// A primary, its replica, and three sentinels, two of which decide. Server 0 is the primary at first.
#[derive(Debug)]
pub struct RedisSentinels {
    servers: Vec<Redis>,
    sentinels: Vec<Redis>,
}

impl RedisSentinels {
    /// Name of the primary in the configuration of the sentinels.
    pub const NAME: &str = "main";

    /// Starts the servers and waits until the sentinels know each other and the replica.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[], "")
    }

    /// Starts servers with further settings, and sentinels with further lines of configuration.
    #[must_use]
    pub fn start_with(settings: &[&str], configuration: &str) -> Self {
        let settings = [&SETTINGS[..], settings].concat();
        let primary = Redis::start_with(&settings);
        let port = primary.address().port().to_string();
        let replica = Redis::start_with(&[&settings[..], &["--replicaof", "127.0.0.1", &port]].concat());
        primary.wait_for_replica();
        let group = Self { servers: vec![primary, replica], sentinels: start_sentinels(&port, configuration) };
        until("sentinels that know each other and the replica", || {
            (0..SENTINELS).all(|sentinel| {
                group.has(sentinel, "num-other-sentinels", "2") && group.has(sentinel, "num-slaves", "1")
            })
        });
        group
    }

    /// Silence after which a server counts as failed: a second, or more on a busy machine.
    #[must_use]
    pub fn down_after() -> Duration {
        short(Duration::from_secs(1))
    }

    /// URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for(Self::NAME)
    }

    /// URL for clients of another primary, see [`watch`](Self::watch).
    #[must_use]
    pub fn url_for(&self, name: &str) -> String {
        let addresses: Vec<String> = self.sentinels.iter().map(|sentinel| sentinel.address().to_string()).collect();
        format!("redis-sentinel://{}/{name}", addresses.join(","))
    }

    /// The servers.
    #[must_use]
    pub fn servers(&self) -> &[Redis] {
        &self.servers
    }

    /// The sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[Redis] {
        &self.sentinels
    }

    /// Lets the sentinels watch a primary at another address, for example that of a proxy.
    pub fn watch(&self, name: &str, primary: SocketAddr) {
        let port = primary.port().to_string();
        for sentinel in &self.sentinels {
            sentinel.command(&["SENTINEL", "MONITOR", name, "127.0.0.1", &port, "2"]);
        }
    }

    /// Server that all running sentinels name.
    #[must_use]
    pub fn primary(&self) -> Option<usize> {
        let named = |sentinel: &Redis| sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::NAME]);
        let mut answers = self.sentinels.iter().filter(|sentinel| sentinel.is_running()).map(named);
        let first = answers.next()?;
        let is_unanimous = answers.all(|answer| answer == first);
        let is_at = |server: &Redis| first == format!("127.0.0.1\n{}", server.address().port());
        self.servers.iter().position(is_at).filter(|_| is_unanimous)
    }

    /// Asks the sentinels for a failover, and waits until it is done: until then, the former primary accepts writes
    /// that are lost with its demotion.
    pub fn fail_over(&self) {
        let former = self.primary().expect("a primary");
        // Refused while the sentinels do not see the replica in a good state yet.
        let mut polls = (0..).map(|poll| poll % 100 == 0);
        until("a failover", || {
            if polls.next() == Some(true) && self.primary() == Some(former) {
                self.sentinels[0].try_command(&["SENTINEL", "FAILOVER", Self::NAME]).ok();
            }
            self.has_moved_from(former) && has_role(&self.servers[former], "slave")
        });
    }

    /// Waits until the sentinels have chosen another primary than `former`, which accepts writes.
    pub fn wait_for_successor(&self, former: usize) {
        until("another primary", || self.has_moved_from(former));
    }

    /// Waits until the primary has its replica again.
    pub fn wait_for_replica(&self) {
        until("a replica in sync", || {
            let is_in_sync = |server: &Redis| {
                let info = server.try_command(&["INFO", "replication"]);
                info.is_ok_and(|info| info.contains("role:master") && info.contains("state=online"))
            };
            self.primary().is_some_and(|primary| is_in_sync(&self.servers[primary]))
                && (0..SENTINELS).all(|sentinel| self.has(sentinel, "num-slaves", "1"))
        });
    }

    fn has_moved_from(&self, former: usize) -> bool {
        self.primary().is_some_and(|primary| primary != former && has_role(&self.servers[primary], "master"))
    }

    /// True if this sentinel reports the value for the primary.
    fn has(&self, sentinel: usize, field: &str, value: &str) -> bool {
        let fields = self.sentinels[sentinel].command(&["SENTINEL", "MASTER", Self::NAME]);
        let mut lines = fields.lines().skip_while(|line| *line != field).skip(1);
        lines.next() == Some(value)
    }
}

/// No answer is no role: sentinels that change it close every connection to the server (`CLIENT KILL`).
fn has_role(server: &Redis, role: &str) -> bool {
    server.try_command(&["ROLE"]).is_ok_and(|answer| answer.starts_with(role))
}

fn start_sentinels(port: &str, configuration: &str) -> Vec<Redis> {
    let (name, source) = (RedisSentinels::NAME, Proxy::UNDISTURBED);
    let silence = RedisSentinels::down_after().as_millis();
    let configuration = format!(
        "sentinel announce-ip 127.0.0.1\n\
         bind-source-addr {source}\n\
         sentinel monitor {name} 127.0.0.1 {port} 2\n\
         sentinel down-after-milliseconds {name} {silence}\n\
         sentinel failover-timeout {name} 10000\n\
         {configuration}\n"
    );
    (0..SENTINELS).map(|_| Redis::sentinel(&configuration)).collect()
}
