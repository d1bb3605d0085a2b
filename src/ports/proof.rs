//! Verification of DPoP proofs (RFC 9449). The crate `regrant-jose` implements the port.
//!
//! A proof is a JWT that the client signs for one request. It shows that the client holds a private key, so a stolen
//! token is useless without that key. The verifier checks the proof, and the service compares the key with that of the
//! grant. Certificates (RFC 8705) need no port: the TLS handshake is the proof.

pub use crate::vocabulary::{ClientCertificate, DpopProof, PresentedKeys};

use async_trait::async_trait;

use crate::ports::Unavailable;
use crate::vocabulary::{AccessToken, Confirmation, Timestamp, forward_to_arc};

/// Verifies DPoP proofs.
///
/// # Contract
/// * **All checks of RFC 9449 section 4.3**, except the comparison with the bound key. The service makes that
///   comparison. Without the comparison of `htm` and `htu`, a resource server can send the proof that it received to
///   this server.
/// * **A proof is accepted once** (section 11.1), on all nodes together. Otherwise an eavesdropper sends a copy.
///   [`SingleUse`](crate::store::SingleUse) remembers ids.
/// * **Only asymmetric algorithms are accepted, and `jwk` has no private part.** With `none` or HMAC anyone can make a
///   proof of any key.
/// * **A proof without the nonce is not used up** (section 8): the client may send the next proof at once.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::clock::Timestamp;
/// use regrant::grant::Confirmation;
/// use regrant::proof::{DpopProof, ProofError, ProofVerifier};
///
/// /// Reports proofs before it passes them on.
/// struct Reported<V>(V);
///
/// #[async_trait]
/// impl<V: ProofVerifier> ProofVerifier for Reported<V> {
///     async fn verify(&self, proof: &DpopProof, now: Timestamp) -> Result<Confirmation, ProofError> {
///         self.0.verify(proof, now).await.inspect_err(|error| eprintln!("{error}"))
///     }
///     # async fn verify_at_resource(
///     #     &self, proof: &DpopProof, token: &regrant::AccessToken, jkt: &[u8; 32], now: Timestamp
///     # ) -> Result<(), ProofError> { self.0.verify_at_resource(proof, token, jkt, now).await }
///     # fn nonce(&self, now: Timestamp) -> Option<String> { self.0.nonce(now) }
///     # fn algorithms(&self) -> Vec<&'static str> { self.0.algorithms() }
/// }
/// ```
#[async_trait]
pub trait ProofVerifier: Send + Sync {
    /// Returns the thumbprint of the key that signed the proof, as [`Confirmation::DpopKey`].
    ///
    /// # Errors
    /// [`ProofError`] when the proof is not accepted, or cannot be verified now.
    async fn verify(&self, proof: &DpopProof, now: Timestamp) -> Result<Confirmation, ProofError>;

    /// Verifies the proof of a request that presents `access_token` to a protected resource (RFC 9449 section 7), such
    /// as the userinfo endpoint. In addition to the checks of [`verify`](Self::verify), `ath` must be the hash of
    /// `access_token`, and the key must have the thumbprint `jkt`, to which the token is bound (`cnf`).
    ///
    /// # Errors
    /// As for [`verify`](Self::verify).
    async fn verify_at_resource(
        &self,
        proof: &DpopProof,
        access_token: &AccessToken,
        jkt: &[u8; 32],
        now: Timestamp,
    ) -> Result<(), ProofError>;

    /// Returns the nonce for the next proof (RFC 9449 section 8). Returns `None` if this verifier requires no nonce.
    /// All nodes accept the nonces of each other, or a client behind a load balancer never succeeds.
    fn nonce(&self, now: Timestamp) -> Option<String>;

    /// Returns the accepted algorithms, for the metadata (`dpop_signing_alg_values_supported`).
    fn algorithms(&self) -> Vec<&'static str>;
}

forward_to_arc! {
    ProofVerifier {
        async fn verify(&self, proof: &DpopProof, now: Timestamp) -> Result<Confirmation, ProofError>;
        async fn verify_at_resource(
            &self,
            proof: &DpopProof,
            access_token: &AccessToken,
            jkt: &[u8; 32],
            now: Timestamp
        ) -> Result<(), ProofError>;
        fn nonce(&self, now: Timestamp) -> Option<String>;
        fn algorithms(&self) -> Vec<&'static str>;
    }
}

/// The reason why a proof was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The proof is not valid for this request: `invalid_dpop_proof`.
    #[error("the proof is not valid: {0}")]
    Invalid(#[from] ProofFault),
    /// The proof is valid except for its nonce, which is missing or no longer accepted: `use_dpop_nonce`.
    #[error("the proof needs another nonce")]
    NonceRequired,
    /// The proof cannot be verified now: 503.
    #[error("the proof cannot be verified now")]
    Unavailable(#[from] Unavailable),
}

/// The faulty part of a DPoP proof (RFC 9449 section 4.3), for events and logs. A client gets `invalid_dpop_proof`
/// for each of them.
///
/// `Used` may be theft: somebody sends copies of proofs. `Expired` and `NotYetValid` of one client mean a wrong clock.
/// `Url` of all clients means that a proxy changes the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFault {
    /// No proof, or more than one.
    #[error("not one proof")]
    Missing,
    /// Not a signed JWT of type `dpop+jwt`, or a claim is missing or has the wrong type.
    #[error("proof malformed")]
    Malformed,
    /// `alg` is not accepted.
    #[error("proof of an algorithm that is not accepted")]
    Algorithm,
    /// `jwk` is missing, private, too weak, or too large to verify with.
    #[error("proof of a key that is not accepted")]
    Key,
    /// The signature does not verify with `jwk`.
    #[error("proof with a wrong signature")]
    Signature,
    /// `htm` differs from the method of the request.
    #[error("proof for another method")]
    Method,
    /// `htu` differs from the URL of the request.
    #[error("proof for another URL")]
    Url,
    /// `ath` is missing, or is the hash of another access token.
    #[error("proof for another access token")]
    AccessToken,
    /// The access token is bound to another key.
    #[error("proof of another key than that of the token")]
    OtherKey,
    /// `iat` lies too far in the past, or `exp` has passed.
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
    /// Returns a short name, for log fields and metric labels.
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
