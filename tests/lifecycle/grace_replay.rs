//! Grace: a refresh whose answer was lost can be repeated, and yields the same successor.

use std::time::Duration;

use regrant::{
    EventKind, GraceEnds, Limit, OnReuse, Policy, PreviousAccessToken, Refusal, ReplayCause, Timestamp, TokenError,
};

use crate::world::{HOUR, MINUTE, MS, SECOND, START, Tokens, World, assert_retryable, client, refusal, scope};

const GRACE: Duration = MINUTE;

fn until_deadline() -> Policy {
    Policy::default().with_grace_ends(GraceEnds::Deadline)
}

/// A world, its first tokens, and the answer to their refresh: the one that gets lost.
fn lost(policy: Policy) -> (World, Tokens, Tokens) {
    let world = World::new(policy);
    let first = world.issue();
    let answer = world.refresh(first.refresh()).unwrap();
    (world, first, answer)
}

#[test]
fn a_retry_gets_the_same_tokens_byte_for_byte() {
    // C66: not a fork, not a new access token either.
    let (world, first, answer) = lost(Policy::default());
    for _ in 0..5 {
        assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
    }
    assert!(world.is_active(answer.refresh()), "A7: what a retry returns is alive");
    assert!(world.refresh(answer.refresh()).is_ok());
}

#[test]
fn a_retry_writes_nothing() {
    let (world, first, _) = lost(Policy::default());
    let (writes, before) = (world.store.writes(), world.bytes(first.grant_id));
    for _ in 0..5 {
        world.advance(SECOND);
        world.refresh(first.refresh()).unwrap();
    }
    assert_eq!(world.store.writes(), writes);
    assert_eq!(world.bytes(first.grant_id), before);
}

#[test]
fn a_retry_is_reported_as_a_lost_response() {
    let (world, first, _) = lost(Policy::default());
    world.events.take();
    world.refresh(first.refresh()).unwrap();
    assert_eq!(world.events.kinds(), [EventKind::Replayed { cause: ReplayCause::LostResponse }]);
}

#[test]
fn a_retry_tells_how_long_its_tokens_really_live() {
    let (world, first, answer) = lost(Policy::default());
    world.advance(SECOND * 40);
    let again = world.refresh(first.refresh()).unwrap();
    assert_eq!(again.expires_in, answer.expires_in - SECOND * 40);
    assert_eq!(again.refresh_expires_at, answer.refresh_expires_at);
    let exp = world.introspect(&again.access).unwrap().expires_at.unwrap();
    assert_eq!(exp.since(world.service.now()), Some(again.expires_in));
}

#[test]
fn a_retry_after_the_access_token_expired_gets_a_new_one_and_repeats_that() {
    let policy = Policy::default().with_access_token_lifetime(SECOND * 10);
    let (world, first, answer) = lost(policy);
    world.advance(SECOND * 10);
    let writes = world.store.writes();
    let again = world.refresh(first.refresh()).unwrap();
    assert_eq!(world.store.writes(), writes + 1);
    assert_ne!(again.access, answer.access);
    assert_eq!((&again.refresh, again.expires_in), (&answer.refresh, SECOND * 10));
    world.advance(SECOND);
    let third = world.refresh(first.refresh()).unwrap();
    assert_eq!((&third.access, &third.refresh), (&again.access, &again.refresh));
    assert_eq!((third.expires_in, world.store.writes()), (SECOND * 9, writes + 1));
}

#[test]
fn an_access_token_in_its_last_second_is_not_repeated() {
    // A client reads whole seconds, and 0 or less as an error.
    for (left, is_repeated) in [(SECOND + MS, true), (SECOND, true), (SECOND - MS, false), (MS, false)] {
        let (world, first, answer) = lost(Policy::default().with_access_token_lifetime(SECOND * 10));
        world.advance(SECOND * 10 - left);
        let again = world.refresh(first.refresh()).unwrap();
        assert_eq!(again.access == answer.access, is_repeated, "{left:?} left");
        assert!(again.expires_in >= SECOND);
        assert_eq!(again.refresh, answer.refresh);
    }
}

