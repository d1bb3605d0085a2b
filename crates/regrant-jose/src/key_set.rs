use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::jwt::KeyId;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::jwk::{Jwk, JwkSet};
use crate::signer::Signer;

/// How much longer a former key stays than its last token lives, for nodes whose clocks differ.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

/// The signing keys of a server, and when each takes over. Clones share them.
///
/// Each algorithm has its own line of keys. A key is published from the moment it is [added](Self::add), signs from its time
/// on until the next one's, stays published until its last token has expired, and is then dropped. Nodes that were given the
/// same schedule change keys at the same moment, without talking to each other.
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
    /// The algorithm of clients that want no other.
    default: Algorithm,
    max_token_lifetime: Duration,
    /// In the order in which they take over; the `kid` decides between equals, so that all nodes agree.
    keys: RwLock<Vec<Arc<ScheduledKey>>>,
}

/// A key in its line.
pub(crate) struct ScheduledKey {
    pub(crate) id: KeyId,
    pub(crate) public: Jwk,
    pub(crate) signer: Box<dyn Signer>,
    active_from: Timestamp,
}

impl KeySet {
    /// A set with its first key, which signs from ever on. Its algorithm is the default. No token may live longer than
    /// `max_token_lifetime`: access tokens, `id_token`s, and introspection answers for as long as callers keep them.
    ///
    /// # Errors
    /// When the key is symmetric, or its `kid` is not 1 to 128 printable ASCII characters.
    pub fn new(first: impl Signer + 'static, max_token_lifetime: Duration) -> Result<Self, KeySetError> {
        let first = ScheduledKey::new(first, Timestamp::from_millis(i64::MIN))?;
        let default = first.public.algorithm();
        Ok(Self(Arc::new(Shared { default, max_token_lifetime, keys: RwLock::new(vec![Arc::new(first)]) })))
    }

    /// Adds a key that takes over from the former one of its algorithm at `active_from`, and tells how it is called. The first
    /// key of an algorithm is in use at once.
    ///
    /// Add it so early that every verifier has fetched the set again before: a day is usual. Add it again after a restart.
    ///
    /// # Errors
    /// When the key is symmetric, its `kid` is not 1 to 128 printable ASCII characters, or a key of this name is there.
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

    /// Takes a key out at once, a leaked one for instance: nothing that it signed is accepted any more, and replays cannot
    /// repeat it. The others of its algorithm close the gap.
    ///
    /// # Errors
    /// When it is the last key of the default algorithm: add another one first.
    pub fn withdraw(&self, id: &KeyId) -> Result<(), KeySetError> {
        let mut keys = self.write();
        let stays = |key: &Arc<ScheduledKey>| key.id != *id;
        if !keys.iter().any(|key| stays(key) && key.public.algorithm() == self.0.default) {
            return Err(KeySetError::Last);
        }
        keys.retain(stays);
        Ok(())
    }

    /// The keys that are published at `now`: those in use, those to come, and those whose tokens still live.
    #[must_use]
    pub fn public_keys(&self, now: Timestamp) -> JwkSet {
        self.at(now).iter().map(|key| key.public.clone()).collect()
    }

    /// The algorithms it has keys for, the default one first.
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let mut algorithms = vec![self.0.default];
        for key in self.read().iter() {
            if !algorithms.contains(&key.public.algorithm()) {
                algorithms.push(key.public.algorithm());
            }
        }
        algorithms
    }

    /// The key that signs at `now`: of this algorithm, or of the default one.
    pub(crate) fn in_use(&self, algorithm: Option<Algorithm>, now: Timestamp) -> Option<Arc<ScheduledKey>> {
        let keys = self.at(now);
        let of = |algorithm| {
            let mut line = keys.iter().filter(move |key| key.public.algorithm() == algorithm);
            let first = line.next()?;
            Some(line.take_while(|key| key.active_from <= now).last().unwrap_or(first))
        };
        algorithm.and_then(of).or_else(|| of(self.0.default)).cloned()
    }

    /// The key of this name, while it is held.
    pub(crate) fn key(&self, id: &str) -> Option<Arc<ScheduledKey>> {
        self.read().iter().find(|key| key.id.as_str() == id).cloned()
    }

    /// The keys as of `now`: what has served its time is dropped first.
    fn at(&self, now: Timestamp) -> RwLockReadGuard<'_, Vec<Arc<ScheduledKey>>> {
        let all_serve = self.serving(&self.read(), now).all(|serves| serves);
        if !all_serve {
            let mut keys = self.write();
            let mut serving: Vec<bool> = self.serving(&keys, now).collect();
            keys.retain(|_| serving.pop() == Some(true));
        }
        self.read()
    }

    /// Whether the last token of each key may still live, from the last key to the first.
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

/// Why a key cannot join a [`KeySet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Its public half would be its secret.
    #[error("a symmetric key cannot be published")]
    Symmetric,
    /// Its name is not one.
    #[error("the kid must be 1 to 128 printable ASCII characters")]
    InvalidKid,
    /// The set would have no key of its default algorithm.
    #[error("the last key of the default algorithm cannot be withdrawn")]
    Last,
    /// Two keys of one name: verifiers would try the wrong one.
    #[error("the set has a key of this name")]
    Duplicate,
}
