use std::fmt;

use ed25519_dalek::SigningKey as Ed25519Key;
use ed25519_dalek::pkcs8::KeypairBytes;
use p256::SecretKey;
use p256::ecdsa::SigningKey as P256PrivateKey;
use p256::pkcs8::der::asn1::OctetStringRef;
use p256::pkcs8::spki::AlgorithmIdentifierRef;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding, PrivateKeyInfoRef, SecretDocument};
use zeroize::{Zeroize, Zeroizing};

use super::PrivateKey;
#[cfg(feature = "aws-lc-rs")]
use super::{RsaPrivateKey, Secret};
use crate::algorithm::Algorithm;
use crate::jwk::{oid, pem_label};
use crate::key::KeyError;

/// The label of PKCS #8 (RFC 7468 section 10).
const LABEL: &str = "PRIVATE KEY";

/// A private key as a PEM file (PKCS #8, RFC 5958), not encrypted. Whoever has the text, has the key.
pub struct PrivateKeyPem(Zeroizing<String>);

impl PrivateKeyPem {
    /// Returns the text, several lines. Never log it: write it into a file that only the server can read.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKeyPem([redacted])")
    }
}

/// Writes the private half alone (RFC 8410 section 7). Older programs do not read a file with both halves.
pub(super) fn of_ed25519(key: &Ed25519Key) -> Result<PrivateKeyPem, KeyError> {
    // An OCTET STRING in the OCTET STRING of the file.
    let mut curve_private_key = Zeroizing::new([0; 34]);
    curve_private_key[..2].copy_from_slice(&[4, 32]);
    curve_private_key[2..].copy_from_slice(key.as_bytes());
    let octets = OctetStringRef::new(&*curve_private_key).map_err(|_| KeyError::Malformed)?;
    let info = PrivateKeyInfoRef::new(AlgorithmIdentifierRef { oid: oid::ED25519, parameters: None }, octets);
    written(&SecretDocument::encode_msg(&info).map_err(|_| KeyError::Malformed)?)
}

pub(super) fn of_p256(key: &P256PrivateKey) -> Result<PrivateKeyPem, KeyError> {
    written(&key.to_pkcs8_der().map_err(|_| KeyError::Malformed)?)
}

#[cfg(feature = "aws-lc-rs")]
pub(super) fn of_rsa(key: &RsaPrivateKey) -> Result<PrivateKeyPem, KeyError> {
    written(&SecretDocument::try_from(key.to_pkcs8()?.as_slice()).map_err(|_| KeyError::Malformed)?)
}

fn written(document: &SecretDocument) -> Result<PrivateKeyPem, KeyError> {
    document.to_pem(LABEL, LineEnding::LF).map(PrivateKeyPem).map_err(|_| KeyError::Malformed)
}

/// Parses a `PrivateKeyInfo` (RFC 5958 section 2).
pub(super) fn private_key(pem: &str) -> Result<PrivateKey, KeyError> {
    match pem_label(pem) {
        Some(LABEL) => {}
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
