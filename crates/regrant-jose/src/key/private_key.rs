mod ed25519;
mod parse;
mod pem;
#[cfg(feature = "aws-lc-rs")]
mod rsa;

pub use pem::PrivateKeyPem;

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
    /// An RSA key has 2048 bits. It takes some hundred milliseconds, and the library draws its randomness itself.
    ///
    /// # Errors
    /// [`Unsupported`](KeyError::Unsupported) for HMAC, and [`RsaDisabled`](KeyError::RsaDisabled) for RSA without the
    /// feature `aws-lc-rs`. [`Weak`](KeyError::Weak) when the source of randomness is broken.
    pub fn generate(algorithm: Algorithm, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        match algorithm {
            Algorithm::EdDsa | Algorithm::Ed25519 => Self::ed25519(&draw_ed25519(entropy), algorithm),
            Algorithm::Es256 => draw_p256(entropy).and_then(Self::p256),
            #[cfg(feature = "aws-lc-rs")]
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let (public, secret) = RsaPrivateKey::generate()?;
                Self { public, secret: Secret::Rsa(secret) }.with_algorithm(algorithm)
            }
            #[cfg(not(feature = "aws-lc-rs"))]
            Algorithm::Rs256 | Algorithm::Ps256 => Err(KeyError::RsaDisabled),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Err(KeyError::Unsupported),
        }
    }

    /// Generates a key as PEM, for a file that several nodes share. [`from_pem`](Self::from_pem) reads it, and so do
    /// other programs. The file names the type of the key, but not the algorithm: see
    /// [`with_algorithm`](Self::with_algorithm).
    ///
    /// ```
    /// use regrant::SystemEntropy;
    /// use regrant_jose::{Algorithm, PrivateKey, Signer};
    ///
    /// let pem = PrivateKey::generate_pem(Algorithm::Es256, &SystemEntropy)?;
    /// let key = PrivateKey::from_pem(pem.expose())?;
    /// assert_eq!(key.public_key().algorithm(), Algorithm::Es256);
    /// # Ok::<(), regrant_jose::key::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`generate`](Self::generate).
    pub fn generate_pem(algorithm: Algorithm, entropy: &dyn Entropy) -> Result<PrivateKeyPem, KeyError> {
        match algorithm {
            Algorithm::EdDsa | Algorithm::Ed25519 => pem::of_ed25519(&draw_ed25519(entropy)),
            Algorithm::Es256 => pem::of_p256(&draw_p256(entropy)?),
            #[cfg(feature = "aws-lc-rs")]
            Algorithm::Rs256 | Algorithm::Ps256 => pem::of_rsa(&RsaPrivateKey::generate()?.1),
            #[cfg(not(feature = "aws-lc-rs"))]
            Algorithm::Rs256 | Algorithm::Ps256 => Err(KeyError::RsaDisabled),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Err(KeyError::Unsupported),
        }
    }

    /// Parses a key in PEM (`PRIVATE KEY`: PKCS #8, RFC 5958, not encrypted). An RSA key is for RS256, and an Ed25519
    /// key for `EdDSA`: see [`with_algorithm`](Self::with_algorithm).
    ///
    /// `openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem` converts other formats.
    ///
    /// # Errors
    /// When the key is malformed, weak or of an unsupported type, or its halves do not match. A file of another format
    /// has an error of its own, whose text names the command that helps.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        pem::private_key(pem)
    }

    /// Parses a private JWK (RFC 7517, RFC 7518 section 6, RFC 8037) with its `kid`. Without `alg` an RSA key is for
    /// RS256, and an Ed25519 key for `EdDSA`.
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

    /// Sets the algorithm of a key that has two: RS256 or PS256, `EdDSA` or `Ed25519`.
    ///
    /// A published key names one algorithm (RFC 7517 section 4.4, RFC 9864 section 5), and verifiers compare it with
    /// the header. So a key signs under one name. For clients of both names a [`KeySet`](crate::KeySet) has two keys,
    /// or one key twice with two ids.
    ///
    /// ```
    /// use regrant::SystemEntropy;
    /// use regrant_jose::{Algorithm, PrivateKey, Signer};
    ///
    /// let key = PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy)?.with_algorithm(Algorithm::Ed25519)?;
    /// assert_eq!(key.public_key().to_value()["alg"], "Ed25519");
    /// # Ok::<(), regrant_jose::key::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// When the key does not fit `algorithm`.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, KeyError> {
        if algorithm == self.public.algorithm() {
            return Ok(self);
        }
        let public = self.public.for_algorithm(algorithm).ok_or(KeyError::Mismatch)?;
        Ok(Self { public, ..self })
    }

    fn ed25519(key: &Ed25519Key, algorithm: Algorithm) -> Result<Self, KeyError> {
        let public = Jwk::new(algorithm, Material::ed25519(key.verifying_key().as_bytes())?);
        Ok(Self { public, secret: Secret::Ed25519(Ed25519PrivateKey::new(key)?) })
    }

    fn p256(key: P256PrivateKey) -> Result<Self, KeyError> {
        let public = Jwk::new(Algorithm::Es256, Material::P256(P256Key::new(*key.verifying_key())?));
        Ok(Self { public, secret: Secret::P256(key) })
    }
}

fn draw_ed25519(entropy: &dyn Entropy) -> Ed25519Key {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(&mut *seed);
    Ed25519Key::from_bytes(&seed)
}

fn draw_p256(entropy: &dyn Entropy) -> Result<P256PrivateKey, KeyError> {
    // One draw in 2^32 is not a P-256 key. Several such draws in a row mean a broken source.
    const DRAWS: usize = 4;
    let mut seed = Zeroizing::new([0; 32]);
    let mut draw = || {
        entropy.fill(&mut *seed);
        P256PrivateKey::from_slice(&*seed).ok()
    };
    (0..DRAWS).find_map(|_| draw()).ok_or(KeyError::Weak)
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
