use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Jwk, Material};
use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::KeyError;

type Members = Map<String, Value>;

/// Members of private keys and secrets (RFC 7518 sections 6.2.2, 6.3.2, 6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Parses a public JWK.
pub(super) fn public_key(value: &Value) -> Result<Jwk, KeyError> {
    let members = value.as_object().ok_or(KeyError::Malformed)?;
    if PRIVATE.iter().any(|name| members.contains_key(*name)) {
        return Err(KeyError::Private);
    }
    check_use(members)?;
    let (algorithm, material) = public_material(members)?;
    let key = Jwk::new(algorithm, material).with_certificates(certificates(members)?);
    Ok(match optional_text(members, "kid")? {
        Some(kid) => key.with_kid(kid),
        None => key,
    })
}

/// Parses the public members, with or without private ones beside them.
pub(crate) fn public_material(members: &Members) -> Result<(Algorithm, Material), KeyError> {
    match (text(members, "kty")?, optional_text(members, "crv")?) {
        ("OKP", Some("Ed25519")) => {
            let algorithm = algorithm(members, &[Algorithm::EdDsa, Algorithm::Ed25519])?;
            Ok((algorithm, Material::ed25519(&array(members, "x")?)?))
        }
        ("EC", Some("P-256")) => {
            let algorithm = algorithm(members, &[Algorithm::Es256])?;
            Ok((algorithm, Material::p256(&array(members, "x")?, &array(members, "y")?)?))
        }
        #[cfg(feature = "aws-lc-rs")]
        ("RSA", None) => {
            let algorithm = algorithm(members, &[Algorithm::Rs256, Algorithm::Ps256])?;
            let key = super::RsaKey::new(algorithm, &bytes(members, "n")?, &bytes(members, "e")?)?;
            Ok((algorithm, Material::Rsa(key)))
        }
        #[cfg(not(feature = "aws-lc-rs"))]
        ("RSA", None) => Err(KeyError::RsaDisabled),
        _ => Err(KeyError::Unsupported),
    }
}

/// SHA-256 of the certificates of a JWK of any type.
pub(super) fn certificates(members: &Members) -> Result<Vec<[u8; 32]>, KeyError> {
    let mut found = Vec::new();
    if members.contains_key("x5t#S256") {
        found.push(array(members, "x5t#S256")?);
    }
    if let Some(chain) = members.get("x5c") {
        // `x5c` is plain base64 of DER, the certificate of the key first (RFC 7517 section 4.7).
        let first = chain.get(0).and_then(Value::as_str).ok_or(KeyError::Malformed)?;
        let der = BASE64_STANDARD.decode(first).map_err(|_| KeyError::Malformed)?;
        let thumbprint = Sha256::digest(der).into();
        if !found.contains(&thumbprint) {
            found.push(thumbprint);
        }
    }
    Ok(found)
}

/// Returns `alg` if it is one of `fitting`; the first of them if there is none.
fn algorithm(members: &Members, fitting: &[Algorithm]) -> Result<Algorithm, KeyError> {
    match optional_text(members, "alg")? {
        None => fitting.first().copied().ok_or(KeyError::Unsupported),
        Some(alg) => match Algorithm::from_name(alg) {
            Some(algorithm) if fitting.contains(&algorithm) => Ok(algorithm),
            Some(_) => Err(KeyError::Mismatch),
            None => Err(KeyError::Unsupported),
        },
    }
}

/// RFC 7517 sections 4.2 and 4.3.
fn check_use(members: &Members) -> Result<(), KeyError> {
    if !matches!(optional_text(members, "use")?, None | Some("sig")) {
        return Err(KeyError::WrongUse);
    }
    match members.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => Ok(()),
        Some(Value::Array(_)) => Err(KeyError::WrongUse),
        Some(_) => Err(KeyError::Malformed),
    }
}

fn text<'a>(members: &'a Members, name: &str) -> Result<&'a str, KeyError> {
    optional_text(members, name)?.ok_or(KeyError::Malformed)
}

fn optional_text<'a>(members: &'a Members, name: &str) -> Result<Option<&'a str>, KeyError> {
    members.get(name).map(|value| value.as_str().ok_or(KeyError::Malformed)).transpose()
}

fn array<const N: usize>(members: &Members, name: &str) -> Result<[u8; N], KeyError> {
    base64url::decode_array(text(members, name)?).ok_or(KeyError::Malformed)
}

#[cfg(feature = "aws-lc-rs")]
fn bytes(members: &Members, name: &str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(text(members, name)?).ok_or(KeyError::Malformed)
}
