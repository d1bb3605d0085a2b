#[cfg(feature = "aws-lc-rs")]
use std::sync::Arc;

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use p256::ecdsa::VerifyingKey;

use crate::key::KeyError;

/// A P-256 key of the faster library in this build.
#[derive(Clone)]
pub(crate) struct P256Key {
    point: VerifyingKey,
    #[cfg(feature = "aws-lc-rs")]
    parsed: Arc<ParsedPublicKey>,
}

impl P256Key {
    /// The key with these coordinates, if they are a point of the curve.
    pub(crate) fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, KeyError> {
        let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
        Self::new(VerifyingKey::from_sec1_bytes(&point).map_err(|_| KeyError::InvalidPoint)?)
    }

    #[cfg_attr(
        not(feature = "aws-lc-rs"),
        expect(clippy::unnecessary_wraps, reason = "the other library may see it differently")
    )]
    pub(crate) fn new(point: VerifyingKey) -> Result<Self, KeyError> {
        Ok(Self {
            #[cfg(feature = "aws-lc-rs")]
            parsed: ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.to_sec1_point(false))
                .map_err(|_| KeyError::InvalidPoint)?
                .into(),
            point,
        })
    }

    /// The coordinates x and y.
    pub(crate) fn coordinates(&self) -> ([u8; 32], [u8; 32]) {
        let (mut x, mut y) = ([0; 32], [0; 32]);
        let point = self.point.to_sec1_point(false);
        x.copy_from_slice(&point.as_bytes()[1..33]);
        y.copy_from_slice(&point.as_bytes()[33..]);
        (x, y)
    }

    /// Verifies a signature of the form `r || s` in 64 bytes, both in range (RFC 7518 section 3.4). DER is refused.
    #[cfg(not(feature = "aws-lc-rs"))]
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        use p256::ecdsa::signature::Verifier;
        p256::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| self.point.verify(message, &signature).is_ok())
    }

    /// Verifies a signature of the form `r || s` in 64 bytes, both in range (RFC 7518 section 3.4). DER is refused.
    #[cfg(feature = "aws-lc-rs")]
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}
