use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, thread};

use oauth2::http::Request;
use serde_json::Value;

use crate::browser;

/// The demo server with the clients of `server.toml`. It is killed on drop; after a failure, its log is printed.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// The address, which is also the issuer.
    pub(crate) issuer: String,
}

impl Server {
    /// Starts the server with the adapter of this name (`--http`).
    pub(crate) fn start(adapter: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let log =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("interop-{}-{number}.log", std::process::id()));
        let mut command = Command::new(&*DEMO_SERVER);
        command.args(["--listen", "127.0.0.1:0", "--http", adapter, "--manual-clock", "--config"]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/server.toml"));
        let mut child = command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let issuer = line.trim_end().strip_prefix("listening on ").map(str::to_owned);
        let server = Self { child, log, issuer: issuer.clone().unwrap_or_default() };
        assert!(issuer.is_some(), "the demo server does not listen: {line:?}");
        server
    }

    /// The metadata of the server (RFC 8414).
    pub(crate) fn metadata(&self) -> Value {
        let address = format!("{}/.well-known/oauth-authorization-server", self.issuer);
        let response = browser::send(Request::get(address).body(Vec::new()).unwrap()).unwrap();
        serde_json::from_slice(response.body()).unwrap()
    }

    /// Moves the clock of the server.
    pub(crate) fn advance(&self, span: Duration) {
        let clock = Request::post(format!("{}/dev/clock", self.issuer));
        let moved = browser::form(clock, &[("advance", &format!("{}s", span.as_secs()))]);
        assert_eq!(browser::send(moved).unwrap().status(), 200);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            println!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
        let _ = fs::remove_file(&self.log);
    }
}

/// The program, built from the current sources: Cargo builds programs of other packages only on request.
static DEMO_SERVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    // Cargo's variables of the test would look like a change to the build scripts of other packages.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
        cargo.env_remove(name);
    }
    cargo.env_remove("CARGO_MANIFEST_DIR").current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["build", "--locked", "--package", "demo-server", "--message-format", "json-render-diagnostics"]);
    cargo.arg("--target-dir").arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/.."));
    let output = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the demo server does not build");
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>().map(Result::unwrap);
    let executable = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).last();
    executable.expect("the demo server is a program")
});
