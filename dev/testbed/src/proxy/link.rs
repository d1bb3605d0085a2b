//! The side of a proxy that forwards bytes.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Disturbance, Proxy};
use crate::port::{Port, reusable_socket};

/// Accepts connections, on the thread of the proxy.
pub(super) struct Front {
    pub(super) port: Port,
    pub(super) server: watch::Receiver<SocketAddr>,
    pub(super) pending: Arc<Pending>,
    pub(super) state: watch::Receiver<State>,
}

impl Front {
    pub(super) async fn serve(mut self) {
        while self.state.wait_for(|state| !matches!(state, State::Shut)).await.is_ok() {
            let listener = reusable_socket(self.port.address).listen(1024).expect("a listener");
            if self.accept(listener).await.is_err() {
                return;
            }
        }
    }

    /// Accepts until the proxy is shut (`Ok`) or dropped (`Err`).
    async fn accept(&mut self, listener: TcpListener) -> Result<(), watch::error::RecvError> {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                shut = self.state.wait_for(|state| matches!(state, State::Shut)) => return shut.map(drop),
            };
            let Ok((client, peer)) = accepted else { continue };
            let link = Link { server: *self.server.borrow(), pending: Arc::clone(&self.pending) };
            if peer.ip() == Proxy::UNDISTURBED {
                tokio::spawn(link.pass_all(client));
            } else {
                tokio::spawn(link.pass(client, self.state.clone()));
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
        let blocked = tokio::select! {
            // In this order, so that no byte passes after the state has changed.
            biased;
            blocked = state.wait_for(State::is_blocked) => blocked.map(|state| *state),
            // A closed or broken end closes the other one.
            _ = &mut exchange => return,
        };
        if let Ok(State::BlackholeUntil(end)) = blocked {
            tokio::select! {
                () = sleep_until(end) => {}
                _ = state.changed() => {}
            }
        }
    }

    async fn exchange(&self, client: &mut TcpStream) -> std::io::Result<()> {
        let mut server = TcpStream::connect(self.server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut request, mut reply) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut disturbance = None;
        loop {
            tokio::select! {
                length = client.read(&mut request) => {
                    let length = length?;
                    if length == 0 {
                        return Ok(());
                    }
                    disturbance = disturbance.or_else(|| self.pending.take());
                    if disturbance == Some(Disturbance::CutRequest) {
                        return server.write_all(&request[..length / 2]).await;
                    }
                    server.write_all(&request[..length]).await?;
                }
                length = server.read(&mut reply) => {
                    let length = length?;
                    match disturbance.take() {
                        Some(Disturbance::DropReply) => return Ok(()),
                        Some(Disturbance::Delay(span)) => sleep(span).await,
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

/// State of all connections.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Open,
    BlackholeUntil(Instant),
    Shut,
}

impl State {
    fn is_blocked(&self) -> bool {
        match self {
            Self::Open => false,
            Self::BlackholeUntil(end) => Instant::now() < *end,
            Self::Shut => true,
        }
    }
}

/// Disturbance of a request, and the number of requests before it.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Fault>);

#[derive(Debug, Default)]
struct Fault {
    next: Option<(u32, Disturbance)>,
    disturbed: usize,
}

impl Pending {
    pub(super) fn set(&self, disturbance: Option<(u32, Disturbance)>) {
        self.fault().next = disturbance;
    }

    pub(super) fn disturbed(&self) -> usize {
        self.fault().disturbed
    }

    /// Returns the disturbance of the request that has just arrived.
    fn take(&self) -> Option<Disturbance> {
        let mut fault = self.fault();
        if let Some((undisturbed @ 1.., _)) = &mut fault.next {
            *undisturbed -= 1;
            return None;
        }
        let (_, disturbance) = fault.next.take()?;
        fault.disturbed += 1;
        Some(disturbance)
    }

    fn fault(&self) -> MutexGuard<'_, Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
