//! Ports that stay reserved while nothing listens on them.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A reserved port of 127.0.0.1. The port is bound but not listened on: a server can take it (`SO_REUSEADDR`),
/// connections are refused until then, and no outgoing connection gets the port while the server is down.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    _reservation: TcpSocket,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let reservation = reusable_socket((Ipv4Addr::LOCALHOST, 0).into());
        Self { address: reservation.local_addr().expect("is bound"), _reservation: reservation }
    }
}

/// An address of 127.0.0.1 where nothing listens, while this process runs: a server that the test starts can take it.
#[must_use]
pub fn unused_address() -> SocketAddr {
    let Port { address, _reservation: reservation } = Port::reserve();
    std::mem::forget(reservation);
    address
}

/// A socket bound to `address` beside its reservation.
pub(crate) fn reusable_socket(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option of sockets");
    socket.bind(address).expect("a free port of 127.0.0.1");
    socket
}
