use crate::key::KeyError;

/// The private half of an Ed25519 key, of the faster library in this build. All libraries produce the same signature
/// (RFC 8032).
#[cfg(not(feature = "aws-lc-rs"))]
pub(super) struct Ed25519PrivateKey(ed25519_dalek::SigningKey);
#[cfg(feature = "aws-lc-rs")]
pub(super) struct Ed25519PrivateKey(aws_lc_rs::signature::Ed25519KeyPair);

#[cfg(not(feature = "aws-lc-rs"))]
impl Ed25519PrivateKey {
    #[expect(clippy::unnecessary_wraps, reason = "the other library checks")]
    pub(super) fn new(key: &ed25519_dalek::SigningKey) -> Result<Self, KeyError> {
        Ok(Self(key.clone()))
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        ed25519_dalek::Signer::sign(&self.0, message).to_bytes().into()
    }
}

#[cfg(feature = "aws-lc-rs")]
impl Ed25519PrivateKey {
    pub(super) fn new(key: &ed25519_dalek::SigningKey) -> Result<Self, KeyError> {
        let public = key.verifying_key();
        aws_lc_rs::signature::Ed25519KeyPair::from_seed_and_public_key(key.as_bytes(), public.as_bytes())
            .map(Self)
            .map_err(|_| KeyError::Inconsistent)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().into()
    }
}
