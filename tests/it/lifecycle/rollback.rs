//! A store that went back in time: failover to a replica that lacked acknowledged writes.

use regrant::event::EventKind;
use regrant::grant::RevocationReason;
use regrant::policy::{OnReuse, OnRollback};
use regrant::{Policy, Refusal};

use crate::lifecycle::world::{DAY, MINUTE, SECOND, START, Tokens, World, client, refusal};

#[test]
fn a_token_ahead_of_its_record_is_adopted_and_nobody_is_logged_out() {
    for lost in 1..=20_u32 {
        let world = World::new(Policy::default());
        let chain = world.rotate(&world.issue(), 3, MINUTE);
        let old = world.store.record(chain[0].grant_id).unwrap();
        let ahead = world.rotate(&chain[3], usize::try_from(lost).unwrap(), MINUTE);
        world.store.overwrite(chain[0].grant_id, old);

        world.events.take();
        let holder = ahead.last().unwrap();
        let next = world.refresh(holder.refresh()).unwrap();
        assert_eq!(
            world.events.kinds(),
            [EventKind::Healed { recorded: 3, presented: 3 + lost }, EventKind::Rotated { generation: 4 + lost },]
        );
        assert_eq!(next.grant_id, chain[0].grant_id);
        assert!(world.is_active(&next.access) && world.is_active(next.refresh()));
        // The chain goes on as ever: a retry is answered with the same successor, reuse is seen.
        assert_eq!(world.refresh(holder.refresh()).unwrap(), next);
        world.advance(MINUTE);
        assert_eq!(refusal(world.refresh(chain[0].refresh())), Refusal::RefreshTokenReused);
        assert!(!world.is_active(next.refresh()));
    }
}

#[test]
fn a_healed_grant_lives_as_long_as_any_other() {
    let world = World::new(Policy::default().with_grant_lifetime((DAY * 30).into()));
    let first = world.issue();
    let old = world.store.record(first.grant_id).unwrap();
    let chain = world.rotate(&first, 3, DAY * 6);
    world.store.overwrite(first.grant_id, old);
    // The record knows an end that has passed, but the token was issued this instant.
    let next = world.refresh(chain[3].refresh()).unwrap();
    assert_eq!(next.refresh_expires_at, Some(world.service.now() + DAY * 7));
    world.advance(DAY * 6);
    let last = world.refresh(next.refresh()).unwrap();
    assert_eq!(last.refresh_expires_at, Some(START + DAY * 30), "the absolute end was not lost");
}

