use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, thread};

use oauth2::http::Request;
use serde_json::Value;
use testbed::Postgres;

use crate::listener::Listener;
use crate::{browser, script};

/// The demo server with the clients of `server.toml`, or an example. After a failure, its log is printed.
pub(crate) struct Server {
    _running: Running,
    files: Vec<PathBuf>,
    /// Variables for the environment of the client.
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// The address for clients.
    pub(crate) issuer: String,
}

/// The server, the proxy in front of it, and the database behind it. They end in this order.
type Running = (Listener, Option<Listener>, Option<Postgres>);

impl Server {
    /// Starts the server with the adapter of this name (`--http`).
    pub(crate) fn start(adapter: &str) -> Self {
        Self::start_on(adapter, "memory", Vec::new(), None)
    }

    /// Starts the server with its grants in a file of SQLite.
    pub(crate) fn start_on_sqlite(adapter: &str) -> Self {
        let database = temporary("db");
        let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", database.display()));
        let files = vec![beside("-wal"), beside("-shm"), database.clone()];
        Self::start_on(adapter, &format!("sqlite:{}", database.display()), files, None)
    }

    /// Starts the server with its grants in PostgreSQL, which runs as long as the server.
    pub(crate) fn start_on_postgres(adapter: &str) -> Self {
        let database = Postgres::start();
        Self::start_on(adapter, &database.url(), Vec::new(), Some(database))
    }

    /// Starts the server with this store. The files of the store are removed in the end.
    fn start_on(adapter: &str, store: &str, files: Vec<PathBuf>, database: Option<Postgres>) -> Self {
        let log = temporary("log");
        let server = demo_server(adapter, Path::new(CONFIG), &log, store);
        let mut started = Self::with(server.address.clone(), (server, None, database), log);
        started.files.extend(files);
        started
    }

    fn with(issuer: String, running: Running, log: PathBuf) -> Self {
        Self { issuer, _running: running, files: vec![log], environment: Vec::new() }
    }

    /// Starts the server behind the proxy with TLS, whose address is the issuer.
    pub(crate) fn start_behind_proxy(adapter: &str) -> Self {
        let mut proxy = Listener::start(script::proxy());
        let (log, config) = (temporary("log"), temporary("toml"));
        let issuer = proxy.address.clone();
        fs::write(&config, format!("issuer = {issuer:?}\n{}", fs::read_to_string(CONFIG).unwrap())).unwrap();
        let server = demo_server(adapter, &config, &log, "memory");
        writeln!(proxy.child.stdin.as_mut().unwrap(), "{}", server.address).unwrap();
        let mut server = Self::with(issuer, (server, Some(proxy), None), log);
        server.files.push(config);
        server
    }

    /// Starts an example of `regrant-axum` that takes its address as an argument.
    pub(crate) fn start_example(name: &str) -> Self {
        let log = temporary("log");
        let mut command = Command::new(program(name));
        command.arg("127.0.0.1:0").stderr(File::create(&log).unwrap());
        let server = Listener::start(command);
        Self::with(server.address.clone(), (server, None, None), log)
    }

    /// Starts the example host on this adapter, with an empty store: `sqlite` or `postgres`.
    pub(crate) fn start_host(adapter: &str, store: &str) -> Self {
        let (log, file) = (temporary("log"), temporary("db"));
        let postgres = (store == "postgres").then(Postgres::start);
        let url = postgres.as_ref().map_or_else(|| file.display().to_string(), Postgres::url);
        let mut command = Command::new(program(if adapter == "axum" { "host" } else { "host_actix_web" }));
        command.args(["127.0.0.1:0", &url]).env("REGRANT_KEY", KEY).stderr(File::create(&log).unwrap());
        let host = Listener::start(command);
        let mut server = Self::with(host.address.clone(), (host, None, postgres), log);
        server.files.extend(["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", file.display()))));
        server.environment =
            vec![("GRANTS", program("grants").into()), ("STORE", url.into()), ("REGRANT_KEY", KEY.into())];
        // One of the four takes the pictures.
        if adapter != "axum" || store != "sqlite" {
            server.environment.push(("REGRANT_PICTURES", OsString::new()));
        }
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
        if thread::panicking() {
            println!("{}", fs::read_to_string(&self.files[0]).unwrap_or_default());
        }
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }
}

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/server.toml");

/// The path for a file of one test.
fn temporary(extension: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("interop-{}-{number}.{extension}", std::process::id()))
}

fn demo_server(adapter: &str, config: &Path, log: &Path, store: &str) -> Listener {
    let mut command = Command::new(program("demo-server"));
    command.args(["--listen", "127.0.0.1:0", "--http", &adapter.replace('_', "-"), "--manual-clock"]);
    command.args(["--store", store]).arg("--config").arg(config).stderr(File::create(log).unwrap());
    Listener::start(command)
}

/// The key of the example hosts, and of the program that reads their stores.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The path of a program of the workspace.
fn program(name: &str) -> &'static Path {
    static PROGRAMS: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(built);
    &PROGRAMS[name]
}

/// The demo server and all examples, built from the current sources: Cargo builds programs of other packages only on
/// request. They have the features of the tests of the workspace, so that they need no builds of their own below them.
fn built() -> HashMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    // Cargo's variables of the test would look like a change to the build scripts of other packages.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
        cargo.env_remove(name);
    }
    cargo.env_remove("CARGO_MANIFEST_DIR").current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["build", "--locked", "--workspace", "--all-features", "--bin", "demo-server", "--examples"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    cargo.arg("--target-dir").arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/.."));
    let output = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the demo server and the examples do not build");
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>().map(Result::unwrap);
    let programs = messages.filter_map(|message| {
        Some((message["target"]["name"].as_str()?.to_owned(), message["executable"].as_str()?.into()))
    });
    programs.collect()
}
