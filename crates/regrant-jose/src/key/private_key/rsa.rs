use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use regrant::host::Unavailable;
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::jwk::{Jwk, RsaKey};
use crate::key::KeyError;

/// The private half of an RSA key.
pub(super) struct RsaPrivateKey(KeyPair);

impl RsaPrivateKey {
    /// Generates both halves, of 2048 bits.
    pub(super) fn generate() -> Result<(Jwk, Self), KeyError> {
        Self::pair(KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Weak)?)
    }

    /// Parses both halves of a `PrivateKeyInfo`.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<(Jwk, Self), KeyError> {
        // The library tells the reason only in the text of its error.
        Self::pair(KeyPair::from_pkcs8(der).map_err(|error| match error.to_string().as_str() {
            "TooSmall" | "TooLarge" => KeyError::Weak,
            _ => KeyError::Malformed,
        })?)
    }

    /// Returns both halves as a `PrivateKeyInfo`.
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let der: Pkcs8V1Der<'_> = self.0.as_der().map_err(|_| KeyError::Malformed)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    fn pair(pair: KeyPair) -> Result<(Jwk, Self), KeyError> {
        let public = Jwk::from_rsa_der(pair.public_key().as_ref())?;
        Ok((public, Self(pair)))
    }

    /// The private half of `public`, from d, p, q and the three numbers derived from them.
    pub(super) fn from_components(public: &RsaKey, private: [&[u8]; 6]) -> Result<Self, KeyError> {
        let [d, p, q, d_p, d_q, q_inv] = private;
        let public_key = PublicKeyComponents { n: public.modulus(), e: public.exponent() };
        KeyPair::from_components(&KeyPairComponents { public_key, d, p, q, dP: d_p, dQ: d_q, qInv: q_inv })
            .map(Self)
            .map_err(|_| KeyError::Inconsistent)
    }

    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let padding: &'static dyn RsaEncoding = match algorithm {
            Algorithm::Ps256 => &RSA_PSS_SHA256,
            _ => &RSA_PKCS1_SHA256,
        };
        let mut signature = vec![0; self.0.public_modulus_len()];
        // The library draws the PSS salt itself, and accepts no other source.
        self.0.sign(padding, &SystemRandom::new(), message, &mut signature).map_err(Unavailable::new)?;
        Ok(signature)
    }
}
