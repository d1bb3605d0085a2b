//! The side of a proxy that moves bytes.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Disturbance, Proxy};
use crate::port::{Port, reusable_socket};

/// What accepts connections, on the thread of the proxy.
pub(super) struct Front {
    pub(super) port: Port,
    pub(super) server: SocketAddr,
    pub(super) armed: Arc<Armed>,
    pub(super) weather: watch::Receiver<Weather>,
}

impl Front {
    pub(super) async fn serve(mut self) {
        while self.weather.wait_for(|weather| !matches!(weather, Weather::Shut)).await.is_ok() {
            let listener = reusable_socket(self.port.address).listen(1024).expect("a listener");
            if self.accept(listener).await.is_err() {
                return;
            }
        }
    }

    /// Until the proxy is shut (`Ok`) or dropped (`Err`).
    async fn accept(&mut self, listener: TcpListener) -> Result<(), watch::error::RecvError> {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                shut = self.weather.wait_for(|weather| matches!(weather, Weather::Shut)) => return shut.map(drop),
            };
            let Ok((client, peer)) = accepted else { continue };
            let link = Link { server: self.server, armed: Arc::clone(&self.armed) };
            if peer.ip() == Proxy::UNDISTURBED {
                tokio::spawn(link.pass_all(client));
            } else {
                tokio::spawn(link.pass(client, self.weather.clone()));
            }
        }
    }
}

/// One connection.
struct Link {
    server: SocketAddr,
    armed: Arc<Armed>,
}

impl Link {
    /// Both ends are closed when this returns.
    async fn pass(self, mut client: TcpStream, mut weather: watch::Receiver<Weather>) {
        let mut exchange = pin!(self.exchange(&mut client));
        let foul = tokio::select! {
            // In turn, so that foul weather strikes before another byte passes.
            biased;
            foul = weather.wait_for(Weather::is_foul) => foul.map(|weather| *weather),
            // An end that is closed or broken ends the other one.
            _ = &mut exchange => return,
        };
        if let Ok(Weather::BlackholeUntil(end)) = foul {
            tokio::select! {
                () = sleep_until(end) => {}
                _ = weather.changed() => {}
            }
        }
    }

    async fn exchange(&self, client: &mut TcpStream) -> std::io::Result<()> {
        let mut server = TcpStream::connect(self.server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut request, mut reply) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut fate = None;
        loop {
            tokio::select! {
                length = client.read(&mut request) => {
                    let length = length?;
                    if length == 0 {
                        return Ok(());
                    }
                    fate = fate.or_else(|| self.armed.strike());
                    if fate == Some(Disturbance::CutRequest) {
                        return server.write_all(&request[..length / 2]).await;
                    }
                    server.write_all(&request[..length]).await?;
                }
                length = server.read(&mut reply) => {
                    let length = length?;
                    match fate.take() {
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
            // An end that is closed or broken ends the other one.
            drop(copy_bidirectional(&mut client, &mut server).await);
        }
    }
}

/// What befalls all connections.
#[derive(Clone, Copy, Debug)]
pub(super) enum Weather {
    Fair,
    BlackholeUntil(Instant),
    Shut,
}

impl Weather {
    fn is_foul(&self) -> bool {
        match self {
            Self::Fair => false,
            Self::BlackholeUntil(end) => Instant::now() < *end,
            Self::Shut => true,
        }
    }
}

/// What befalls a request, and how many are spared before it.
#[derive(Debug, Default)]
pub(super) struct Armed(Mutex<Arms>);

#[derive(Debug, Default)]
struct Arms {
    next: Option<(u32, Disturbance)>,
    struck: usize,
}

impl Armed {
    pub(super) fn set(&self, disturbance: Option<(u32, Disturbance)>) {
        self.arms().next = disturbance;
    }

    pub(super) fn struck(&self) -> usize {
        self.arms().struck
    }

    /// What befalls the request that has just come.
    fn strike(&self) -> Option<Disturbance> {
        let mut arms = self.arms();
        if let Some((spared @ 1.., _)) = &mut arms.next {
            *spared -= 1;
            return None;
        }
        let (_, disturbance) = arms.next.take()?;
        arms.struck += 1;
        Some(disturbance)
    }

    fn arms(&self) -> MutexGuard<'_, Arms> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
