//! MariaDB servers, their replicas, and Galera clusters.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::identity::{PASSWORD, as_user, certify, give_to};
use crate::port::Port;
use crate::program::{program, run, try_run};
use crate::server::Server;
use crate::time::until;

const PACKAGE: &str = "mariadb-server";

/// Settings of every server. A replica can be made at any time. Nothing is synced to the disk: the death of a process
/// loses nothing that the operating system was given, and no test ends the operating system. The collation of databases
/// is one that ignores case.
const SETTINGS: [&str; 14] = [
    "--datadir=./data",
    TEMPORARY,
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--socket=mariadb.sock",
    "--pid-file=mariadb.pid",
    "--init-file=../init.sql",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--log-bin=log",
    "--log-warnings=1",
];

/// Each server has its own folder of temporary tables: it deletes those of others when it starts.
const TEMPORARY: &str = "--tmpdir=..";

const TLS_SETTINGS: [&str; 2] = ["--ssl-cert=../certificate.pem", "--ssl-key=../key.pem"];

/// The library that replicates between the nodes of a cluster.
const GALERA: &str = "/usr/lib/galera/libgalera_smm.so";

/// An initialised data folder, copied for each server.
static TEMPLATE: LazyLock<MariaDb> = LazyLock::new(|| {
    let template = MariaDb::prepare(&[]);
    run(template
        .as_its_user("mariadb-install-db")
        .args(["--no-defaults", "--datadir=./data", "--auth-root-authentication-method=normal", "--skip-test-db"])
        .args([TEMPORARY, "--skip-name-resolve", "--innodb-log-file-size=16M", "--innodb-flush-method=nosync"]));
    template
});

/// A running MariaDB with a database `regrant`, which belongs to the user `regrant`.
#[derive(Debug)]
pub struct MariaDb {
    server: Server,
    /// Ports of a node for its cluster: the first one is that for replication.
    ports: Vec<Port>,
}

