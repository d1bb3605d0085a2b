//! The grace period: a refresh whose answer was lost can be repeated, and yields the same successor.

use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::event::{EventKind, ReplayCause};
use regrant::grant::Confirmation;
use regrant::policy::{GracePeriod, Limit, OnReuse, PreviousAccessToken};
use regrant::{Policy, RefreshRequest, Refusal, TokenError};

use crate::lifecycle::node::{
    DAY, HOUR, MINUTE, MS, Node, SECOND, START, Tokens, a_minute_of_grace, assert_retryable, client, public_client,
    refusal, scope,
};

const GRACE: Duration = MINUTE;

fn until_use() -> Policy {
    Policy::default().with_grace_period(GracePeriod::UntilSuccessorUse)
}

/// A node, its first tokens, and the answer to their refresh: the one that gets lost.
fn lost(policy: Policy) -> (Node, Tokens, Tokens) {
    let node = Node::new(policy);
    let first = node.issue();
    let answer = node.refresh(first.refresh()).unwrap();
    (node, first, answer)
}

#[test]
fn a_retry_gets_the_same_tokens_byte_for_byte() {
    // No fork, and no new access token either.
    let (node, first, answer) = lost(a_minute_of_grace());
    for _ in 0..5 {
        assert_eq!(node.refresh(first.refresh()).unwrap(), answer);
    }
    assert!(node.is_active(answer.refresh()), "the returned token is active");
    assert!(node.refresh(answer.refresh()).is_ok());
}

#[test]
fn a_retry_writes_nothing() {
    let (node, first, _) = lost(a_minute_of_grace());
    let (writes, before) = (node.store.writes(), node.bytes(first.grant_id));
    for _ in 0..5 {
        node.advance(SECOND);
        node.refresh(first.refresh()).unwrap();
    }
    assert_eq!(node.store.writes(), writes);
    assert_eq!(node.bytes(first.grant_id), before);
}

#[test]
fn a_retry_is_reported_as_a_lost_response() {
    let (node, first, _) = lost(a_minute_of_grace());
    node.events.take();
    node.refresh(first.refresh()).unwrap();
    assert_eq!(node.events.kinds(), [EventKind::Replayed { cause: ReplayCause::LostResponse, steps: 1 }]);
}

#[test]
fn a_retry_tells_how_long_its_tokens_really_live() {
    let (node, first, answer) = lost(a_minute_of_grace());
    node.advance(SECOND * 40);
    let again = node.refresh(first.refresh()).unwrap();
    assert_eq!(again.expires_in, answer.expires_in - SECOND * 40);
    assert_eq!(again.refresh_expires_at, answer.refresh_expires_at);
    let exp = node.introspect(&again.access).unwrap().expires_at.unwrap();
    assert_eq!(exp.since(node.service.now()), Some(again.expires_in));
}

#[test]
fn a_retry_after_the_access_token_expired_gets_a_new_one_and_repeats_that() {
    let policy = Policy::default().with_access_token_lifetime(SECOND * 10);
    let (node, first, answer) = lost(policy);
    node.advance(SECOND * 10);
    let writes = node.store.writes();
    let again = node.refresh(first.refresh()).unwrap();
    assert_eq!(node.store.writes(), writes + 1);
    assert_ne!(again.access, answer.access);
    assert_eq!((&again.refresh, again.expires_in), (&answer.refresh, SECOND * 10));
    node.advance(SECOND);
    let third = node.refresh(first.refresh()).unwrap();
    assert_eq!((&third.access, &third.refresh), (&again.access, &again.refresh));
    assert_eq!((third.expires_in, node.store.writes()), (SECOND * 9, writes + 1));
}

#[test]
fn an_access_token_in_its_last_second_is_not_repeated() {
    // A client reads whole seconds, and 0 or less as an error.
    for (left, is_repeated) in [(SECOND + MS, true), (SECOND, true), (SECOND - MS, false), (MS, false)] {
        let (node, first, answer) = lost(Policy::default().with_access_token_lifetime(SECOND * 10));
        node.advance(SECOND * 10 - left);
        let again = node.refresh(first.refresh()).unwrap();
        assert_eq!(again.access == answer.access, is_repeated, "{left:?} left");
        assert!(again.expires_in >= SECOND);
        assert_eq!(again.refresh, answer.refresh);
    }
}

#[test]
fn in_the_last_second_of_the_grant_a_retry_is_refused_and_changes_nothing() {
    // `expires_in` has whole seconds, and clients take a missing one, or 0, for an error.
    let node = Node::new(a_minute_of_grace().with_grant_lifetime(HOUR.into()));
    let first = node.issue();
    node.advance(HOUR - SECOND);
    let answer = node.refresh(first.refresh()).unwrap();
    assert_eq!(answer.expires_in, SECOND);
    let before = node.bytes(first.grant_id);
    node.advance(MS);
    for spent_or_not in [&first, &answer] {
        assert_eq!(refusal(node.refresh(spent_or_not.refresh())), Refusal::GrantExpired);
    }
    assert_eq!(node.bytes(first.grant_id), before);
}

