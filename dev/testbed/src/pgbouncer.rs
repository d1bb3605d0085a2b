//! A pooler in front of PostgreSQL.

use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use crate::port::Port;
use crate::postgres::{Postgres, as_postgres, give_to_postgres};
use crate::program::{program, run};
use crate::server::Server;

const PACKAGE: &str = "pgbouncer";

/// First version that can follow the prepared statements of its clients from session to session.
const FOLLOWS_STATEMENTS: (u32, u32) = (1, 21);

/// A running PgBouncer.
#[derive(Debug)]
pub struct PgBouncer {
    server: Server,
    url: String,
}

impl PgBouncer {
    /// Starts a pooler that runs each transaction of a client in a session that is free.
    #[must_use]
    pub fn by_transaction(postgres: &Postgres) -> Self {
        Self::start(postgres, "transaction")
    }

    /// Starts a pooler that gives each client a session for as long as it is connected.
    #[must_use]
    pub fn by_session(postgres: &Postgres) -> Self {
        Self::start(postgres, "session")
    }

    /// True if the installed version can follow prepared statements.
    #[must_use]
    pub fn follows_statements() -> bool {
        version() >= FOLLOWS_STATEMENTS
    }

    /// URL for clients, password included.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Address of the pooler.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn start(postgres: &Postgres, mode: &str) -> Self {
        let port = Port::reserve();
        let address = port.address;
        let mut command = as_postgres("pgbouncer", PACKAGE);
        command.push(OsString::from("pgbouncer.ini"));
        let server = Server::new(port, &command, "KILL");
        let follows = if Self::follows_statements() { "max_prepared_statements = 200\n" } else { "" };
        let configuration = format!(
            "[databases]\n\
             regrant = host=127.0.0.1 port={} dbname=regrant user=regrant password={}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = {mode}\n\
             ignore_startup_parameters = extra_float_digits, options\n\
             {follows}",
            postgres.address().port(),
            postgres.password(),
            address.port(),
        );
        let file = server.folder().join("pgbouncer.ini");
        fs::write(&file, configuration).expect("a file in the folder");
        give_to_postgres(server.folder());
        give_to_postgres(&file);
        server.start(|| TcpStream::connect(address).is_ok());
        Self { server, url: postgres.url_at(address) }
    }
}

/// Version of the installed program, from the first line of `pgbouncer --version`: "PgBouncer 1.18.0".
fn version() -> (u32, u32) {
    let text = run(Command::new(program("pgbouncer", PACKAGE)).arg("--version"));
    let number = text.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
