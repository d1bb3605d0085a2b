use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use regrant::clock::Timestamp;

use crate::jwk::JwkSet;

/// Fetches the keys of a client or of an issuer from its `jwks_uri` (RFC 7591 section 2).
///
/// # Contract
/// * Each call fetches the keys again. [`KeySource`] decides when to call.
/// * The call ends: set a timeout. Requests that need the keys wait for it.
/// * The address is the registered one. An address from a token (`jku`, `x5u`) is chosen by the attacker.
/// * The response is limited in size ([`JwkSet::MAX_LENGTH`]). Redirects to other hosts are not followed.
///
/// The feature `http` has an implementation: `http::JwksUri`.
#[async_trait]
pub trait ResolveKeys: Send + Sync {
    /// Returns the published keys.
    ///
    /// # Errors
    /// When the keys cannot be fetched. A response that is not a key set is an error, not an empty set.
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>>;
}

/// The keys in a response, and the time for which their owner lets others keep them. A [`JwkSet`] converts into it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PublishedKeys {
    /// The keys.
    pub keys: JwkSet,
    /// `max-age` of the response (RFC 9111 section 5.2.2.1), if it has one. It shortens
    /// [`KeySource::with_max_age`], and never prolongs it.
    pub max_age: Option<Duration>,
}

impl PublishedKeys {
    /// Sets the time for which the owner lets others keep the keys.
    #[must_use]
    pub fn with_max_age(mut self, max_age: impl Into<Option<Duration>>) -> Self {
        self.max_age = max_age.into();
        self
    }
}

impl From<JwkSet> for PublishedKeys {
    fn from(keys: JwkSet) -> Self {
        Self { keys, max_age: None }
    }
}

/// The keys of a client or of an issuer: registered, or fetched from a `jwks_uri`.
///
/// Fetched keys are used for [`max_age`](Self::with_max_age). They are fetched again earlier if none of them fits a
/// token, since the owner may have changed them, but at most once per [`cooldown`](Self::with_cooldown): invalid tokens
/// sent to this server must not cause a flood of requests to the owner. Concurrent requests share one fetch. If the
/// request that started a fetch is cancelled, the next one continues it. Clones share the fetched keys.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use regrant_jose::key::ResolveKeys;
/// use regrant_jose::{JwkSet, KeySource};
///
/// # fn example(jwks: JwkSet, resolver: Arc<dyn ResolveKeys>) {
/// let registered = KeySource::from(jwks);
/// let published = KeySource::resolved_by(resolver).with_cooldown(Duration::from_secs(10));
/// # }
/// ```
#[derive(Clone)]
pub struct KeySource(Origin);

#[derive(Clone)]
enum Origin {
    Registered(Arc<JwkSet>),
    Published(Published),
}

#[derive(Clone)]
struct Published {
    resolver: Arc<dyn ResolveKeys>,
    cooldown: Duration,
    max_age: Duration,
    outage_grace: Duration,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The last fetch: pending, failed or successful.
    last: Option<(Timestamp, Reading)>,
    /// The keys of the last successful fetch.
    keys: Option<(Timestamp, Arc<PublishedKeys>)>,
}

type Reading = Shared<BoxFuture<'static, Result<Arc<PublishedKeys>, KeysUnavailable>>>;

