use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::vocabulary::{ClientSecret, Digest};

/// What is kept of a client secret.
#[derive(Clone)]
pub struct SecretHash(Kind);

#[derive(Clone)]
enum Kind {
    Sha256(Digest),
    Custom(Arc<dyn VerifySecret>),
}

/// A password hash of your choice (argon2, scrypt, a hardware module) behind one question.
///
/// A slow one should do its work off the async threads: that is why it may await.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use regrant::{ClientSecret, SecretHash};
/// use regrant::authenticator::VerifySecret;
///
/// /// Stands for argon2: what `argon2::PasswordHash` verifies, on a thread that may take its time.
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
    /// Whether `presented` is the secret, compared in constant time. An answer that cannot be had is `false`.
    async fn verify(&self, presented: &ClientSecret) -> bool;
}

impl SecretHash {
    /// SHA-256 of a *generated* secret of at least 128 random bits. Such a secret cannot be guessed, so a slow hash would
    /// only slow down the server. One that a person chose needs [`SecretHash::custom`].
    ///
    /// Generate secrets of letters, digits, `-` and `_`: clients disagree on whether Basic credentials are
    /// percent-encoded, and those characters read the same either way.
    #[must_use]
    pub fn sha256(secret: &ClientSecret) -> Self {
        Self(Kind::Sha256(Digest::of(&[secret.expose().as_bytes()])))
    }

    /// The same from a stored digest.
    #[must_use]
    pub const fn from_sha256_digest(digest: [u8; 32]) -> Self {
        Self(Kind::Sha256(Digest::from_bytes(digest)))
    }

    /// A hash of your choice.
    #[must_use]
    pub fn custom(verifier: Arc<dyn VerifySecret>) -> Self {
        Self(Kind::Custom(verifier))
    }

    /// Whether `presented` is the secret that was hashed.
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
