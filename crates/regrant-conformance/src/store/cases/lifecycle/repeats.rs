//! Writes that a client library sends again by itself, because the first reply got lost: the second one conflicts with
//! the first, and that conflict is all that the store can tell.

use std::sync::Arc;
use std::time::Duration;

use regrant::Policy;
use regrant::store::TokenStore;

use super::node::{Node, Tokens, refusal};
use super::races::nodes;
use crate::store::cases::Case;
use crate::store::cases::support::at_once;
use crate::store::{Fixture, StoreHarness};

pub(super) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![
        a_repeated_write_costs_no_session_at_refresh,
        a_repeated_write_costs_no_code,
        a_repeated_write_is_an_issue_all_the_same,
        a_repeated_revocation_holds,
        of_many_refreshes_whose_writes_are_repeated_all_get_one_successor
    ]
}

/// Nodes that repeat every write, with grace and without.
fn each_node<S: TokenStore + 'static>(fixture: &Fixture<S>) -> [(String, Node<S>); 2] {
    [Policy::default(), Policy::default().with_grace_period(Duration::ZERO.into())].map(|policy| {
        let what = format!("grace {:?}", policy.grace_period);
        let node = Node::under(policy, fixture.store());
        node.store.repeat_writes();
        (what, node)
    })
}

/// The first successor is the only one, and no client is treated as a thief.
async fn a_repeated_write_costs_no_session_at_refresh(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for (what, node) in each_node(&fixture) {
        let first = node.issue().await;
        let second = node.refresh(&first.refresh).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert!(!node.is_active(&first.refresh).await, "{what}: two heads");
        assert_eq!(node.store.writes(), 2, "{what}: one issue, one rotation");
        node.assert_alive(&second, &what).await;
    }
}

/// RFC 6749 section 4.1.2: a code is redeemed once, and that redemption is answered.
async fn a_repeated_write_costs_no_code(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for (what, node) in each_node(&fixture) {
        let code = node.authorize().await;
        let tokens = node.redeem(&code).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(node.store.writes(), 2, "{what}: one code, one redemption");
        node.assert_alive(&tokens, &what).await;
    }
}

/// A creation that conflicts with itself is no other grant of the same id.
async fn a_repeated_write_is_an_issue_all_the_same(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for (what, node) in each_node(&fixture) {
        let tokens = node.try_issue().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(node.store.writes(), 1, "{what}: one grant");
        node.assert_alive(&tokens, &what).await;
    }
}

/// The revocation is acknowledged at once, and every token of the grant is inactive.
async fn a_repeated_revocation_holds(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for (what, node) in each_node(&fixture) {
        let first = node.issue().await;
        let second = node.refresh(&first.refresh).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        node.revoke(&second.refresh).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert!(!node.is_any_active([&first, &second]).await, "{what}");
        refusal(node.refresh(&second.refresh).await);
    }
}

/// Conflicts with other writers and with the same write, on two nodes, are distinguished by the stored record.
async fn of_many_refreshes_whose_writes_are_repeated_all_get_one_successor(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let nodes = nodes(&fixture);
    for node in &nodes {
        node.store.repeat_writes();
    }
    let first = nodes[0].issue().await;
    let token: Arc<str> = first.refresh.as_str().into();
    let answers = at_once(16, |number| {
        let (node, token) = (nodes[number % 2].clone(), Arc::clone(&token));
        async move { node.refresh(&token).await }
    })
    .await;
    let tokens: Vec<Tokens> = answers.into_iter().map(|answer| answer.unwrap()).collect();
    assert!(tokens.iter().all(|other| *other == tokens[0]), "the grant has two heads");
    assert!(!nodes[1].is_active(&first.refresh).await);
    nodes[1].assert_alive(&tokens[0], "after the race").await;
}
