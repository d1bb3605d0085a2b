//! Revocation: the record afterwards, and the outcome for the host.

use super::{DAY, Fixture, MILLISECOND, SECOND};
use crate::engine::revoke_grant;
use crate::grant::{Phase, RevocationReason};
use crate::policy::{Lifetime, Policy};

#[test]
fn a_grant_whose_last_token_has_expired_was_not_alive() {
    let mut fixture = Fixture::new();
    fixture.advance(DAY * 7);
    fixture.step_back(MILLISECOND);
    for was_alive in [true, false] {
        let decision = revoke_grant(&mut fixture.grant.clone(), RevocationReason::HostRequest, fixture.now);
        assert_eq!((decision.outcome, decision.commits), (Ok(was_alive), true), "the clock of a node may be ahead");
        fixture.advance(MILLISECOND);
    }
}

#[test]
fn the_record_of_a_grant_without_end_stays_for_30_days_after_its_revocation() {
    let mut fixture = Fixture::with_policy(Policy::default().with_refresh_token_lifetime(Lifetime::Never));
    assert_eq!(fixture.grant.deletable_from(), None);
    fixture.grant.revoke(fixture.now, RevocationReason::HostRequest);
    assert_eq!(fixture.grant.deletable_from(), Some(fixture.now + DAY * 30));
}

#[test]
fn a_revoked_grant_keeps_its_first_reason_and_no_trace_of_its_rotations() {
    let mut fixture = Fixture::new();
    let first = fixture.first.clone();
    fixture.rotate(&first);
    let revoked_at = fixture.now;
    fixture.grant.revoke(revoked_at, RevocationReason::HostRequest);
    assert!(fixture.grant.rotations_from(0).is_none(), "no salt is left");
    fixture.advance(SECOND);
    fixture.grant.revoke(fixture.now, RevocationReason::CodeReuse);
    let Phase::Revoked { at, reason, .. } = *fixture.grant.phase() else { panic!("the grant is revoked") };
    assert_eq!((at, reason), (revoked_at, RevocationReason::HostRequest));
}
