//! A store that went back in time: failover to a replica that lacked acknowledged writes.

use regrant::event::EventKind;
use regrant::grant::RevocationReason;
use regrant::policy::{OnReuse, OnRollback};
use regrant::{Policy, Refusal};

use crate::lifecycle::node::{DAY, MINUTE, Node, SECOND, START, Tokens, client, refusal, registered_anew};

#[test]
fn a_token_ahead_of_its_record_is_adopted_and_nobody_is_logged_out() {
    for lost in 1..=20_u32 {
        let node = Node::new(Policy::default());
        let chain = node.rotate(&node.issue(), 3, MINUTE);
        let ahead =
            node.rolled_back(chain[0].grant_id, || node.rotate(&chain[3], usize::try_from(lost).unwrap(), MINUTE));

        node.events.take();
        let holder = ahead.last().unwrap();
        let next = node.refresh(holder.refresh()).unwrap();
        assert_eq!(
            node.events.kinds(),
            [EventKind::Healed { recorded: 3, presented: 3 + lost }, EventKind::Rotated { generation: 4 + lost },]
        );
        assert_eq!(next.grant_id, chain[0].grant_id);
        assert!(node.is_active(&next.access) && node.is_active(next.refresh()));
        // The chain goes on as ever: a retry is answered with the same successor, reuse is seen.
        assert_eq!(node.refresh(holder.refresh()).unwrap(), next);
        node.advance(MINUTE);
        assert_eq!(refusal(node.refresh(chain[0].refresh())), Refusal::RefreshTokenReused);
        assert!(!node.is_active(next.refresh()));
    }
}

#[test]
fn a_predecessor_under_way_while_its_successor_heals_is_reuse() {
    // The loss took the salt between the two. Nothing is left that would distinguish a slow request from a thief's.
    let node = Node::new(Policy::default());
    let first = node.issue();
    let second = node.rolled_back(first.grant_id, || node.refresh(first.refresh()).unwrap());
    let third = node.refresh(second.refresh()).unwrap();
    assert_eq!(refusal(node.refresh(first.refresh())), Refusal::RefreshTokenReused);
    assert!(!node.is_active(third.refresh()));
}

#[test]
fn a_healed_grant_lives_as_long_as_any_other() {
    let node = Node::new(Policy::default().with_grant_lifetime((DAY * 30).into()));
    let first = node.issue();
    let chain = node.rolled_back(first.grant_id, || node.rotate(&first, 3, DAY * 6));
    // The record knows an end that has passed, but the token was issued this instant.
    let next = node.refresh(chain[3].refresh()).unwrap();
    assert_eq!(next.refresh_expires_at, Some(node.service.now() + DAY * 7));
    node.advance(DAY * 6);
    let last = node.refresh(next.refresh()).unwrap();
    assert_eq!(last.refresh_expires_at, Some(START + DAY * 30), "the absolute end was not lost");
}

#[test]
fn healing_needs_what_every_refresh_needs() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let chain = node.rolled_back(first.grant_id, || node.rotate(&first, 2, MINUTE));
    let before = node.bytes(first.grant_id);
    let stranger = node.acting_as(client("stranger"));
    assert_eq!(refusal(stranger.refresh(chain[2].refresh())), Refusal::OtherClient);
    let successor = node.acting_as(registered_anew("app"));
    assert_eq!(refusal(successor.refresh(chain[2].refresh())), Refusal::OtherRegistration);
    assert_eq!(refusal(node.refresh_scoped(chain[2].refresh(), "delete")), Refusal::ScopeExceeded);
    node.gate.close("demo");
    assert_eq!(refusal(node.refresh(chain[2].refresh())), Refusal::SubjectNotServed);
    node.gate.reopen("demo");
    assert_eq!(node.bytes(first.grant_id), before);
    assert!(node.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn under_refuse_a_token_ahead_of_its_record_is_refused_and_changes_nothing() {
    // A record that went back in time.
    let node = Node::new(Policy::default().with_on_rollback(OnRollback::Refuse));
    let first = node.issue();
    let chain = node.rolled_back(first.grant_id, || node.rotate(&first, 2, MINUTE));
    let before = node.bytes(first.grant_id);
    assert_eq!(refusal(node.refresh(chain[2].refresh())), Refusal::RefreshTokenAhead);
    assert_eq!(node.bytes(first.grant_id), before);
    assert!(node.refresh(first.refresh()).is_ok(), "what the record knows still holds");
}

#[test]
fn a_revocation_that_survived_is_not_healed_away() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let alive = node.store.record(first.grant_id).unwrap();
    node.revoke(first.refresh());
    let revoked = node.store.record(first.grant_id).unwrap();
    // On another node the chain went on; then the revoked record wins, and the token is ahead of it.
    node.store.overwrite(first.grant_id, alive);
    let second = node.refresh(first.refresh()).unwrap();
    node.store.overwrite(first.grant_id, revoked.clone());
    assert_eq!(refusal(node.refresh(second.refresh())), Refusal::GrantRevoked);
    assert_eq!(node.store.record(first.grant_id), Some(revoked));
}

