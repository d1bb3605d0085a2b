//! One request arrives and its reply does not. The link works again, so a client library may repeat the request.

use regrant::store::{Expect, Swap, TokenStore};

use super::lifecycle::node::{Node, Tokens, is_retryable, or_retry};
use super::support::{assert_record, assert_transient, create, existing, key, load, record, replace};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![
        a_swap_whose_reply_was_lost_is_no_conflict_with_nobody,
        a_creation_whose_reply_was_lost_is_no_conflict_with_nobody,
        a_lost_reply_costs_no_session_at_refresh,
        a_lost_reply_costs_no_code,
        a_lost_reply_leaves_an_issue_and_a_revocation_as_they_were_told
    ]
}

/// No operation makes more calls of the store than this, read-backs included.
const CALLS: usize = 6;

/// An error of unknown outcome, or the true outcome. A conflict can only be one with the same write, since no one else
/// writes.
async fn a_swap_whose_reply_was_lost_is_no_conflict_with_nobody(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let (store, lose) = (fixture.store(), fixture.lost_reply());
    for number in 0..4 {
        // Two writes before, so that the next request is the write itself and not a preparation.
        let version = create(&*store, &key(number), record("created")).await;
        let version = replace(&*store, &key(number), version, record("old")).await;
        lose().await;
        let swap = store.compare_and_swap(&key(number), Expect::Version(version), record("new")).await;
        let found = existing(&*store, &key(number)).await.record;
        match swap {
            // Nobody else writes, so a conflict is one with the write itself.
            Ok(Swap::Stored | Swap::Conflict) => assert_record(&found, &record("new")),
            Err(error) => assert_transient("a swap whose reply was lost", &error),
        }
    }
}

/// The same for a creation.
async fn a_creation_whose_reply_was_lost_is_no_conflict_with_nobody(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let (store, lose) = (fixture.store(), fixture.lost_reply());
    create(&*store, &key(0), record("first")).await;
    for number in 1..4 {
        lose().await;
        let swap = store.compare_and_swap(&key(number), Expect::Absent, record("new")).await;
        let found = load(&*store, &key(number)).await.map(|stored| stored.record);
        match swap {
            Ok(swap) => match found {
                Some(found) => assert_record(&found, &record("new")),
                None => panic!("a creation whose reply was lost was told as {swap:?}, and nothing is stored"),
            },
            Err(error) => assert_transient("a creation whose reply was lost", &error),
        }
    }
}

/// Each call of the store in turn: one current token, and no user is logged out.
async fn a_lost_reply_costs_no_session_at_refresh(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for k in 0..CALLS {
        let what = format!("the reply to call {k} was lost");
        let node = Node::new(fixture.store());
        let first = node.issue().await;
        node.store.lose_reply(k, fixture.lost_reply());
        let answer = node.refresh(&first.refresh).await;
        node.store.calm();
        let tokens = or_retry(answer, &what, async || node.refresh(&first.refresh).await).await;
        assert!(!node.is_active(&first.refresh).await, "{what}: two heads");
        node.assert_alive(&tokens, &what).await;
    }
}

/// Only an answered redemption uses up a code.
async fn a_lost_reply_costs_no_code(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for k in 0..CALLS {
        let what = format!("the reply to call {k} was lost");
        let node = Node::new(fixture.store());
        let code = node.authorize().await;
        node.store.lose_reply(k, fixture.lost_reply());
        let answer = node.redeem(&code).await;
        node.store.calm();
        let tokens = or_retry(answer, &what, async || node.redeem(&code).await).await;
        node.assert_alive(&tokens, &what).await;
    }
}

/// Done, or the client is asked to try again.
async fn a_lost_reply_leaves_an_issue_and_a_revocation_as_they_were_told(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    for k in 0..CALLS {
        let what = format!("the reply to call {k} was lost");
        let node = Node::new(fixture.store());
        node.store.lose_reply(k, fixture.lost_reply());
        let answer = node.try_issue().await;
        node.store.calm();
        let tokens: Tokens = or_retry(answer, &what, async || node.try_issue().await).await;
        assert!(node.is_active(&tokens.access).await, "{what}");
        node.store.lose_reply(k, fixture.lost_reply());
        let answer = node.revoke(&tokens.refresh).await;
        node.store.calm();
        if let Err(error) = answer {
            assert!(is_retryable(&error), "{what}: {error:?}");
            node.revoke(&tokens.refresh).await.unwrap();
        }
        assert!(!node.is_any_active([&tokens]).await, "{what}");
    }
}
