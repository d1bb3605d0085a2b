//! Who verifies DPoP proofs.

pub use crate::vocabulary::{ClientCertificate, DpopProof, Possession};

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::vocabulary::{Confirmation, Timestamp};

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
    #[error("the proof is not valid: {0}")]
    Invalid(#[from] ProofFault),
    /// It is valid but for its nonce, which is missing or no longer accepted: `use_dpop_nonce`.
    #[error("the proof needs another nonce")]
    NonceRequired,
    /// It cannot be told: 503, or 500 if a [`StoreError`](crate::store::StoreError) among the causes says that trying
    /// again does not help.
    #[error("the proof cannot be verified now")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// The part of a DPoP proof that is wrong (RFC 9449 section 4.3): for the host. Clients are told `invalid_dpop_proof`,
/// whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFault {
    /// No proof, or more than one.
    #[error("not one proof")]
    Missing,
    /// No signed JWT of type `dpop+jwt`, or a claim is missing or mistyped.
    #[error("proof malformed")]
    Malformed,
    /// `alg` is none that is accepted.
    #[error("proof of an algorithm that is not accepted")]
    Algorithm,
    /// `jwk` is missing, private, too weak, or too large to verify with.
    #[error("proof of a key that is not accepted")]
    Key,
    /// The signature is not that of the key.
    #[error("proof with a wrong signature")]
    Signature,
    /// `htm` is another method.
    #[error("proof for another method")]
    Method,
    /// `htu` is another URL.
    #[error("proof for another URL")]
    Url,
    /// `ath` is another access token, or missing.
    #[error("proof for another access token")]
    AccessToken,
    /// The access token is bound to another key.
    #[error("proof of another key than that of the token")]
    OtherKey,
    /// `iat` lies too far back, or `exp` is over.
    #[error("proof expired")]
    Expired,
    /// `iat` or `nbf` lies in the future.
    #[error("proof not valid yet")]
    NotYetValid,
    /// `jti` was used before.
    #[error("proof used before")]
    Used,
}

impl ProofFault {
    /// A short name, for log fields and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "proof_missing",
            Self::Malformed => "proof_malformed",
            Self::Algorithm => "proof_algorithm",
            Self::Key => "proof_key",
            Self::Signature => "proof_signature",
            Self::Method => "proof_method",
            Self::Url => "proof_url",
            Self::AccessToken => "proof_access_token",
            Self::OtherKey => "proof_other_key",
            Self::Expired => "proof_expired",
            Self::NotYetValid => "proof_not_yet_valid",
            Self::Used => "proof_used",
        }
    }
}