#[test]
fn a_retry_for_another_scope_gets_another_access_token_beside_the_same_refresh_token() {
    let (node, first, answer) = lost(a_minute_of_grace());
    let narrow = node.refresh_scoped(first.refresh(), "read").unwrap();
    assert_ne!(narrow.access, answer.access);
    assert_eq!((&narrow.refresh, &narrow.scope), (&answer.refresh, &scope("read")));
    assert_eq!(node.introspect(&narrow.access).unwrap().scope, scope("read"));
    assert!(node.is_active(&answer.access));
    let writes = node.store.writes();
    assert_eq!(node.refresh_scoped(first.refresh(), "read").unwrap(), narrow);
    assert_eq!(node.refresh(first.refresh()).unwrap(), answer);
    assert_eq!(node.store.writes(), writes);
}

#[test]
fn a_retry_for_too_much_scope_is_refused_and_changes_nothing() {
    let (node, first, answer) = lost(a_minute_of_grace());
    let before = node.bytes(first.grant_id);
    assert_eq!(refusal(node.refresh_scoped(first.refresh(), "read delete")), Refusal::ScopeExceeded);
    assert_eq!(node.bytes(first.grant_id), before);
    assert_eq!(node.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn the_grace_period_ends_to_the_millisecond() {
    // The upper bound is exclusive.
    for (age, is_inside) in [(Duration::ZERO, true), (GRACE - MS, true), (GRACE, false), (GRACE + MS, false)] {
        let (node, first, answer) = lost(a_minute_of_grace());
        node.advance(age);
        let again = node.refresh(first.refresh());
        assert_eq!(again.is_ok(), is_inside, "at {age:?}");
        assert_eq!(node.is_active(answer.refresh()), is_inside, "at {age:?}");
    }
}

#[test]
fn a_grace_period_of_zero_has_no_instant() {
    // The clock stands still, and the token is spent (keycloak/keycloak#50999).
    let (node, first, answer) = lost(Policy::default().with_grace_period(Duration::ZERO.into()));
    assert_eq!(refusal(node.refresh(first.refresh())), Refusal::RefreshTokenReused);
    assert!(!node.is_any_active(&[first, answer]));
}

#[test]
fn a_grace_period_of_a_millisecond_has_one() {
    for (age, is_inside) in [(Duration::ZERO, true), (MS, false)] {
        let (node, first, _) = lost(Policy::default().with_grace_period(MS.into()));
        node.advance(age);
        assert_eq!(node.refresh(first.refresh()).is_ok(), is_inside, "at {age:?}");
    }
}

#[test]
fn retries_do_not_lengthen_the_grace_period() {
    // Each half a grace period later, with and without writes.
    for policy in [
        a_minute_of_grace(),
        a_minute_of_grace().with_max_replays(Limit::AtMost(9)),
        a_minute_of_grace().with_access_token_lifetime(SECOND * 5),
    ] {
        let (node, first, answer) = lost(policy);
        node.advance(GRACE / 2);
        node.refresh(first.refresh()).unwrap();
        node.advance(GRACE / 2 - MS);
        node.refresh(first.refresh()).unwrap();
        node.advance(MS);
        assert_eq!(refusal(node.refresh(first.refresh())), Refusal::RefreshTokenReused);
        assert!(!node.is_active(answer.refresh()));
    }
}

#[test]
fn retries_do_not_make_the_record_grow() {
    let policy = until_use().with_access_token_lifetime(MINUTE);
    let (node, first, _) = lost(policy);
    let sizes = [(); 10].map(|()| {
        node.advance(MINUTE);
        node.refresh(first.refresh()).unwrap();
        node.bytes(first.grant_id).len()
    });
    // A time further from the creation may take a byte more; an access token takes forty.
    assert!(sizes[9] < sizes[1] + 20, "{sizes:?}");
}

#[test]
fn a_retry_that_fails_for_want_of_scope_is_not_counted() {
    let (node, first, answer) = lost(Policy::default().with_max_replays(Limit::AtMost(1)));
    assert_eq!(refusal(node.refresh_scoped(first.refresh(), "delete")), Refusal::ScopeExceeded);
    assert_eq!(node.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn grace_does_not_see_through_a_revocation() {
    // By any token, by the host, with either way for grace to end.
    for policy in [a_minute_of_grace(), until_use()] {
        for by in ["predecessor", "successor", "host"] {
            let (node, first, answer) = lost(policy.clone());
            match by {
                "predecessor" => node.revoke(first.refresh()),
                "successor" => node.revoke(answer.refresh()),
                _ => assert!(crate::lifecycle::node::run(node.service.revoke_grant(first.grant_id)).unwrap()),
            }
            assert_eq!(refusal(node.refresh(first.refresh())), Refusal::GrantRevoked, "{by}");
            assert!(!node.is_any_active(&[first, answer]), "{by}");
        }
    }
}

#[test]
fn a_closed_account_is_refused_within_grace_and_loses_nothing() {
    // AM advisory #201801-06.
    let (node, first, answer) = lost(a_minute_of_grace());
    let before = node.bytes(first.grant_id);
    node.gate.close("demo");
    assert_eq!(refusal(node.refresh(first.refresh())), Refusal::SubjectNotServed);
    assert_eq!(refusal(node.refresh(answer.refresh())), Refusal::SubjectNotServed);
    assert!(!node.is_any_active(&[first.clone(), answer.clone()]));
    node.gate.reopen("demo");
    assert_eq!(node.bytes(first.grant_id), before);
    assert_eq!(node.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn another_client_is_not_answered_within_grace() {
    let (node, first, answer) = lost(a_minute_of_grace());
    let stranger = node.acting_as(client("stranger"));
    assert_eq!(refusal(stranger.refresh(first.refresh())), Refusal::OtherClient);
    assert_eq!(node.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn rotating_the_key_ring_between_refresh_and_retry_changes_nothing() {
    let (node, first, answer) = lost(a_minute_of_grace());
    let rotated = node.with_keys(&[2, 1]);
    assert_eq!(rotated.refresh(first.refresh()).unwrap(), answer);
    let next = rotated.refresh(answer.refresh()).unwrap();
    assert_eq!(node.with_keys(&[3, 2, 1]).refresh(answer.refresh()).unwrap(), next);
    assert!(rotated.is_active(next.refresh()));
}

#[test]
fn a_retry_gets_a_new_access_token_when_the_first_was_revoked() {
    let (node, first, answer) = lost(a_minute_of_grace());
    node.revoke(&answer.access);
    let again = node.refresh(first.refresh()).unwrap();
    assert_ne!(again.access, answer.access);
    assert_eq!(again.refresh, answer.refresh);
    assert!(!node.is_active(&answer.access) && node.is_active(&again.access));
}

#[test]
fn a_retry_repeats_its_tokens_also_when_earlier_access_tokens_die_on_refresh() {
    let (node, first, answer) = lost(Policy::default().with_previous_access_token(PreviousAccessToken::Revoke));
    assert_eq!(node.refresh(first.refresh()).unwrap(), answer);
    assert!(node.is_active(&answer.access));
}

#[test]
fn a_shortened_grace_period_applies_at_once() {
    let (node, first, answer) = lost(a_minute_of_grace());
    node.advance(SECOND * 30);
    let shorter = node.under(Policy::default().with_grace_period((SECOND * 30).into()).with_on_reuse(OnReuse::Refuse));
    assert_eq!(refusal(shorter.refresh(first.refresh())), Refusal::RefreshTokenReused);
    assert_eq!(node.refresh(first.refresh()).unwrap().refresh, answer.refresh);
}

#[test]
fn retries_are_limited_when_the_policy_says_so() {
    // The first use and so many retries. One more is reuse: refused alone, a thief who had rotated would never be found
    // out.
    for limit in [0, 1, 3] {
        for (on_reuse, lives) in [(OnReuse::Refuse, true), (OnReuse::Revoke, false)] {
            let policy = Policy::default().with_max_replays(Limit::AtMost(limit)).with_on_reuse(on_reuse);
            let (node, first, answer) = lost(policy);
            for _ in 0..limit {
                assert_eq!(node.refresh(first.refresh()).unwrap(), answer);
            }
            assert_eq!(refusal(node.refresh(first.refresh())), Refusal::ReplayLimitReached);
            assert_eq!(node.is_active(answer.refresh()), lives);
        }
    }
}

/// Callers of each kind, and true for the one to whom a deadline applies under `auto`.
fn callers() -> [(&'static str, Node, Option<Confirmation>, bool); 4] {
    let key = Some(Confirmation::DpopKey([0xd0; 32]));
    let node = Node::new(Policy::default());
    let public = node.acting_as(public_client("app"));
    [
        ("a client that authenticates", node.clone(), None, false),
        ("a client that authenticates and shows a key", node, key, false),
        ("a public client that shows its key", public.clone(), key, false),
        ("a public client with a bearer token", public, None, true),
    ]
}

#[test]
fn a_lost_response_that_is_noticed_the_next_morning_costs_no_session() {
    // A phone was killed during a refresh. A deadline protects no one where the client authenticates or shows its key.
    for (who, node, key, has_deadline) in callers() {
        let request = |token: &str| RefreshRequest::new(token).with_presented_keys(key);
        let first = Tokens::from(
            crate::lifecycle::node::run(
                node.service.issue(
                    &node.client,
                    regrant::IssueRequest::new(regrant::GrantType::Password, crate::lifecycle::node::approval())
                        .with_presented_keys(key),
                ),
            )
            .unwrap(),
        );
        let answer = node.refresh_with(&request(first.refresh())).unwrap();
        node.advance(MINUTE - MS);
        assert_eq!(node.refresh_with(&request(first.refresh())).unwrap().refresh, answer.refresh, "{who}");
        node.advance(MS);
        let late = [MS, HOUR, DAY * 6].map(|age| {
            node.advance(age);
            node.refresh_with(&request(first.refresh())).map(|tokens| tokens.refresh)
        });
        for again in late {
            assert_eq!(again.ok(), (!has_deadline).then(|| answer.refresh.clone()), "{who}");
        }
        let active = node.is_active(answer.refresh());
        assert_eq!(active, !has_deadline, "{who}");
    }
}

#[test]
fn a_retry_is_answered_as_long_as_the_successor_lives_and_no_longer() {
    // The predecessor's own end was met by its first use; the successor's holds for both.
    let (node, first, answer) = lost(Policy::default());
    let end = answer.refresh_expires_at.unwrap();
    node.clock.set(Timestamp::from_millis(end.as_millis() - 1));
    assert_eq!(node.refresh(first.refresh()).unwrap().refresh, answer.refresh);
    node.clock.set(end);
    assert_eq!(refusal(node.refresh(first.refresh())), Refusal::RefreshTokenExpired);
}

#[test]
fn a_time_that_somebody_set_is_exactly_that_time_for_everybody() {
    for (who, node, key, _) in callers() {
        for (age, is_inside) in [(SECOND * 5 - MS, true), (SECOND * 5, false)] {
            let node = node.under(Policy::default().with_grace_period((SECOND * 5).into()));
            let request = |token: &str| RefreshRequest::new(token).with_presented_keys(key);
            let first = node.issue();
            node.refresh_with(&request(first.refresh())).unwrap();
            node.advance(age);
            let again = node.refresh_with(&request(first.refresh()));
            assert_eq!(again.is_ok(), is_inside, "{who} at {age:?}: {again:?}");
        }
    }
}

#[test]
fn a_clock_a_little_behind_the_rotating_node_answers_the_retry() {
    // Two nodes, 2 s apart: every retry at the slower one was a 503.
    for (policy, lead) in [
        (a_minute_of_grace(), SECOND * 5),
        (Policy::default().with_grace_period((SECOND * 2).into()), SECOND * 2),
        (Policy::default().with_grace_period(MS.into()), MS),
    ] {
        for (behind, is_answered) in [(MS, true), (lead, true), (lead + MS, false), (HOUR, false)] {
            let (node, first, answer) = lost(policy.clone());
            let before = node.bytes(first.grant_id);
            let behind_start = START.as_millis() - i64::try_from(behind.as_millis()).unwrap();
            node.clock.set(Timestamp::from_millis(behind_start));
            let again = node.refresh(first.refresh());
            if is_answered {
                assert_eq!(again.unwrap().refresh, answer.refresh, "{behind:?} behind");
            } else {
                // Neither inside grace nor theft.
                assert!(matches!(again, Err(TokenError::Contended)), "{again:?}");
                assert_retryable(again);
            }
            assert_eq!(node.bytes(first.grant_id), before);
            node.clock.set(START);
            assert_eq!(node.refresh(first.refresh()).unwrap().refresh, answer.refresh);
        }
    }
}

#[test]
fn until_the_successor_is_used_no_clock_matters() {
    let (node, first, answer) = lost(until_use());
    for at in [START.as_millis() - 86_400_000, START.as_millis() + 86_400_000] {
        node.clock.set(Timestamp::from_millis(at));
        assert_eq!(node.refresh(first.refresh()).unwrap().refresh, answer.refresh);
    }
}

#[test]
fn a_retry_for_another_scope_ends_the_access_token_that_the_lost_answer_carried() {
    // With `previous_access_token = revoke` one access token is active; two requests for one rotation must not leave
    // two.
    let (node, first, answer) = lost(Policy::default().with_previous_access_token(PreviousAccessToken::Revoke));
    let narrow = node.refresh_scoped(first.refresh(), "read").unwrap();
    assert!(node.is_active(&narrow.access));
    assert!(!node.is_active(&answer.access));
}
