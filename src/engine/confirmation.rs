use crate::outcome::Refusal;
use crate::policy::{Policy, SenderConstraint};
use crate::vocabulary::Confirmation;

/// The keys that a request shows, verified.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "built by whoever drives the engine")]
pub(crate) struct Shown {
    /// The DPoP key, or one that the host verified itself.
    pub key: Option<Confirmation>,
    /// The client certificate of the connection.
    pub certificate: Option<Confirmation>,
}

/// Which of the keys shown counts: what access tokens are bound to, and what is compared with `bound`, the key that the grant
/// is bound to. A certificate that is there because the client authenticates with it binds nothing unless the policy says so.
///
/// # Errors
/// When the policy demands a key that the request does not show.
pub(crate) fn confirmation(
    shown: Shown,
    bound: Option<&Confirmation>,
    policy: &Policy,
) -> Result<Option<Confirmation>, Refusal> {
    let is_certificate = |key: &Confirmation| matches!(key, Confirmation::Certificate(_));
    let wants_certificate =
        bound.is_some_and(is_certificate) || policy.sender_constraint == SenderConstraint::Certificate;
    let may_be_certificate = wants_certificate || policy.sender_constraint == SenderConstraint::Either;
    let certificate = shown.certificate.filter(|_| may_be_certificate);
    let chosen = if wants_certificate { certificate.or(shown.key) } else { shown.key.or(certificate) };
    match policy.sender_constraint {
        SenderConstraint::Dpop if chosen.as_ref().is_none_or(is_certificate) => Err(Refusal::ProofMissing),
        SenderConstraint::Certificate if !chosen.as_ref().is_some_and(is_certificate) => {
            Err(Refusal::CertificateMissing)
        }
        SenderConstraint::Either if chosen.is_none() => Err(Refusal::ProofMissing),
        _ => Ok(chosen),
    }
}
