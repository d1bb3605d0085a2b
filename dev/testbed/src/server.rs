//! A server process with its folder and port, and a supervisor that outlives the test to clean up.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::port::Port;
use crate::program::program;
use crate::time::comes_in_time;

const SUPERVISOR: &str = include_str!("supervisor.sh");

/// A server program with its folder and port. Starts only by [`start`](Self::start).
#[derive(Debug)]
pub(crate) struct Server {
    port: Port,
    folder: PathBuf,
    running: AtomicBool,
    supervisor: Mutex<Supervisor>,
}

#[derive(Debug)]
struct Supervisor {
    process: Child,
    /// Dropped with the server: the supervisor ends at the end of its input.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Creates the folder and the supervisor. The supervisor runs `command` in the folder and ends it with the signal
    /// `end_signal`.
    pub(crate) fn new(port: Port, command: &[OsString], end_signal: &str) -> Self {
        // The supervisor lists the children of the server with it.
        drop(program("pgrep", "procps"));
        let folder = tempfile::Builder::new().prefix("regrant-").tempdir().expect("a temporary folder").keep();
        let mut process = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(&folder)
            .arg(end_signal)
            .args(command)
            // An interrupt from the terminal ends the test; the supervisor must stay and clean up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let commands = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("is piped"));
        let supervisor = Mutex::new(Supervisor { process, commands, answers });
        Self { port, folder, running: AtomicBool::new(false), supervisor }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.port.address
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// True if the server was started, and neither killed, stopped nor paused since.
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// Starts or restarts the server and waits until it is `ready`.
    pub(crate) fn start(&self, ready: impl FnMut() -> bool) {
        self.command("start");
        assert!(comes_in_time(ready), "the server does not start: {}", self.log());
        self.running.store(true, Ordering::SeqCst);
    }

    /// Kills the server and its children at once (SIGKILL).
    pub(crate) fn kill(&self) {
        self.running.store(false, Ordering::SeqCst);
        self.command("kill");
    }

    /// Shuts the server down in order (SIGINT) and waits until it has ended.
    pub(crate) fn stop(&self) {
        self.running.store(false, Ordering::SeqCst);
        self.command("stop");
    }

    /// Stops the server without closing its connections (SIGSTOP): nothing answers.
    pub(crate) fn pause(&self) {
        self.running.store(false, Ordering::SeqCst);
        self.command("pause");
    }

    /// Continues after [`pause`](Self::pause).
    pub(crate) fn resume(&self) {
        self.command("resume");
        self.running.store(true, Ordering::SeqCst);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    fn command(&self, command: &str) {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(supervisor.commands.as_mut().expect("is not dropped"), "{command}").expect("the supervisor reads");
        let mut answer = String::new();
        supervisor.answers.read_line(&mut answer).expect("the supervisor answers");
        assert_eq!(answer, "done\n", "the supervisor has died");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let supervisor = self.supervisor.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(supervisor.commands.take());
        // The supervisor removes the folder before it ends. A failed wait must not abort a panicking test.
        drop(supervisor.process.wait());
    }
}
