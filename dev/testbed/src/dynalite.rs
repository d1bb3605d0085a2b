//! A server with the API of Amazon DynamoDB.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use crate::port::Port;
use crate::program::program;
use crate::server::Server;

/// Where `dev/interop/install` puts packages of npm, and a Node.js that is new enough for them.
const NPM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/node");

/// Node.js closes a connection that was idle for five seconds, and with it a request that is just being sent; the
/// service hardly ever does so. A request that is cut off throws in dynalite, which would end it.
const SCRIPT: &str = "const [, dynalite, port] = process.argv;
const server = require(dynalite)({ createTableMs: 0, deleteTableMs: 0 });
server.keepAliveTimeout = 0;
process.on('uncaughtException', () => {});
server.listen(port, '127.0.0.1');";

/// A running dynalite. It keeps its tables in memory, accepts all credentials, and has no transactions and no time to
/// live.
#[derive(Debug)]
pub struct Dynalite {
    server: Server,
}

impl Dynalite {
    /// Starts a server without tables. Tables are ready at once.
    #[must_use]
    pub fn start() -> Self {
        let package = Path::new(NPM).join("node_modules/dynalite");
        assert!(package.is_dir(), "dynalite is not installed: run dev/interop/install");
        let port = Port::reserve();
        let mut command: Vec<OsString> = [node(), "-e".into(), SCRIPT.into(), package].map(OsString::from).into();
        command.push(port.address.port().to_string().into());
        let dynalite = Self { server: Server::new(port, &command, "KILL") };
        dynalite.restart();
        dynalite
    }

    /// Address of the server; the same after a restart.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Kills the server (SIGKILL).
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Restarts the server at the same address. Its tables are gone.
    pub fn restart(&self) {
        self.server.start(|| TcpStream::connect(self.address()).is_ok());
    }
}

fn node() -> PathBuf {
    let installed = Path::new(NPM).join(".runtime/node");
    if installed.is_file() { installed } else { program("node", "nodejs") }
}
