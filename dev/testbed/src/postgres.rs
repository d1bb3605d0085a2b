//! PostgreSQL servers and their standbys.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::identity::{PASSWORD, as_user, certify, give_to};
use crate::port::Port;
use crate::program::{program, run, run_with_input, try_run};
use crate::server::Server;
use crate::time::{comes_in_time, until};

const PACKAGE: &str = "postgresql";

/// Settings of every server. A standby can be made at any time. `fsync` is off: the death of a process loses nothing
/// that the operating system was given, and no test ends the operating system.
const SETTINGS: [&str; 7] = [
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "unix_socket_directories=",
    "wal_level=replica",
    "wal_keep_size=256MB",
    "max_wal_senders=4",
    "dynamic_shared_memory_type=mmap",
];

const TLS_SETTINGS: [&str; 3] = ["ssl=on", "ssl_cert_file=../certificate.pem", "ssl_key_file=../key.pem"];

/// An initialised data folder, copied for each server: a copy takes a fifth of the time of `initdb`.
static TEMPLATE: LazyLock<Postgres> = LazyLock::new(|| {
    let postgres = Postgres::prepare(Vec::new());
    postgres.initialize();
    postgres
});

/// A running PostgreSQL with a database `regrant`, owned by the role `regrant`.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    settings: Vec<String>,
}

