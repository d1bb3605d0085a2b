//! Many requests at once, on two nodes where the fixture has two handles. The loser of a race is not a thief.

use std::sync::Arc;

use regrant::store::TokenStore;
use regrant::{Policy, TokenError};

use super::node::{Node, Tokens, is_retryable};
use crate::store::cases::Case;
use crate::store::cases::support::at_once;
use crate::store::{Fixture, StoreHarness};

pub(super) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![
        of_64_refreshes_at_once_all_get_one_successor,
        of_many_redemptions_at_once_one_wins,
        a_refresh_against_a_revocation_leaves_nothing_active,
        two_nodes_are_one_server
    ]
}

/// Two nodes of one server.
pub(super) fn nodes<S: TokenStore + 'static>(fixture: &Fixture<S>) -> [Node<S>; 2] {
    let one = Node::new(fixture.store());
    let two = one.beside(fixture.other_handle());
    [one, two]
}

/// Concurrent refreshes of an honest client neither end nor fork its session.
async fn of_64_refreshes_at_once_all_get_one_successor(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let nodes = nodes(&fixture);
    for _ in 0..3 {
        let first = nodes[0].issue().await;
        let before: usize = nodes.iter().map(|node| node.store.writes()).sum();
        let token: Arc<str> = first.refresh.as_str().into();
        let answers = at_once(64, |number| {
            let (node, token) = (nodes[number % 2].clone(), Arc::clone(&token));
            async move { node.refresh(&token).await }
        })
        .await;
        let tokens: Vec<Tokens> = answers.into_iter().map(|answer| answer.unwrap()).collect();
        assert!(tokens.iter().all(|other| *other == tokens[0]), "the grant has two heads");
        let after: usize = nodes.iter().map(|node| node.store.writes()).sum();
        assert_eq!(after - before, 1, "one rotation");
        assert!(!nodes[0].is_active(&first.refresh).await);
        nodes[1].assert_alive(&tokens[0], "after the race").await;
    }
}

/// RFC 6749 section 4.1.2: a code is redeemed once. A second use revokes the tokens of the first one.
async fn of_many_redemptions_at_once_one_wins(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let nodes = nodes(&fixture);
    for _ in 0..3 {
        let code: Arc<str> = nodes[0].authorize().await.into();
        let answers = at_once(16, |number| {
            let (node, code) = (nodes[number % 2].clone(), Arc::clone(&code));
            async move { node.redeem(&code).await }
        })
        .await;
        let mut winners = Vec::new();
        for answer in answers {
            match answer {
                Ok(tokens) => winners.push(tokens),
                Err(error) => assert!(matches!(error, TokenError::Refused(_)), "{error:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "one code, one winner");
        assert!(!nodes[1].is_any_active(&winners).await, "a code used twice ends its grant");
    }
}

/// Once both have finished, every token of the grant is inactive, in any order (keycloak/keycloak#51312).
async fn a_refresh_against_a_revocation_leaves_nothing_active(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let nodes = nodes(&fixture);
    for round in 0..10 {
        let first = nodes[0].issue().await;
        let token: Arc<str> = first.refresh.as_str().into();
        let answers = at_once(8, |number| {
            let (node, token) = (nodes[number % 2].clone(), Arc::clone(&token));
            async move {
                if number == round % 8 {
                    node.revoke(&token).await.unwrap();
                    return None;
                }
                match node.refresh(&token).await {
                    Ok(tokens) => Some(tokens),
                    Err(error) => {
                        assert!(!is_retryable(&error), "{error:?}");
                        None
                    }
                }
            }
        })
        .await;
        let tokens: Vec<Tokens> = answers.into_iter().flatten().chain([first]).collect();
        for node in &nodes {
            assert!(!node.is_any_active(&tokens).await, "a child was born into a dead family");
        }
    }
}

/// A code from one node, tokens from the other, a revocation at the first: each answer holds on both.
async fn two_nodes_are_one_server(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let [one, two] = nodes(&fixture);
    let code = one.authorize().await;
    let first = two.redeem(&code).await.unwrap();
    assert!(one.is_active(&first.access).await);
    let second = one.refresh(&first.refresh).await.unwrap();
    assert_eq!(two.refresh(&first.refresh).await.unwrap(), second, "the lost answer, from the other node");
    assert!(!two.is_active(&first.refresh).await && two.is_active(&second.refresh).await);
    one.revoke(&second.refresh).await.unwrap();
    assert!(!two.is_any_active([&first, &second]).await);
    // Each node has its own policy. Grants are shared.
    let strict = Node::under(Policy::am_7_5(), fixture.store());
    assert!(!strict.is_any_active([&first, &second]).await);
}
