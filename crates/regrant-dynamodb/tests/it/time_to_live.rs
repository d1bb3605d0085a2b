//! The attribute by which the table deletes: never too early, and never forgotten.

use std::time::Duration;

use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{SingleUse as _, Use, UseId};

use crate::support::{HOUR, Own, app, create, demo, key, listed, number, record, record_until, replace, text};

/// The second from which an item with this end may be deleted.
fn second(end: Timestamp) -> i64 {
    end.as_millis().div_euclid(1000) + i64::from(end.as_millis() % 1000 != 0) + 60
}

#[tokio::test]
async fn a_grant_may_be_deleted_a_minute_after_its_end_and_not_before() {
    let own = Own::new().await;
    let end = SystemClock.now() + HOUR;
    create(&own.store, &key(1), record_until("an hour", Some(end))).await;
    assert_eq!(number(&own.grant(&key(1)).await, "ttl"), Some(second(end)));
    let later = end + Duration::from_millis(1001);
    replace(&own.store, &key(1), record_until("longer", Some(later))).await;
    assert_eq!(number(&own.grant(&key(1)).await, "ttl"), Some(second(later)));
    replace(&own.store, &key(1), record_until("for ever", None)).await;
    let grant = own.grant(&key(1)).await;
    assert_eq!((number(&grant, "ttl"), number(&grant, "expires_at")), (None, None));
    replace(&own.store, &key(1), record_until("shorter", Some(end))).await;
    assert_eq!(number(&own.grant(&key(1)).await, "ttl"), Some(second(end)));
}

/// DynamoDB ignores times of more than five years ago.
#[tokio::test]
async fn an_end_long_ago_does_not_keep_an_item_for_ever() {
    let own = Own::new().await;
    let before = SystemClock.now().as_secs();
    create(&own.store, &key(1), record_until("over", Some(Timestamp::from_millis(-5)))).await;
    let id = UseId::from_bytes([1; 32]);
    assert_eq!(own.store.use_once(&id, Timestamp::from_millis(0)).await.unwrap(), Use::First);
    for item in own.items().await {
        assert!(number(&item, "ttl").unwrap() >= before, "{}", text(&item, "pk"));
    }
}

#[tokio::test]
async fn a_mark_may_be_deleted_a_minute_after_its_end() {
    let own = Own::new().await;
    let (end, id) = (SystemClock.now() + HOUR, UseId::from_bytes([1; 32]));
    assert_eq!(own.store.use_once(&id, end).await.unwrap(), Use::First);
    assert_eq!(own.store.use_once(&id, end + HOUR).await.unwrap(), Use::Again);
    let items = own.items().await;
    assert_eq!(items.len(), 1);
    assert_eq!(number(&items[0], "ttl"), Some(second(end)));
}

/// Deletes what the table might delete at `now`.
async fn expire(own: &Own, now: Timestamp) {
    for item in own.items().await {
        if number(&item, "ttl").is_some_and(|ttl| ttl <= now.as_secs()) {
            own.delete(&item).await;
        }
    }
}

/// The end moves with each refresh, and the entries do not.
#[tokio::test]
async fn no_grant_outlives_its_last_entries_however_its_end_moves() {
    let own = Own::new().await;
    let start = SystemClock.now();
    create(&own.store, &key(1), record_until("0", Some(start + HOUR))).await;
    let mut made = own.entries('s').await.len();
    for minute in 1..=120 {
        let end = start + HOUR + Duration::from_secs(60 * minute);
        replace(&own.store, &key(1), record_until(minute.to_string(), Some(end))).await;
        let entries = own.entries('s').await;
        assert_eq!(entries.len(), own.entries('c').await.len());
        let last = entries.iter().filter_map(|entry| number(entry, "ttl")).max().unwrap();
        assert!(last >= second(end), "minute {minute}");
        made = made.max(entries.len());
        // At the end itself the grant is still there, and so is an entry.
        let again = own.entries('s').await.iter().filter(|entry| number(entry, "ttl") > Some(end.as_secs())).count();
        assert!(again > 0, "minute {minute}");
    }
    assert!((2..=5).contains(&made), "{made} entries: a refresh rarely makes one");
    // The table has deleted what was due just before the end of the grant.
    expire(&own, start + 3 * HOUR).await;
    for owner in [demo(), app()] {
        assert_eq!(listed(&own.store, &owner).await, [key(1).id]);
    }
}

#[tokio::test]
async fn a_grant_without_an_end_keeps_its_entries() {
    let own = Own::new().await;
    create(&own.store, &key(1), record("an hour")).await;
    replace(&own.store, &key(1), record_until("for ever", None)).await;
    expire(&own, SystemClock.now() + 1_000_000 * HOUR).await;
    for owner in [demo(), app()] {
        assert_eq!(listed(&own.store, &owner).await, [key(1).id]);
    }
    replace(&own.store, &key(1), record_until("revoked", Some(SystemClock.now() + HOUR))).await;
    assert_eq!(listed(&own.store, &demo()).await, [key(1).id]);
}
