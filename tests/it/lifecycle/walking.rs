//! A recent token is answered with the current one; an older one is spent.

use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::event::{EventKind, ReplayCause};
use regrant::policy::{GracePeriod, OnReuse};
use regrant::{Policy, Refusal};

use crate::lifecycle::node::{Answer, HOUR, MINUTE, MS, Node, SECOND, START, Tokens, assert_retryable, refusal};

/// A chain of so many rotations, a `pause` before each.
fn chain(policy: Policy, rotations: usize, pause: Duration) -> (Node, Vec<Tokens>) {
    let node = Node::new(policy);
    let chain = node.rotate(&node.issue(), rotations, pause);
    (node, chain)
}

fn is_reuse(answer: Answer) -> bool {
    refusal(answer) == Refusal::RefreshTokenReused
}

#[test]
fn every_recent_token_leads_to_the_head_byte_for_byte_and_writes_nothing() {
    for rotations in 1..=8 {
        let (node, chain) = chain(Policy::default(), rotations, SECOND);
        let head = &chain[rotations];
        let before = node.bytes(head.grant_id);
        for tokens in &chain[..rotations] {
            for _ in 0..2 {
                assert_eq!(node.refresh(tokens.refresh()).unwrap(), *head, "the same for everybody");
            }
        }
        assert_eq!(node.bytes(head.grant_id), before);
        let active: Vec<bool> = chain.iter().map(|tokens| node.is_active(tokens.refresh())).collect();
        assert_eq!(active, [vec![false; rotations], vec![true]].concat(), "never a fork");
    }
}

#[test]
fn a_walk_is_reported_with_its_length() {
    let (node, chain) = chain(Policy::default(), 3, SECOND);
    node.events.take();
    for (generation, steps) in [(0, 3), (1, 2)] {
        node.refresh(chain[generation].refresh()).unwrap();
        assert_eq!(node.events.kinds(), [EventKind::Replayed { cause: ReplayCause::Concurrent, steps }]);
    }
    node.refresh(chain[2].refresh()).unwrap();
    assert_eq!(node.events.kinds(), [EventKind::Replayed { cause: ReplayCause::LostResponse, steps: 1 }]);
}

#[test]
fn a_walk_for_another_scope_mints_beside_the_head_and_repeats_that() {
    let (node, chain) = chain(Policy::default(), 3, SECOND);
    let narrow = node.refresh_scoped(chain[0].refresh(), "read").unwrap();
    assert_eq!(narrow.refresh, chain[3].refresh);
    assert_ne!(narrow.access, chain[3].access);
    assert_eq!(node.refresh_scoped(chain[1].refresh(), "read").unwrap(), narrow);
}

#[test]
fn nine_rotations_behind_is_spent_however_quick_they_were() {
    for on_reuse in [OnReuse::Revoke, OnReuse::Refuse] {
        let (node, chain) = chain(Policy::default().with_on_reuse(on_reuse), 9, MS);
        assert_eq!(node.refresh(chain[1].refresh()).unwrap().refresh, chain[9].refresh, "eight");
        assert!(is_reuse(node.refresh(chain[0].refresh())), "nine");
        assert_eq!(node.is_active(chain[9].refresh()), on_reuse == OnReuse::Refuse);
    }
}

#[test]
fn the_catch_up_window_counts_from_the_tokens_own_retirement_and_does_not_slide() {
    for (age, is_answered) in [(SECOND * 10 - MS, true), (SECOND * 10, false)] {
        let (node, chain) = chain(Policy::default(), 2, SECOND);
        // Generation 0 was retired a second before generation 1.
        node.advance(age - SECOND);
        for _ in 0..3 {
            if is_answered {
                assert_eq!(node.refresh(chain[0].refresh()).unwrap().refresh, chain[2].refresh);
            }
        }
        assert!(node.refresh(chain[1].refresh()).is_ok(), "one step is the retry of a lost response");
        if !is_answered {
            assert!(is_reuse(node.refresh(chain[0].refresh())));
            assert!(!node.is_active(chain[2].refresh()));
        }
    }
}

#[test]
fn several_processes_with_one_credential_stay_signed_in_within_a_longer_window() {
    // Agents and command-line tools: each has the token of when it last looked.
    let policy = Policy::default().with_catch_up_window(HOUR);
    let (node, chain) = chain(policy, 5, MINUTE * 10);
    for tokens in &chain[..5] {
        assert_eq!(node.refresh(tokens.refresh()).unwrap().refresh, chain[5].refresh);
    }
    node.advance(MINUTE * 20);
    assert!(is_reuse(node.refresh(chain[0].refresh())), "an hour after its retirement");
}

