use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use regrant::clock::Timestamp;

use crate::jwk::JwkSet;

/// Reads the keys of a client or of an issuer from where it publishes them (`jwks_uri`, RFC 7591 section 2).
///
/// # Contract
/// * Every call reads anew. Who calls, and how often, is [`KeySource`]'s business.
/// * It ends: set a timeout. Requests that need the keys wait for it.
/// * The place is the registered one. An address from a token (`jku`, `x5u`) is the attacker's to choose.
/// * What it reads is bounded ([`JwkSet::MAX_LENGTH`]), and its redirects are not followed to other hosts.
#[async_trait]
pub trait ResolveKeys: Send + Sync {
    /// The keys that are published now.
    ///
    /// # Errors
    /// When they cannot be read. An answer that is no key set is an error too, not an empty set.
    async fn resolve(&self) -> Result<JwkSet, Box<dyn Error + Send + Sync>>;
}

/// Where the keys of a client or of an issuer come from: registered with it, or read from where it publishes them.
///
/// Keys that were read serve for [`max_age`](Self::with_max_age). They are read again before that when none of them fits, since
/// their owner may have changed them, but never more often than once per [`cooldown`](Self::with_cooldown), so that
/// garbage at our door does not become requests at theirs. Requests that come together share one reading; one that is
/// given up is carried on by the next.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use regrant_jose::{JwkSet, KeySource, ResolveKeys};
///
/// # fn example(jwks: JwkSet, resolver: Arc<dyn ResolveKeys>) {
/// let registered = KeySource::from(jwks);
/// let published = KeySource::resolved_by(resolver).with_cooldown(Duration::from_secs(10));
/// # }
/// ```
pub struct KeySource(Origin);

enum Origin {
    Registered(JwkSet),
    Published(Published),
}

struct Published {
    resolver: Arc<dyn ResolveKeys>,
    cooldown: Duration,
    max_age: Duration,
    outage_grace: Duration,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The last reading, which may still be under way, or have failed.
    last: Option<(Timestamp, Reading)>,
    /// What the last successful one brought.
    keys: Option<(Timestamp, Arc<JwkSet>)>,
}

type Reading = Shared<BoxFuture<'static, Result<Arc<JwkSet>, KeysUnavailable>>>;

/// Keys could not be read from where they are published. The next attempt may succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the keys cannot be read")]
pub struct KeysUnavailable(#[source] Arc<dyn Error + Send + Sync>);

impl KeySource {
    /// How often keys are read at most, by default.
    pub const COOLDOWN: Duration = Duration::from_secs(30);
    /// How long keys that were read serve, by default.
    pub const MAX_AGE: Duration = Duration::from_secs(600);

    /// Keys that `resolver` reads.
    #[must_use]
    pub fn resolved_by(resolver: Arc<dyn ResolveKeys>) -> Self {
        let (cooldown, max_age, outage_grace) = (Self::COOLDOWN, Self::MAX_AGE, Duration::ZERO);
        Self(Origin::Published(Published { resolver, cooldown, max_age, outage_grace, seen: Mutex::default() }))
    }

    /// Sets how long it waits between two readings, also after one that failed. Default 30 seconds. It is how long a new key
    /// may be refused.
    #[must_use]
    pub fn with_cooldown(mut self, cooldown: Duration) -> Self {
        if let Origin::Published(published) = &mut self.0 {
            published.cooldown = cooldown;
        }
        self
    }

    /// Sets how long keys serve before they are read again. Default 10 minutes. It is how long a withdrawn key is accepted.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        if let Origin::Published(published) = &mut self.0 {
            published.max_age = max_age;
        }
        self
    }

    /// Sets for how much longer keys serve while they cannot be read again. Default not at all. It is how much longer a withdrawn
    /// key may be accepted: choose what the longest outage is worth.
    #[must_use]
    pub fn with_outage_grace(mut self, outage_grace: Duration) -> Self {
        if let Origin::Published(published) = &mut self.0 {
            published.outage_grace = outage_grace;
        }
        self
    }

    /// Returns the result of `choose` for the keys that are known, or for newer ones where it finds nothing in those.
    ///
    /// # Errors
    /// When that cannot be told, because keys that may be there cannot be read.
    pub(crate) async fn find<T, E, F>(&self, now: Timestamp, choose: F) -> Result<Result<T, E>, KeysUnavailable>
    where
        F: Fn(&JwkSet) -> Result<T, E> + Send,
        T: Send,
        E: Send,
    {
        match &self.0 {
            Origin::Registered(keys) => Ok(choose(keys)),
            Origin::Published(published) => {
                let known = published.known(published.max_age, now);
                let chosen = known.as_deref().map(&choose);
                if let Some(Ok(found)) = chosen {
                    return Ok(Ok(found));
                }
                let read = match published.read(now).await {
                    Ok(read) => read,
                    Err(unavailable) => {
                        // A key that is not among the former ones may be among the new ones: that is not known.
                        let former = published.known(published.max_age.saturating_add(published.outage_grace), now);
                        return former.and_then(|former| choose(&former).ok()).map(Ok).ok_or(unavailable);
                    }
                };
                // A second look at the same keys would only cost a second verification.
                match (known, chosen) {
                    (Some(known), Some(chosen)) if Arc::ptr_eq(&known, &read) => Ok(chosen),
                    _ => Ok(choose(&read)),
                }
            }
        }
    }
}

impl Published {
    /// The keys of the last successful reading, unless they are older than that.
    fn known(&self, max_age: Duration, now: Timestamp) -> Option<Arc<JwkSet>> {
        let seen = self.seen();
        let (read_at, keys) = seen.keys.as_ref()?;
        is_within(max_age, *read_at, now).then(|| Arc::clone(keys))
    }

    /// The outcome of the last reading while the cooldown lasts, or else of a new one.
    async fn read(&self, now: Timestamp) -> Result<Arc<JwkSet>, KeysUnavailable> {
        let (read_at, reading) = self.reading(now);
        let keys = reading.await?;
        let mut seen = self.seen();
        if seen.keys.as_ref().is_none_or(|(known_at, _)| *known_at <= read_at) {
            seen.keys = Some((read_at, Arc::clone(&keys)));
        }
        Ok(keys)
    }

    /// It is noted before it begins: who sends nonsense and hangs up must not start a new one each time.
    fn reading(&self, now: Timestamp) -> (Timestamp, Reading) {
        let mut seen = self.seen();
        if let Some(last) = seen.last.as_ref().filter(|(begun_at, _)| is_within(self.cooldown, *begun_at, now)) {
            return last.clone();
        }
        let resolver = Arc::clone(&self.resolver);
        let reading = async move {
            let keys = resolver.resolve().await.map_err(|cause| KeysUnavailable(cause.into()))?;
            Ok(Arc::new(keys))
        };
        let begun = (now, reading.boxed().shared());
        seen.last = Some(begun.clone());
        begun
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing under this lock can panic half way.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `now` and `then` are less than `span` apart. Of two requests the one that read the clock first may come second; a
/// clock that was set back further counts as long ago, or nothing would be read until it has caught up.
pub(crate) fn is_within(span: Duration, then: Timestamp, now: Timestamp) -> bool {
    now.since(then).or_else(|| then.since(now)).is_some_and(|apart| apart < span)
}

impl From<JwkSet> for KeySource {
    fn from(keys: JwkSet) -> Self {
        Self(Origin::Registered(keys))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Origin::Registered(_) => "KeySource(registered)",
            Origin::Published(_) => "KeySource(published)",
        })
    }
}
