//! Clients that are separate programs.

use std::io::{Read as _, pipe};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::server::Server;

/// The time limit of a client: one that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A module of the folder `node`.
pub(crate) fn node(module: &'static str) -> impl Fn(&Server, &str) {
    move |server, flow| run(node_command(module), flow, server)
}

/// A module of the folder `node` that needs Debian packages.
pub(crate) fn node_with(module: &'static str, packages: &'static [&'static str]) -> impl Fn(&Server, &str) {
    move |server, flow| {
        need(packages);
        run(node_command(module), flow, server);
    }
}

/// A module of the folder `python`.
pub(crate) fn python(module: &'static str) -> impl Fn(&Server, &str) {
    move |server, flow| {
        let folder = installed("python", ".venv");
        let mut python = Command::new(folder.join(".venv/bin/python"));
        python.arg(folder.join(module));
        run(python, flow, server);
    }
}

/// The script of the folder `curl`.
pub(crate) fn curl(server: &Server, flow: &str) {
    run(Command::new(folder("curl").join("flows.sh")), flow, server);
}

/// The script of the folder `oidc-agent`.
pub(crate) fn oidc_agent(server: &Server, flow: &str) {
    need(&["oidc-agent-cli"]);
    run(Command::new(folder("oidc-agent").join("flows.sh")), flow, server);
}

/// The program of the folder `go`.
pub(crate) fn go(server: &Server, flow: &str) {
    run(Command::new(&*GO), flow, server);
}

/// The program of the folder `java`, which is compiled when it is started.
pub(crate) fn java(server: &Server, flow: &str) {
    need(&["default-jdk-headless", "libgoogle-oauth-client-java"]);
    let mut java = Command::new("java");
    // A short life: one thread for the garbage collector, and the compiler that is fast.
    java.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", JARS]);
    java.arg(folder("java").join("GoogleOAuthClient.java"));
    run(java, flow, server);
}

const JARS: &str = "/usr/share/java/google-oauth-client.jar:/usr/share/java/google-http-client.jar:\
                    /usr/share/java/google-http-client-gson.jar:/usr/share/java/gson.jar:/usr/share/java/guava.jar:\
                    /usr/share/java/opencensus-api.jar:/usr/share/java/opencensus-contrib-http-util.jar:\
                    /usr/share/java/grpc-context.jar";

/// The script of the folder `ruby`.
pub(crate) fn ruby(server: &Server, flow: &str) {
    need(&["ruby-openid-connect"]);
    let mut ruby = Command::new("ruby");
    ruby.arg(folder("ruby").join("openid_connect.rb"));
    run(ruby, flow, server);
}

/// The proxy with TLS. Its input is a pipe; it ends with the test.
pub(crate) fn proxy() -> Command {
    let mut proxy = node_command("proxy.mjs");
    proxy.args([tls("certificate.pem"), tls("key.pem")]).stdin(Stdio::piped());
    proxy
}

fn node_command(module: &str) -> Command {
    let folder = installed("node", "node_modules");
    let mut node = Command::new(node_program(&folder));
    node.arg(folder.join(module));
    node
}

fn node_program(folder: &Path) -> PathBuf {
    // Present if the version of the system is too old.
    let runtime = folder.join(".runtime/node");
    if runtime.exists() { runtime } else { "node".into() }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn tls(file: &str) -> PathBuf {
    installed("tls", file).join(file)
}

/// The folder `name`, with its libraries in `libraries`.
fn installed(name: &str, libraries: &str) -> PathBuf {
    let folder = folder(name);
    assert!(folder.join(libraries).exists(), "the clients are not installed: run dev/interop/install");
    folder
}

/// Fails if one of the Debian packages is missing.
fn need(packages: &[&str]) {
    for (file, package) in include_str!("../debian.txt").lines().filter_map(|line| line.split_once(' ')) {
        let is_missing = packages.contains(&package) && !Path::new(file).exists();
        assert!(!is_missing, "{file} is missing: apt-get install --no-install-recommends {package}");
    }
}

/// The program of the folder `go`, compiled from its source: the packages are those of Debian, not modules.
static GO: LazyLock<PathBuf> = LazyLock::new(|| {
    need(&["golang-go", "golang-golang-x-oauth2-dev", "golang-github-coreos-go-oidc-dev"]);
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-go");
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&program).arg(folder("go").join("flows.go"));
    go.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
    go.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache"));
    assert!(go.status().unwrap().success(), "the program in Go does not build");
    program
});

/// Runs a flow and prints the output of the program.
fn run(mut program: Command, flow: &str, server: &Server) {
    let (mut reader, writer) = pipe().unwrap();
    program.args([flow, &server.issuer]).envs(server.environment.iter().cloned());
    program.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
    for trusted in ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
        program.env(trusted, tls("certificate.pem"));
    }
    let node = folder("node");
    program.env("USER_PROGRAM", node.join("user.mjs")).env("NODE", node_program(&node));
    // A group of its own: a client that hangs is killed together with the servers it has started.
    let mut child = program.process_group(0).spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    // The pipe ends only when no process can write to it.
    drop(program);

    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut printed = String::new();
        let _ = sender.send(reader.read_to_string(&mut printed).map(|_| printed));
    });
    let printed = receiver.recv_timeout(PATIENCE);
    if printed.is_err() {
        Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status().unwrap();
    }
    let status = child.wait().unwrap();
    let printed = printed.unwrap_or_else(|_| panic!("{flow} has not come to its end in {PATIENCE:?}"));
    println!("{}", printed.unwrap());
    assert!(status.success(), "{flow} has gone wrong: {status}");
}
