use regrant::wire::json_object;
use serde_json::Value;

use super::{Jwk, parse};
use crate::algorithm::Algorithm;
use crate::key::KeyError;

/// The public keys of a client or of another server (RFC 7517 section 5).
#[derive(Clone, Debug, Default)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    certificates: Vec<[u8; 32]>,
    skipped: usize,
}

impl JwkSet {
    /// The longest document that [`from_json`](Self::from_json) accepts, in bytes.
    pub const MAX_LENGTH: usize = 64 * 1024;

    /// Parses a set. Unusable keys are [skipped](Self::skipped), as RFC 7517 section 5 requires: a set may also hold
    /// encryption keys and future types. An RSA key without `alg` serves both RS256 and PS256.
    ///
    /// # Errors
    /// When the value is not a key set, or contains a private key or a secret: a published private key is lost.
    pub fn from_value(value: &Value) -> Result<Self, KeyError> {
        let mut set = Self::default();
        for key in value.get("keys").and_then(Value::as_array).ok_or(KeyError::Malformed)? {
            set.add(key)?;
        }
        Ok(set)
    }

    /// Parses a set from JSON text of at most [`MAX_LENGTH`](Self::MAX_LENGTH).
    ///
    /// # Errors
    /// As for [`from_value`](Self::from_value); and when the text is too long, is not JSON, or names a member twice.
    pub fn from_json(json: &[u8]) -> Result<Self, KeyError> {
        if json.len() > Self::MAX_LENGTH {
            return Err(KeyError::TooLarge);
        }
        Self::from_value(&Value::Object(json_object(json).ok_or(KeyError::Malformed)?))
    }

    /// The key for a token: the one with this key id and algorithm. Without a key id, the only key of the algorithm. A
    /// key for `EdDSA` serves `Ed25519` too, and the other way round, if there is none under the name itself.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Jwk> {
        let exact = self.only(kid, |key| key.algorithm() == algorithm);
        exact.or_else(|| self.only(kid, |key| key.algorithm().signs_like(algorithm)))
    }

    fn only(&self, kid: Option<&str>, fits: impl Fn(&Jwk) -> bool) -> Option<&Jwk> {
        let mut fitting = self.keys.iter().filter(|key| fits(key) && (kid.is_none() || key.kid() == kid));
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) if kid.is_none() => None,
            (first, _) => first,
        }
    }

    /// The usable keys of the set.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Jwk> {
        self.keys.iter()
    }

    /// SHA-256 of the certificates in the set, including those of unsupported key types.
    #[must_use]
    pub fn certificates(&self) -> &[[u8; 32]] {
        &self.certificates
    }

    /// The number of skipped keys.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    fn add(&mut self, value: &Value) -> Result<(), KeyError> {
        if let Some(Ok(certificates)) = value.as_object().map(parse::certificates) {
            self.certificates.extend(certificates);
        }
        match Jwk::from_value(value) {
            Ok(key) => self.keys.extend(for_each_algorithm(key, value)),
            Err(KeyError::Private) => return Err(KeyError::Private),
            Err(_) => self.skipped += 1,
        }
        Ok(())
    }
}

impl FromIterator<Jwk> for JwkSet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        let keys: Vec<_> = keys.into_iter().collect();
        let certificates = keys.iter().flat_map(Jwk::certificates).copied().collect();
        Self { keys, certificates, skipped: 0 }
    }
}

#[cfg(feature = "aws-lc-rs")]
fn for_each_algorithm(key: Jwk, value: &Value) -> impl Iterator<Item = Jwk> + use<> {
    let either = key.algorithm() == Algorithm::Rs256 && value.get("alg").is_none();
    let for_pss = either.then(|| key.for_algorithm(Algorithm::Ps256)).flatten();
    [key].into_iter().chain(for_pss)
}

#[cfg(not(feature = "aws-lc-rs"))]
fn for_each_algorithm(key: Jwk, _: &Value) -> [Jwk; 1] {
    [key]
}
