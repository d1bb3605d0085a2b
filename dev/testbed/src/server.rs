//! What all servers have in common: a folder, a port, and a keeper that outlives the test to clean up.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::port::Port;
use crate::program::program;

const KEEPER: &str = include_str!("keeper.sh");
const PATIENCE: Duration = Duration::from_secs(60);

/// A server program with its folder and port. It does not run before it is told to.
#[derive(Debug)]
pub(crate) struct Server {
    port: Port,
    folder: PathBuf,
    awake: AtomicBool,
    keeper: Mutex<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    process: Child,
    /// Taken when the server is dropped: its end is what the keeper waits for.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// `command` is run in the folder; `last` is the signal that ends it for good.
    pub(crate) fn new(port: Port, command: &[OsString], last: &str) -> Self {
        // The keeper asks it for the children of the server.
        drop(program("pgrep", "procps"));
        let folder = tempfile::Builder::new().prefix("regrant-").tempdir().expect("a temporary folder").keep();
        let mut process = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(last)
            .args(command)
            // An interrupt from the terminal ends the test; the keeper has to stay and clean up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("is piped"));
        let keeper = Mutex::new(Keeper { process, orders, answers });
        Self { port, folder, awake: AtomicBool::new(false), keeper }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.port.address
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it was started, and neither killed, stopped nor paused since.
    pub(crate) fn is_awake(&self) -> bool {
        self.awake.load(Ordering::SeqCst)
    }

    /// Starts it, or starts it again, and waits until it is `ready`.
    pub(crate) fn start(&self, ready: impl FnMut() -> bool) {
        self.order("start");
        assert!(comes_in_time(ready), "the server does not start: {}", self.log());
        self.awake.store(true, Ordering::SeqCst);
    }

    /// Kills it and its children at once (SIGKILL).
    pub(crate) fn kill(&self) {
        self.awake.store(false, Ordering::SeqCst);
        self.order("kill");
    }

    /// Lets it end in good order (SIGINT), and waits until it did.
    pub(crate) fn stop(&self) {
        self.awake.store(false, Ordering::SeqCst);
        self.order("stop");
    }

    /// Halts it where it is: its connections stay open and nothing answers (SIGSTOP).
    pub(crate) fn pause(&self) {
        self.awake.store(false, Ordering::SeqCst);
        self.order("pause");
    }

    /// Goes on after [`pause`](Self::pause).
    pub(crate) fn resume(&self) {
        self.order("resume");
        self.awake.store(true, Ordering::SeqCst);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    fn order(&self, order: &str) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(keeper.orders.as_mut().expect("is not dropped"), "{order}").expect("the keeper reads");
        let mut answer = String::new();
        keeper.answers.read_line(&mut answer).expect("the keeper answers");
        assert_eq!(answer, "done\n", "the keeper has died");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(keeper.orders.take());
        // The folder is gone when the keeper is. Failing to wait is no reason to abort a panicking test.
        drop(keeper.process.wait());
    }
}

/// Calls `ready` until it says yes, for a minute at most.
pub fn until(what: &str, ready: impl FnMut() -> bool) {
    assert!(comes_in_time(ready), "waited in vain: {what}");
}

#[expect(clippy::disallowed_methods, reason = "how long to wait for a real process is a matter of real time")]
fn comes_in_time(mut ready: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if ready() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
