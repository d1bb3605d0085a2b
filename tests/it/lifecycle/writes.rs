//! Writes that are told wrongly or not at all, and calls that nobody waits for: one decision, one answer.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use regrant::event::EventKind;
use regrant::{GrantType, IssueRequest, Policy, RedeemRequest, RefreshRequest, Refusal};

use crate::lifecycle::faults::{CALLS, FAULTS, assert_alive};
use crate::lifecycle::probe::Fault;
use crate::lifecycle::world::{
    Answer, CALLBACK, HOUR, SECOND, Tokens, VERIFIER, World, approval, assert_retryable, refusal, run, scope,
};

/// Writes of every kind: each that succeeds here stores once.
const WRITES: [fn(&World) -> Answer; 4] = [
    |world| world.try_issue(GrantType::Password, approval()),
    |world| world.redeem(&world.try_authorize()?),
    |world| world.refresh(world.issue().refresh()),
    |world| {
        let tokens = world.issue();
        run(world.service.revoke(&world.client, &tokens.access)).map(|()| tokens)
    },
];

#[test]
fn a_client_library_that_repeats_its_writes_conflicts_with_itself_and_is_answered() {
    for (number, write) in WRITES.iter().enumerate() {
        let world = World::new(Policy::default());
        world.store.repeat_writes();
        let tokens = write(&world).unwrap();
        let kinds = world.events.kinds();
        let confirmed = kinds.iter().filter(|kind| **kind == EventKind::WriteConfirmed).count();
        assert_eq!(confirmed, world.store.writes(), "{number}: {kinds:?}");
        let what = format!("write {number}: decided once, {kinds:?}");
        assert_eq!(kinds.len(), 2 * confirmed, "{what}");
        world.store.calm();
        assert!(world.refresh(tokens.refresh()).is_ok(), "{what}");
    }
}

#[test]
fn a_lost_race_is_not_taken_for_a_repeated_write() {
    let world = World::new(Policy::default());
    let first = world.issue();
    let (rival, token) = (world.clone(), first.refresh().to_owned());
    world.store.before_next_write(move || drop(rival.refresh(&token).unwrap()));
    world.store.repeat_writes();
    let tokens = world.refresh(first.refresh()).unwrap();
    assert_eq!(world.store.writes(), 2, "one issue, one rotation");
    assert!(world.is_active(tokens.refresh()));
}

#[test]
fn a_store_that_times_out_is_read_back_once_and_not_asked_again() {
    for fault in FAULTS {
        // The calls of a refresh: a load, the write, and whatever follows its failure.
        let world = World::new(Policy::default());
        let first = world.issue();
        let calls = world.store.calls();
        (1..CALLS).for_each(|k| world.store.fail(k, fault));
        assert_retryable(world.refresh(first.refresh()));
        assert_eq!(world.store.calls() - calls, 3, "load, write, one read-back: {fault:?}");

        // Of an insert: the write first.
        let calls = world.store.calls();
        (0..CALLS).for_each(|k| world.store.fail(k, fault));
        assert_retryable(world.try_issue(GrantType::Password, approval()));
        assert_eq!(world.store.calls() - calls, 2, "write, one read-back: {fault:?}");
        world.store.calm();
        assert_alive(&world, &world.refresh(first.refresh()).unwrap(), "the retry");
    }
}

#[test]
fn a_write_that_cannot_be_read_back_costs_a_session_without_grace_and_a_code_in_any_case() {
    for (policy, is_answered) in
        [(Policy::default(), true), (Policy::default().with_grace_period(Duration::ZERO.into()), false)]
    {
        let world = World::new(policy);
        let (first, code) = (world.issue(), world.authorize());
        let blind = || (1..CALLS).for_each(|k| world.store.fail(k, Fault::After));
        blind();
        assert_retryable(world.refresh(first.refresh()));
        world.store.calm();
        let retry = world.refresh(first.refresh());
        assert_eq!(retry.is_ok(), is_answered);
        assert!(is_answered || refusal(retry) == Refusal::RefreshTokenReused);
        blind();
        assert_retryable(world.redeem(&code));
        world.store.calm();
        assert_eq!(refusal(world.redeem(&code)), Refusal::CodeReused);
    }
}

#[test]
fn a_lost_race_costs_one_load() {
    let world = World::new(Policy::default());
    let first = world.issue();
    let (rival, token) = (world.clone(), first.refresh().to_owned());
    world.store.before_next_write(move || drop(rival.refresh(&token).unwrap()));
    let calls = world.store.calls();
    assert!(world.refresh(first.refresh()).is_ok());
    assert_eq!(world.store.calls() - calls, 2 + 3, "the rival's load and write; load, write, the winner's record");
}

/// Polls a call so often and drops it. Whether it was answered.
fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> bool {
    let mut call = pin!(call);
    (0..polls).any(|_| call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready())
}

#[test]
fn a_call_that_is_dropped_is_harmless_wherever_it_stood() {
    // A load and a write, each with a wait before and behind it: the fifth poll has the answer.
    for polls in 0..=5 {
        let world = World::new(Policy::default());
        let (first, code) = (world.issue(), world.authorize());
        world.store.wait();
        let request = RefreshRequest::new(first.refresh());
        let answered = dropped_after(polls, world.service.refresh(&world.client, &request));
        assert_eq!(answered, polls == 5);
        let redemption = RedeemRequest::new(&*code).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER);
        dropped_after(polls, world.service.redeem(&world.client, &redemption));
        world.store.calm();
        let what = format!("{polls} polls");
        // A code that was redeemed unseen is spent, and nothing lives that nobody holds.
        match world.redeem(&code) {
            Ok(tokens) => assert!(polls < 4 && world.is_active(&tokens.access), "{what}"),
            refused => assert!(polls >= 4 && refusal(refused) == Refusal::CodeReused, "{what}"),
        }
        let tokens = world.refresh(first.refresh()).unwrap();
        assert_alive(&world, &tokens, &what);

        let world = World::new(Policy::default());
        let tokens = world.issue();
        world.store.wait();
        dropped_after(polls, world.service.revoke(&world.client, tokens.refresh()));
        world.store.calm();
        assert_eq!(world.is_active(&tokens.access), polls < 4, "{what}");
        world.revoke(tokens.refresh());
        assert!(!world.is_any_active(&[tokens]), "{what}");
    }
}

#[test]
fn a_write_that_is_delivered_late_brings_no_revoked_grant_back() {
    // A grant without a refresh token was over the moment that it was revoked. Purged, its record was absent, and its creation,
    // delivered once more by the network, was stored.
    let world = World::new(Policy::default());
    let request = IssueRequest::client_credentials(scope("read"));
    let issued = Tokens::from(run(world.service.issue(&world.client, request)).unwrap());
    assert!(run(world.service.revoke_grant(issued.grant_id)).unwrap());
    for (later, purged) in [(Duration::ZERO, 0), (HOUR - SECOND, 0), (SECOND, 1)] {
        world.advance(later);
        assert_eq!(run(world.service.purge_expired(10)).unwrap(), purged, "as long as the token would have lived");
    }
}
