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

/// The demo server with the clients of `server.toml`. It is killed when its value is dropped; if the test has failed, what
/// it logged is shown.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// Where it listens, which is its issuer too.
    pub(crate) issuer: String,
}

impl Server {
    /// Starts it on the adapter that its option `--http` calls `adapter`.
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

    /// What the server says of itself (RFC 8414).
    pub(crate) fn metadata(&self) -> Value {
        let address = format!("{}/.well-known/oauth-authorization-server", self.issuer);
        let response = browser::send(Request::get(address).body(Vec::new()).unwrap()).unwrap();
        serde_json::from_slice(response.body()).unwrap()
    }

    /// Moves its clock.
    pub(crate) fn advance(&self, span: Duration) {
        let clock = Request::post(format!("{}/dev/clock", self.issuer));
        let moved = browser::form(clock, &[("advance", &format!("{}s", span.as_secs()))]);
        assert_eq!(browser::send(moved).unwrap().status(), 200);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when the process has ended, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            println!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
        let _ = fs::remove_file(&self.log);
    }
}

/// The program, as the sources are now: Cargo builds those of other packages only when it is told to.
static DEMO_SERVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    // What Cargo tells a test of its package would look like a change to the build scripts of others.
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
