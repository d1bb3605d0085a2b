//! Who verifies DPoP proofs.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::grant::Confirmation;
use crate::possession::DpopProof;

/// Verifies DPoP proofs. `regrant-jose` has one.
///
/// # Contract
/// All checks of RFC 9449 section 4.3 but the comparison with the bound key, which is the service's. A proof is accepted once.
#[async_trait]
pub trait ProofVerifier: Send + Sync {
    /// The thumbprint of the key that the proof shows possession of: [`Confirmation::DpopKey`].
    ///
    /// # Errors
    /// When the proof is not accepted, or when that cannot be told.
    async fn verify(&self, proof: &DpopProof, now: Timestamp) -> Result<Confirmation, ProofError>;

    /// The nonce that the next proof has to carry (RFC 9449 section 8); `None` when this verifier asks for none.
    fn nonce(&self, now: Timestamp) -> Option<String>;

    /// The algorithms it accepts, for the metadata (`dpop_signing_alg_values_supported`).
    fn algorithms(&self) -> Vec<&'static str>;
}

#[async_trait]
impl<T: ProofVerifier + ?Sized> ProofVerifier for Arc<T> {
    async fn verify(&self, proof: &DpopProof, now: Timestamp) -> Result<Confirmation, ProofError> {
        (**self).verify(proof, now).await
    }

    fn nonce(&self, now: Timestamp) -> Option<String> {
        (**self).nonce(now)
    }

    fn algorithms(&self) -> Vec<&'static str> {
        (**self).algorithms()
    }
}

/// Why a proof was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// It is not a valid proof for this request: `invalid_dpop_proof`.
    #[error("the proof is not valid")]
    Invalid,
    /// It is valid but for its nonce, which is missing or no longer accepted: `use_dpop_nonce`.
    #[error("the proof needs another nonce")]
    NonceRequired,
    /// It cannot be told: 503, or 500 if a [`StoreError`](crate::store::StoreError) among the causes says that trying
    /// again does not help.
    #[error("the proof cannot be verified now")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}
