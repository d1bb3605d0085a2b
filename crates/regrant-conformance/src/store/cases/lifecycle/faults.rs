//! Each call of the store fails once, before or after its work, and the client retries.

use std::time::Duration;

use regrant::store::TokenStore;
use regrant::{Policy, TokenError};

use super::faulty::Fault;
use super::node::{MINUTE, Node, Tokens, is_retryable, or_retry, refusal};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(super) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![
        no_single_fault_costs_a_session_at_refresh,
        no_single_fault_costs_an_issue,
        no_single_fault_changes_what_a_replay_answers,
        no_single_fault_costs_a_code,
        an_acknowledged_revocation_holds_whatever_failed,
        the_reaction_to_reuse_is_stored_before_the_refusal,
        a_late_write_leaves_one_successor
    ]
}

const FAULTS: [Fault; 2] = [Fault::Before, Fault::After];

/// No operation here makes more calls than this, read-backs and second rounds included.
const CALLS: usize = 8;

/// Every call with every fault.
fn each_call() -> impl Iterator<Item = (Fault, usize)> {
    FAULTS.into_iter().flat_map(|fault| (0..CALLS).map(move |k| (fault, k)))
}

/// The same with grace and without.
fn each_fault() -> impl Iterator<Item = (Policy, Fault, usize)> {
    let policies = [Policy::default(), Policy::default().with_grace_period(Duration::ZERO.into())];
    policies.into_iter().flat_map(|policy| each_call().map(move |(fault, k)| (policy.clone(), fault, k)))
}

/// A client that lost the answer of a refresh retries and gets one successor (keycloak/keycloak#49213).
async fn no_single_fault_costs_a_session_at_refresh(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for (policy, fault, k) in each_fault() {
        let what = format!("grace {:?}, call {k} failed {fault:?}", policy.grace_period);
        let node = Node::under(policy, fixture.store());
        let first = node.issue().await;
        node.store.fail(k, fault);
        let answer = node.refresh(&first.refresh).await;
        node.store.calm();
        let tokens = or_retry(answer, &what, async || node.refresh(&first.refresh).await).await;
        assert!(!node.is_active(&first.refresh).await, "{what}: two heads");
        assert_eq!(node.store.writes(), 2, "{what}: one issue, one rotation");
        node.assert_alive(&tokens, &what).await;
    }
}

/// Issued tokens are active. A failed issue can be repeated.
async fn no_single_fault_costs_an_issue(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    for (fault, k) in each_call() {
        let what = format!("call {k} failed {fault:?}");
        node.store.fail(k, fault);
        let answer = node.try_issue().await;
        node.store.calm();
        let tokens = or_retry(answer, &what, async || node.try_issue().await).await;
        node.assert_alive(&tokens, &what).await;
    }
}

/// A retry under faults gets the same successor.
async fn no_single_fault_changes_what_a_replay_answers(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    for wanted in ["read write", "read"] {
        for (fault, k) in each_call() {
            let what = format!("{wanted}, call {k} failed {fault:?}");
            let first = node.issue().await;
            let lost = node.refresh(&first.refresh).await.unwrap();
            node.store.fail(k, fault);
            let answer = node.refresh_scoped(&first.refresh, wanted).await;
            node.store.calm();
            let retry = async || node.refresh_scoped(&first.refresh, wanted).await;
            let tokens = or_retry(answer, &what, retry).await;
            assert_eq!(tokens.refresh, lost.refresh, "{what}");
            assert_eq!(tokens.scope.to_string(), wanted, "{what}");
            node.assert_alive(&tokens, &what).await;
        }
    }
}

/// A read-back settles the outcome of the write.
async fn no_single_fault_costs_a_code(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for (policy, fault, k) in each_fault() {
        let what = format!("grace {:?}, call {k} failed {fault:?}", policy.grace_period);
        let node = Node::under(policy, fixture.store());
        let code = node.authorize().await;
        node.store.fail(k, fault);
        let answer = node.redeem(&code).await;
        node.store.calm();
        let tokens = or_retry(answer, &what, async || node.redeem(&code).await).await;
        node.assert_alive(&tokens, &what).await;
    }
}

/// A revocation is never acknowledged while the token is active. A failed one can be repeated.
async fn an_acknowledged_revocation_holds_whatever_failed(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    for (fault, k) in each_call() {
        let what = format!("call {k} failed {fault:?}");
        let chain = node.rotate(&node.issue().await, 1).await;
        node.store.fail(k, fault);
        let answer = node.revoke(&chain[1].refresh).await;
        node.store.calm();
        if let Err(error) = answer {
            assert!(is_retryable(&error), "{what}: {error:?}");
            node.revoke(&chain[1].refresh).await.unwrap();
        }
        assert!(!node.is_any_active(&chain).await, "{what}");
        refusal(node.refresh(&chain[1].refresh).await);
    }
}

/// The grant is ended before the refusal is sent.
async fn the_reaction_to_reuse_is_stored_before_the_refusal(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    for (fault, k) in each_call() {
        let what = format!("call {k} failed {fault:?}");
        let chain = node.rotate(&node.issue().await, 2).await;
        node.clock.advance(MINUTE * 2);
        node.store.fail(k, fault);
        let answer = node.refresh(&chain[0].refresh).await;
        node.store.calm();
        match answer {
            Err(TokenError::Refused(_)) => {}
            Err(error) if is_retryable(&error) => {
                refusal(node.refresh(&chain[0].refresh).await);
            }
            other => panic!("{what}: {other:?}"),
        }
        assert!(!node.is_any_active(&chain).await, "{what}");
    }
}

/// A write arrives after its deadline, before the retry or after it.
async fn a_late_write_leaves_one_successor(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    for before_retry in [true, false] {
        let first = node.issue().await;
        node.store.fail(1, Fault::Late);
        let error = node.refresh(&first.refresh).await.unwrap_err();
        assert!(is_retryable(&error), "{error:?}");
        if before_retry {
            node.store.deliver().await;
        }
        let tokens = node.refresh(&first.refresh).await.unwrap();
        node.store.deliver().await;
        assert_eq!(node.refresh(&first.refresh).await.unwrap(), tokens, "two successors");
        node.assert_alive(&tokens, "after the late write").await;
    }
    let revoked = node.issue().await;
    node.store.fail(1, Fault::Late);
    assert!(node.revoke(&revoked.refresh).await.is_err(), "not acknowledged");
    assert!(node.store.load(&key_of(&revoked)).await.unwrap().is_some());
    node.store.deliver().await;
    assert!(!node.is_any_active([&revoked]).await);
}

fn key_of(tokens: &Tokens) -> regrant::store::GrantKey {
    regrant::store::GrantKey { realm: regrant::token::Realm::default(), id: tokens.grant_id }
}
