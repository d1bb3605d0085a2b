use ed25519_dalek::SigningKey as Ed25519Key;
use ed25519_dalek::pkcs8::KeypairBytes;
use p256::SecretKey;
use p256::pkcs8::{PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroize;

use super::PrivateKey;
#[cfg(feature = "aws-lc-rs")]
use super::{RsaPrivateKey, Secret};
use crate::algorithm::Algorithm;
use crate::jwk::{oid, pem_label};
use crate::key::KeyError;

/// Parses a `PrivateKeyInfo` (RFC 5958 section 2).
pub(super) fn private_key(pem: &str) -> Result<PrivateKey, KeyError> {
    match pem_label(pem) {
        Some("PRIVATE KEY") => {}
        // `openssl ecparam -genkey` writes the parameters first.
        Some("EC PRIVATE KEY" | "EC PARAMETERS" | "RSA PRIVATE KEY") => return Err(KeyError::NotPkcs8),
        Some("ENCRYPTED PRIVATE KEY") => return Err(KeyError::Encrypted),
        Some("PUBLIC KEY" | "RSA PUBLIC KEY") => return Err(KeyError::Public),
        Some("CERTIFICATE") => return Err(KeyError::Certificate),
        Some(_) => return Err(KeyError::Unsupported),
        None => return Err(KeyError::Malformed),
    }
    let (_, document) = SecretDocument::from_pem(pem).map_err(|_| KeyError::Malformed)?;
    let der = document.as_bytes();
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::Malformed)?;
    match info.algorithm.oid {
        oid::ED25519 => {
            // The file may contain the public half too (RFC 8410 section 7). Signing with a wrong public half reveals
            // the private key.
            let mut pair = KeypairBytes::try_from(info).map_err(|_| KeyError::Malformed)?;
            let key = Ed25519Key::try_from(&pair).map_err(|_| KeyError::Inconsistent);
            pair.secret_key.zeroize();
            PrivateKey::ed25519(&key?, Algorithm::EdDsa)
        }
        oid::EC if info.algorithm.parameters_oid() == Ok(oid::P256) => {
            PrivateKey::p256(SecretKey::try_from(info).map_err(|_| KeyError::Malformed)?.into())
        }
        #[cfg(feature = "aws-lc-rs")]
        oid::RSA => {
            let (public, secret) = RsaPrivateKey::from_pkcs8(der)?;
            Ok(PrivateKey { public, secret: Secret::Rsa(secret) })
        }
        #[cfg(not(feature = "aws-lc-rs"))]
        oid::RSA => Err(KeyError::RsaDisabled),
        _ => Err(KeyError::Unsupported),
    }
}