impl MariaDb {
    /// Starts a server.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further settings, for example `--max-connections=50`.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Self {
        let mariadb = Self::prepare(settings);
        mariadb.start_on_a_copy();
        mariadb
    }

    /// Starts a server that offers TLS, with a self-signed certificate for `localhost` and 127.0.0.1.
    #[must_use]
    pub fn start_with_tls() -> Self {
        let mariadb = Self::prepare(&TLS_SETTINGS);
        certify(mariadb.server.folder());
        give_to("mysql", &mariadb.server.folder().join("key.pem"));
        mariadb.start_on_a_copy();
        mariadb
    }

    /// Starts a replica that follows this server asynchronously and accepts no writes.
    #[must_use]
    pub fn replica(&self) -> Self {
        let replica = Self::start_with(&["--read-only", "--server-id=2"]);
        replica.execute(&format!(
            "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {}, MASTER_USER = 'root', \
             MASTER_PASSWORD = '{}', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos; START SLAVE",
            self.address().port(),
            *PASSWORD,
        ));
        replica.catch_up_with(self);
        replica
    }

    /// Starts a Galera cluster of two nodes, which both accept writes.
    #[must_use]
    pub fn cluster() -> [Self; 2] {
        let first = Self::node("", &[]);
        // The second node receives the data of the first one, users included.
        let second = Self::node(&first.ports[0].address.to_string(), &["--init-file="]);
        let both =
            "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_cluster_size'";
        until("two nodes", || first.execute(both) == "2" && second.execute(both) == "2");
        [first, second]
    }

    /// Starts a node that joins the cluster of another one, or founds one.
    fn node(other: &str, settings: &[&str]) -> Self {
        assert!(Path::new(GALERA).is_file(), "there is no {GALERA}: install the Debian package galera-4");
        let ports: Vec<Port> = (0..3).map(|_| Port::reserve()).collect();
        let [replication, increments, copies] = [0, 1, 2].map(|place: usize| ports[place].address);
        let own = [
            "--wsrep-on=ON".to_owned(),
            "--binlog-format=ROW".to_owned(),
            format!("--wsrep-provider={GALERA}"),
            format!("--wsrep-cluster-address=gcomm://{other}"),
            format!("--wsrep-node-address={replication}"),
            "--wsrep-sst-method=rsync".to_owned(),
            format!("--wsrep-sst-receive-address={copies}"),
            format!(
                "--wsrep-provider-options=base_host=127.0.0.1;base_port={};gmcast.listen_addr=tcp://{replication};\
                 ist.recv_addr={increments};gcache.size=16M",
                replication.port()
            ),
        ];
        let all: Vec<&str> = own.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        let mut node = Self::prepare(&all);
        node.ports = ports;
        node.start_on_a_copy();
        node
    }

    /// Promotes a replica: it follows no more, and accepts writes.
    pub fn promote(&self) {
        self.execute("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF");
    }

    /// Waits until this replica has everything that the primary has written before this call.
    pub fn catch_up_with(&self, primary: &Self) {
        let written = primary.execute("SELECT @@gtid_binlog_pos");
        let waited = self.execute(&format!("SELECT MASTER_GTID_WAIT('{written}', 180)"));
        assert_eq!(waited, "0", "the replica does not catch up");
    }

    /// Ends the replication to this replica: it lacks all writes that the primary acknowledges from now on.
    pub fn stop_following(&self) {
        self.execute("STOP SLAVE");
    }

    /// URL for clients, password included.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mysql://regrant:{}@{}/regrant", *PASSWORD, self.address())
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

    /// Password of the user `regrant`.
    #[must_use]
    pub fn password(&self) -> &str {
        &PASSWORD
    }

    /// Path of the Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.server.folder().join("data/mariadb.sock")
    }

    /// Certificate of a server that [offers TLS](Self::start_with_tls), in PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.server.folder().join("certificate.pem")
    }

    /// Runs SQL as an administrator in the database `regrant` and returns the rows, one a line, with tabs between the
    /// columns. Panics on an error.
    pub fn execute(&self, sql: &str) -> String {
        run(&mut self.client(sql))
    }

    /// Runs SQL as [`execute`](Self::execute) does, in a session that stays open after the last statement until this is
    /// dropped.
    #[must_use]
    pub fn hold(&self, sql: &str) -> Held<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let sleep = format!("DO SLEEP(600), {}", NEXT.fetch_add(1, Ordering::Relaxed));
        let client = self.client(&format!("{sql}; {sleep}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let client = client.expect("a program that can be run");
        let find = format!("SELECT id FROM information_schema.processlist WHERE info = '{sleep}'");
        let mut session = String::new();
        until("a session that sleeps", || {
            session = self.execute(&find);
            !session.is_empty()
        });
        Held { server: self, client, session }
    }

    /// Ends all client sessions, as an administrator or a proxy does.
    pub fn terminate_connections(&self) {
        self.execute("KILL USER regrant");
    }

    /// Kills the server (SIGKILL). Data that the operating system was given survives.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Restarts the server at the same address and waits until it accepts connections.
    pub fn restart(&self) {
        // Not before a node has the data of its cluster.
        self.server.start(|| try_run(&mut self.client("SELECT COUNT(*) FROM mysql.global_priv")).is_ok());
    }

    fn prepare(settings: &[&str]) -> Self {
        let port = Port::reserve();
        let mut command = as_user("mysql", program("mariadbd", PACKAGE));
        command.push("--no-defaults".into());
        command.push(format!("--port={}", port.address.port()).into());
        command.extend(SETTINGS.map(OsString::from));
        command.extend(settings.iter().map(OsString::from));
        let server = Server::new(port, &command, "KILL");
        give_to("mysql", server.folder());
        let init = format!(
            "SET sql_log_bin = 0;\n\
             ALTER USER root@localhost IDENTIFIED BY '{0}';\n\
             CREATE USER IF NOT EXISTS root@127.0.0.1 IDENTIFIED BY '{0}';\n\
             ALTER USER root@127.0.0.1 IDENTIFIED BY '{0}';\n\
             GRANT ALL ON *.* TO root@127.0.0.1 WITH GRANT OPTION;\n\
             CREATE USER IF NOT EXISTS regrant@'%' IDENTIFIED BY '{0}';\n\
             CREATE DATABASE IF NOT EXISTS regrant;\n\
             GRANT ALL ON regrant.* TO regrant@'%';\n",
            *PASSWORD
        );
        fs::write(server.folder().join("init.sql"), init).expect("a file in the folder");
        Self { server, ports: Vec::new() }
    }

    fn start_on_a_copy(&self) {
        let template = TEMPLATE.server.folder().join("data");
        run(self.as_its_user("cp").args(["-R", "--reflink=auto"]).arg(template).arg("."));
        self.restart();
    }

    fn as_its_user(&self, name: &str) -> Command {
        let words = as_user("mysql", program(name, PACKAGE));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.server.folder());
        command
    }

    fn client(&self, sql: &str) -> Command {
        let mut client = Command::new(program("mariadb", "mariadb-client"));
        client.args(["--no-defaults", "--batch", "--raw", "--skip-column-names"]);
        self.as_administrator(&mut client).args(["--database=regrant", "--execute", sql]);
        client
    }

    fn as_administrator<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .args(["--host=127.0.0.1", "--protocol=tcp", "--user=root", "--skip-ssl"])
            .arg(format!("--port={}", self.address().port()))
            .env("MYSQL_PWD", &*PASSWORD)
    }
}

/// A session that holds what its statements have locked. It ends, and rolls back, when this is dropped.
#[derive(Debug)]
pub struct Held<'a> {
    server: &'a MariaDb,
    client: Child,
    session: String,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        drop(try_run(&mut self.server.client(&format!("KILL {}", self.session))));
        drop(self.client.wait());
    }
}
