//! The proxy of the conformance kit, with faults that a seed chooses.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use regrant_conformance::Fault;

use crate::random::Random;

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

/// A [`regrant_conformance::Proxy`] whose faults are values, so that a table or a seed chooses among them.
#[derive(Debug)]
pub struct Proxy(regrant_conformance::Proxy);

impl Proxy {
    /// Connections from this address are never disturbed.
    pub(crate) const UNDISTURBED: Ipv4Addr = regrant_conformance::Proxy::UNDISTURBED;

    /// Starts a proxy that forwards to `server`, which need not run yet.
    #[must_use]
    pub fn before(server: SocketAddr) -> Self {
        Self(regrant_conformance::Proxy::start(server))
    }

    /// Address of the proxy; the same after an outage.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Leads new connections to another server, as an address does that moves in a failover. Open ones stay.
    pub fn lead_to(&self, server: SocketAddr) {
        self.0.redirect(server);
    }

    /// Sets the next disturbance. Replaces one that has not happened yet.
    pub fn disturb(&self, disturbance: Disturbance) {
        self.disturb_after(0, disturbance);
    }

    /// Sets a disturbance after `requests` undisturbed requests. A blackhole begins at once all the same.
    pub fn disturb_after(&self, requests: u32, disturbance: Disturbance) {
        let fault = match disturbance {
            Disturbance::DropReply => Fault::DropReply,
            Disturbance::CutRequest => Fault::CutRequest,
            Disturbance::Delay(span) => Fault::Delay(span),
            Disturbance::Blackhole(span) => return self.0.swallow_for(span),
        };
        self.0.disturb_after(requests, fault);
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
        self.0.disturbed()
    }

    /// Removes a disturbance that has not happened yet, and ends a blackhole.
    pub fn clear(&self) {
        self.0.mend();
    }

    /// Starts an outage: closes all connections and refuses new ones. Returns when it has begun.
    pub fn shut(&self) {
        self.0.cut();
    }

    /// Ends an outage.
    pub fn reopen(&self) {
        self.0.mend();
    }
}
