//! The secrets of the key ring.

use std::sync::{Arc, Mutex, PoisonError};

use regrant::token::KeyRingError;
use regrant::{Key, KeyRing, SystemEntropy};
use toml::Spanned;
use tracing::warn;

use super::error::Fault;

/// The most keys that are drawn for one with an id of its own.
const DRAWS: usize = 100;

/// The secrets from which rings are made, that of the primary key first. Kept, because a ring gives no key away. Clones
/// share them.
#[derive(Clone)]
pub(crate) struct Ring(Arc<Mutex<Vec<String>>>);

impl Ring {
    /// The configured keys, or a random one.
    pub(super) fn of(keys: &[Spanned<String>]) -> Result<Self, Fault> {
        let mut secrets = Vec::new();
        for text in keys {
            secrets.push(text.get_ref().clone());
            ring(&secrets).map_err(|error| Fault::at(text, "keys", error))?;
        }
        if secrets.is_empty() {
            warn!("no keys configured: all tokens die with this process");
            secrets.push(drawn().map_err(|error| Fault::of_all(error, "keys"))?);
        }
        Ok(Self(Arc::new(Mutex::new(secrets))))
    }

    pub(super) fn keys(&self) -> Result<KeyRing, KeyRingError> {
        ring(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a new key the primary one, and returns the ring and the number of its keys. The others still open their
    /// tokens.
    pub(crate) fn rotate(&self) -> Result<(KeyRing, usize), KeyRingError> {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut draws = 0;
        loop {
            draws += 1;
            let rotated = [vec![drawn()?], secrets.clone()].concat();
            match ring(&rotated) {
                // The id has one byte.
                Err(KeyRingError::DuplicateId(_)) if draws < DRAWS => {}
                Err(error) => return Err(error),
                Ok(keys) => {
                    *secrets = rotated;
                    return Ok((keys, secrets.len()));
                }
            }
        }
    }
}

fn drawn() -> Result<String, KeyRingError> {
    let (_, text) = Key::generate(&SystemEntropy)?;
    Ok(text.expose().to_owned())
}

fn ring(secrets: &[String]) -> Result<KeyRing, KeyRingError> {
    let mut keys = secrets.iter().map(|secret| Key::from_base64url(secret));
    let primary = keys.next().ok_or(KeyRingError::Malformed)??;
    keys.try_fold(KeyRing::new(primary), |ring, key| ring.add_former(key?))
}
