//! The MariaDB of the testbed, and its replica.

use std::process::Command;

use testbed::{MariaDb, until};

#[test]
fn committed_rows_survive_a_kill_and_a_restart_at_the_same_address() {
    let mariadb = MariaDb::start();
    let address = mariadb.address();
    mariadb.execute("CREATE TABLE kept AS SELECT 7 AS number");
    mariadb.kill();
    assert!(std::net::TcpStream::connect(address).is_err());
    mariadb.restart();
    assert_eq!(mariadb.execute("SELECT number FROM kept"), "7");
    assert_eq!(mariadb.address(), address);
}

#[test]
fn every_user_needs_its_password() {
    let mariadb = MariaDb::start_with(&["--max-connections=17"]);
    assert_eq!(mariadb.execute("SELECT @@max_connections, @@collation_database"), "17\tutf8mb4_general_ci");
    let (port, socket) = (mariadb.address().port().to_string(), mariadb.socket());
    let may_log_in = |user: &str, password: &str, socket: Option<&std::path::Path>| {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--user", user, "--execute", "SELECT 1"]).env("MYSQL_PWD", password);
        match socket {
            Some(path) => client.arg("--socket").arg(path),
            None => client.args(["--host=127.0.0.1", "--port", &port]),
        };
        client.output().unwrap().status.success()
    };
    assert!(may_log_in("regrant", mariadb.password(), None));
    for user in ["root", "regrant", ""] {
        for socket in [None, Some(&*socket)] {
            assert!(!may_log_in(user, "", socket), "{user}");
        }
    }
}

#[test]
fn sessions_can_hold_locks_and_be_ended_from_outside() {
    let mariadb = MariaDb::start();
    mariadb.execute("CREATE TABLE locked (id INT PRIMARY KEY); INSERT INTO locked VALUES (1)");
    let held = mariadb.hold("BEGIN; SELECT * FROM locked FOR UPDATE");
    let free = "SELECT COUNT(*) FROM (SELECT id FROM locked FOR UPDATE SKIP LOCKED) rows_";
    assert_eq!(mariadb.execute(free), "0");
    drop(held);
    until("the lock", || mariadb.execute(free) == "1");
}

#[test]
fn a_replica_follows_and_accepts_writes_when_it_is_promoted() {
    let primary = MariaDb::start();
    primary.execute("CREATE TABLE followed (number INT PRIMARY KEY)");
    let replica = primary.replica();
    primary.execute("INSERT INTO followed VALUES (1)");
    replica.catch_up_with(&primary);
    assert_eq!(replica.execute("SELECT number FROM followed"), "1");
    assert_eq!(replica.execute("SELECT @@read_only"), "1");
    primary.kill();
    replica.promote();
    replica.execute("INSERT INTO followed VALUES (2)");
    assert_eq!(replica.execute("SELECT SUM(number), @@read_only FROM followed"), "3\t0");
}

#[test]
fn tls_is_offered_with_a_certificate_that_names_the_address() {
    let mariadb = MariaDb::start_with_tls();
    let session = |certificate: &std::path::Path| {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--host=127.0.0.1", "--user=regrant", "--batch", "--skip-column-names"]);
        client.arg(format!("--port={}", mariadb.address().port())).arg("--ssl-verify-server-cert");
        client.arg(format!("--ssl-ca={}", certificate.display())).env("MYSQL_PWD", mariadb.password());
        client.args(["--execute", "SHOW STATUS LIKE 'ssl_version'"]).output().unwrap()
    };
    let shown = session(&mariadb.certificate());
    assert!(String::from_utf8_lossy(&shown.stdout).contains("TLS"), "{shown:?}");
    assert!(!session(&MariaDb::start_with_tls().certificate()).status.success());
}
