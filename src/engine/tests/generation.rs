//! ARCHITECTURE.md, order of checks: generation.

use std::time::Duration;

use super::{DAY, Fixture, HOUR, KEY, OTHER_KEY, SECOND, format_of};
use crate::outcome::{EventKind, Refusal, ReplayCause};
use crate::policy::{GracePeriod, Limit, OnReuse, OnRollback, Policy};
use crate::token::{Key, KeyRing, TokenFormat, TokenPrefixes};
use crate::vocabulary::Realm;

#[test]
fn the_head_is_rotated() {
    let fixture = Fixture::new();
    let outcome = fixture.present(&fixture.first);
    assert_ne!(outcome.refresh_token(), fixture.first.expose());
    assert!(outcome.commits);
    assert_eq!(outcome.events, [EventKind::Rotated { generation: 1 }]);
    assert_eq!(outcome.grant.head().unwrap().generation, 1);
    assert_eq!(outcome.grant.rotations_from(0).unwrap().len(), 1);
}

#[test]
fn an_expired_head_is_refused_and_a_spent_token_is_reuse_even_then() {
    let mut fixture = Fixture::new();
    let first = fixture.first.clone();
    let second = fixture.rotate(&first);
    let third = fixture.rotate(&second);
    fixture.advance(DAY * 7);
    fixture.present(&third).assert_refused(Refusal::RefreshTokenExpired);
    fixture.present(&first).assert_reuse(Refusal::RefreshTokenReused);
}

#[test]
fn one_step_behind_repeats_the_response_and_writes_nothing() {
    let mut fixture = Fixture::new();
    let lost = fixture.present(&fixture.first);
    let (refresh_token, access_token) = (lost.refresh_token(), lost.access_token());
    fixture.commit(lost);
    fixture.advance(SECOND * 10);
    let replay = fixture.present(&fixture.first);
    assert_eq!((replay.refresh_token(), replay.access_token()), (refresh_token, access_token));
    assert_eq!(replay.response().expires_in, SECOND * 3590);
    assert!(!replay.commits);
    assert_eq!(replay.grant, fixture.grant);
    assert_eq!(replay.events, [EventKind::Replayed { cause: ReplayCause::LostResponse, steps: 1 }]);
}

#[test]
fn a_node_behind_the_issue_promises_no_more_than_the_lifetime_of_the_access_token() {
    let mut fixture = Fixture::new();
    let (first, behind) = (fixture.first.clone(), fixture.now);
    fixture.advance(SECOND * 3);
    let lost = fixture.present(&first);
    let access_token = lost.access_token();
    fixture.commit(lost);
    fixture.now = behind;
    let replay = fixture.present(&first);
    assert_eq!(replay.access_token(), access_token);
    assert_eq!(replay.response().expires_in, HOUR);
}

#[test]
fn the_loser_of_a_race_gets_the_response_of_the_winner() {
    let mut fixture = Fixture::new();
    let winner = fixture.present(&fixture.first);
    let refresh_token = winner.refresh_token();
    fixture.commit(winner);
    fixture.has_raced = true;
    let loser = fixture.present(&fixture.first);
    assert_eq!(loser.refresh_token(), refresh_token);
    assert_eq!(loser.events, [EventKind::Replayed { cause: ReplayCause::Concurrent, steps: 1 }]);
}

#[test]
fn the_retry_of_a_bearer_token_ends_after_a_minute_and_that_of_a_client_which_authenticates_does_not() {
    for (mut fixture, is_answered) in [(Fixture::public(None), false), (Fixture::new(), true)] {
        let first = fixture.first.clone();
        fixture.rotate(&first);
        fixture.advance(SECOND * 59);
        assert!(fixture.present(&first).result.is_ok());
        fixture.advance(SECOND);
        let late = fixture.present(&first);
        if is_answered {
            assert!(late.result.is_ok());
        } else {
            late.assert_reuse(Refusal::RefreshTokenReused);
        }
    }
}

#[test]
fn several_steps_behind_gets_the_head_within_the_catch_up_window() {
    let mut fixture = Fixture::new();
    let first = fixture.first.clone();
    let second = fixture.rotate(&first);
    let third = fixture.rotate(&second);
    fixture.advance(SECOND * 9);
    let outcome = fixture.present(&first);
    assert_eq!(outcome.refresh_token(), third.expose());
    assert_eq!(outcome.events, [EventKind::Replayed { cause: ReplayCause::Concurrent, steps: 2 }]);
    assert!(!outcome.commits);

    fixture.advance(SECOND);
    fixture.present(&first).assert_reuse(Refusal::RefreshTokenReused);
}

#[test]
fn reuse_under_a_lenient_policy_is_reported_and_changes_nothing() {
    let mut fixture = Fixture::with_policy(Policy::default().with_on_reuse(OnReuse::Refuse));
    let first = fixture.first.clone();
    let second = fixture.rotate(&first);
    fixture.rotate(&second);
    fixture.advance(HOUR);
    let outcome = fixture.present(&first);
    assert_eq!(outcome.result.err(), Some(Refusal::RefreshTokenReused));
    assert_eq!(outcome.events, [EventKind::ReuseDetected { cause: Refusal::RefreshTokenReused, revoked: false }]);
    assert!(!outcome.commits);
    assert_eq!(outcome.grant, fixture.grant);
}

