//! A TCP proxy that drops, cuts, delays and swallows.

mod link;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use link::{Front, Pending, Port, State};

/// A fault of one request: the next one on any connection.
///
/// A request is what one read from the client returns, so it works for protocols in which a client waits for the reply
/// before it sends the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests choose among them")]
pub enum Fault {
    /// The request is forwarded. Its reply is dropped and the connection is closed on both sides.
    DropReply,
    /// Only the first half of the request is forwarded; then the connection is closed on both sides.
    CutRequest,
    /// The reply is delayed.
    Delay(Duration),
}

/// A TCP proxy between a store and its server, on a port of its own of 127.0.0.1. It disturbs the link on demand.
///
/// [`Fixture::with_proxy`](crate::store::Fixture::with_proxy) gives it to the kit. It runs on a thread of its own, so
/// it also works for tests that block. Dropping it closes the port and all connections.
///
/// ```
/// use std::io::{Read as _, Write as _};
/// use std::net::{TcpListener, TcpStream};
///
/// use regrant_conformance::Proxy;
///
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let proxy = Proxy::start(server.local_addr()?);
/// let mut client = TcpStream::connect(proxy.address())?;
///
/// proxy.drop_next_reply();
/// client.write_all(b"request")?;
/// let (mut accepted, _) = server.accept()?;
/// let mut request = [0; 7];
/// accepted.read_exact(&mut request)?;
/// assert_eq!(&request, b"request");
/// accepted.write_all(b"reply")?;
/// // The request has arrived, and the connection ends without the reply.
/// assert_eq!(client.read(&mut [0; 5]).unwrap_or(0), 0);
///
/// proxy.cut();
/// assert!(TcpStream::connect(proxy.address()).is_err());
/// proxy.mend();
/// assert!(TcpStream::connect(proxy.address()).is_ok());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    server: watch::Sender<SocketAddr>,
    pending: Arc<Pending>,
    /// Dropping this ends the thread.
    state: watch::Sender<State>,
    /// One message for each time that the port was opened or closed.
    changes: Mutex<Receiver<()>>,
}

impl Proxy {
    /// Source address of connections that no fault of a request and no silence affects: that of a server whose own
    /// links to its peers lead through the same proxy. They also outlive a [`cut`](Self::cut).
    pub const UNDISTURBED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

    /// Starts a proxy that forwards to `server`, which need not run yet.
    ///
    /// # Panics
    /// When the system has no port, socket or thread for it.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that has no proxy has failed")]
    pub fn start(server: SocketAddr) -> Self {
        let port = Port::reserve();
        let (address, pending, state) = (port.address, Arc::<Pending>::default(), watch::Sender::new(State::Open));
        let server = watch::Sender::new(server);
        let front = Front { port, server: server.subscribe(), pending: Arc::clone(&pending), state: state.subscribe() };
        let (report, changes) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        thread::spawn(move || runtime.block_on(front.serve(report)));
        changes.recv().expect("the proxy listens");
        Self { address, server, pending, state, changes: Mutex::new(changes) }
    }

    /// Returns the address of the proxy. It is the same after a [`cut`](Self::cut).
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads new connections to another server, as an address does that moves in a failover. Open ones stay.
    pub fn redirect(&self, server: SocketAddr) {
        self.server.send_replace(server);
    }

    /// Forwards the next request, drops its reply and closes its connection on both sides. Later requests pass.
    pub fn drop_next_reply(&self) {
        self.disturb_after(0, Fault::DropReply);
    }

    /// Delays the reply to the next request by `span`.
    pub fn delay(&self, span: Duration) {
        self.disturb_after(0, Fault::Delay(span));
    }

    /// Lets `requests` requests pass and disturbs the one after them. Replaces a fault that has not happened yet.
    pub fn disturb_after(&self, requests: u32, fault: Fault) {
        self.pending.set(Some((requests, fault)));
    }

    /// Returns the number of requests that a [`Fault`] has met.
    #[must_use]
    pub fn disturbed(&self) -> usize {
        self.pending.disturbed()
    }

    /// Forwards nothing in either direction until [`mend`](Self::mend), which closes these connections. New connections
    /// are accepted and never answered.
    pub fn swallow(&self) {
        self.swallow_until(None);
    }

    /// Swallows everything for this time, as [`swallow`](Self::swallow) does.
    pub fn swallow_for(&self, span: Duration) {
        self.swallow_until(Some(Instant::now() + span));
    }

    fn swallow_until(&self, end: Option<Instant>) {
        self.state.send_if_modified(|state| {
            let is_open = *state != State::Cut;
            if is_open {
                *state = State::Swallowing(end);
            }
            is_open
        });
    }

    /// Closes all connections and refuses new ones. Returns when both have happened.
    pub fn cut(&self) {
        self.change(State::Cut);
    }

    /// Ends every fault: a cut, a silence, and a fault of a request that has not happened yet. Returns when the proxy
    /// accepts connections.
    pub fn mend(&self) {
        self.pending.set(None);
        self.change(State::Open);
    }

    /// Changes the state, and waits for the port if it opens or closes. A dead thread has nothing to wait for.
    fn change(&self, next: State) {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.state.send_replace(next);
        if (before == State::Cut) != (next == State::Cut) {
            let _ = changes.recv();
        }
    }
}
