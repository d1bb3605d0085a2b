//! Writes with a wrong answer or none, and dropped calls: one decision, one answer.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use regrant::event::EventKind;
use regrant::{GrantType, IssueRequest, Policy, RedeemRequest, RefreshRequest, Refusal};

use crate::lifecycle::faults::{CALLS, FAULTS, assert_alive};
use crate::lifecycle::node::{
    Answer, CALLBACK, HOUR, Node, SECOND, Tokens, VERIFIER, approval, assert_retryable, refusal, run, scope,
};
use fixtures::Fault;

/// Writes of every kind: each that succeeds here stores once.
const WRITES: [fn(&Node) -> Answer; 4] = [
    |node| node.try_issue(GrantType::Password, approval()),
    |node| node.redeem(&node.try_authorize()?),
    |node| node.refresh(node.issue().refresh()),
    |node| {
        let tokens = node.issue();
        run(node.service.revoke(&node.client, &tokens.access)).map(|()| tokens)
    },
];

#[test]
fn a_client_library_that_repeats_its_writes_conflicts_with_itself_and_is_answered() {
    for (number, write) in WRITES.iter().enumerate() {
        let node = Node::new(Policy::default());
        node.store.repeat_writes();
        let tokens = write(&node).unwrap();
        let kinds = node.events.kinds();
        let confirmed = kinds.iter().filter(|kind| **kind == EventKind::WriteConfirmed).count();
        assert_eq!(confirmed, node.store.writes(), "{number}: {kinds:?}");
        let what = format!("write {number}: decided once, {kinds:?}");
        assert_eq!(kinds.len(), 2 * confirmed, "{what}");
        node.store.calm();
        assert!(node.refresh(tokens.refresh()).is_ok(), "{what}");
    }
}

#[test]
fn a_lost_race_is_not_taken_for_a_repeated_write() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let (rival, token) = (node.clone(), first.refresh().to_owned());
    node.store.before_next_write(move || drop(rival.refresh(&token).unwrap()));
    node.store.repeat_writes();
    let tokens = node.refresh(first.refresh()).unwrap();
    assert_eq!(node.store.writes(), 2, "one issue, one rotation");
    assert!(node.is_active(tokens.refresh()));
}

#[test]
fn a_store_that_times_out_is_read_back_once_and_not_asked_again() {
    for fault in FAULTS {
        // The calls of a refresh: a load, the write, and whatever follows its failure.
        let node = Node::new(Policy::default());
        let first = node.issue();
        let calls = node.store.calls();
        (1..CALLS).for_each(|k| node.store.fail(k, fault));
        assert_retryable(node.refresh(first.refresh()));
        assert_eq!(node.store.calls() - calls, 3, "load, write, one read-back: {fault:?}");

        // An insert: the write first.
        let calls = node.store.calls();
        (0..CALLS).for_each(|k| node.store.fail(k, fault));
        assert_retryable(node.try_issue(GrantType::Password, approval()));
        assert_eq!(node.store.calls() - calls, 2, "write, one read-back: {fault:?}");
        node.store.calm();
        assert_alive(&node, &node.refresh(first.refresh()).unwrap(), "the retry");
    }
}

#[test]
fn a_write_that_changed_nothing_is_reported_as_an_outage() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    node.events.take();
    // The load succeeds, the write fails, and the read-back finds the record as it was.
    node.store.fail(1, Fault::Before);
    assert_retryable(node.refresh(first.refresh()));
    assert_eq!(node.events.kinds(), [EventKind::Unavailable]);
}

#[test]
fn a_write_that_cannot_be_read_back_costs_a_session_without_grace_and_a_code_in_any_case() {
    for (policy, is_answered) in
        [(Policy::default(), true), (Policy::default().with_grace_period(Duration::ZERO.into()), false)]
    {
        let node = Node::new(policy);
        let (first, code) = (node.issue(), node.authorize());
        let blind = || (1..CALLS).for_each(|k| node.store.fail(k, Fault::After));
        blind();
        assert_retryable(node.refresh(first.refresh()));
        node.store.calm();
        let retry = node.refresh(first.refresh());
        assert_eq!(retry.is_ok(), is_answered);
        assert!(is_answered || refusal(retry) == Refusal::RefreshTokenReused);
        blind();
        assert_retryable(node.redeem(&code));
        node.store.calm();
        assert_eq!(refusal(node.redeem(&code)), Refusal::CodeReused);
    }
}

#[test]
fn a_lost_race_costs_one_load() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let (rival, token) = (node.clone(), first.refresh().to_owned());
    node.store.before_next_write(move || drop(rival.refresh(&token).unwrap()));
    let calls = node.store.calls();
    assert!(node.refresh(first.refresh()).is_ok());
    assert_eq!(node.store.calls() - calls, 2 + 3, "the rival's load and write; load, write, the winner's record");
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
        let node = Node::new(Policy::default());
        let (first, code) = (node.issue(), node.authorize());
        node.store.wait();
        let request = RefreshRequest::new(first.refresh());
        let answered = dropped_after(polls, node.service.refresh(&node.client, &request));
        assert_eq!(answered, polls == 5);
        let redemption = RedeemRequest::new(&*code).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER);
        dropped_after(polls, node.service.redeem(&node.client, &redemption));
        node.store.calm();
        let what = format!("{polls} polls");
        // A code whose redemption got no answer is spent, and no unknown token is active.
        match node.redeem(&code) {
            Ok(tokens) => assert!(polls < 4 && node.is_active(&tokens.access), "{what}"),
            refused => assert!(polls >= 4 && refusal(refused) == Refusal::CodeReused, "{what}"),
        }
        let tokens = node.refresh(first.refresh()).unwrap();
        assert_alive(&node, &tokens, &what);

        let node = Node::new(Policy::default());
        let tokens = node.issue();
        node.store.wait();
        dropped_after(polls, node.service.revoke(&node.client, tokens.refresh()));
        node.store.calm();
        assert_eq!(node.is_active(&tokens.access), polls < 4, "{what}");
        node.revoke(tokens.refresh());
        assert!(!node.is_any_active(&[tokens]), "{what}");
    }
}

#[test]
fn a_write_that_is_delivered_late_brings_no_revoked_grant_back() {
    // A grant without a refresh token was over the moment that it was revoked. Purged, its record was absent, and its
    // creation, delivered once more by the network, was stored.
    let node = Node::new(Policy::default());
    let request = IssueRequest::client_credentials(scope("read"));
    let issued = Tokens::from(run(node.service.issue(&node.client, request)).unwrap());
    assert!(run(node.service.revoke_grant(issued.grant_id)).unwrap());
    for (later, purged) in [(Duration::ZERO, 0), (HOUR - SECOND, 0), (SECOND, 1)] {
        node.advance(later);
        assert_eq!(run(node.service.purge_expired(10)).unwrap(), purged, "as long as the token would have lived");
    }
}
