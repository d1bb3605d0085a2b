//! An etcd server.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::Command;

use crate::port::Port;
use crate::program::{program, run, try_run};
use crate::server::Server;

/// A running etcd, a cluster of one member.
#[derive(Debug)]
pub struct Etcd {
    server: Server,
    /// The member would talk to others here.
    _peers: Port,
}

impl Etcd {
    /// Starts a server without keys.
    #[must_use]
    pub fn start() -> Self {
        let (port, peers) = (Port::reserve(), Port::reserve());
        let [clients, members] = [&port, &peers].map(|port| format!("http://{}", port.address));
        let mut command: Vec<OsString> = vec![program("etcd", "etcd-server").into()];
        for (flag, value) in [
            ("--data-dir", "data"),
            ("--listen-client-urls", &clients),
            ("--advertise-client-urls", &clients),
            ("--listen-peer-urls", &members),
            ("--initial-advertise-peer-urls", &members),
            ("--initial-cluster", &format!("default={members}")),
            ("--heartbeat-interval", "20"),
            ("--election-timeout", "200"),
        ] {
            command.extend([flag.into(), value.into()]);
        }
        let etcd = Self { server: Server::new(port, &command, "KILL"), _peers: peers };
        etcd.restart();
        etcd
    }

    /// URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Address of the server; the same after a restart.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Kills the server (SIGKILL).
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Restarts the server at the same address and waits until it has a leader.
    pub fn restart(&self) {
        let mut health = Command::new(program("curl", "curl"));
        health.args(["-sf", &format!("{}/health", self.url())]);
        self.server.start(|| try_run(&mut health).is_ok_and(|told| told.contains("true")));
    }

    /// Copies the data of the server, which does not answer meanwhile. Replaces an earlier copy.
    pub fn back_up(&self) {
        self.copy("data", "copy");
    }

    /// Replaces the data of the server by the copy.
    pub fn restore(&self) {
        self.copy("copy", "data");
    }

    fn copy(&self, from: &str, to: &str) {
        self.kill();
        let [from, to] = [from, to].map(|name| self.server.folder().join(name));
        run(Command::new("rm").arg("-rf").arg(&to));
        run(Command::new("cp").arg("-r").arg(from).arg(to));
        self.restart();
    }
}