impl Postgres {
    /// Starts a server.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further settings, for example `max_connections=5`. Three of the connections are reserved
    /// for [`execute`](Self::execute) and the like.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Self {
        let postgres = Self::prepare(settings.iter().map(ToString::to_string).collect());
        postgres.start_on_a_copy();
        postgres
    }

    /// Starts a server that offers TLS with this certificate and its key, in PEM.
    #[must_use]
    pub fn start_with_certificate(certificate: &str, key: &str) -> Self {
        let postgres = Self::prepare(TLS_SETTINGS.map(str::to_owned).to_vec());
        fs::write(postgres.certificate(), certificate).expect("a file in the folder");
        let key_file = postgres.server.folder().join("key.pem");
        fs::write(&key_file, key).expect("a file in the folder");
        fs::set_permissions(&key_file, Permissions::from_mode(0o600)).expect("a file in the folder");
        give_to_postgres(&key_file);
        postgres.start_on_a_copy();
        postgres
    }

    /// Starts a server that offers TLS, with a self-signed certificate for `localhost` and 127.0.0.1.
    #[must_use]
    pub fn start_with_tls() -> Self {
        let postgres = Self::prepare(TLS_SETTINGS.map(str::to_owned).to_vec());
        certify(postgres.server.folder());
        give_to_postgres(&postgres.server.folder().join("key.pem"));
        postgres.start_on_a_copy();
        postgres
    }

    /// Starts a standby that streams from this server asynchronously: the last writes that this server acknowledged may
    /// be lost with it.
    #[must_use]
    pub fn standby(&self) -> Self {
        let standby = Self::prepare(self.settings.clone());
        run(standby
            .as_its_user("pg_basebackup")
            .args(["-D", "data", "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-d"])
            .arg(self.url_as("postgres")));
        standby.restart();
        until("a standby that streams", || standby.execute("SELECT status FROM pg_stat_wal_receiver") == "streaming");
        standby
    }

    /// Promotes a standby and waits until it is a primary.
    pub fn promote(&self) {
        assert_eq!(self.execute("SELECT pg_promote(true, 180)"), "t", "the standby was not promoted");
    }

    /// Waits until this standby has everything that the primary has written before this call.
    pub fn catch_up_with(&self, primary: &Self) {
        let written = primary.execute("SELECT pg_current_wal_lsn()");
        let has_received = format!("SELECT pg_last_wal_receive_lsn() >= '{written}'");
        until("a standby that catches up", || self.execute(&has_received) == "t");
    }

    /// Ends the replication to this standby: it lacks all writes that the primary acknowledges from now on.
    pub fn stop_following(&self) {
        self.execute("ALTER SYSTEM SET primary_conninfo = ''");
        self.execute("SELECT pg_reload_conf()");
        until("a standby that follows no more", || self.execute("SELECT count(*) FROM pg_stat_wal_receiver") == "0");
    }

    /// URL for clients, password included.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_as("regrant")
    }

    /// URL with another address, for example that of a proxy, or with several addresses.
    #[must_use]
    pub fn url_at(&self, address: impl Display) -> String {
        self.url().replace(&self.address().to_string(), &address.to_string())
    }

    /// Address of the server; the same after a restart.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Password of the role `regrant`.
    #[must_use]
    pub fn password(&self) -> &str {
        &PASSWORD
    }

    /// Certificate of a server that [offers TLS](Self::start_with_tls), in PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.server.folder().join("certificate.pem")
    }

    /// Runs SQL as superuser in the database `regrant` and returns the rows, one a line, with columns separated by `|`.
    /// Panics on an error.
    pub fn execute(&self, sql: &str) -> String {
        run(&mut self.psql("regrant", sql))
    }

    /// Ends all client sessions, as an administrator or a pooler does.
    pub fn terminate_connections(&self) {
        let ended = self.execute(
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
        assert!(ended.parse::<u32>().is_ok(), "{ended}");
    }

    /// Kills the server with all its processes (SIGKILL). Data that the operating system was given survives.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Shuts the server down in order; open sessions are closed.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Restarts the server at the same address and waits until it accepts connections.
    pub fn restart(&self) {
        assert!(comes_in_time(|| self.is_memory_free()), "a process of the killed server lives on");
        let mut ask = Command::new(program("pg_isready", PACKAGE));
        ask.args(["-q", "-d", &self.url()]);
        self.server.start(|| try_run(&mut ask).is_ok());
    }

    /// True if no process has the shared memory of the last start. A process that began during a kill ends later by
    /// itself, and a start before that fails.
    fn is_memory_free(&self) -> bool {
        // Key and id of the memory. A server that was stopped has no such file.
        let file = fs::read_to_string(self.server.folder().join("data/postmaster.pid")).unwrap_or_default();
        let Some(id) = file.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) else { return true };
        let memories = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        let mut rows = memories.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // The second field is the id, the seventh the number of processes.
        !rows.any(|row| row.get(1) == Some(&id) && row.get(6) != Some(&"0"))
    }

    fn prepare(settings: Vec<String>) -> Self {
        let port = Port::reserve();
        let mut command = as_postgres("postgres", PACKAGE);
        command.extend(["-D", "data", "-p"].map(OsString::from));
        command.push(port.address.port().to_string().into());
        for setting in SETTINGS.into_iter().chain(settings.iter().map(String::as_str)) {
            command.extend(["-c", setting].map(OsString::from));
        }
        // An immediate shutdown is as fast as a kill and leaves no shared memory behind.
        let server = Server::new(port, &command, "QUIT");
        give_to_postgres(server.folder());
        Self { server, settings }
    }

    fn start_on_a_copy(&self) {
        run(self.as_its_user("cp").args(["-R", "--reflink=auto"]).arg(TEMPLATE.server.folder().join("data")).arg("."));
        self.restart();
    }

    fn initialize(&self) {
        let password = self.server.folder().join("password");
        fs::write(&password, &*PASSWORD).expect("a file in the folder");
        give_to_postgres(&password);
        run(self
            .as_its_user("initdb")
            .args(["-D", "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile=password"])
            .args(["-E", "UTF8", "--locale=C", "--no-sync"]));
        let role = format!("CREATE ROLE regrant LOGIN PASSWORD '{}'\n", *PASSWORD);
        let database = "CREATE DATABASE regrant OWNER regrant\n";
        run_with_input(
            self.as_its_user("postgres").args([
                "--single",
                "-F",
                "-D",
                "data",
                "-c",
                "log_min_messages=fatal",
                "postgres",
            ]),
            &(role + database),
        );
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut psql = Command::new(program("psql", "postgresql-client"));
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"])
            .args(["-p", &self.address().port().to_string(), "-d", database, "-c", sql])
            .env("PGPASSWORD", &*PASSWORD);
        psql
    }

    fn as_its_user(&self, name: &str) -> Command {
        let words = as_postgres(name, PACKAGE);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.server.folder());
        command
    }

    fn url_as(&self, role: &str) -> String {
        format!("postgres://{role}:{}@{}/regrant", *PASSWORD, self.address())
    }
}

/// Command line of the program `name`. Neither PostgreSQL nor its pooler runs as root.
pub(crate) fn as_postgres(name: &str, package: &str) -> Vec<OsString> {
    as_user("postgres", program(name, package))
}

pub(crate) fn give_to_postgres(path: &Path) {
    give_to("postgres", path);
}
