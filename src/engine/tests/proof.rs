//! The key that counts, of those that a request proves: ARCHITECTURE.md, order of checks, proof.

use super::{KEY, OTHER_KEY};
use crate::engine::{VerifiedKeys, choose_key};
use crate::outcome::Refusal;
use crate::policy::{Policy, SenderConstraint};
use crate::vocabulary::Confirmation;

const CERTIFICATE: Confirmation = Confirmation::Certificate([9; 32]);

#[test]
fn the_policy_says_which_key_must_be_proven() {
    use SenderConstraint::{Certificate, Dpop, Either, Optional};
    for (constraint, proven, certificate, expected) in [
        (Optional, None, None, Ok(None)),
        (Optional, None, Some(CERTIFICATE), Ok(None)),
        (Optional, Some(KEY), Some(CERTIFICATE), Ok(Some(KEY))),
        (Dpop, None, None, Err(Refusal::ProofMissing)),
        (Dpop, None, Some(CERTIFICATE), Err(Refusal::ProofMissing)),
        (Dpop, Some(CERTIFICATE), None, Err(Refusal::ProofMissing)),
        (Dpop, Some(KEY), Some(CERTIFICATE), Ok(Some(KEY))),
        (Certificate, None, None, Err(Refusal::CertificateMissing)),
        (Certificate, Some(KEY), None, Err(Refusal::CertificateMissing)),
        (Certificate, Some(KEY), Some(CERTIFICATE), Ok(Some(CERTIFICATE))),
        (Either, None, None, Err(Refusal::ProofMissing)),
        (Either, None, Some(CERTIFICATE), Ok(Some(CERTIFICATE))),
        (Either, Some(KEY), Some(CERTIFICATE), Ok(Some(KEY))),
    ] {
        let policy = Policy::default().with_sender_constraint(constraint);
        let chosen = choose_key(VerifiedKeys { proven, certificate }, None, &policy);
        assert_eq!(chosen, expected, "{constraint:?} {proven:?} {certificate:?}");
    }
}

#[test]
fn a_grant_that_is_bound_to_a_certificate_is_compared_with_the_certificate() {
    let keys = VerifiedKeys { proven: Some(KEY), certificate: Some(CERTIFICATE) };
    for (bound, expected) in [(CERTIFICATE, CERTIFICATE), (KEY, KEY), (OTHER_KEY, KEY)] {
        assert_eq!(choose_key(keys, Some(&bound), &Policy::default()), Ok(Some(expected)));
    }
}
