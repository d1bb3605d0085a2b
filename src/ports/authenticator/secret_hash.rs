use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[cfg(feature = "argon2")]
use super::argon2::Argon2Hash;
#[cfg(feature = "argon2")]
use crate::vocabulary::Entropy;
use crate::vocabulary::{ClientSecret, Digest, InvalidValue};

/// The start of the text of a SHA-256 hash.
const SHA256: &str = "sha256:";

/// The stored form of a client secret: a hash. A copy of the registry therefore contains no secret. `Debug` shows
/// nothing of the hash.
///
/// | hash | text in a database | for |
/// |---|---|---|
/// | [`sha256`](Self::sha256) | `sha256:` and 43 characters of base64url | generated secrets |
/// | `argon2` (feature `argon2`) | a PHC string, `$argon2id$v=19$..` | secrets that a person chose |
/// | [`custom`](Self::custom) | none | hashes of the host, hardware modules |
///
/// ```
/// use regrant::{ClientSecret, SecretHash};
///
/// let hash = SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"));
/// let text = hash.expose().ok_or("a hash with a text")?;
/// assert!(text.starts_with("sha256:"));
/// assert_eq!(text.parse::<SecretHash>()?.expose(), Some(text));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SecretHash(Kind);

#[derive(Clone)]
enum Kind {
    Sha256(Digest),
    #[cfg(feature = "argon2")]
    Argon2(Arc<Argon2Hash>),
    Custom(Arc<dyn VerifySecret>),
}

/// Verifies a client secret against a password hash of your choice, for example scrypt, bcrypt or a hardware module.
/// For argon2 the feature `argon2` has `SecretHash::argon2`.
///
/// The method is async so that a slow hash can run on a blocking thread.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use regrant::{ClientSecret, SecretHash};
/// use regrant::authenticator::VerifySecret;
///
/// /// Stands for a hash of scrypt, verified on a blocking thread.
/// struct Scrypt(String);
/// # fn scrypt_verify(_: &str, _: &[u8]) -> bool { true }
///
/// #[async_trait]
/// impl VerifySecret for Scrypt {
///     async fn verify(&self, presented: &ClientSecret) -> bool {
///         let (hash, presented) = (self.0.clone(), presented.clone());
///         let verify = move || scrypt_verify(&hash, presented.expose().as_bytes());
///         tokio::task::spawn_blocking(verify).await.unwrap_or(false)
///     }
/// }
///
/// let hash = SecretHash::custom(Arc::new(Scrypt("$scrypt$ln=16$...".to_owned())));
/// ```
#[async_trait]
pub trait VerifySecret: Send + Sync {
    /// Returns true if `presented` is the secret. Compares in constant time. A failure of the hash returns false.
    async fn verify(&self, presented: &ClientSecret) -> bool;
}

impl SecretHash {
    /// SHA-256 of a *generated* secret of at least 128 random bits. Such a secret cannot be guessed, so a slow hash
    /// would only slow down the server. A secret that a person chose needs a slow hash.
    ///
    /// Generate secrets from letters, digits, `-` and `_`. Some clients percent-encode Basic credentials and some do
    /// not; these characters are the same in both forms.
    #[must_use]
    pub fn sha256(secret: &ClientSecret) -> Self {
        Self(Kind::Sha256(digest(secret)))
    }

    /// The hash with this SHA-256 digest, for example from a database.
    #[must_use]
    pub const fn from_sha256_digest(digest: [u8; 32]) -> Self {
        Self(Kind::Sha256(Digest::from_bytes(digest)))
    }

    /// Argon2id of a secret that a person chose, with the parameters that OWASP recommends: 19 MiB, 2 passes, 1 lane.
    /// The salt comes from `entropy`. Takes tens of milliseconds of the calling thread.
    ///
    /// The service verifies such hashes on threads of their own, one for two processors; further requests wait. A
    /// directory with one such client spends two of them on each request with a secret, also of an unknown client:
    /// otherwise the response time would reveal which clients exist. So a limit on requests is needed, and generated
    /// secrets with [`sha256`](Self::sha256) are the better choice.
    ///
    /// ```
    /// use regrant::{ClientSecret, SecretHash, SystemEntropy};
    ///
    /// let hash = SecretHash::argon2(&ClientSecret::new("correct horse battery staple"), &SystemEntropy);
    /// assert!(hash.expose().is_some_and(|text| text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")));
    /// ```
    #[cfg(feature = "argon2")]
    #[must_use]
    pub fn argon2(secret: &ClientSecret, entropy: &dyn Entropy) -> Self {
        Self(Kind::Argon2(Arc::new(Argon2Hash::of(secret, entropy))))
    }

