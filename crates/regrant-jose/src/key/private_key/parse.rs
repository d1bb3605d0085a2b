use ed25519_dalek::SigningKey as Ed25519Key;
use p256::ecdsa::SigningKey as P256PrivateKey;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::PrivateKey;
#[cfg(feature = "aws-lc-rs")]
use super::{RsaPrivateKey, Secret};
use crate::base64url;
use crate::jwk::{Jwk, Material, public_material};
use crate::key::KeyError;

type Members = Map<String, Value>;

/// Parses a private JWK. It must have the public members, and they must match the private one.
pub(super) fn private_key(value: &Value) -> Result<PrivateKey, KeyError> {
    let members = value.as_object().ok_or(KeyError::Malformed)?;
    let (algorithm, material) = public_material(members)?;
    let key = match &material {
        Material::Ed25519(_) => PrivateKey::ed25519(&Ed25519Key::from_bytes(&*scalar(members)?), algorithm)?,
        Material::P256(_) => {
            PrivateKey::p256(P256PrivateKey::from_slice(&*scalar(members)?).map_err(|_| KeyError::Malformed)?)?
        }
        #[cfg(feature = "aws-lc-rs")]
        Material::Rsa(public) => {
            let [d, p, q, d_p, d_q, q_inv] = ["d", "p", "q", "dp", "dq", "qi"].map(|name| private(members, name));
            let secret = RsaPrivateKey::from_components(public, [&d?, &p?, &q?, &d_p?, &d_q?, &q_inv?])?;
            PrivateKey { public: Jwk::new(algorithm, material.clone()), secret: Secret::Rsa(secret) }
        }
        Material::Secret(_) => return Err(KeyError::Unsupported),
    };
    if key.public.thumbprint() != Jwk::new(algorithm, material).thumbprint() {
        return Err(KeyError::Inconsistent);
    }
    match members.get("kid") {
        None => Ok(key),
        Some(Value::String(kid)) => Ok(key.with_kid(kid.as_str())),
        Some(_) => Err(KeyError::Malformed),
    }
}

fn scalar(members: &Members) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let d = private(members, "d")?;
    d.as_slice().try_into().map(Zeroizing::new).map_err(|_| KeyError::Malformed)
}

fn private(members: &Members, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = members.get(name).and_then(Value::as_str).ok_or(KeyError::Malformed)?;
    base64url::decode(text).map(Zeroizing::new).ok_or(KeyError::Malformed)
}
