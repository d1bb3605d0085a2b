mod ed25519;
mod parse;
mod pem;
#[cfg(feature = "aws-lc-rs")]
mod rsa;

use ed25519::Ed25519PrivateKey;
#[cfg(feature = "aws-lc-rs")]
use rsa::RsaPrivateKey;

use std::fmt;

use async_trait::async_trait;
use ed25519_dalek::SigningKey as Ed25519Key;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature as P256Signature, SigningKey as P256PrivateKey};
use regrant::Entropy;
use regrant::host::Unavailable;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::jwk::{Jwk, Material, P256Key};
use crate::key::KeyError;
use crate::key::Signer;

/// A signing key in memory. It never appears in output, and is zeroed when dropped.
///
/// ```
/// use regrant::SystemEntropy;
/// use regrant_jose::{Algorithm, PrivateKey, Signer};
///
/// let key = PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy)?.with_kid("2026-11");
/// assert_eq!(key.public_key().kid(), Some("2026-11"));
/// # Ok::<(), regrant_jose::key::KeyError>(())
/// ```
pub struct PrivateKey {
    public: Jwk,
    secret: Secret,
}

enum Secret {
    Ed25519(Ed25519PrivateKey),
    P256(P256PrivateKey),
    #[cfg(feature = "aws-lc-rs")]
    Rsa(RsaPrivateKey),
}

impl PrivateKey {
    /// Generates a key. Each process generates a different one: keep keys that several nodes share, or that must
    /// survive a restart, in a file.
    ///
    /// # Errors
    /// When `algorithm` is neither `EdDSA` nor ES256: RSA keys come from [PEM](Self::from_pem).
    pub fn generate(algorithm: Algorithm, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        // One draw in 2^32 is not a P-256 key. Several such draws in a row mean a broken source.
        const DRAWS: usize = 4;
        let mut seed = Zeroizing::new([0; 32]);
        match algorithm {
            Algorithm::EdDsa => {
                entropy.fill(&mut *seed);
                Self::ed25519(&Ed25519Key::from_bytes(&seed))
            }
            Algorithm::Es256 => (0..DRAWS)
                .find_map(|_| {
                    entropy.fill(&mut *seed);
                    P256PrivateKey::from_slice(&*seed).ok()
                })
                .ok_or(KeyError::Weak)
                .and_then(Self::p256),
            _ => Err(KeyError::Unsupported),
        }
    }

    /// Parses a key in PEM (`PRIVATE KEY`: PKCS #8, RFC 5958, not encrypted). An RSA key is for RS256.
    ///
    /// `openssl pkcs8 -topk8 -nocrypt` converts other formats.
    ///
    /// # Errors
    /// When the key is malformed, weak or of an unsupported type, or its halves do not match.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        pem::private_key(pem)
    }

    /// Parses a private JWK (RFC 7517, RFC 7518 section 6, RFC 8037) with its `kid`. An RSA key without `alg` is for
    /// RS256.
    ///
    /// # Errors
    /// As for [`from_pem`](Self::from_pem).
    pub fn from_value(value: &Value) -> Result<Self, KeyError> {
        parse::private_key(value)
    }

    /// Sets the key id: 1 to 128 printable ASCII characters, unique among keys.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.public = self.public.with_kid(kid);
        self
    }

    /// Sets the algorithm of an RSA key: RS256 or PS256.
    ///
    /// # Errors
    /// When the key does not fit `algorithm`.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, KeyError> {
        if algorithm == self.public.algorithm() {
            return Ok(self);
        }
        #[cfg(feature = "aws-lc-rs")]
        if let Some(public) = self.public.for_algorithm(algorithm) {
            return Ok(Self { public, ..self });
        }
        Err(KeyError::Mismatch)
    }

    fn ed25519(key: &Ed25519Key) -> Result<Self, KeyError> {
        let public = Jwk::new(Algorithm::EdDsa, Material::ed25519(key.verifying_key().as_bytes())?);
        Ok(Self { public, secret: Secret::Ed25519(Ed25519PrivateKey::new(key)?) })
    }

    fn p256(key: P256PrivateKey) -> Result<Self, KeyError> {
        let public = Jwk::new(Algorithm::Es256, Material::P256(P256Key::new(*key.verifying_key())?));
        Ok(Self { public, secret: Secret::P256(key) })
    }
}

#[async_trait]
impl Signer for PrivateKey {
    fn public_key(&self) -> Jwk {
        self.public.clone()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        match &self.secret {
            Secret::Ed25519(key) => Ok(key.sign(message)),
            // RFC 6979 nonces, even where another backend is faster: with a random nonce each replayed response would
            // have another text.
            Secret::P256(key) => {
                let signature: P256Signature = key.sign(message);
                Ok(signature.to_bytes().to_vec())
            }
            #[cfg(feature = "aws-lc-rs")]
            Secret::Rsa(key) => key.sign(self.public.algorithm(), message),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}
