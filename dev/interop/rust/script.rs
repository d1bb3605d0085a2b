//! Clients that are separate programs.

use std::io::{Read as _, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::server::Server;

/// The time limit of a client: one that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A module of the folder `node`.
pub(crate) fn node(module: &'static str) -> impl Fn(&Server, &str) {
    move |server, flow| {
        let folder = installed("node", "node_modules");
        // Present if the version of the system is too old.
        let runtime = folder.join(".runtime/node");
        let mut node = if runtime.exists() { Command::new(runtime) } else { Command::new("node") };
        node.arg(folder.join(module));
        run(node, flow, server);
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

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The folder `name`, with its libraries in `libraries`.
fn installed(name: &str, libraries: &str) -> PathBuf {
    let folder = folder(name);
    assert!(folder.join(libraries).is_dir(), "the clients are not installed: run dev/interop/install");
    folder
}

/// Runs a flow and prints the output of the program.
fn run(mut program: Command, flow: &str, server: &Server) {
    let (mut reader, writer) = pipe().unwrap();
    program.args([flow, &server.issuer]).stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = program.spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    // The pipe ends only when no process can write to it.
    drop(program);

    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut printed = String::new();
        let _ = sender.send(reader.read_to_string(&mut printed).map(|_| printed));
    });
    let printed = receiver.recv_timeout(PATIENCE);
    if printed.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let printed = printed.unwrap_or_else(|_| panic!("{flow} has not come to its end in {PATIENCE:?}"));
    println!("{}", printed.unwrap());
    assert!(status.success(), "{flow} has gone wrong: {status}");
}
