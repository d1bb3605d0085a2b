use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::vocabulary::{ClientSecret, Digest};

/// The stored form of a client secret: a hash. A copy of the registry therefore contains no secret. `Debug` shows
/// nothing of the hash.
#[derive(Clone)]
pub struct SecretHash(Kind);

#[derive(Clone)]
enum Kind {
    Sha256(Digest),
    Custom(Arc<dyn VerifySecret>),
}

/// Verifies a client secret against a password hash of your choice, for example argon2, scrypt or a hardware module.
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
/// /// Stands for `argon2::PasswordHash`, verified on a blocking thread.
/// struct Argon2(String);
/// # fn argon2_verify(_: &str, _: &[u8]) -> bool { true }
///
/// #[async_trait]
/// impl VerifySecret for Argon2 {
///     async fn verify(&self, presented: &ClientSecret) -> bool {
///         let (hash, presented) = (self.0.clone(), presented.clone());
///         let verify = move || argon2_verify(&hash, presented.expose().as_bytes());
///         tokio::task::spawn_blocking(verify).await.unwrap_or(false)
///     }
/// }
///
/// let hash = SecretHash::custom(Arc::new(Argon2("$argon2id$v=19$...".to_owned())));
/// ```
#[async_trait]
pub trait VerifySecret: Send + Sync {
    /// Returns true if `presented` is the secret. Compares in constant time. A failure of the hash returns false.
    async fn verify(&self, presented: &ClientSecret) -> bool;
}

impl SecretHash {
    /// SHA-256 of a *generated* secret of at least 128 random bits. Such a secret cannot be guessed, so a slow hash
    /// would only slow down the server. A secret that a person chose needs [`SecretHash::custom`].
    ///
    /// Generate secrets from letters, digits, `-` and `_`. Some clients percent-encode Basic credentials and some do
    /// not; these characters are the same in both forms.
    #[must_use]
    pub fn sha256(secret: &ClientSecret) -> Self {
        Self(Kind::Sha256(Digest::of(&[secret.expose().as_bytes()])))
    }

    /// The hash with this SHA-256 digest, for example from a database.
    #[must_use]
    pub const fn from_sha256_digest(digest: [u8; 32]) -> Self {
        Self(Kind::Sha256(Digest::from_bytes(digest)))
    }

    /// A hash of your choice, verified by `verifier`.
    #[must_use]
    pub fn custom(verifier: Arc<dyn VerifySecret>) -> Self {
        Self(Kind::Custom(verifier))
    }

    /// Returns true if `presented` is the secret that was hashed.
    pub async fn verify(&self, presented: &ClientSecret) -> bool {
        match &self.0 {
            Kind::Sha256(digest) => Digest::of(&[presented.expose().as_bytes()]) == *digest,
            Kind::Custom(verifier) => verifier.verify(presented).await,
        }
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}
