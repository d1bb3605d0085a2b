use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use std::{fmt, iter};

use regrant::clock::Timestamp;
use regrant::jwt::KeyId;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::jwk::{Jwk, JwkSet};
use crate::key::Signer;

/// The extra time for which a former key is kept, for nodes whose clocks differ.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

/// The signing keys of a server and their schedule. Clones share the keys.
///
/// Each algorithm has its own sequence of keys. A key is published as soon as it is [added](Self::add). It signs from
/// its start time until that of the next key, stays published until its last token has expired, and is then dropped.
/// Nodes with the same schedule change keys at the same moment, without communication.
///
/// ```
/// use std::time::Duration;
/// use regrant::SystemEntropy;
/// use regrant::clock::Timestamp;
/// use regrant_jose::{Algorithm, KeySet, PrivateKey};
///
/// let key = || PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy);
/// let keys = KeySet::new(key()?, Duration::from_secs(3600))?;
/// let monday: Timestamp = "2026-11-23T00:00:00Z".parse()?;
/// keys.add(key()?, monday)?;
///
/// let published = |at: Timestamp| keys.public_keys(at).iter().count();
/// assert_eq!(published(monday), 2);
/// assert_eq!(published(monday + Duration::from_secs(7200)), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeySet(Arc<Shared>);

struct Shared {
    /// The default algorithm.
    default: Algorithm,
    max_token_lifetime: Duration,
    /// Sorted by start time, then by `kid`, so that all nodes agree.
    keys: RwLock<Vec<Arc<ScheduledKey>>>,
}

/// A key and its start time.
pub(crate) struct ScheduledKey {
    pub(crate) id: KeyId,
    pub(crate) public: Jwk,
    pub(crate) signer: Box<dyn Signer>,
    active_from: Timestamp,
}

impl KeySet {
    /// Creates a set whose first key is active from the beginning of time. The algorithm of this key is the default.
    ///
    /// `max_token_lifetime` is the longest lifetime of any token: access tokens, `id_token`s, and introspection answers
    /// for as long as callers keep them.
    ///
    /// # Errors
    /// When the key is symmetric, or its `kid` is not 1 to 128 printable ASCII characters.
    pub fn new(first: impl Signer + 'static, max_token_lifetime: Duration) -> Result<Self, KeySetError> {
        let first = ScheduledKey::new(first, Timestamp::from_millis(i64::MIN))?;
        let default = first.public.algorithm();
        Ok(Self(Arc::new(Shared { default, max_token_lifetime, keys: RwLock::new(vec![Arc::new(first)]) })))
    }

    /// Adds a key that replaces the former one of its algorithm at `active_from`, and returns its id. The first key of
    /// an algorithm is active at once.
    ///
    /// Add the key early enough for all verifiers to fetch the set again first: a day is usual. Add it again after a
    /// restart.
    ///
    /// # Errors
    /// When the key is symmetric, its `kid` is not 1 to 128 printable ASCII characters, or the set has a key with this
    /// id.
    pub fn add(&self, signer: impl Signer + 'static, active_from: Timestamp) -> Result<KeyId, KeySetError> {
        let key = ScheduledKey::new(signer, active_from)?;
        let mut keys = self.write();
        if keys.iter().any(|other| other.id == key.id) {
            return Err(KeySetError::Duplicate);
        }
        let id = key.id.clone();
        keys.push(Arc::new(key));
        keys.sort_by(|one, other| (one.active_from, one.id.as_str()).cmp(&(other.active_from, other.id.as_str())));
        Ok(id)
    }

    /// Removes a key at once, for example a leaked one. Its tokens are no longer accepted, and replays cannot repeat
    /// them. The other keys of its algorithm fill the gap.
    ///
    /// # Errors
    /// When the key is the last one of the default algorithm: add another one first.
    pub fn withdraw(&self, id: &KeyId) -> Result<(), KeySetError> {
        let mut keys = self.write();
        let stays = |key: &Arc<ScheduledKey>| key.id != *id;
        if !keys.iter().any(|key| stays(key) && key.public.algorithm() == self.0.default) {
            return Err(KeySetError::Last);
        }
        keys.retain(stays);
        Ok(())
    }

