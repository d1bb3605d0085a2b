//! The side of a proxy that forwards bytes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Fault, Proxy};

/// A port of 127.0.0.1 that stays the proxy's own while nothing listens on it.
pub(super) struct Port {
    pub(super) address: SocketAddr,
    /// Bound and never listened on, so that no outgoing connection gets the port during a cut. Only Linux lets a
    /// listener bind the same port.
    _reservation: Option<TcpSocket>,
}

impl Port {
    #[expect(clippy::expect_used, reason = "a test that has no proxy has failed")]
    pub(super) fn reserve() -> Self {
        let socket = reusable_socket((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port of 127.0.0.1");
        let address = socket.local_addr().expect("the socket is bound");
        Self { address, _reservation: cfg!(target_os = "linux").then_some(socket) }
    }

    #[expect(clippy::expect_used, reason = "a test that has no proxy has failed")]
    fn listen(&self) -> TcpListener {
        reusable_socket(self.address).and_then(|socket| socket.listen(1024)).expect("the port is the proxy's own")
    }
}

fn reusable_socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Accepts connections, on the thread of the proxy.
pub(super) struct Front {
    pub(super) port: Port,
    pub(super) server: watch::Receiver<SocketAddr>,
    pub(super) pending: Arc<Pending>,
    pub(super) state: watch::Receiver<State>,
}

impl Front {
    /// Serves until the proxy is dropped. Reports each time that the port was opened or closed.
    pub(super) async fn serve(mut self, report: Sender<()>) {
        loop {
            let listener = self.port.listen();
            let _ = report.send(());
            let mut links = JoinSet::new();
            let outcome = self.accept(&listener, &mut links).await;
            drop(listener);
            links.shutdown().await;
            if outcome.is_err() {
                return;
            }
            let _ = report.send(());
            if self.state.wait_for(|state| *state != State::Cut).await.is_err() {
                return;
            }
        }
    }

    /// Accepts until the proxy is cut (`Ok`) or dropped (`Err`).
    async fn accept(&mut self, listener: &TcpListener, links: &mut JoinSet<()>) -> Result<(), watch::error::RecvError> {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                cut = self.state.wait_for(|state| *state == State::Cut) => return cut.map(drop),
                Some(_) = links.join_next(), if !links.is_empty() => continue,
            };
            let Ok((client, peer)) = accepted else { continue };
            let link = Link { server: *self.server.borrow(), pending: Arc::clone(&self.pending) };
            if peer.ip() == Proxy::UNDISTURBED {
                tokio::spawn(link.pass_all(client));
            } else {
                links.spawn(link.pass(client, self.state.clone()));
            }
        }
    }
}

/// One connection.
struct Link {
    server: SocketAddr,
    pending: Arc<Pending>,
}

impl Link {
    /// Forwards a connection. Both ends are closed when this returns.
    async fn pass(self, mut client: TcpStream, mut state: watch::Receiver<State>) {
        let mut exchange = pin!(self.exchange(&mut client));
        let silence = tokio::select! {
            // In this order, so that no byte passes after the state has changed.
            biased;
            blocked = state.wait_for(State::is_blocked) => blocked.map(|state| *state),
            // A closed or broken end closes the other one.
            _ = &mut exchange => return,
        };
        if let Ok(State::Swallowing(end)) = silence {
            tokio::select! {
                () = until(end) => {}
                _ = state.changed() => {}
            }
        }
    }

    async fn exchange(&self, client: &mut TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut request, mut reply) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut fault = None;
        loop {
            tokio::select! {
                length = client.read(&mut request) => {
                    let length = length?;
                    if length == 0 {
                        return Ok(());
                    }
                    fault = fault.or_else(|| self.pending.take());
                    if fault == Some(Fault::CutRequest) {
                        return server.write_all(&request[..length / 2]).await;
                    }
                    server.write_all(&request[..length]).await?;
                }
                length = server.read(&mut reply) => {
                    let length = length?;
                    match fault.take() {
                        Some(Fault::DropReply) => return Ok(()),
                        Some(Fault::Delay(span)) => sleep(span).await,
                        _ => {}
                    }
                    if length == 0 {
                        return Ok(());
                    }
                    client.write_all(&reply[..length]).await?;
                }
            }
        }
    }

    async fn pass_all(self, mut client: TcpStream) {
        if let Ok(mut server) = TcpStream::connect(self.server).await {
            // A closed or broken end closes the other one.
            drop(copy_bidirectional(&mut client, &mut server).await);
        }
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// State of all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// Until the instant, or until the state changes.
    Swallowing(Option<Instant>),
    Cut,
}

impl State {
    fn is_blocked(&self) -> bool {
        match self {
            Self::Open => false,
            Self::Swallowing(end) => end.is_none_or(|end| Instant::now() < end),
            Self::Cut => true,
        }
    }
}

/// Fault of a request, and the number of requests before it.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Faults>);

#[derive(Debug, Default)]
struct Faults {
    next: Option<(u32, Fault)>,
    disturbed: usize,
}

impl Pending {
    pub(super) fn set(&self, fault: Option<(u32, Fault)>) {
        self.faults().next = fault;
    }

    pub(super) fn disturbed(&self) -> usize {
        self.faults().disturbed
    }

    /// Returns the fault of the request that has just arrived.
    fn take(&self) -> Option<Fault> {
        let mut faults = self.faults();
        if let Some((undisturbed @ 1.., _)) = &mut faults.next {
            *undisturbed -= 1;
            return None;
        }
        let (_, fault) = faults.next.take()?;
        faults.disturbed += 1;
        Some(fault)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
