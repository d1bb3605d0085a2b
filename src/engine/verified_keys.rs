//! The keys of a request after verification, and the choice among them (RFC 9449, RFC 8705). ARCHITECTURE.md, order of
//! checks: proof.
//!
//! | `sender_constraint` | the key that counts | refused |
//! |---|---|---|
//! | `optional` | the DPoP key, or one that the host verified | never |
//! | `dpop` | the DPoP key | without a proof |
//! | `certificate` | the certificate | without a certificate |
//! | `either` | the DPoP key, otherwise the certificate | without both |
//!
//! A grant that is bound to a certificate prefers the certificate under every policy, because the grant accepts no
//! other key.

use crate::outcome::Refusal;
use crate::policy::{Policy, SenderConstraint};
use crate::vocabulary::Confirmation;

/// The keys whose possession a request proved.
///
/// Both are thumbprints. Nothing here trusts a key that only a header claimed: the verifier checked the signature of
/// the proof, and the TLS stack checked the handshake.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VerifiedKeys {
    /// The DPoP key, or a key that the host verified.
    ///
    /// A DPoP proof is used up by its verification, so the key is kept for all attempts of a call.
    pub(crate) proven: Option<Confirmation>,
    /// The client certificate of the connection.
    pub(crate) certificate: Option<Confirmation>,
}

/// Chooses the key that new access tokens are bound to, and that is compared with `bound`, the key of the grant.
///
/// A certificate that the client uses for its authentication binds no token unless the policy demands it (RFC 8705
/// section 3). Otherwise the tokens of a client would end whenever it renews its certificate.
///
/// # Errors
/// [`Refusal::ProofMissing`] or [`Refusal::CertificateMissing`] when the policy demands a key that the request does not
/// prove. Both are faults of the request and no statement about the token, so neither is `invalid_grant`.
pub(crate) fn choose_key(
    keys: VerifiedKeys,
    bound: Option<&Confirmation>,
    policy: &Policy,
) -> Result<Option<Confirmation>, Refusal> {
    let is_certificate = |key: &Confirmation| matches!(key, Confirmation::Certificate(_));
    let wants_certificate =
        bound.is_some_and(is_certificate) || policy.sender_constraint == SenderConstraint::Certificate;
    let may_be_certificate = wants_certificate || policy.sender_constraint == SenderConstraint::Either;
    let certificate = keys.certificate.filter(|_| may_be_certificate);
    let chosen = if wants_certificate { certificate.or(keys.proven) } else { keys.proven.or(certificate) };
    match policy.sender_constraint {
        SenderConstraint::Dpop if chosen.as_ref().is_none_or(is_certificate) => Err(Refusal::ProofMissing),
        SenderConstraint::Certificate if !chosen.as_ref().is_some_and(is_certificate) => {
            Err(Refusal::CertificateMissing)
        }
        SenderConstraint::Either if chosen.is_none() => Err(Refusal::ProofMissing),
        _ => Ok(chosen),
    }
}