/// Published keys could not be fetched. The next attempt may succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the keys cannot be fetched")]
pub struct KeysUnavailable(#[source] Arc<dyn Error + Send + Sync>);

impl KeySource {
    /// The default minimum time between two fetches: 30 seconds.
    pub const COOLDOWN: Duration = Duration::from_secs(30);
    /// The default maximum age of fetched keys: ten minutes.
    pub const MAX_AGE: Duration = Duration::from_secs(600);

    /// Creates a source of published keys, fetched by `resolver`.
    #[must_use]
    pub fn resolved_by(resolver: Arc<dyn ResolveKeys>) -> Self {
        let (cooldown, max_age, outage_grace) = (Self::COOLDOWN, Self::MAX_AGE, Duration::ZERO);
        Self(Origin::Published(Published { resolver, cooldown, max_age, outage_grace, seen: Arc::default() }))
    }

    /// Sets the minimum time between two fetches, failed ones included. Default: 30 seconds. A new key may be refused
    /// for this long.
    #[must_use]
    pub fn with_cooldown(mut self, cooldown: Duration) -> Self {
        if let Origin::Published(published) = &mut self.0 {
            published.cooldown = cooldown;
        }
        self
    }

    /// Sets the maximum age of fetched keys. Default: 10 minutes. A withdrawn key may be accepted for this long. Their
    /// owner may state a shorter time ([`PublishedKeys::max_age`]), which counts from the cooldown on.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        if let Origin::Published(published) = &mut self.0 {
            published.max_age = max_age;
        }
        self
    }

    /// Sets the additional time for which keys are used while they cannot be fetched. Default: zero. A withdrawn key
    /// may be accepted for this much longer: weigh that against the longest outage.
    #[must_use]
    pub fn with_outage_grace(mut self, outage_grace: Duration) -> Self {
        if let Origin::Published(published) = &mut self.0 {
            published.outage_grace = outage_grace;
        }
        self
    }

    /// Returns the result of `choose` on the cached keys. If that is an error, fetches the keys once and tries again.
    ///
    /// # Errors
    /// When keys that might fit cannot be fetched.
    pub(crate) async fn find<T, E, F>(&self, now: Timestamp, choose: F) -> Result<Result<T, E>, KeysUnavailable>
    where
        F: Fn(&JwkSet) -> Result<T, E> + Send,
        T: Send,
        E: Send,
    {
        match &self.0 {
            Origin::Registered(keys) => Ok(choose(keys)),
            Origin::Published(published) => {
                let known = published.known(Duration::ZERO, now);
                let chosen = known.as_deref().map(|known| choose(&known.keys));
                if let Some(Ok(found)) = chosen {
                    return Ok(Ok(found));
                }
                let read = match published.read(now).await {
                    Ok(read) => read,
                    Err(unavailable) => {
                        // A key that is not among the former ones may be among the new ones, so only success counts
                        // here.
                        let former = published.known(published.outage_grace, now);
                        return former.and_then(|former| choose(&former.keys).ok()).map(Ok).ok_or(unavailable);
                    }
                };
                // The same keys would only cost a second verification.
                match (known, chosen) {
                    (Some(known), Some(chosen)) if Arc::ptr_eq(&known, &read) => Ok(chosen),
                    _ => Ok(choose(&read.keys)),
                }
            }
        }
    }
}

impl Published {
    /// The keys of the last successful fetch, if they became too old less than `grace` ago.
    fn known(&self, grace: Duration, now: Timestamp) -> Option<Arc<PublishedKeys>> {
        let seen = self.seen();
        let (read_at, published) = seen.keys.as_ref()?;
        let max_age = published.max_age.map_or(self.max_age, |stated| stated.min(self.max_age));
        is_within(max_age.saturating_add(grace), *read_at, now).then(|| Arc::clone(published))
    }

    /// The result of the last fetch during the cooldown, otherwise of a new one.
    async fn read(&self, now: Timestamp) -> Result<Arc<PublishedKeys>, KeysUnavailable> {
        let (read_at, reading) = self.reading(now);
        let keys = reading.await?;
        let mut seen = self.seen();
        if seen.keys.as_ref().is_none_or(|(known_at, _)| *known_at <= read_at) {
            seen.keys = Some((read_at, Arc::clone(&keys)));
        }
        Ok(keys)
    }

    /// Records the fetch before it starts: a sender of garbage who hangs up must not start a new one each time.
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
        // No code under this lock can panic halfway.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns true if `now` and `then` are less than `span` apart, in either order: of two requests, the one that read the
/// clock first may come second. A clock that is set back by more than `span` counts as a long time, otherwise nothing
/// would be fetched until it catches up.
pub(crate) fn is_within(span: Duration, then: Timestamp, now: Timestamp) -> bool {
    now.since(then).or_else(|| then.since(now)).is_some_and(|apart| apart < span)
}

impl From<JwkSet> for KeySource {
    fn from(keys: JwkSet) -> Self {
        Self(Origin::Registered(Arc::new(keys)))
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
