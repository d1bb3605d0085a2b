//! A Redis or Valkey server.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;

use redis::{Client, RedisResult, Value, cmd};

use crate::port::Port;
use crate::program::program;
use crate::server::Server;
use crate::time::until;

const PACKAGE: &str = "redis-server";

/// Every write is on disk before it is acknowledged, nothing is evicted, and a replica need not wait for others before
/// it is synchronised.
const SETTINGS: [&str; 14] = [
    "--bind",
    "127.0.0.1",
    // It would refuse the sentinels, which connect from another address of this machine.
    "--protected-mode",
    "no",
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--maxmemory-policy",
    "noeviction",
    "--repl-diskless-sync-delay",
    "0",
];

/// A running Redis server. It is Valkey's if that is the first `redis-server` on the `PATH`.
#[derive(Debug)]
pub struct Redis {
    server: Server,
    password: Option<String>,
}

impl Redis {
    /// Starts a server that loses no acknowledged write: its log is synced at every write.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further settings, which override those of [`start`](Self::start): `["--requirepass",
    /// "secret"]`, `["--appendfsync", "everysec"]`.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Self {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        Self::start_on(Port::reserve(), &settings)
    }

    pub(crate) fn start_on(port: Port, settings: &[String]) -> Self {
        let mut command: Vec<OsString> = vec![program("redis-server", PACKAGE).into(), "--port".into()];
        command.push(port.address.port().to_string().into());
        command.extend(SETTINGS.map(OsString::from));
        command.extend(settings.iter().map(OsString::from));
        let password = settings.iter().position(|setting| setting == "--requirepass");
        let password = password.and_then(|position| settings.get(position + 1)).cloned();
        let redis = Self { server: Server::new(port, &command, "KILL"), password };
        redis.restart();
        redis
    }

    /// Starts a sentinel with this configuration, to which it adds what it learns.
    #[must_use]
    pub fn sentinel(configuration: &str) -> Self {
        let command = [program("redis-server", PACKAGE).into(), "sentinel.conf".into(), "--sentinel".into()];
        let password = configuration.lines().find_map(|line| line.strip_prefix("requirepass ")).map(str::to_owned);
        let sentinel = Self { server: Server::new(Port::reserve(), &command, "KILL"), password };
        let port = format!("port {}\nbind 127.0.0.1\nprotected-mode no\n", sentinel.address().port());
        fs::write(sentinel.server.folder().join("sentinel.conf"), port + configuration).expect("a file in the folder");
        sentinel.restart();
        sentinel
    }

    /// Starts a replica of this server and waits until it is in sync.
    #[must_use]
    pub fn replica(&self) -> Self {
        let replica = Self::start_with(&["--replicaof", "127.0.0.1", &self.address().port().to_string()]);
        self.wait_for_replica();
        replica
    }

    /// Waits until a replica is in sync.
    pub fn wait_for_replica(&self) {
        until("a replica in sync", || self.command(&["WAIT", "1", "100"]) == "1");
    }

    /// Waits until this replica has everything that the primary has written before this call.
    pub fn catch_up_with(&self, primary: &Self) {
        let written = primary.written();
        until("a replica that catches up", || self.written() >= written);
    }

    /// Bytes of the replication log: those that a primary has written, or that a replica has received.
    pub(crate) fn written(&self) -> u64 {
        let info = self.command(&["INFO", "replication"]);
        let offset = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
        offset.and_then(|offset| offset.trim().parse().ok()).expect("an offset")
    }

    /// URL for clients, password included.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}{}/", self.address())
    }

    /// Address of the server; the same after a restart.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Runs a command and returns its reply, one element a line. Panics on an error.
    pub fn command(&self, words: &[&str]) -> String {
        self.try_command(words).unwrap_or_else(|error| panic!("{}: {words:?}: {error}", self.address()))
    }

    /// Same as [`command`](Self::command), on a connection of its own.
    ///
    /// # Errors
    /// The error of the server, or of the connection.
    pub fn try_command(&self, words: &[&str]) -> RedisResult<String> {
        let mut connection = Client::open(self.url())?.get_connection()?;
        let (name, arguments) = words.split_first().expect("a command");
        Ok(lines(&cmd(name).arg(arguments).query(&mut connection)?))
    }

    /// Kills the server (SIGKILL).
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Restarts the server at the same address and waits until it has read its log and answers.
    pub fn restart(&self) {
        self.server.start(|| self.try_command(&["PING"]).is_ok());
    }

    /// Stops the server without closing its connections (SIGSTOP): nothing answers.
    pub fn pause(&self) {
        self.server.pause();
    }

    /// Continues after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.server.resume();
    }

    pub(crate) fn is_running(&self) -> bool {
        self.server.is_running()
    }
}

/// The elements of a reply, one a line.
fn lines(reply: &Value) -> String {
    match reply {
        Value::Nil => String::new(),
        Value::Okay => "OK".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::SimpleString(text) => text.clone(),
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(elements) => elements.iter().map(lines).collect::<Vec<_>>().join("\n"),
        other => panic!("a reply of RESP 3: {other:?}"),
    }
}
