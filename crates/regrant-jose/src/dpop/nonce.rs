use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use regrant::KeyRing;
use regrant::clock::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::base64url;

/// Nonces for DPoP proofs (RFC 9449 section 8). A proof with a current nonce was made recently, even if the clock of
/// its client is wrong; it cannot be made in advance.
///
/// Nothing is stored. Time is divided into slots, and the nonce of a slot is HMAC-SHA256 of its number. All processes
/// with the same key issue and accept the same nonces: with other keys, a client that is sent from node to node would
/// repeat each request. A nonce is accepted in its slot and in the next one: for one to two lifetimes.
///
/// ```
/// use regrant::{KeyRing, SystemEntropy};
/// use regrant_jose::dpop::DpopNonces;
///
/// let ring = KeyRing::generate(&SystemEntropy); // in production: the ring of the service, the same on every node
/// let nonces = DpopNonces::from_key_ring(&ring);
/// ```
#[derive(Clone)]
pub struct DpopNonces {
    /// The key of new nonces.
    key: Hmac<Sha256>,
    /// The keys of nonces of nodes that have rotated their ring earlier or later.
    others: Vec<Hmac<Sha256>>,
    /// The length of a slot, in seconds.
    lifetime: i64,
}

impl DpopNonces {
    /// The default length of a slot: five minutes.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    /// Creates nonces from `key`: 32 random bytes that are secret and have no other use.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: mac_key(key), others: Vec::new(), lifetime: 0 }.with_lifetime(Self::LIFETIME)
    }

    /// Creates nonces from the key ring of the service. Nonces of all keys of the ring are accepted, so a rotation of
    /// the ring costs no client a request.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a ring has a primary key")]
    pub fn from_key_ring(ring: &KeyRing) -> Self {
        let mut keys = ring.derive("regrant DPoP nonces").map(|key| mac_key(&key));
        #[expect(clippy::expect_used, reason = "a ring has a primary key")]
        let key = keys.next().expect("a ring has a primary key");
        Self { key, others: keys.collect(), lifetime: 0 }.with_lifetime(Self::LIFETIME)
    }

    /// Sets the length of a slot. Default: five minutes. Whole seconds, at least one.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX).max(1);
        self
    }

    /// The nonce of the current slot.
    pub(super) fn current(&self, now: Timestamp) -> String {
        Self::for_slot(&self.key, self.slot(now))
    }

    /// The end of the time in which `nonce` is accepted; `None` if it is not accepted at `now`.
    pub(super) fn accepted_until(&self, nonce: &str, now: Timestamp) -> Option<Timestamp> {
        let current = self.slot(now);
        // Constant time: the duration must not show how much of a guess was right.
        let keys = || std::iter::once(&self.key).chain(&self.others);
        let is_of_key = |key, slot| bool::from(Self::for_slot(key, slot).as_bytes().ct_eq(nonce.as_bytes()));
        let is_of = |slot: &i64| keys().any(|key| is_of_key(key, *slot));
        let slot = [current, current.saturating_sub(1)].into_iter().find(is_of)?;
        Some(Timestamp::from_millis(slot.saturating_add(2).saturating_mul(self.lifetime).saturating_mul(1000)))
    }

    fn slot(&self, now: Timestamp) -> i64 {
        now.as_secs().div_euclid(self.lifetime)
    }

    fn for_slot(key: &Hmac<Sha256>, slot: i64) -> String {
        let mut mac = key.clone();
        mac.update(b"regrant DPoP nonce");
        mac.update(&slot.to_be_bytes());
        // RFC 2104 section 5 advises at least half of the MAC. The nonce stays short because it is a part of each
        // proof.
        base64url::encode(&mac.finalize().into_bytes()[..16])
    }
}

fn mac_key(key: &[u8; 32]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl fmt::Debug for DpopNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopNonces").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
