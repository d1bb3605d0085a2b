//! A Redis.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::Command;

use crate::port::Port;
use crate::program::{program, run, try_run};
use crate::server::Server;

const PACKAGE: &str = "redis-server";

/// Every write is on disk before it is acknowledged, and nothing is evicted.
const SETTINGS: [&str; 10] = [
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--maxmemory-policy",
    "noeviction",
];

/// A running Redis.
#[derive(Debug)]
pub struct Redis {
    server: Server,
    password: Option<String>,
}

impl Redis {
    /// Starts one that loses nothing acknowledged: its log is synced at every write.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further settings, which override those of [`start`](Self::start): `["--requirepass", "secret"]`,
    /// `["--appendfsync", "everysec"]`.
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

    /// What a client connects with, password included.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}{}/", self.address())
    }

    /// Where it listens; the same after a restart.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Runs a command and gives its reply as `redis-cli` prints it, an element a line. An error panics.
    pub fn command(&self, words: &[&str]) -> String {
        run(&mut self.cli(words))
    }

    /// Kills it (SIGKILL).
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts it again at the same address, and waits until it has read its log and answers.
    pub fn restart(&self) {
        self.server.start(|| try_run(&mut self.cli(&["PING"])).is_ok());
    }

    /// Halts it: its connections stay open and nothing answers (SIGSTOP).
    pub fn pause(&self) {
        self.server.pause();
    }

    /// Goes on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.server.resume();
    }

    pub(crate) fn is_awake(&self) -> bool {
        self.server.is_awake()
    }

    fn cli(&self, words: &[&str]) -> Command {
        let mut cli = Command::new(program("redis-cli", "redis-tools"));
        cli.args(["-e", "-h", "127.0.0.1", "-p", &self.address().port().to_string()]).args(words);
        if let Some(password) = &self.password {
            cli.env("REDISCLI_AUTH", password);
        }
        cli
    }
}
