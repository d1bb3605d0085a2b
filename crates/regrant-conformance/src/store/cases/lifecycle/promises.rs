//! Lost answers, theft, restarts and records that go back in time.

use regrant::Refusal;

use super::node::{MINUTE, Node, refusal};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(super) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![
        a_lost_answer_is_given_again,
        a_lost_answer_is_given_again_after_a_restart,
        a_spent_token_ends_the_grant_however_late,
        a_refused_request_writes_nothing,
        a_record_that_went_back_in_time_heals,
        a_record_is_as_long_after_many_rotations
    ]
}

/// A retry gets the same successor, byte for byte.
async fn a_lost_answer_is_given_again(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    let first = node.issue().await;
    let lost = node.refresh(&first.refresh).await.unwrap();
    assert_eq!(node.refresh(&first.refresh).await.unwrap(), lost);
    node.clock.advance(MINUTE / 2);
    let narrow = node.refresh_scoped(&first.refresh, "read").await.unwrap();
    assert_eq!(narrow.refresh, lost.refresh);
    node.assert_alive(&lost, "after the retry").await;
}

/// The store holds no token: the answer is made again from the presented token.
async fn a_lost_answer_is_given_again_after_a_restart(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let before = Node::new(fixture.store());
    let first = before.issue().await;
    let lost = before.refresh(&first.refresh).await.unwrap();
    let after = before.beside(fixture.other_handle());
    drop(before);
    assert_eq!(after.refresh(&first.refresh).await.unwrap(), lost);
    after.assert_alive(&lost, "after the restart").await;
}

/// Reuse is detected without a row for any spent token.
async fn a_spent_token_ends_the_grant_however_late(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    let chain = node.rotate(&node.issue().await, 30).await;
    assert_eq!(refusal(node.refresh(&chain[0].refresh).await), Refusal::RefreshTokenReused);
    assert!(!node.is_any_active(&chain).await);
    assert_eq!(refusal(node.refresh(&chain[30].refresh).await), Refusal::GrantRevoked);
}

/// Records stay byte for byte.
async fn a_refused_request_writes_nothing(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    let tokens = node.issue().await;
    let (record, writes) = (node.record(tokens.grant_id).await, node.store.writes());
    assert_eq!(refusal(node.refresh_scoped(&tokens.refresh, "delete").await), Refusal::ScopeExceeded);
    refusal(node.refresh("rt_garbage").await);
    refusal(node.refresh(&tokens.access).await);
    assert_eq!((node.record(tokens.grant_id).await, node.store.writes()), (record, writes));
    node.assert_alive(&tokens, "after the refusals").await;
}

/// A failover lost the last writes. The token ahead of its record proves this, and is adopted.
async fn a_record_that_went_back_in_time_heals(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    for lost in [1, 2, 10] {
        let chain = node.rotate(&node.issue().await, 3).await;
        let old = node.record(chain[0].grant_id).await;
        let ahead = node.rotate(&chain[3], lost).await;
        node.overwrite(chain[0].grant_id, old).await;
        let healed = node.refresh(&ahead[lost].refresh).await.unwrap();
        assert_eq!(node.refresh(&ahead[lost].refresh).await.unwrap(), healed, "and a lost answer is given again");
        assert!(node.is_active(&healed.refresh).await);
        node.clock.advance(MINUTE * 2);
        assert_eq!(refusal(node.refresh(&chain[0].refresh).await), Refusal::RefreshTokenReused, "theft is still seen");
        assert!(!node.is_active(&healed.refresh).await);
    }
}

/// The size of a record is constant.
async fn a_record_is_as_long_after_many_rotations(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let node = Node::new(fixture.store());
    let first = node.issue().await;
    let few = node.rotate(&first, 20).await;
    let after_few = node.record(first.grant_id).await.payload.len();
    node.rotate(&few[20], 200).await;
    let after_many = node.record(first.grant_id).await.payload.len();
    // Numbers get longer, but a rotation leaves nothing behind: that would be two hundred entries.
    assert!(after_many <= after_few + 100, "{after_few} bytes after 20 rotations, {after_many} after 220");
}