#[test]
fn a_retry_at_the_very_end_of_the_grant_repeats_its_access_token_too() {
    // A new one could not live longer: there is nothing to gain by minting it.
    let world = World::new(Policy::default().with_grant_lifetime(HOUR.into()));
    let first = world.issue();
    world.advance(HOUR - SECOND / 2);
    let answer = world.refresh(first.refresh()).unwrap();
    let writes = world.store.writes();
    for _ in 0..3 {
        assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
    }
    assert_eq!(world.store.writes(), writes);
}

#[test]
fn a_retry_for_another_scope_gets_another_access_token_beside_the_same_refresh_token() {
    let (world, first, answer) = lost(Policy::default());
    let narrow = world.refresh_scoped(first.refresh(), "read").unwrap();
    assert_ne!(narrow.access, answer.access);
    assert_eq!((&narrow.refresh, &narrow.scope), (&answer.refresh, &scope("read")));
    assert_eq!(world.introspect(&narrow.access).unwrap().scope, scope("read"));
    assert!(world.is_active(&answer.access));
    let writes = world.store.writes();
    assert_eq!(world.refresh_scoped(first.refresh(), "read").unwrap(), narrow);
    assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
    assert_eq!(world.store.writes(), writes);
}

#[test]
fn a_retry_for_too_much_scope_is_refused_and_changes_nothing() {
    let (world, first, answer) = lost(Policy::default());
    let before = world.bytes(first.grant_id);
    assert_eq!(refusal(world.refresh_scoped(first.refresh(), "read delete")), Refusal::ScopeExceeded);
    assert_eq!(world.bytes(first.grant_id), before);
    assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn the_grace_period_ends_to_the_millisecond() {
    // C54: the upper bound is exclusive.
    for (age, is_inside) in [(Duration::ZERO, true), (GRACE - MS, true), (GRACE, false), (GRACE + MS, false)] {
        let (world, first, answer) = lost(Policy::default());
        world.advance(age);
        let again = world.refresh(first.refresh());
        assert_eq!(again.is_ok(), is_inside, "at {age:?}");
        assert_eq!(world.is_active(answer.refresh()), is_inside, "at {age:?}");
    }
}

#[test]
fn a_grace_period_of_zero_has_no_instant() {
    // A3, A14 (`<=`), C76: the clock stands still and still the token is spent.
    let (world, first, answer) = lost(Policy::default().with_grace_period(Duration::ZERO));
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::RefreshTokenReused);
    assert!(!world.is_any_active(&[first, answer]));
}

#[test]
fn a_grace_period_of_a_millisecond_has_one() {
    for (age, is_inside) in [(Duration::ZERO, true), (MS, false)] {
        let (world, first, _) = lost(Policy::default().with_grace_period(MS));
        world.advance(age);
        assert_eq!(world.refresh(first.refresh()).is_ok(), is_inside, "at {age:?}");
    }
}

#[test]
fn retries_do_not_lengthen_the_grace_period() {
    // A9, C55: each half a grace period later, with and without writes.
    for policy in [
        Policy::default(),
        until_deadline(),
        Policy::default().with_max_replays(Limit::AtMost(9)),
        Policy::default().with_access_token_lifetime(SECOND * 5),
    ] {
        let (world, first, answer) = lost(policy);
        world.advance(GRACE / 2);
        world.refresh(first.refresh()).unwrap();
        world.advance(GRACE / 2 - MS);
        world.refresh(first.refresh()).unwrap();
        world.advance(MS);
        assert_eq!(refusal(world.refresh(first.refresh())), Refusal::RefreshTokenReused);
        assert!(!world.is_active(answer.refresh()));
    }
}

#[test]
fn once_the_successor_was_used_the_predecessor_is_refused_and_nobody_is_logged_out() {
    // C67: parallel tabs look like this.
    let (world, first, second) = lost(Policy::default());
    world.advance(SECOND);
    let third = world.refresh(second.refresh()).unwrap();
    let before = world.bytes(first.grant_id);
    for _ in 0..3 {
        assert_eq!(refusal(world.refresh(first.refresh())), Refusal::SuccessorUsed);
    }
    world.advance(GRACE - SECOND - MS);
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::SuccessorUsed);
    assert_eq!(world.bytes(first.grant_id), before);
    assert!(world.is_active(third.refresh()));
    // C68: and when its clock has run out it is reuse.
    world.advance(MS);
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::RefreshTokenReused);
    assert!(!world.is_any_active(&[second, third]));
}