/// The head was rotated, the write was lost, and the predecessor was rotated a second time: two tokens of one
/// generation, of which the store knows the second.
fn forked(policy: Policy) -> (Node, Tokens, Tokens, Tokens) {
    let node = Node::new(policy);
    let first = node.issue();
    let one = node.rolled_back(first.grant_id, || node.refresh(first.refresh()).unwrap());
    let two = node.refresh(first.refresh()).unwrap();
    (node, first, one, two)
}

#[test]
fn two_tokens_of_one_generation_are_a_fork_and_end_the_grant() {
    let (node, first, one, two) = forked(Policy::default());
    assert_ne!(one.refresh, two.refresh, "each rotation has fresh salt");
    assert!(!node.is_active(one.refresh()) && node.is_active(two.refresh()));
    node.events.take();
    assert_eq!(refusal(node.refresh(one.refresh())), Refusal::RefreshTokenForked);
    let cause = Refusal::RefreshTokenForked;
    assert_eq!(
        node.events.kinds(),
        [
            EventKind::ReuseDetected { cause, revoked: true },
            EventKind::GrantRevoked(RevocationReason::RefreshTokenReuse),
            EventKind::Refused(cause),
        ]
    );
    assert!(!node.is_any_active(&[first, one, two]));
}

#[test]
fn a_fork_found_within_grace_is_a_fork_too() {
    let (node, _, one, two) = forked(Policy::default());
    let three = node.refresh(two.refresh()).unwrap();
    node.advance(SECOND);
    // `one` has the generation that is retired, and would be replayed, but it is not that token.
    assert_eq!(refusal(node.refresh(one.refresh())), Refusal::RefreshTokenForked);
    assert!(!node.is_any_active(&[two, three]));
}

#[test]
fn under_on_reuse_refuse_a_fork_is_refused_and_the_head_lives() {
    let (node, _, one, two) = forked(Policy::default().with_on_reuse(OnReuse::Refuse));
    assert_eq!(refusal(node.refresh(one.refresh())), Refusal::RefreshTokenForked);
    assert!(node.refresh(two.refresh()).is_ok());
}

#[test]
fn access_tokens_that_the_store_forgot_are_inactive_and_become_no_others() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let forgotten = node.rolled_back(first.grant_id, || node.refresh(first.refresh()).unwrap());
    let next = node.refresh(forgotten.refresh()).unwrap();
    assert!(!node.is_active(&forgotten.access));
    node.revoke(&forgotten.access);
    assert!(node.is_active(&next.access));
}

#[test]
fn an_access_token_that_the_store_forgot_does_not_come_back_with_more_scope() {
    // Both are derived from one rotation: the secret must not be the same.
    let node = Node::new(Policy::default());
    let first = node.issue();
    node.refresh(first.refresh()).unwrap();
    let reader = node.rolled_back(first.grant_id, || node.refresh_scoped(first.refresh(), "read").unwrap());
    let writer = node.refresh_scoped(first.refresh(), "write").unwrap();
    assert!(!node.is_active(&reader.access) && node.is_active(&writer.access));
}
