use ed25519_dalek::pkcs8::{DecodePublicKey as _, PublicKeyBytes};
use p256::ecdsa::VerifyingKey;
use p256::pkcs8::SubjectPublicKeyInfoRef;
use p256::pkcs8::der::Document;

use super::{Jwk, Material, P256Key};
use crate::algorithm::Algorithm;
use crate::key::KeyError;

/// The object identifiers of key types (RFC 8410, RFC 5480, RFC 8017).
pub(crate) mod oid {
    use p256::pkcs8::ObjectIdentifier;

    pub(crate) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
    pub(crate) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    pub(crate) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    pub(crate) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
}

/// Parses a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
pub(super) fn public_key(pem: &str) -> Result<Jwk, KeyError> {
    match pem_label(pem) {
        Some("PUBLIC KEY") => {}
        Some("CERTIFICATE") => return Err(KeyError::Certificate),
        Some(label) if label.ends_with("PRIVATE KEY") => return Err(KeyError::Private),
        _ => return Err(KeyError::Malformed),
    }
    let (_, document) = Document::from_pem(pem).map_err(|_| KeyError::Malformed)?;
    let der = document.as_bytes();
    let info = SubjectPublicKeyInfoRef::try_from(der).map_err(|_| KeyError::Malformed)?;
    match info.algorithm.oid {
        oid::ED25519 => {
            let key = PublicKeyBytes::from_public_key_der(der).map_err(|_| KeyError::Malformed)?;
            Ok(Jwk::new(Algorithm::EdDsa, Material::ed25519(&key.0)?))
        }
        oid::EC if info.algorithm.parameters_oid() == Ok(oid::P256) => {
            let key = VerifyingKey::from_public_key_der(der).map_err(|_| KeyError::InvalidPoint)?;
            Ok(Jwk::new(Algorithm::Es256, Material::P256(P256Key::new(key)?)))
        }
        #[cfg(feature = "aws-lc-rs")]
        oid::RSA => Jwk::from_rsa_der(info.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?),
        #[cfg(not(feature = "aws-lc-rs"))]
        oid::RSA => Err(KeyError::RsaDisabled),
        _ => Err(KeyError::Unsupported),
    }
}

/// The kind of the first document in `pem` (RFC 7468 section 2). It is read even if the rest cannot be parsed, so that
/// the error can name what to do.
pub(crate) fn pem_label(pem: &str) -> Option<&str> {
    let (_, behind) = pem.split_once("-----BEGIN ")?;
    Some(behind.split_once("-----")?.0)
}
