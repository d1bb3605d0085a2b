//! Time as an argument: timestamps, the clock of the service, and a clock for tests.
//!
//! Decisions read the time only through [`Clock`], so tests of expiry never wait.
//!
//! The library computes in milliseconds, the protocol in seconds: see [`Timestamp::as_secs`].
//!
//! ```
//! use std::time::Duration;
//! use regrant::clock::{ManualClock, Timestamp};
//! use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
//!
//! let clock = ManualClock::starting_at("2026-11-23T12:00:00Z".parse()?);
//! let keys = KeyRing::generate(&SystemEntropy);
//! let service =
//!     TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).clock(clock.clone()).build()?;
//! clock.advance(Duration::from_secs(3600)); // every access token with the default lifetime has expired
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod rfc3339;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::vocabulary::{InvalidValue, forward_to_arc};

/// A point in time, in whole milliseconds since the Unix epoch.
///
/// Records store milliseconds too, so a timestamp is the same after it was written and read back. No expiry shifts
/// because a clock is more precise than the store.
///
/// ```
/// use std::time::Duration;
/// use regrant::clock::Timestamp;
///
/// let noon: Timestamp = "2026-11-23T12:00:00Z".parse()?;
/// assert_eq!((noon + Duration::from_secs(90)).to_string(), "2026-11-23T12:01:30Z");
/// assert_eq!(noon.since(noon + Duration::from_millis(1)), None);
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The timestamp `millis` milliseconds after the Unix epoch, or before the epoch if negative. Every value is valid.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since the Unix epoch, rounded down: the unit of `exp` and `iat` (RFC 7662 section
    /// 2.2).
    ///
    /// ```
    /// use regrant::clock::Timestamp;
    ///
    /// assert_eq!(Timestamp::from_millis(1_999).as_secs(), 1);
    /// assert_eq!(Timestamp::from_millis(-1).as_secs(), -1);
    /// ```
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Rounds up to a whole second. `exp` of a JWT has no fraction, and the token must not live shorter than its policy
    /// says.
    pub(crate) const fn rounded_up(self) -> Self {
        Self(self.0.saturating_add((-self.0).rem_euclid(1000)))
    }

    /// Rounds down to a whole second. An access token that is a JWT must not outlive its grant by a fraction.
    pub(crate) const fn rounded_down(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }

    /// Returns the time from `earlier` to `self`, or `None` if `earlier` is later than `self`.
    ///
    /// The two cases stay apart because clocks of nodes differ. A negative age read as 0 would open a window that has
    /// not begun.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates at the maximum instead of wrapping into the past.
    fn add(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with no more digits after the second than needed. After the year 9999, where that format ends,
    /// the number of milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match rfc3339::format(self.0) {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = InvalidValue;

    /// Parses a date and time of RFC 3339 with `Z` or an offset. Digits after the millisecond are cut off. A leap
    /// second at the end of a month (UTC) is read as the millisecond before.
    ///
    /// ```
    /// use regrant::clock::Timestamp;
    ///
    /// let noon: Timestamp = "2026-11-23T13:00:00+01:00".parse()?;
    /// assert_eq!(noon.to_string(), "2026-11-23T12:00:00Z");
    /// assert!("2026-11-23T12:00:00".parse::<Timestamp>().is_err()); // without an offset
    /// assert!("2026-02-29T12:00:00Z".parse::<Timestamp>().is_err()); // a day that does not exist
    /// # Ok::<(), regrant::InvalidValue>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidValue`] when the text has another form, or a date or time that does not exist.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        rfc3339::parse(text).map(Self).ok_or(InvalidValue::new("timestamp", "not RFC 3339"))
    }
}

/// The source of the time for [`TokenService`](crate::TokenService), read once per attempt.
///
/// # Contract
/// Clocks of nodes that share a store differ by at most 5 s. With a larger difference a retry of a refresh can be
/// answered 503 until the slower clock has caught up. A clock that is wrong on all nodes shifts every expiry by the
/// same time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

forward_to_arc! {
    Clock {
        fn now(&self) -> Timestamp;
    }
}

/// The wall clock of the machine. The default. A clock set before 1970 is read as the Unix epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the library reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::default() + since_epoch
    }
}

/// A clock that moves only when it is set, for tests of expiry. Clones share one time.
///
/// ```
/// use std::time::Duration;
/// use regrant::clock::{Clock, ManualClock, Timestamp};
///
/// let clock = ManualClock::starting_at(Timestamp::from_millis(1_000));
/// let hand = clock.clone();
/// hand.advance(Duration::from_millis(1));
/// assert_eq!(clock.now(), Timestamp::from_millis(1_001));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_millis())))
    }

    /// Moves the clock forward. Saturates at the maximum.
    pub fn advance(&self, span: Duration) {
        self.set(self.now() + span);
    }

    /// Sets the clock, also backwards: a test of clocks that differ between nodes.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
