//! Revocation: the record afterwards, and the outcome for the host.

use super::{DAY, Fixture, SECOND};
use crate::engine::revoke_grant;
use crate::grant::RevocationReason;

#[test]
fn a_grant_whose_last_token_has_expired_was_not_alive() {
    let mut fixture = Fixture::new();
    fixture.advance(DAY * 7 - SECOND / 1000);
    for was_alive in [true, false] {
        let decision = revoke_grant(&mut fixture.grant.clone(), RevocationReason::HostRequest, fixture.now);
        assert_eq!((decision.outcome, decision.commits), (Ok(was_alive), true), "the clock of a node may be ahead");
        fixture.advance(SECOND / 1000);
    }
}
