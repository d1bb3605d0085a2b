use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Admission, Attempt, AttemptOutcome, RateLimit};
use crate::ports::Unavailable;

/// The number of independent tables.
const TABLES: usize = 2;

/// The number of places of each table.
const PLACES: usize = 1 << 15;

/// A [`RateLimit`] in memory: each sender has a number of wrong attempts, which are refilled one by one. Right attempts
/// cost nothing.
///
/// Attempts are counted by their [`peer`](Attempt::peer), whatever the client and the endpoint. Attempts without a peer
/// are counted by the client that they claim, so strangers can lock a client out: let the host name the peer. Each
/// process counts for itself.
///
/// The memory is fixed, half a megabyte, whatever is sent. No entry is ever dropped to make room for another one: an
/// attacker with many addresses would clear the own entries with them. Instead, senders share places. An innocent
/// sender is refused if both places are shared with a sender that is refused. With 100 refused senders that happens to
/// one of 100 000, and with 1000 to one of 1000.
///
/// ```
/// use std::time::Duration;
///
/// use regrant::host::AttemptLimit;
/// use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
///
/// // Twenty wrong attempts at once, and then one every thirty seconds.
/// let limit = AttemptLimit::new(20, Duration::from_secs(30));
/// let keys = KeyRing::generate(&SystemEntropy);
/// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).rate_limit(limit).build()?;
/// # Ok::<(), regrant::policy::PolicyError>(())
/// ```
///
/// The sign-in page of the host can share the limit:
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use regrant::clock::{Clock, SystemClock};
/// use regrant::host::{Admission, Attempt, AttemptKind, AttemptLimit, AttemptOutcome, Peer, RateLimit};
///
/// # fn password_is_right() -> bool { false }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let limit = Arc::new(AttemptLimit::new(1, Duration::from_secs(30)));
/// let peer = Peer::address("192.0.2.7".parse()?);
/// let attempt = Attempt::new(AttemptKind::SignIn, SystemClock.now()).with_peer(&peer);
/// assert_eq!(limit.admit(&attempt).await?, Admission::Admitted);
/// let outcome = if password_is_right() { AttemptOutcome::Right } else { AttemptOutcome::Wrong };
/// limit.settle(&attempt, outcome).await;
/// assert_eq!(limit.admit(&attempt).await?, Admission::Refused { retry_after: Duration::from_secs(30) });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AttemptLimit {
    /// The time in which one attempt is refilled, in milliseconds.
    refill: i64,
    /// The time in which all attempts but one are refilled, in milliseconds.
    slack: i64,
    /// Seeded, so that nobody can choose a sender that shares the places of another one.
    hashers: [RandomState; TABLES],
    /// The time at which each place has all its attempts again, in milliseconds. A time in the past is as good as now.
    full_at: Mutex<Vec<i64>>,
}

impl AttemptLimit {
    /// A limit of `burst` wrong attempts at once, at least 1, and one more after each `refill`. A `refill` of zero is
    /// no limit.
    #[must_use]
    pub fn new(burst: u32, refill: Duration) -> Self {
        let burst = i64::from(burst.max(1));
        // No sum below overflows, so no limit turns into none.
        let refill = i64::try_from(refill.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 4 / burst);
        Self {
            refill,
            slack: refill * (burst - 1),
            hashers: std::array::from_fn(|_| RandomState::new()),
            full_at: Mutex::new(vec![i64::MIN; TABLES * PLACES]),
        }
    }

    /// Returns the places of the sender, one in each table.
    fn places(&self, attempt: &Attempt<'_>) -> [usize; TABLES] {
        let sender = match (attempt.peer, attempt.client_id) {
            (Some(peer), _) => Sender::Peer(peer.as_str()),
            (None, Some(client_id)) => Sender::Client(client_id.as_str()),
            (None, None) => Sender::Nobody,
        };
        std::array::from_fn(|table| {
            #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash choose a place")]
            let hash = self.hashers[table].hash_one(&sender) as usize;
            table * PLACES + hash % PLACES
        })
    }

    /// Ignores poisoning: nothing panics under the lock.
    fn full_at(&self) -> MutexGuard<'_, Vec<i64>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sender by which an attempt is counted.
#[derive(Hash)]
enum Sender<'a> {
    Peer(&'a str),
    Client(&'a str),
    Nobody,
}

#[async_trait]
impl RateLimit for AttemptLimit {
    /// Takes an attempt, before its outcome is known: a thousand attempts at once must not all be admitted.
    async fn admit(&self, attempt: &Attempt<'_>) -> Result<Admission, Unavailable> {
        let (places, now) = (self.places(attempt), attempt.at.as_millis());
        let mut full_at = self.full_at();
        // A shared place has the attempts of several senders, so the emptier one is nearer to the truth.
        let own = places.iter().map(|place| full_at[*place]).min().unwrap_or(i64::MIN);
        let wait = own.saturating_sub(self.slack).saturating_sub(now);
        if let Ok(wait @ 1..) = u64::try_from(wait) {
            return Ok(Admission::Refused { retry_after: Duration::from_millis(wait) });
        }
        for place in places {
            full_at[place] = full_at[place].max(now).saturating_add(self.refill);
        }
        Ok(Admission::Admitted)
    }

    /// Gives the attempt back, unless the credential was wrong.
    async fn settle(&self, attempt: &Attempt<'_>, outcome: AttemptOutcome) {
        if outcome != AttemptOutcome::Wrong {
            let mut full_at = self.full_at();
            for place in self.places(attempt) {
                full_at[place] = full_at[place].saturating_sub(self.refill);
            }
        }
    }
}

impl fmt::Debug for AttemptLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptLimit").field("refill_millis", &self.refill).finish_non_exhaustive()
    }
}