#[test]
fn no_token_is_answered_where_a_younger_one_is_refused() {
    // With any grace period and window, the answered generations are the most recent ones.
    for grace in [
        GracePeriod::Auto,
        GracePeriod::UntilSuccessorUse,
        GracePeriod::Of(Duration::ZERO),
        GracePeriod::Of(MS),
        GracePeriod::Of(SECOND * 5),
        GracePeriod::Of(MINUTE),
    ] {
        for window in [Duration::ZERO, SECOND * 10, MINUTE * 2, HOUR] {
            for client in [crate::lifecycle::node::client("app"), crate::lifecycle::node::public_client("app")] {
                let policy = Policy::default()
                    .with_grace_period(grace)
                    .with_catch_up_window(window)
                    .with_on_reuse(OnReuse::Refuse);
                let node = Node::new(policy).acting_as(client);
                let chain = node.rotate(&node.issue(), 6, SECOND * 3);
                for later in [Duration::ZERO, SECOND, SECOND * 30, MINUTE * 10] {
                    node.advance(later);
                    let answered: Vec<bool> =
                        chain[..6].iter().map(|tokens| node.refresh(tokens.refresh()).is_ok()).collect();
                    assert!(answered.is_sorted(), "{grace:?}, {window:?}, {later:?}: {answered:?}");
                }
            }
        }
    }
}

#[test]
fn a_grace_period_that_is_a_time_bounds_the_window_too() {
    let (node, chain) = chain(Policy::default().with_grace_period((SECOND * 3).into()), 3, SECOND);
    assert!(node.refresh(chain[0].refresh()).is_ok(), "retired 2 s ago");
    node.advance(SECOND);
    assert!(is_reuse(node.refresh(chain[0].refresh())), "retired 3 s ago");

    let (node, chain) = self::chain(Policy::default().with_grace_period(Duration::ZERO.into()), 2, MS);
    assert!(is_reuse(node.refresh(chain[0].refresh())), "without grace nothing is walked");
}

#[test]
fn in_am_every_spent_token_is_answered_within_the_grace_period() {
    let policy = Policy::am_7_5().with_grace_period((SECOND * 60).into());
    let (node, chain) = chain(policy, 5, SECOND * 10);
    assert_eq!(node.refresh(chain[0].refresh()).unwrap().refresh, chain[5].refresh, "retired 40 s ago");
    node.advance(SECOND * 20);
    assert!(is_reuse(node.refresh(chain[0].refresh())));
    assert!(node.is_active(chain[5].refresh()), "refused alone, as in AM");
}

#[test]
fn a_successor_that_is_used_without_rotation_is_used_all_the_same() {
    let (node, chain) = chain(Policy::default(), 1, SECOND);
    let still = node.under(Policy::default().with_issue_refresh_tokens_on_refresh(false));
    assert_eq!(still.refresh(chain[1].refresh()).unwrap().refresh, None);
    assert_eq!(still.refresh(chain[0].refresh()).unwrap().refresh, chain[1].refresh, "within the window");
    still.advance(SECOND * 10);
    assert!(is_reuse(still.refresh(chain[0].refresh())), "and not until the next use, which was");
}

#[test]
fn a_fork_within_the_window_is_a_fork() {
    // A rotation was lost by the store and done twice: two tokens of one generation, and the record knows the second.
    let node = Node::new(Policy::default());
    let first = node.issue();
    let lost = node.rolled_back(first.grant_id, || node.refresh(first.refresh()).unwrap());
    let chain = node.rotate(&first, 3, SECOND);
    assert_eq!(refusal(node.refresh(lost.refresh())), Refusal::RefreshTokenForked);
    assert!(!node.is_any_active(&chain));
}

#[test]
fn a_key_ring_that_rotates_in_between_does_not_change_the_walk() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let second = node.with_keys(&[2, 1]).refresh(first.refresh()).unwrap();
    let third = node.with_keys(&[3, 2, 1]).refresh(second.refresh()).unwrap();
    for ring in [&[3, 2, 1][..], &[4, 3, 2, 1]] {
        assert_eq!(node.with_keys(ring).refresh(first.refresh()).unwrap(), third);
    }
}

#[test]
fn clocks_that_differ_are_nobodys_fault_on_a_walk_either() {
    for (behind, is_answered) in [(SECOND * 5, true), (SECOND * 5 + MS, false)] {
        let (node, chain) = chain(Policy::default(), 2, Duration::ZERO);
        let before = node.bytes(chain[0].grant_id);
        let at = START.as_millis() - i64::try_from(behind.as_millis()).unwrap();
        node.clock.set(Timestamp::from_millis(at));
        let answer = node.refresh(chain[0].refresh());
        if is_answered {
            assert_eq!(answer.unwrap().refresh, chain[2].refresh);
        } else {
            assert_retryable(answer);
        }
        assert_eq!(node.bytes(chain[0].grant_id), before);
        assert!(node.refresh(chain[2].refresh()).is_ok());
    }
}

#[test]
fn the_record_keeps_one_predecessor_and_those_of_the_window() {
    let size = |pause| {
        let (node, chain) = chain(Policy::default().with_access_token_lifetime(SECOND), 100, pause);
        node.bytes(chain[0].grant_id).len()
    };
    let (slow, quick) = (size(MINUTE), size(SECOND));
    // 28 to 30 bytes for each of seven more: a mark, a salt, a key id, a time, a count.
    assert!((7 * 28..=7 * 30).contains(&(quick - slow)), "{slow} and {quick} bytes");
    assert!(quick < 512, "{quick} bytes");
}