#[test]
fn a_successor_that_is_used_without_rotation_is_used_all_the_same() {
    let (world, first, second) = lost(Policy::default());
    let still = world.under(Policy::default().with_issue_refresh_tokens_on_refresh(false));
    assert_eq!(still.refresh(second.refresh()).unwrap().refresh, None);
    assert_eq!(refusal(still.refresh(first.refresh())), Refusal::SuccessorUsed);
    assert!(still.is_active(second.refresh()));
}

#[test]
fn a_record_keeps_what_a_retry_needs_of_one_predecessor_unless_all_may_be_retried() {
    let size = |policy| {
        let world = World::new(policy);
        let first = world.issue();
        world.rotate(&first, 6, SECOND);
        world.bytes(first.grant_id).len()
    };
    // Digest and salt of five more predecessors.
    assert!(size(Policy::default()) + 5 * (32 + 16) < size(until_deadline()));
}

#[test]
fn retries_do_not_make_the_record_grow() {
    let day = Duration::from_secs(24 * 3600);
    let policy = Policy::default().with_grace_period(day).with_access_token_lifetime(MINUTE);
    let (world, first, _) = lost(policy);
    let sizes = [(); 10].map(|()| {
        world.advance(MINUTE);
        world.refresh(first.refresh()).unwrap();
        world.bytes(first.grant_id).len()
    });
    // A time further from the creation may take a byte more; an access token takes forty.
    assert!(sizes[9] < sizes[1] + 20, "{sizes:?}");
}

#[test]
fn until_the_deadline_old_tokens_are_replayed_though_their_successor_is_used() {
    let (world, first, second) = lost(until_deadline());
    let third = world.refresh(second.refresh()).unwrap();
    let fourth = world.refresh(third.refresh()).unwrap();
    for _ in 0..2 {
        // Never a fork: each yields the successor it always had (A10).
        assert_eq!(world.refresh(first.refresh()).unwrap(), second);
        assert_eq!(world.refresh(second.refresh()).unwrap(), third);
        assert_eq!(world.refresh(third.refresh()).unwrap(), fourth);
    }
    let heads = [&first, &second, &third, &fourth].map(|tokens| world.is_active(tokens.refresh()));
    assert_eq!(heads, [false, false, false, true]);
    world.advance(GRACE);
    assert_eq!(refusal(world.refresh(second.refresh())), Refusal::RefreshTokenReused);
    assert!(!world.is_active(fourth.refresh()));
}

#[test]
fn a_way_for_grace_to_end_that_is_switched_on_later_applies_at_once() {
    let (world, first, second) = lost(until_deadline());
    let third = world.refresh(second.refresh()).unwrap();
    let strict = world.under(Policy::default());
    assert_eq!(refusal(strict.refresh(first.refresh())), Refusal::SuccessorUsed);
    assert_eq!(strict.refresh(second.refresh()).unwrap(), third, "its successor is not used");
    assert_eq!(world.refresh(first.refresh()).unwrap(), second);
}

#[test]
fn retries_are_limited_when_the_policy_says_so() {
    // C64, C65: the first use and so many retries; one more is refused and kills nobody.
    for limit in [0, 1, 3] {
        let (world, first, answer) = lost(Policy::default().with_max_replays(Limit::AtMost(limit)));
        for _ in 0..limit {
            assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
        }
        let before = world.bytes(first.grant_id);
        assert_eq!(refusal(world.refresh(first.refresh())), Refusal::ReplayLimitReached);
        assert_eq!(world.bytes(first.grant_id), before);
        assert!(world.refresh(answer.refresh()).is_ok());
    }
}

