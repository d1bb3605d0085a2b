//! ARCHITECTURE.md, order of checks: answer.

use super::{AccessTokenForm, DAY, Fixture, HOUR, KEY, OTHER_KEY, RefreshRequest, SECOND, scope};
use crate::outcome::EventKind;
use crate::policy::{Lifetime, Policy, PreviousAccessToken};
use crate::vocabulary::KeyId;

#[test]
fn without_rotation_the_token_stays_and_its_lifetime_begins_again() {
    let mut fixture = Fixture::with_policy(Policy::default().with_issue_refresh_tokens_on_refresh(false));
    fixture.advance(DAY * 6);
    let outcome = fixture.present(&fixture.first);
    assert!(outcome.response().refresh_token.is_none());
    assert_eq!(outcome.events, [EventKind::Refreshed]);
    let used_at = fixture.now;
    fixture.commit(outcome);
    let head = fixture.grant.head().unwrap();
    assert_eq!((head.generation, head.used_at, head.expires_at), (0, Some(used_at), Some(used_at + DAY * 7)));
}

#[test]
fn without_extension_a_use_moves_no_expiry() {
    let policy = Policy::default().with_issue_refresh_tokens_on_refresh(false).with_extend_on_use(false);
    let mut fixture = Fixture::with_policy(policy);
    let expiry = Some(fixture.now + DAY * 7);
    fixture.advance(DAY);
    let outcome = fixture.present(&fixture.first);
    assert_eq!(outcome.grant.head().unwrap().expires_at, expiry);
    assert_eq!(outcome.grant.deletable_from(), expiry);
}

#[test]
fn without_rotation_the_record_does_not_grow_either() {
    let mut fixture = Fixture::with_policy(Policy::default().with_issue_refresh_tokens_on_refresh(false));
    for _ in 0..3 {
        fixture.advance(HOUR);
        let outcome = fixture.present(&fixture.first);
        assert_eq!(outcome.grant.access_tokens().len(), 1, "the expired one is dropped");
        fixture.commit(outcome);
    }
}

#[test]
fn a_client_that_may_hold_one_access_token_holds_one() {
    let mut fixture = Fixture::with_policy(Policy::default().with_max_live_access_tokens(1));
    let first = fixture.first.clone();
    fixture.rotate(&first);
    assert_eq!(fixture.grant.access_tokens().len(), 1);
}

#[test]
fn no_token_outlives_its_grant() {
    let mut fixture = Fixture::with_policy(Policy::default().with_grant_lifetime(Lifetime::Of(HOUR * 2)));
    let expiry = fixture.now + HOUR * 2;
    fixture.advance(HOUR + SECOND * 600);
    let outcome = fixture.present(&fixture.first);
    assert_eq!(outcome.response().expires_in, SECOND * 3000);
    assert_eq!(outcome.response().refresh_token.as_ref().unwrap().expires_at, Some(expiry));
    assert_eq!(outcome.grant.deletable_from(), Some(expiry));
}

#[test]
fn a_jwt_expires_at_a_whole_second_within_its_grant_and_an_opaque_token_to_the_millisecond() {
    let half = SECOND / 2;
    let mut fixture = Fixture::with_policy(Policy::default().with_grant_lifetime(Lifetime::Of(HOUR * 2 + half)));
    let end = fixture.now + HOUR * 2;
    fixture.advance(half);
    let expiry = |fixture: &Fixture| fixture.present(&fixture.first).response().expires_at;
    assert_eq!(expiry(&fixture), fixture.now + HOUR);
    fixture.signing_key = Some(KeyId::new("key").unwrap());
    assert_eq!(expiry(&fixture), fixture.now + HOUR + half, "rounded up");
    fixture.advance(HOUR + SECOND);
    assert_eq!(expiry(&fixture), end, "the end of the grant, rounded down");
    fixture.signing_key = None;
    assert_eq!(expiry(&fixture), end + half);
}

#[test]
fn a_refresh_drops_earlier_access_tokens_when_the_policy_says_so() {
    for (previous, left) in [(PreviousAccessToken::Keep, 2), (PreviousAccessToken::Revoke, 1)] {
        let fixture = Fixture::with_policy(Policy::default().with_previous_access_token(previous));
        assert_eq!(fixture.present(&fixture.first).grant.access_tokens().len(), left);
    }
}

#[test]
fn the_first_key_of_a_public_client_binds_the_new_token_and_a_replay_binds_nothing() {
    let mut fixture = Fixture::public(None);
    let first = fixture.first.clone();
    let mut replayed = Fixture::public(None);
    replayed.rotate(&first);
    replayed.key = Some(KEY);
    let replay = replayed.present(&first);
    assert_eq!(replay.grant.approval().confirmation, None);
    assert_eq!(replay.response().confirmation, Some(KEY));

    fixture.key = Some(KEY);
    fixture.rotate(&first);
    assert_eq!(fixture.grant.approval().confirmation, Some(KEY));
    assert!(fixture.grant.is_bound(1) && !fixture.grant.is_bound(0));
}

#[test]
fn a_bound_grant_keeps_its_key_and_the_generation_of_its_binding() {
    let mut fixture = Fixture::public(Some(KEY));
    let first = fixture.first.clone();
    fixture.rotate(&first);
    assert!(fixture.grant.is_bound(0), "a rotation with the key does not unbind the tokens before it");
    fixture.grant.bind(1, Some(OTHER_KEY));
    assert_eq!(fixture.grant.approval().confirmation, Some(KEY));
}

#[test]
fn a_replay_with_another_reach_gets_an_access_token_of_its_own() {
    let mut fixture = Fixture::new();
    let lost = fixture.present(&fixture.first);
    let (refresh_token, access_token) = (lost.refresh_token(), lost.access_token());
    fixture.commit(lost);
    let narrow = fixture.refresh(&RefreshRequest::new(fixture.first.clone()).with_scope(scope("read")));
    assert_eq!(narrow.refresh_token(), refresh_token);
    assert_ne!(narrow.access_token(), access_token);
    assert!(narrow.commits, "the new access token is recorded");
}

#[test]
fn a_replay_repeats_a_jwt_with_its_first_signing_key() {
    let mut fixture = Fixture::new();
    fixture.signing_key = Some(KeyId::new("former").unwrap());
    let lost = fixture.present(&fixture.first);
    let jti = lost.access_token();
    fixture.commit(lost);
    for signing_key in [Some(KeyId::new("current").unwrap()), None] {
        fixture.signing_key = signing_key;
        let replay = fixture.present(&fixture.first);
        assert_eq!(replay.access_token(), jti);
        let form = &replay.result.as_ref().unwrap().access_token;
        assert!(matches!(form, AccessTokenForm::Jwt { key, .. } if key.as_str() == "former"), "{form:?}");
    }
}
