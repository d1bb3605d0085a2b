use std::sync::Arc;

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};
use p256::pkcs8::der::asn1::UintRef;
use p256::pkcs8::der::{self, Reader, SliceReader};

use super::{Jwk, Material};
use crate::algorithm::Algorithm;
use crate::key::KeyError;

/// An RSA key that verifies one of the two paddings.
#[derive(Clone)]
pub(crate) struct RsaKey(Arc<Parts>);

struct Parts {
    n: Box<[u8]>,
    e: Box<[u8]>,
    parsed: ParsedPublicKey,
}

impl RsaKey {
    /// The key with these numbers: big-endian, without leading zeros (RFC 7518 section 2, `Base64urlUInt`).
    pub(crate) fn new(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (Some(first), Some(1..)) = (n.first(), e.first()) else { return Err(KeyError::Malformed) };
        let bits = (n.len() * 8).saturating_sub(first.leading_zeros() as usize);
        match (*first, e) {
            (0, _) => return Err(KeyError::Malformed),
            // Refuses, besides wrong lengths, an even modulus, and exponents that do not encrypt or take too long.
            _ if !(2048..=8192).contains(&bits) || n.last().is_some_and(|last| last % 2 == 0) => {
                return Err(KeyError::Weak);
            }
            (_, [1]) => return Err(KeyError::Weak),
            (_, e) if e.len() > 4 || e.last().is_some_and(|last| last % 2 == 0) => return Err(KeyError::Weak),
            _ => {}
        }
        let parsed = RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(parameters(algorithm)?)
            .map_err(|_| KeyError::Malformed)?;
        Ok(Self(Arc::new(Parts { n: n.into(), e: e.into(), parsed })))
    }

    /// The same key for the other padding.
    pub(crate) fn for_algorithm(&self, algorithm: Algorithm) -> Option<Self> {
        Self::new(algorithm, self.modulus(), self.exponent()).ok()
    }

    pub(crate) fn modulus(&self) -> &[u8] {
        &self.0.n
    }

    pub(crate) fn exponent(&self) -> &[u8] {
        &self.0.e
    }

    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.parsed.verify_sig(message, signature).is_ok()
    }
}

impl Jwk {
    /// The key of an `RSAPublicKey` (RFC 8017 appendix A.1.1), for RS256.
    pub(crate) fn from_rsa_der(der: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = components(der).map_err(|_| KeyError::Malformed)?;
        let key = RsaKey::new(Algorithm::Rs256, n.as_bytes(), e.as_bytes())?;
        Ok(Self::new(Algorithm::Rs256, Material::Rsa(key)))
    }
}

fn components(der: &[u8]) -> Result<(UintRef<'_>, UintRef<'_>), der::Error> {
    let mut reader = SliceReader::new(der)?;
    let components = reader.sequence(|numbers| Ok::<_, der::Error>((numbers.decode()?, numbers.decode()?)))?;
    reader.finish()?;
    Ok(components)
}

fn parameters(algorithm: Algorithm) -> Result<&'static RsaParameters, KeyError> {
    match algorithm {
        Algorithm::Rs256 => Ok(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Ps256 => Ok(&RSA_PSS_2048_8192_SHA256),
        _ => Err(KeyError::Mismatch),
    }
}