#[test]
fn a_token_ahead_of_the_record_heals_the_record() {
    let mut fixture = Fixture::new();
    let first = fixture.first.clone();
    let second = fixture.rotate(&first);
    let old_record = fixture.grant.clone();
    let third = fixture.rotate(&second);
    let fourth = fixture.rotate(&third);
    fixture.grant = old_record;
    let outcome = fixture.present(&fourth);
    let healed = EventKind::Healed { recorded: 1, presented: 3 };
    assert_eq!(outcome.events, [healed, EventKind::Rotated { generation: 4 }]);
    fixture.commit(outcome);
    assert_eq!(fixture.generation(), 4);
    // The record knows nothing of the tokens before the healed one.
    fixture.present(&third).assert_reuse(Refusal::RefreshTokenReused);
}

#[test]
fn a_token_ahead_of_the_record_is_refused_when_the_policy_does_not_heal() {
    let mut fixture = Fixture::with_policy(Policy::default().with_on_rollback(OnRollback::Refuse));
    let first = fixture.first.clone();
    let old_record = fixture.grant.clone();
    let second = fixture.rotate(&first);
    fixture.grant = old_record;
    fixture.present(&second).assert_refused(Refusal::RefreshTokenAhead);
}

#[test]
fn two_successors_of_one_token_are_a_fork() {
    let mut fixture = Fixture::new();
    let first = fixture.first.clone();
    let old_record = fixture.grant.clone();
    let one = fixture.rotate(&first);
    fixture.grant = old_record;
    let other = fixture.rotate(&first);
    assert_ne!(one.expose(), other.expose());
    fixture.present(&one).assert_reuse(Refusal::RefreshTokenForked);
    fixture.rotate(&other);
    fixture.present(&one).assert_reuse(Refusal::RefreshTokenForked);
}

#[test]
fn an_unbound_token_whose_head_is_bound_to_another_key_is_reuse() {
    let mut fixture = Fixture::public(None);
    let first = fixture.first.clone();
    fixture.key = Some(KEY);
    fixture.rotate(&first);
    assert!(fixture.present(&first).result.is_ok());
    for key in [None, Some(OTHER_KEY)] {
        fixture.key = key;
        fixture.present(&first).assert_reuse(Refusal::RefreshTokenReused);
    }
}

#[test]
fn a_token_ahead_of_a_record_that_was_bound_to_another_key_since_is_a_fork() {
    // The store lost the binding of the owner, and a thief of the unbound token bound the grant to a key of his own.
    let mut fixture = Fixture::public(None);
    let (first, old_record) = (fixture.first.clone(), fixture.grant.clone());
    fixture.key = Some(KEY);
    let second = fixture.rotate(&first);
    let third = fixture.rotate(&second);
    fixture.grant = old_record;
    fixture.key = Some(OTHER_KEY);
    fixture.rotate(&first);
    fixture.key = Some(KEY);
    for token in [second, third] {
        fixture.present(&token).assert_reuse(Refusal::RefreshTokenForked);
    }
}

#[test]
fn a_former_token_is_unknown_once_the_key_of_its_rotation_was_dropped() {
    let mut fixture = Fixture::new();
    let first = fixture.first.clone();
    let ring = KeyRing::new(Key::from_parts(7, [[1; 16], [2; 16]].concat().try_into().unwrap()).unwrap());
    fixture.other_node = Some(TokenFormat::new(ring, &Realm::default(), TokenPrefixes::default()));
    let rotated = fixture.present(&first);
    fixture.commit(rotated);
    fixture.other_node = None;
    fixture.present(&first).assert_refused(Refusal::TokenUnrecognized);
}

#[test]
fn a_clock_that_is_far_behind_the_rotation_proves_nothing() {
    for (lead, is_answered) in [(SECOND * 5, true), (SECOND * 6, false)] {
        let mut fixture = Fixture::with_policy(Policy::default().with_grace_period(GracePeriod::Of(SECOND * 30)));
        let (first, behind) = (fixture.first.clone(), fixture.now);
        fixture.advance(lead);
        fixture.rotate(&first);
        fixture.now = behind;
        let outcome = fixture.present(&first);
        if is_answered {
            assert!(outcome.result.is_ok());
        } else {
            outcome.assert_refused(Refusal::ClockBehind);
        }
    }
}

#[test]
fn without_grace_a_spent_token_is_reuse_whatever_the_clock_says() {
    let mut fixture = Fixture::with_policy(Policy::default().with_grace_period(GracePeriod::Of(Duration::ZERO)));
    let (first, behind) = (fixture.first.clone(), fixture.now);
    fixture.advance(SECOND);
    fixture.rotate(&first);
    for now in [fixture.now, behind] {
        fixture.now = now;
        fixture.present(&first).assert_reuse(Refusal::RefreshTokenReused);
    }
}

#[test]
fn each_replay_counts_when_the_policy_limits_them() {
    let mut fixture = Fixture::with_policy(Policy::default().with_max_replays(Limit::AtMost(1)));
    let first = fixture.first.clone();
    fixture.rotate(&first);
    let replay = fixture.present(&first);
    assert!(replay.commits, "the count is stored");
    assert_eq!(replay.grant.rotations_from(0).unwrap().next().unwrap().replays, 1);
    fixture.commit(replay);
    fixture.present(&first).assert_reuse(Refusal::ReplayLimitReached);
}

#[test]
fn a_node_with_another_key_under_the_same_id_issues_no_second_successor() {
    let mut fixture = Fixture::new();
    let first = fixture.first.clone();
    fixture.rotate(&first);
    fixture.other_node = Some(format_of(2));
    fixture.present(&first).assert_refused(Refusal::SuccessorMismatch);
}
