//! A TCP proxy that loses, cuts, delays and swallows.

mod link;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::port::Port;
use crate::random::Random;
use crate::server::until;
use link::{Armed, Front, Weather};

/// A fault of the network. The first three befall one request, the first to come on any connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests choose among them")]
pub enum Disturbance {
    /// The next request goes through. What the server answers is swallowed, and the connection is closed on both sides.
    DropReply,
    /// Of the next request only the first half of its bytes goes through; then the connection is closed on both sides.
    CutRequest,
    /// The reply to the next request is held back for so long.
    Delay(Duration),
    /// For so long nothing passes on any connection, in either direction, and new ones are not answered; then all these
    /// connections are closed.
    Blackhole(Duration),
}

/// A proxy on a port of its own. It lives on a thread of its own too, so it also works for tests that block.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    armed: Arc<Armed>,
    /// The thread ends when this is dropped.
    weather: watch::Sender<Weather>,
}

impl Proxy {
    /// Connections from this address pass undisturbed, whatever the weather.
    pub(crate) const UNDISTURBED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

    /// A proxy that passes everything on to `server`, which need not run yet.
    #[must_use]
    pub fn before(server: SocketAddr) -> Self {
        let port = Port::reserve();
        let (address, armed, weather) = (port.address, Arc::<Armed>::default(), watch::Sender::new(Weather::Fair));
        let front = Front { port, server, armed: Arc::clone(&armed), weather: weather.subscribe() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        std::thread::spawn(move || runtime.block_on(front.serve()));
        let proxy = Self { address, armed, weather };
        proxy.wait_until_open();
        proxy
    }

    /// Where it listens; the same after an outage.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Brings a disturbance, in the place of one that has not struck yet.
    pub fn disturb(&self, disturbance: Disturbance) {
        self.disturb_after(0, disturbance);
    }

    /// The same, but spares so many requests. A blackhole begins at once all the same.
    pub fn disturb_after(&self, requests: u32, disturbance: Disturbance) {
        if let Disturbance::Blackhole(span) = disturbance {
            let end = Instant::now() + span;
            self.turn(Weather::BlackholeUntil(end), |now| !matches!(now, Weather::Shut));
        } else {
            self.armed.set(Some((requests, disturbance)));
        }
    }

    /// Brings a disturbance of any kind, or none. Delays and blackholes are shorter than `patience` as a rule, and longer
    /// now and then.
    pub fn disturb_at_random(&self, random: &mut Random, patience: Duration) {
        let spared = u32::try_from(random.below(5)).expect("is less than 5");
        match random.below(30) {
            0..8 => self.disturb_after(spared, Disturbance::DropReply),
            8..16 => self.disturb_after(spared, Disturbance::CutRequest),
            16..19 => self.disturb_after(spared, Disturbance::Delay(patience / 10)),
            19 => self.disturb_after(spared, Disturbance::Delay(patience + patience / 10)),
            20..22 => self.disturb(Disturbance::Blackhole(patience / 10)),
            22 => self.disturb(Disturbance::Blackhole(patience + patience / 10)),
            _ => self.calm(),
        }
    }

    /// How many requests were disturbed; those that a blackhole swallowed are not counted.
    #[must_use]
    pub fn struck(&self) -> usize {
        self.armed.struck()
    }

    /// Takes back a disturbance that has not struck yet, and ends a blackhole early.
    pub fn calm(&self) {
        self.armed.set(None);
        self.turn(Weather::Fair, |now| matches!(now, Weather::BlackholeUntil(_)));
    }

    /// An outage: all connections are closed and new ones refused, once this returns.
    pub fn shut(&self) {
        self.weather.send_replace(Weather::Shut);
        // Each connection holds a receiver while it lives, and the listener holds one.
        until("a proxy that is shut", || self.weather.receiver_count() == 1 && !self.accepts());
    }

    /// Ends an outage.
    pub fn reopen(&self) {
        self.turn(Weather::Fair, |now| matches!(now, Weather::Shut));
        self.wait_until_open();
    }

    fn turn(&self, weather: Weather, if_it_is: impl FnOnce(&Weather) -> bool) {
        self.weather.send_if_modified(|now| {
            let turns = if_it_is(now);
            if turns {
                *now = weather;
            }
            turns
        });
    }

    fn wait_until_open(&self) {
        until("a proxy that is open", || self.accepts());
    }

    fn accepts(&self) -> bool {
        TcpStream::connect(self.address).is_ok()
    }
}
