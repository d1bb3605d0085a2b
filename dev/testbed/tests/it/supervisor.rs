//! A server does not outlive its test, however the test ends.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use testbed::{Postgres, Redis, until};

const CHILD: &str = "REGRANT_SUPERVISOR_CHILD";

#[test]
fn a_dropped_server_ends_and_its_folder_is_removed() {
    let redis = Redis::start();
    let folder = redis.command(&["CONFIG", "GET", "dir"]).lines().last().unwrap().to_owned();
    let address = redis.address();
    assert!(Path::new(&folder).is_dir());
    drop(redis);
    assert!(!Path::new(&folder).exists());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn the_servers_of_a_killed_test_process_end() {
    let mut child = child().stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let output: Vec<String> = lines.filter(|line| line.contains("of a server ")).take(4).collect();
    let output: Vec<&str> = output.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    let [redis, redis_folder, postgres, postgres_folder] = output[..] else { panic!("{output:?}") };
    assert!(TcpStream::connect(redis).is_ok() && TcpStream::connect(postgres).is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
    until("the end of the servers", || [redis, postgres].iter().all(|address| TcpStream::connect(address).is_err()));
    until("the end of the folders", || {
        [redis_folder, postgres_folder].iter().all(|folder| !Path::new(folder).exists())
    });
}

#[test]
fn a_program_that_is_missing_is_named_with_its_package() {
    let output = child().env("PATH", "").output().unwrap();
    assert!(!output.status.success());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("no program redis-server: install the Debian package redis-server"), "{complaint}");
}

fn child() -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--nocapture", "supervisor::child_that_starts_servers_and_waits"]).env(CHILD, "1");
    child
}

/// Not a test of its own: the process that the other tests run and kill.
#[test]
fn child_that_starts_servers_and_waits() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let (redis, postgres) = (Redis::start(), Postgres::start());
    println!("\naddress of a server {}", redis.address());
    println!("folder of a server {}", redis.command(&["CONFIG", "GET", "dir"]).lines().last().unwrap());
    println!("address of a server {}", postgres.address());
    println!("folder of a server {}", postgres.execute("SHOW data_directory"));
    std::thread::park();
}
