use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use regrant::clock::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::base64url;

/// Nonces for DPoP proofs (RFC 9449 section 8): a proof that carries one was made now, whatever the clock of its client says,
/// and not in advance.
///
/// Nothing is stored. Time is cut into slots, and the nonce of a slot is HMAC-SHA256 of its number, so that all processes with
/// the same key give and accept the same. A nonce is accepted in its slot and in the next: for one to two lifetimes.
#[derive(Clone)]
pub struct DpopNonces {
    key: Hmac<Sha256>,
    /// In seconds.
    lifetime: i64,
}

impl DpopNonces {
    /// How long a slot is by default.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    /// Nonces under `key`: 32 random bytes that nobody else knows and that are used for nothing else.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: prepared(key), lifetime: 0 }.with_lifetime(Self::LIFETIME)
    }

    /// Sets how long a slot is. Default five minutes; whole seconds, at least one.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX).max(1);
        self
    }

    /// The nonce of the slot in which `now` lies.
    pub(super) fn current(&self, now: Timestamp) -> String {
        self.of_slot(self.slot(now))
    }

    /// Until when `nonce` is accepted; `None` when it is not accepted at `now`.
    pub(super) fn accepted_until(&self, nonce: &str, now: Timestamp) -> Option<Timestamp> {
        let current = self.slot(now);
        // The time of the comparison must not tell how much of a guess was right.
        let is_of = |slot: &i64| bool::from(self.of_slot(*slot).as_bytes().ct_eq(nonce.as_bytes()));
        let slot = [current, current.saturating_sub(1)].into_iter().find(is_of)?;
        Some(Timestamp::from_millis(slot.saturating_add(2).saturating_mul(self.lifetime).saturating_mul(1000)))
    }

    fn slot(&self, now: Timestamp) -> i64 {
        now.as_secs().div_euclid(self.lifetime)
    }

    fn of_slot(&self, slot: i64) -> String {
        let mut mac = self.key.clone();
        mac.update(b"regrant DPoP nonce");
        mac.update(&slot.to_be_bytes());
        // Half of the MAC is the least that RFC 2104 section 5 advises, and no proof is to be longer than it must.
        base64url::encode(&mac.finalize().into_bytes()[..16])
    }
}

fn prepared(key: &[u8; 32]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl fmt::Debug for DpopNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopNonces").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