#[test]
fn healing_needs_what_every_refresh_needs() {
    let world = World::new(Policy::default());
    let first = world.issue();
    let old = world.store.record(first.grant_id).unwrap();
    let chain = world.rotate(&first, 2, MINUTE);
    world.store.overwrite(first.grant_id, old);
    let before = world.bytes(first.grant_id);
    let stranger = world.acting_as(client("stranger"));
    assert_eq!(refusal(stranger.refresh(chain[2].refresh())), Refusal::OtherClient);
    assert_eq!(refusal(world.refresh_scoped(chain[2].refresh(), "delete")), Refusal::ScopeExceeded);
    world.gate.close("demo");
    assert_eq!(refusal(world.refresh(chain[2].refresh())), Refusal::SubjectNotServed);
    world.gate.reopen("demo");
    assert_eq!(world.bytes(first.grant_id), before);
    assert!(world.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn under_refuse_a_token_ahead_of_its_record_is_refused_and_changes_nothing() {
    // C75.
    let world = World::new(Policy::default().with_on_rollback(OnRollback::Refuse));
    let first = world.issue();
    let old = world.store.record(first.grant_id).unwrap();
    let chain = world.rotate(&first, 2, MINUTE);
    world.store.overwrite(first.grant_id, old);
    let before = world.bytes(first.grant_id);
    assert_eq!(refusal(world.refresh(chain[2].refresh())), Refusal::RefreshTokenAhead);
    assert_eq!(world.bytes(first.grant_id), before);
    assert!(world.refresh(first.refresh()).is_ok(), "what the record knows still holds");
}

#[test]
fn a_revocation_that_survived_is_not_healed_away() {
    let world = World::new(Policy::default());
    let first = world.issue();
    let alive = world.store.record(first.grant_id).unwrap();
    world.revoke(first.refresh());
    let revoked = world.store.record(first.grant_id).unwrap();
    // On another node the chain went on; then the revoked record wins, and the token is ahead of it.
    world.store.overwrite(first.grant_id, alive);
    let second = world.refresh(first.refresh()).unwrap();
    world.store.overwrite(first.grant_id, revoked.clone());
    assert_eq!(refusal(world.refresh(second.refresh())), Refusal::GrantRevoked);
    assert_eq!(world.store.record(first.grant_id), Some(revoked));
}

/// The head was rotated, the write was lost, and the predecessor was rotated a second time: two tokens of one generation,
/// of which the store knows the second.
fn forked(policy: Policy) -> (World, Tokens, Tokens, Tokens) {
    let world = World::new(policy);
    let first = world.issue();
    let old = world.store.record(first.grant_id).unwrap();
    let one = world.refresh(first.refresh()).unwrap();
    world.store.overwrite(first.grant_id, old);
    let two = world.refresh(first.refresh()).unwrap();
    (world, first, one, two)
}

#[test]
fn two_tokens_of_one_generation_are_a_fork_and_end_the_grant() {
    let (world, first, one, two) = forked(Policy::default());
    assert_ne!(one.refresh, two.refresh, "each rotation has fresh salt");
    assert!(!world.is_active(one.refresh()) && world.is_active(two.refresh()));
    world.events.take();
    assert_eq!(refusal(world.refresh(one.refresh())), Refusal::RefreshTokenForked);
    let cause = Refusal::RefreshTokenForked;
    assert_eq!(
        world.events.kinds(),
        [
            EventKind::ReuseDetected { cause, revoked: true },
            EventKind::GrantRevoked(RevocationReason::RefreshTokenReuse),
            EventKind::Refused(cause),
        ]
    );
    assert!(!world.is_any_active(&[first, one, two]));
}

#[test]
fn a_fork_found_within_grace_is_a_fork_too() {
    let (world, _, one, two) = forked(Policy::default());
    let three = world.refresh(two.refresh()).unwrap();
    world.advance(SECOND);
    // `one` has the generation that is retired, and would be replayed, but it is not that token.
    assert_eq!(refusal(world.refresh(one.refresh())), Refusal::RefreshTokenForked);
    assert!(!world.is_any_active(&[two, three]));
}

#[test]
fn under_on_reuse_refuse_a_fork_is_refused_and_the_head_lives() {
    let (world, _, one, two) = forked(Policy::default().with_on_reuse(OnReuse::Refuse));
    assert_eq!(refusal(world.refresh(one.refresh())), Refusal::RefreshTokenForked);
    assert!(world.refresh(two.refresh()).is_ok());
}

#[test]
fn access_tokens_that_the_store_forgot_are_inactive_and_become_no_others() {
    let world = World::new(Policy::default());
    let first = world.issue();
    let old = world.store.record(first.grant_id).unwrap();
    let forgotten = world.refresh(first.refresh()).unwrap();
    world.store.overwrite(first.grant_id, old);
    let next = world.refresh(forgotten.refresh()).unwrap();
    assert!(!world.is_active(&forgotten.access));
    world.revoke(&forgotten.access);
    assert!(world.is_active(&next.access));
}

#[test]
fn an_access_token_that_the_store_forgot_does_not_come_back_with_more_scope() {
    // Both are derived from one rotation: the secret must not be the same.
    let world = World::new(Policy::default());
    let first = world.issue();
    world.refresh(first.refresh()).unwrap();
    let old = world.store.record(first.grant_id).unwrap();
    let reader = world.refresh_scoped(first.refresh(), "read").unwrap();
    world.store.overwrite(first.grant_id, old);
    let writer = world.refresh_scoped(first.refresh(), "write").unwrap();
    assert!(!world.is_active(&reader.access) && world.is_active(&writer.access));
}