    /// A hash of your choice, verified by `verifier`.
    #[must_use]
    pub fn custom(verifier: Arc<dyn VerifySecret>) -> Self {
        Self(Kind::Custom(verifier))
    }

    /// Returns true if `presented` is the secret that was hashed.
    pub async fn verify(&self, presented: &ClientSecret) -> bool {
        self.verify_digested(presented, &digest(presented)).await
    }

    /// Verifies a secret whose [`digest`] the caller has, since it compares several hashes.
    pub(super) async fn verify_digested(&self, presented: &ClientSecret, digest: &Digest) -> bool {
        match &self.0 {
            Kind::Sha256(own) => digest == own,
            #[cfg(feature = "argon2")]
            Kind::Argon2(hash) => Argon2Hash::verify(hash, presented).await,
            Kind::Custom(verifier) => verifier.verify(presented).await,
        }
    }

    /// Returns the text for a database, which [`FromStr`] reads. Never log it: a weak secret can be found from its
    /// hash. `None` for a [`custom`](Self::custom) hash.
    #[must_use]
    pub fn expose(&self) -> Option<String> {
        match &self.0 {
            Kind::Sha256(digest) => Some(format!("{SHA256}{}", URL_SAFE_NO_PAD.encode(digest.as_bytes()))),
            #[cfg(feature = "argon2")]
            Kind::Argon2(hash) => Some(hash.text().to_owned()),
            Kind::Custom(_) => None,
        }
    }

    /// Returns true if a verification takes certainly less time than one of `other`.
    pub(super) const fn is_faster_than(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            #[cfg(feature = "argon2")]
            (Kind::Sha256(_), Kind::Argon2(_)) => true,
            _ => false,
        }
    }

    /// Returns a hash that no secret has and that costs as much as this one, if this one is slow.
    pub(super) fn slow_decoy(&self) -> Option<Self> {
        match &self.0 {
            #[cfg(feature = "argon2")]
            Kind::Argon2(hash) => Some(Self(Kind::Argon2(Arc::new(hash.decoy())))),
            _ => None,
        }
    }
}

/// Returns the SHA-256 digest of a secret.
pub(super) fn digest(secret: &ClientSecret) -> Digest {
    Digest::of(&[secret.expose().as_bytes()])
}

impl FromStr for SecretHash {
    type Err = InvalidValue;

    /// Reads the text of a hash.
    ///
    /// # Errors
    /// [`InvalidValue`], without the text, for any other one. Also for a PHC string in a build without the feature
    /// `argon2`, and for one with parameters that would take a server down: at most 1 GiB, 16 passes and 16 lanes.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if let Some(digest) = text.strip_prefix(SHA256) {
            let mut bytes = [0; 32];
            let length = URL_SAFE_NO_PAD.decode_slice(digest, &mut bytes);
            let is_whole = length.is_ok_and(|length| length == bytes.len());
            let invalid = InvalidValue::new("secret hash", "sha256: needs 43 characters of base64url behind it");
            return if is_whole { Ok(Self::from_sha256_digest(bytes)) } else { Err(invalid) };
        }
        #[cfg(feature = "argon2")]
        if text.starts_with("$argon2") {
            return Argon2Hash::parse(text).map(|hash| Self(Kind::Argon2(Arc::new(hash))));
        }
        #[cfg(not(feature = "argon2"))]
        if text.starts_with("$argon2") {
            return Err(InvalidValue::new("secret hash", "argon2 needs a build with the feature argon2"));
        }
        Err(InvalidValue::new("secret hash", "must begin with sha256: or $argon2"))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}
