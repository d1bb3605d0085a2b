mod material;
mod p256;
mod parse;
mod pem;
#[cfg(feature = "aws-lc-rs")]
mod rsa;
mod set;

pub use set::JwkSet;

pub(crate) use self::p256::P256Key;
pub(crate) use material::Material;
pub(crate) use parse::public_material;
pub(crate) use pem::{oid, pem_label};
#[cfg(feature = "aws-lc-rs")]
pub(crate) use rsa::RsaKey;

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::key::KeyError;

/// A key that verifies signatures of one algorithm (RFC 7517).
///
/// Supports Ed25519 and P-256, RSA of 2048 to 8192 bits with the feature `aws-lc-rs`, and [shared
/// secrets](Self::from_secret).
///
/// ```
/// use regrant_jose::{Algorithm, Jwk};
///
/// // RFC 8037 appendix A.2.
/// let key = Jwk::from_value(&serde_json::json!({
///     "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
/// }))?;
/// assert_eq!(key.algorithm(), Algorithm::EdDsa);
/// # Ok::<(), regrant_jose::key::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Jwk {
    kid: Option<Box<str>>,
    algorithm: Algorithm,
    material: Material,
    certificates: Box<[[u8; 32]]>,
}

impl Jwk {
    /// Parses a public JWK (RFC 7517, RFC 7518 section 6, RFC 8037). Without `alg` an RSA key is for RS256, and an
    /// Ed25519 key for `EdDSA`.
    ///
    /// # Errors
    /// When the key is malformed, private, weak, not a point of its curve, or of an unsupported type or use.
    pub fn from_value(value: &Value) -> Result<Self, KeyError> {
        parse::public_key(value)
    }

    /// Parses a public key in PEM (`PUBLIC KEY`, RFC 7468 section 13). It has no `kid`; an RSA key is for RS256.
    ///
    /// # Errors
    /// As for [`from_value`](Self::from_value).
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        pem::public_key(pem)
    }

    /// Returns the key of a shared secret. It verifies, and its holder can also sign.
    ///
    /// # Errors
    /// When `algorithm` is not symmetric, or the secret is shorter than the hash (RFC 7518 section 3.2): an attacker
    /// could guess it from one token.
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let shortest = match algorithm {
            Algorithm::Hs256 => 32,
            Algorithm::Hs384 => 48,
            Algorithm::Hs512 => 64,
            _ => return Err(KeyError::Mismatch),
        };
        if secret.len() < shortest {
            return Err(KeyError::Weak);
        }
        Ok(Self::new(algorithm, Material::Secret(Zeroizing::new(secret.to_vec()))))
    }

    /// Sets the key id.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The key id.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm that the key is for. It is used with no other, but verifies Ed25519 signatures under both names.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// SHA-256 of the certificates in the JWK (`x5t#S256`, the first of `x5c`), which a self-signed client registers
    /// (RFC 8705 section 2.2).
    #[must_use]
    pub const fn certificates(&self) -> &[[u8; 32]] {
        &self.certificates
    }

    /// The JWK for a published set. It never contains a secret: `k` is omitted.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut members: Map<String, Value> =
            self.material.members().into_iter().filter(|(name, _)| *name != "k").map(owned).collect();
        members.insert("alg".into(), self.algorithm.as_str().into());
        members.insert("use".into(), "sig".into());
        if let Some(kid) = self.kid() {
            members.insert("kid".into(), kid.into());
        }
        Value::Object(members)
    }

    /// The SHA-256 thumbprint (RFC 7638). It does not depend on `kid` or on the spelling of the key.
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        // Names and values need no escapes, and the members come in lexicographic order.
        let members: Vec<_> =
            self.material.members().iter().map(|(name, value)| format!("\"{name}\":\"{}\"", value.as_str())).collect();
        Sha256::digest(Zeroizing::new(format!("{{{}}}", members.join(","))).as_bytes()).into()
    }

    /// Returns true if `signature` is a signature of `message` by this key.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        #[cfg(test)]
        VERIFIED.with(|verified| verified.set(verified.get() + 1));
        self.material.accepts(self.algorithm, message, signature)
    }

    /// The length of the RSA modulus, in bytes; 0 for other keys.
    pub(crate) fn modulus_length(&self) -> usize {
        match &self.material {
            #[cfg(feature = "aws-lc-rs")]
            Material::Rsa(key) => key.modulus().len(),
            _ => 0,
        }
    }

    /// The same key for `algorithm`, if it has more than one: the paddings of RSA, the names of Ed25519.
    pub(crate) fn for_algorithm(&self, algorithm: Algorithm) -> Option<Self> {
        let material = match (&self.material, algorithm) {
            (Material::Ed25519(_), Algorithm::EdDsa | Algorithm::Ed25519) => self.material.clone(),
            #[cfg(feature = "aws-lc-rs")]
            (Material::Rsa(key), algorithm) => Material::Rsa(key.for_algorithm(algorithm)?),
            _ => return None,
        };
        Some(Self { algorithm, material, ..self.clone() })
    }

    pub(crate) fn new(algorithm: Algorithm, material: Material) -> Self {
        Self { kid: None, algorithm, material, certificates: Box::default() }
    }

    fn with_certificates(mut self, certificates: Vec<[u8; 32]>) -> Self {
        self.certificates = certificates.into();
        self
    }
}

#[cfg(test)]
thread_local! {
    /// The number of signatures that this thread has verified.
    pub(crate) static VERIFIED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn owned((name, value): (&'static str, Zeroizing<String>)) -> (String, Value) {
    (name.to_owned(), Value::String(value.to_string()))
}