    /// The published keys: current ones, future ones, and former ones whose tokens may still be valid.
    #[must_use]
    pub fn public_keys(&self, now: Timestamp) -> JwkSet {
        self.at(now).iter().map(|key| key.public.clone()).collect()
    }

    /// The algorithms of the keys: the default one, and the others in a fixed order.
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let default = self.0.default;
        let others: BTreeSet<_> = self.read().iter().map(|key| key.public.algorithm()).collect();
        iter::once(default).chain(others.into_iter().filter(|other| *other != default)).collect()
    }

    /// The longest lifetime of a token for which its key is kept, as it was given to [`new`](Self::new).
    #[must_use]
    pub fn max_token_lifetime(&self) -> Duration {
        self.0.max_token_lifetime
    }

    /// The key that signs at `now`, of this algorithm or of the default one.
    pub(crate) fn in_use(&self, algorithm: Option<Algorithm>, now: Timestamp) -> Option<Arc<ScheduledKey>> {
        let keys = self.at(now);
        let of = |algorithm| {
            let mut line = keys.iter().filter(move |key| key.public.algorithm() == algorithm);
            let first = line.next()?;
            Some(line.take_while(|key| key.active_from <= now).last().unwrap_or(first))
        };
        algorithm.and_then(of).or_else(|| of(self.0.default)).cloned()
    }

    /// The key with this id, if the set has it.
    pub(crate) fn key(&self, id: &str) -> Option<Arc<ScheduledKey>> {
        self.read().iter().find(|key| key.id.as_str() == id).cloned()
    }

    /// Drops keys that are no longer needed at `now`, and returns the others.
    fn at(&self, now: Timestamp) -> RwLockReadGuard<'_, Vec<Arc<ScheduledKey>>> {
        let all_serve = self.serving(&self.read(), now).all(|serves| serves);
        if !all_serve {
            let mut keys = self.write();
            let mut serving: Vec<bool> = self.serving(&keys, now).collect();
            keys.retain(|_| serving.pop() == Some(true));
        }
        self.read()
    }

    /// For each key, from last to first: true if a token of this key may still be valid.
    fn serving(&self, keys: &[Arc<ScheduledKey>], now: Timestamp) -> impl Iterator<Item = bool> {
        let kept = self.0.max_token_lifetime.saturating_add(CLOCK_DIFFERENCE);
        keys.iter().enumerate().rev().map(move |(index, key)| {
            let algorithm = key.public.algorithm();
            let successor = keys[index + 1..].iter().find(|next| next.public.algorithm() == algorithm);
            successor.is_none_or(|next| now < next.active_from + kept)
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Arc<ScheduledKey>>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Arc<ScheduledKey>>> {
        self.0.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.read().iter().map(|key| (&key.public, key.active_from))).finish()
    }
}

impl ScheduledKey {
    fn new(signer: impl Signer + 'static, active_from: Timestamp) -> Result<Self, KeySetError> {
        let public = signer.public_key();
        if public.algorithm().is_symmetric() {
            return Err(KeySetError::Symmetric);
        }
        let id = public.kid().map_or_else(|| base64url::encode(public.thumbprint()), str::to_owned);
        let id = KeyId::new(id).map_err(|_| KeySetError::InvalidKid)?;
        Ok(Self { public: public.with_kid(id.as_str()), id, signer: Box::new(signer), active_from })
    }
}

/// The reason why a [`KeySet`] does not accept a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// The key is symmetric: publishing it would publish the secret.
    #[error("a symmetric key cannot be published")]
    Symmetric,
    /// The key id is invalid.
    #[error("the kid must be 1 to 128 printable ASCII characters")]
    InvalidKid,
    /// The change would leave no key of the default algorithm.
    #[error("the last key of the default algorithm cannot be withdrawn")]
    Last,
    /// Two keys with one id: verifiers would try the wrong one.
    #[error("the set has a key with this id")]
    Duplicate,
}
