//! A TCP proxy that drops, cuts, delays and swallows.

mod link;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::port::Port;
use crate::random::Random;
use crate::time::until;
use link::{Front, Pending, State};

/// A network fault. The first three affect one request, the next one on any connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests choose among them")]
pub enum Disturbance {
    /// The next request is forwarded. Its reply is dropped and the connection is closed on both sides.
    DropReply,
    /// Only the first half of the next request is forwarded; then the connection is closed on both sides.
    CutRequest,
    /// The reply to the next request is delayed.
    Delay(Duration),
    /// For this time no connection forwards anything in either direction, and new ones are not answered. Then all these
    /// connections are closed.
    Blackhole(Duration),
}

/// A proxy on its own port. It runs on its own thread, so it also works for tests that block.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    server: watch::Sender<SocketAddr>,
    pending: Arc<Pending>,
    /// Dropping this ends the thread.
    state: watch::Sender<State>,
}

impl Proxy {
    /// Connections from this address are never disturbed.
    pub(crate) const UNDISTURBED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

    /// Starts a proxy that forwards to `server`, which need not run yet.
    #[must_use]
    pub fn before(server: SocketAddr) -> Self {
        let port = Port::reserve();
        let (address, pending, state) = (port.address, Arc::<Pending>::default(), watch::Sender::new(State::Open));
        let server = watch::Sender::new(server);
        let front = Front { port, server: server.subscribe(), pending: Arc::clone(&pending), state: state.subscribe() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        std::thread::spawn(move || runtime.block_on(front.serve()));
        let proxy = Self { address, server, pending, state };
        proxy.wait_until_open();
        proxy
    }

    /// Address of the proxy; the same after an outage.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads new connections to another server, as an address does that moves in a failover. Open ones stay.
    pub fn lead_to(&self, server: SocketAddr) {
        self.server.send_replace(server);
    }

    /// Sets the next disturbance. Replaces one that has not happened yet.
    pub fn disturb(&self, disturbance: Disturbance) {
        self.disturb_after(0, disturbance);
    }

    /// Sets a disturbance after `requests` undisturbed requests. A blackhole begins at once all the same.
    pub fn disturb_after(&self, requests: u32, disturbance: Disturbance) {
        if let Disturbance::Blackhole(span) = disturbance {
            let end = Instant::now() + span;
            self.change(State::BlackholeUntil(end), |now| !matches!(now, State::Shut));
        } else {
            self.pending.set(Some((requests, disturbance)));
        }
    }

    /// Sets a random disturbance, or none. Delays and blackholes are usually shorter than `deadline`, and sometimes
    /// longer.
    pub fn disturb_at_random(&self, random: &mut Random, deadline: Duration) {
        let undisturbed = u32::try_from(random.below(5)).expect("is less than 5");
        match random.below(30) {
            0..8 => self.disturb_after(undisturbed, Disturbance::DropReply),
            8..16 => self.disturb_after(undisturbed, Disturbance::CutRequest),
            16..19 => self.disturb_after(undisturbed, Disturbance::Delay(deadline / 10)),
            19 => self.disturb_after(undisturbed, Disturbance::Delay(deadline + deadline / 10)),
            20..22 => self.disturb(Disturbance::Blackhole(deadline / 10)),
            22 => self.disturb(Disturbance::Blackhole(deadline + deadline / 10)),
            _ => self.clear(),
        }
    }

    /// Number of disturbed requests; those swallowed by a blackhole are not counted.
    #[must_use]
    pub fn disturbed(&self) -> usize {
        self.pending.disturbed()
    }

    /// Removes a disturbance that has not happened yet, and ends a blackhole.
    pub fn clear(&self) {
        self.pending.set(None);
        self.change(State::Open, |now| matches!(now, State::BlackholeUntil(_)));
    }

    /// Starts an outage: closes all connections and refuses new ones. Returns when it has begun.
    pub fn shut(&self) {
        self.state.send_replace(State::Shut);
        // Each connection holds a receiver while it lives, and the listener holds one.
        until("a proxy that is shut", || self.state.receiver_count() == 1 && !self.accepts());
    }

    /// Ends an outage.
    pub fn reopen(&self) {
        self.change(State::Open, |now| matches!(now, State::Shut));
        self.wait_until_open();
    }

    fn change(&self, state: State, condition: impl FnOnce(&State) -> bool) {
        self.state.send_if_modified(|now| {
            let changes = condition(now);
            if changes {
                *now = state;
            }
            changes
        });
    }

    fn wait_until_open(&self) {
        until("a proxy that is open", || self.accepts());
    }

    fn accepts(&self) -> bool {
        TcpStream::connect(self.address).is_ok()
    }
}
