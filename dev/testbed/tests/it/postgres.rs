//! The PostgreSQL of the testbed, and its standby.

use testbed::{Postgres, until};

#[test]
fn committed_rows_survive_a_kill_and_a_restart_at_the_same_address() {
    let postgres = Postgres::start();
    let address = postgres.address();
    postgres.execute("CREATE TABLE kept AS SELECT 7 AS number");
    postgres.kill();
    assert!(std::net::TcpStream::connect(address).is_err());
    postgres.restart();
    assert_eq!(postgres.execute("SELECT number FROM kept"), "7");
    postgres.stop();
    postgres.restart();
    assert_eq!(postgres.execute("SELECT number FROM kept"), "7");
    assert_eq!(postgres.address(), address);
}

#[test]
fn the_role_owns_the_database_and_needs_its_password() {
    let postgres = Postgres::start_with(&["max_connections=7"]);
    assert_eq!(postgres.execute("SHOW max_connections"), "7");
    let owner = "SELECT rolname FROM pg_roles JOIN pg_database ON datdba = pg_roles.oid WHERE datname = 'regrant'";
    assert_eq!(postgres.execute(owner), "regrant");
    let ask = |url: &str| {
        std::process::Command::new("psql").args(["-X", "-A", "-t", url, "-c", "SELECT current_user"]).output().unwrap()
    };
    assert_eq!(ask(&postgres.url()).stdout, b"regrant\n");
    assert!(!ask(&postgres.url().replace(postgres.password(), "guessed")).status.success());
}

#[test]
fn sessions_can_be_ended_from_outside() {
    let postgres = Postgres::start();
    let mut session = std::process::Command::new("psql")
        .args(["-X", "-q", &postgres.url(), "-c", "SELECT pg_sleep(600)"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    until("a session", || postgres.execute(sleeping) == "1");
    postgres.terminate_connections();
    assert!(!session.wait().unwrap().success());
}

#[test]
fn a_standby_follows_and_becomes_a_primary() {
    let primary = Postgres::start();
    let standby = primary.standby();
    primary.execute("CREATE TABLE followed AS SELECT 1 AS number");
    until("the table on the standby", || standby.execute("SELECT to_regclass('followed') IS NOT NULL") == "t");
    assert_eq!(standby.execute("SELECT pg_is_in_recovery()"), "t");
    primary.kill();
    standby.promote();
    standby.execute("INSERT INTO followed VALUES (2)");
    assert_eq!(standby.execute("SELECT sum(number) FROM followed"), "3");
}

#[test]
fn tls_is_offered_with_a_certificate_that_names_the_address() {
    let postgres = Postgres::start_with_tls();
    let session = |certificate: &std::path::Path| {
        let url = format!("{}?sslmode=verify-full&sslrootcert={}", postgres.url(), certificate.display());
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        std::process::Command::new("psql").args(["-X", "-A", "-t", &url, "-c", sql]).output().unwrap()
    };
    assert_eq!(session(&postgres.certificate()).stdout, b"t\n");
    assert!(!session(&Postgres::start_with_tls().certificate()).status.success());
}