#[test]
fn a_retry_that_fails_for_want_of_scope_is_not_counted() {
    let (world, first, answer) = lost(Policy::default().with_max_replays(Limit::AtMost(1)));
    assert_eq!(refusal(world.refresh_scoped(first.refresh(), "delete")), Refusal::ScopeExceeded);
    assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn grace_does_not_see_through_a_revocation() {
    // A8, C77: by any token, by the host, with either way for grace to end.
    for policy in [Policy::default(), until_deadline()] {
        for by in ["predecessor", "successor", "host"] {
            let (world, first, answer) = lost(policy.clone());
            match by {
                "predecessor" => world.revoke(first.refresh()),
                "successor" => world.revoke(answer.refresh()),
                _ => assert!(crate::world::run(world.service.revoke_grant(first.grant_id)).unwrap()),
            }
            assert_eq!(refusal(world.refresh(first.refresh())), Refusal::GrantRevoked, "{by}");
            assert!(!world.is_any_active(&[first, answer]), "{by}");
        }
    }
}

#[test]
fn a_closed_account_is_refused_within_grace_and_loses_nothing() {
    // AM advisory #201801-06.
    let (world, first, answer) = lost(Policy::default());
    let before = world.bytes(first.grant_id);
    world.gate.close("demo");
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::SubjectNotServed);
    assert_eq!(refusal(world.refresh(answer.refresh())), Refusal::SubjectNotServed);
    assert!(!world.is_any_active(&[first.clone(), answer.clone()]));
    world.gate.reopen("demo");
    assert_eq!(world.bytes(first.grant_id), before);
    assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn another_client_is_not_answered_within_grace() {
    let (world, first, answer) = lost(Policy::default());
    let stranger = world.acting_as(client("stranger"));
    assert_eq!(refusal(stranger.refresh(first.refresh())), Refusal::OtherClient);
    assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn a_clock_that_stepped_back_is_nobodys_fault() {
    // I17, A17: a negative age is not inside grace, and no theft either.
    for back in [MS, HOUR] {
        let (world, first, answer) = lost(Policy::default());
        let before = world.bytes(first.grant_id);
        world.clock.set(Timestamp::from_millis(START.as_millis() - i64::try_from(back.as_millis()).unwrap()));
        let answered = world.refresh(first.refresh());
        assert!(matches!(answered, Err(TokenError::Contended)), "{answered:?}");
        assert_retryable(answered);
        assert_eq!(world.bytes(first.grant_id), before);
        assert!(world.refresh(answer.refresh()).is_ok(), "the head does not mind");
        world.clock.set(START);
        assert_eq!(refusal(world.refresh(first.refresh())), Refusal::SuccessorUsed);
    }
}

#[test]
fn a_clock_that_stepped_back_and_recovered_leaves_the_retry_as_it_was() {
    let (world, first, answer) = lost(Policy::default());
    world.clock.set(Timestamp::from_millis(START.as_millis() - 1));
    assert_retryable(world.refresh(first.refresh()));
    world.clock.set(START);
    assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
}

#[test]
fn a_clock_that_steps_back_among_many_rotations_makes_no_thief() {
    // I17: a token whose grace clock still runs is never taken for theft, whatever the order in which clocks ran out.
    let world = World::new(Policy::default());
    let first = world.issue();
    let at = |seconds: i64| world.clock.set(Timestamp::from_millis(START.as_millis() + seconds * 1000));
    at(1000);
    let second = world.refresh(first.refresh()).unwrap();
    at(990);
    let third = world.refresh(second.refresh()).unwrap();
    at(1050);
    let last = world.rotate(&third, 9, Duration::ZERO).pop().unwrap();
    at(1055);
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::SuccessorUsed, "retired 55 s ago");
    assert!(world.is_active(last.refresh()));
}

#[test]
fn rotating_the_key_ring_between_refresh_and_retry_changes_nothing() {
    let (world, first, answer) = lost(Policy::default());
    let rotated = world.with_keys(&[2, 1]);
    assert_eq!(rotated.refresh(first.refresh()).unwrap(), answer);
    let next = rotated.refresh(answer.refresh()).unwrap();
    assert_eq!(world.with_keys(&[3, 2, 1]).refresh(answer.refresh()).unwrap(), next);
    assert!(rotated.is_active(next.refresh()));
}

#[test]
fn more_than_eight_rotations_within_grace_never_look_like_theft() {
    for (policy, name) in [(Policy::default(), "successor use"), (until_deadline(), "deadline")] {
        for rotations in [8, 9, 10, 30] {
            let world = World::new(policy.clone());
            let chain = world.rotate(&world.issue(), rotations, SECOND);
            let (head, spent) = chain.split_last().unwrap();
            for (generation, tokens) in spent.iter().enumerate() {
                match world.refresh(tokens.refresh()) {
                    // Whoever is answered gets the successor that there always was.
                    Ok(again) => assert_eq!(again.refresh, chain[generation + 1].refresh),
                    answer => {
                        let refused = refusal(answer);
                        assert_eq!(refused, Refusal::SuccessorUsed, "{name}: {generation} of {rotations}");
                    }
                }
            }
            assert!(world.is_active(head.refresh()), "{name}: {rotations}");
            // Once every clock has run out each of them is reuse.
            world.advance(GRACE);
            assert_eq!(refusal(world.refresh(spent[0].refresh())), Refusal::RefreshTokenReused, "{name}: {rotations}");
            assert!(!world.is_active(head.refresh()));
        }
    }
}

#[test]
fn a_token_whose_clock_ran_out_earlier_is_reuse_however_crowded_the_grace_period_is() {
    for (policy, name) in [(Policy::default(), "successor use"), (until_deadline(), "deadline")] {
        let world = World::new(policy);
        let early = world.rotate(&world.issue(), 1, SECOND);
        let crowd = world.rotate(&early[1], 1, GRACE);
        let crowd = world.rotate(&crowd[1], 20, SECOND);
        assert_eq!(refusal(world.refresh(early[0].refresh())), Refusal::RefreshTokenReused, "{name}");
        assert!(!world.is_any_active(&crowd), "{name}");
    }
}

#[test]
fn an_expired_refresh_token_is_expired_within_grace_too() {
    // C47: it was valid for another 10 s when it was rotated.
    for (age, expected) in [(SECOND * 10 - MS, None), (SECOND * 10, Some(Refusal::RefreshTokenExpired))] {
        let world = World::new(Policy::default().with_refresh_token_lifetime(HOUR.into()));
        let first = world.issue();
        world.advance(HOUR - SECOND * 10);
        let answer = world.refresh(first.refresh()).unwrap();
        world.advance(age);
        let again = world.refresh(first.refresh());
        match expected {
            None => assert_eq!(again.unwrap().refresh, answer.refresh),
            Some(expected) => assert_eq!(refusal(again), expected),
        }
        assert!(world.is_active(answer.refresh()), "an expired predecessor is no thief");
    }
}

#[test]
fn a_retry_gets_a_new_access_token_when_the_first_was_revoked() {
    let (world, first, answer) = lost(Policy::default());
    world.revoke(&answer.access);
    let again = world.refresh(first.refresh()).unwrap();
    assert_ne!(again.access, answer.access);
    assert_eq!(again.refresh, answer.refresh);
    assert!(!world.is_active(&answer.access) && world.is_active(&again.access));
}

#[test]
fn a_retry_repeats_its_tokens_also_when_earlier_access_tokens_die_on_refresh() {
    let (world, first, answer) = lost(Policy::default().with_previous_access_token(PreviousAccessToken::Revoke));
    assert_eq!(world.refresh(first.refresh()).unwrap(), answer);
    assert!(world.is_active(&answer.access));
}

#[test]
fn a_shortened_grace_period_applies_at_once() {
    let (world, first, answer) = lost(Policy::default());
    world.advance(SECOND * 30);
    let shorter = world.under(Policy::default().with_grace_period(SECOND * 30).with_on_reuse(OnReuse::Refuse));
    assert_eq!(refusal(shorter.refresh(first.refresh())), Refusal::RefreshTokenReused);
    assert_eq!(world.refresh(first.refresh()).unwrap().refresh, answer.refresh);
}

#[test]
fn a_grace_period_switched_on_does_not_revive_what_was_spent_without_one() {
    // I6: nothing was kept from which the rotation could be repeated.
    let (world, first, answer) =
        lost(Policy::default().with_grace_period(Duration::ZERO).with_on_reuse(OnReuse::Refuse));
    let lenient = world.under(Policy::default().with_on_reuse(OnReuse::Refuse));
    assert_eq!(refusal(lenient.refresh(first.refresh())), Refusal::RefreshTokenReused);
    assert!(lenient.is_active(answer.refresh()));
}

#[test]
fn a_long_grace_period_ends_with_the_first_use_of_the_successor() {
    let (world, first, second) = lost(Policy::default().with_grace_period(HOUR * 24));
    world.advance(HOUR * 23);
    let again = world.refresh(first.refresh()).unwrap();
    assert_eq!(again.refresh, second.refresh);
    world.refresh(second.refresh()).unwrap();
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::SuccessorUsed);
}
