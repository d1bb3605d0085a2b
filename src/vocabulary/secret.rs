//! Secret values. They have no `Display` and no `Serialize`, a `Debug` without content, and are zeroed when dropped.
//!
//! They have no `PartialEq` either: `==` on texts stops at the first difference, and its duration reveals how much of
//! a guess is right. The library compares digests in constant time.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize as _;

use crate::vocabulary::Entropy;

/// Implements a secret text. Each kind of secret is a type of its own, so a refresh token cannot be passed where an
/// access token is expected.
macro_rules! secret_text {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name(SecretText);

        impl $name {
            /// Takes the text unchecked. The service checks the text when it uses it: malformed and unknown secrets are
            /// refused in the same way, so that the answer reveals no difference.
            pub fn new(text: impl Into<String>) -> Self {
                Self(SecretText(text.into()))
            }

            /// Returns the secret text. Never log it, and never put it into a URL: URLs get into logs, histories and
            /// `Referer` headers. The returned text is not copied; a copy is not zeroed.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

/// A text that is zeroed when dropped, with the room behind it. At once: `Zeroizing` goes byte by byte.
#[derive(Clone)]
struct SecretText(String);

impl Drop for SecretText {
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.0).into_bytes();
        bytes.resize(bytes.capacity(), 0);
        bytes.as_mut_slice().zeroize();
    }
}

secret_text! {
    /// An authorization code (RFC 6749 section 4.1.2), 95 characters with the default prefix.
    ///
    /// The code works once. A second redemption by the rightful client revokes the grant, with the tokens of the first.
    AuthorizationCode
}
secret_text! {
    /// A refresh token (RFC 6749 section 1.5), 131 characters with the default prefix.
    ///
    /// ```
    /// use regrant::RefreshToken;
    ///
    /// let token = RefreshToken::new("rt_AAEC");
    /// assert_eq!(token.expose(), "rt_AAEC"); // `format!("{token}")` does not compile
    /// assert_eq!(format!("{token:?}"), "RefreshToken([redacted])");
    /// ```
    RefreshToken
}
secret_text! {
    /// An access token (RFC 6749 section 1.4), 95 characters with the default prefix, all of them `b64token`
    /// characters (RFC 6750 section 2.1). A JWT access token (RFC 9068) is longer, and its length depends on its
    /// claims.
    AccessToken
}
secret_text! {
    /// A client's password (RFC 6749 section 2.3.1). Register only its [`SecretHash`](crate::SecretHash).
    ClientSecret
}
secret_text! {
    /// A JWT that authenticates a client (`client_assertion`, RFC 7523 section 2.2). It works once, for anyone who
    /// has it.
    ClientAssertion
}
secret_text! {
    /// An `id_token` (OpenID Connect Core section 2): a signed statement about a person. It is personal data, and never
    /// a credential for an API.
    IdToken
}
secret_text! {
    /// A device code (RFC 8628 section 3.2), 95 characters with the default prefix. The device polls with the code;
    /// the user never sees it, unlike the [`UserCode`](crate::device::UserCode).
    DeviceCode
}
secret_text! {
    /// The reference to a pushed authorization request (`request_uri`, RFC 9126 section 2.2), 126 characters. The
    /// browser carries it with the `client_id`. Whoever has both can begin that authorization.
    RequestUri
}
secret_text! {
    /// A PKCE `code_verifier` as the client sent it (RFC 7636 section 4.1): 43 to 128 letters, digits, `-`, `.`, `_` or
    /// `~`. The grammar is checked at redemption.
    CodeVerifier
}

/// `N` secret bytes, zeroed when dropped.
///
/// A move leaves a copy behind that nothing zeroes. On the stack, later calls overwrite it. A future is often moved to
/// the heap, so secrets that a future keeps across an `await` are in a box: a move copies the pointer only.
#[derive(Clone)]
pub(crate) struct SecretBytes<const N: usize>([u8; N]);

impl<const N: usize> SecretBytes<N> {
    /// Takes bytes that the caller has no other use for.
    pub(crate) const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Zeros, to be overwritten.
    pub(crate) const fn zero() -> Self {
        Self([0; N])
    }

    /// Draws the bytes.
    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = Self::zero();
        entropy.fill(&mut *bytes);
        bytes
    }
}

impl<const N: usize> Deref for SecretBytes<N> {
    type Target = [u8; N];

    fn deref(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for SecretBytes<N> {
    fn deref_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> Drop for SecretBytes<N> {
    fn drop(&mut self) {
        // An array would be zeroed byte by byte, a slice is zeroed at once.
        self.0.as_mut_slice().zeroize();
    }
}

/// SHA-256 of a secret. Records contain digests instead of secrets. Compared in constant time.
///
/// The hash has no salt and is fast: the secrets of this library have 256 random bits and cannot be guessed. A client's
/// password is different; see `SecretHash`.
#[derive(Clone, Copy)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// Hashes the concatenated `parts`. The caller keeps the parts unambiguous: of fixed length, or with separators.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// Takes a digest that was computed elsewhere: by a client, or before the record was stored.
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the first 8 bytes: enough to tell two digests apart where nothing is proved by them.
    pub(crate) fn mark(&self) -> [u8; 8] {
        let [mark @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.0;
        mark
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        // As two numbers: `subtle` compares an array byte by byte.
        let numbers = |digest: &Self| [0, 1].map(|half| u128::from_ne_bytes(digest.0.as_chunks().0[half]));
        numbers(self).ct_eq(&numbers(other)).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}
