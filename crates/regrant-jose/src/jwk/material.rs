use ed25519_dalek::VerifyingKey as Ed25519Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::P256Key;
#[cfg(feature = "aws-lc-rs")]
use super::RsaKey;
use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::KeyError;

/// The public key, or the secret, by type.
#[derive(Clone)]
pub(crate) enum Material {
    Ed25519(Ed25519Key),
    P256(P256Key),
    #[cfg(feature = "aws-lc-rs")]
    Rsa(RsaKey),
    Secret(Zeroizing<Vec<u8>>),
}

impl Material {
    /// Parses an Ed25519 key in canonical encoding. Keys of small order are refused: almost any signature verifies
    /// under them.
    pub(crate) fn ed25519(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = Ed25519Key::from_bytes(bytes).map_err(|_| KeyError::InvalidPoint)?;
        if key.to_edwards().compress().to_bytes() != *bytes {
            return Err(KeyError::InvalidPoint);
        }
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self::Ed25519(key))
    }

    /// A P-256 key from its coordinates.
    pub(crate) fn p256(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, KeyError> {
        P256Key::from_coordinates(x, y).map(Self::P256)
    }

    /// The required members in lexicographic order (RFC 7638 section 3.2).
    pub(crate) fn members(&self) -> Vec<(&'static str, Zeroizing<String>)> {
        let text = |bytes: &[u8]| Zeroizing::new(base64url::encode(bytes));
        let name = |name: &str| Zeroizing::new(name.to_owned());
        match self {
            Self::Ed25519(key) => vec![("crv", name("Ed25519")), ("kty", name("OKP")), ("x", text(key.as_bytes()))],
            Self::P256(key) => {
                let (x, y) = key.coordinates();
                vec![("crv", name("P-256")), ("kty", name("EC")), ("x", text(&x)), ("y", text(&y))]
            }
            #[cfg(feature = "aws-lc-rs")]
            Self::Rsa(key) => vec![("e", text(key.exponent())), ("kty", name("RSA")), ("n", text(key.modulus()))],
            Self::Secret(secret) => vec![("k", text(secret)), ("kty", name("oct"))],
        }
    }

    /// Returns true if `signature` is a signature of `message` by this key.
    pub(crate) fn accepts(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::P256(key) => key.accepts(message, signature),
            #[cfg(feature = "aws-lc-rs")]
            Self::Rsa(key) => key.accepts(message, signature),
            Self::Secret(secret) => match algorithm {
                Algorithm::Hs256 => is_mac::<Hmac<Sha256>>(secret, message, signature),
                Algorithm::Hs384 => is_mac::<Hmac<Sha384>>(secret, message, signature),
                Algorithm::Hs512 => is_mac::<Hmac<Sha512>>(secret, message, signature),
                _ => false,
            },
        }
    }
}

fn is_mac<M: Mac + KeyInit>(secret: &[u8], message: &[u8], tag: &[u8]) -> bool {
    M::new_from_slice(secret).is_ok_and(|mac| mac.chain_update(message).verify_slice(tag).is_ok())
}
