//! A server process under load, and its resources as Linux counts them.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::mem;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::Work;

/// A running server. It is killed when the value is dropped, and it ends by itself when this process ends.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// The number of refreshes so far.
    pub(crate) refreshes: usize,
    refresh_tokens: Vec<String>,
    access_tokens: Vec<String>,
    process: Child,
}

#[derive(Deserialize)]
struct First {
    work: String,
    token: String,
}

impl Server {
    /// Starts `command` and reads the first tokens.
    pub(crate) fn start(name: &str, command: &str) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let output = BufReader::new(process.stdout.take().expect("is piped"));
        let mut tokens: HashMap<String, Vec<String>> = HashMap::new();
        let mut address = None;
        for line in output.lines() {
            let line = line.expect("UTF-8");
            if let Some(listening) = line.strip_prefix("listening on http://") {
                address = listening.parse().ok();
                break;
            }
            let First { work, token } = serde_json::from_str(&line).expect("a line with a first token");
            tokens.entry(work).or_default().push(token);
        }
        let address = address.unwrap_or_else(|| panic!("{name} does not listen: {command}"));
        let mut of = |work: Work| tokens.remove(work.name()).unwrap_or_default();
        let (refresh_tokens, access_tokens) = (of(Work::Refresh), of(Work::Introspect));
        assert!(!refresh_tokens.is_empty() && !access_tokens.is_empty(), "{name} prints no tokens");
        Self { name: name.to_owned(), address, refreshes: 0, refresh_tokens, access_tokens, process }
    }

    /// Takes the current tokens of all chains.
    pub(crate) fn take_tokens(&mut self, work: Work) -> Vec<String> {
        mem::take(self.tokens(work))
    }

    /// Returns the tokens after `requests` requests.
    pub(crate) fn give_back(&mut self, work: Work, tokens: Vec<String>, requests: usize) {
        if work == Work::Refresh {
            self.refreshes += requests;
        }
        *self.tokens(work) = tokens;
    }

    const fn tokens(&mut self, work: Work) -> &mut Vec<String> {
        match work {
            Work::Refresh => &mut self.refresh_tokens,
            Work::Introspect => &mut self.access_tokens,
        }
    }

    /// The time that all threads of the server have spent on a CPU, in user space and in the kernel.
    pub(crate) fn cpu_time(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("the server runs");
        let times = threads.flatten().map(|thread| {
            let statistics = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let on_cpu = statistics.split(' ').next().and_then(|field| field.parse().ok());
            Duration::from_nanos(on_cpu.unwrap_or_default())
        });
        times.sum()
    }

    /// The resident memory of the server, in MB (10^6 bytes).
    pub(crate) fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a field of Linux");
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kibibytes * 1024.0 / 1e6
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
