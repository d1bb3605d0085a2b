//! The index follows the grants: it has all of them, and few other entries.

use std::time::Duration;

use redis::cmd;
use regrant::GrantId;
use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{Expect, GrantIndex as _, GrantKey, GrantOwner, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_redis::RedisStore;
use testbed::Redis;

use crate::support::{
    HOUR, ask, at, client_index, connected, create, existing, key, name, record, record_until, replace, subject_index,
};

/// Grants of "demo", or of "app".
async fn listed(store: &RedisStore, owner: &GrantOwner) -> Vec<GrantId> {
    let page = store.page(&Realm::default(), owner, None, 1000).await.unwrap();
    page.into_iter().map(|(id, _)| id).collect()
}

fn demo() -> GrantOwner {
    GrantOwner::Subject("demo".try_into().unwrap())
}

fn app() -> GrantOwner {
    GrantOwner::Client("app".try_into().unwrap())
}

fn size(server: &Redis, index: &str) -> usize {
    ask(server, cmd("ZCARD").arg(index))
}

fn is_entered(server: &Redis, key: &GrantKey) -> bool {
    [subject_index("ends"), client_index("ends")].iter().all(|index| {
        let score: Option<f64> = ask(server, cmd("ZSCORE").arg(index).arg(key.id.as_bytes()));
        score.is_some()
    })
}

/// Time of an entry made this many seconds ago.
fn seconds_ago(age: u32) -> [u8; 4] {
    (u32::try_from(SystemClock.now().as_secs()).unwrap() - age).to_be_bytes()
}

/// State after a crash between the two writes of a creation: entries made `age` seconds ago, and no grant.
fn enter_and_crash(server: &Redis, key: &GrantKey, age: u32) {
    let entry = [&key.id.as_bytes()[..], &seconds_ago(age)].concat();
    for index in [subject_index, client_index] {
        let _: usize = ask(server, cmd("ZADD").arg(index("ids")).arg(0).arg(&entry));
        let _: usize = ask(server, cmd("ZADD").arg(index("ends")).arg("+inf").arg(key.id.as_bytes()));
    }
}

#[tokio::test]
async fn a_crash_between_the_two_writes_leaves_an_entry_that_a_listing_removes_in_time() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    create(&store, &key(2), record("lives")).await;
    enter_and_crash(&server, &key(1), 61);
    enter_and_crash(&server, &key(3), 5);
    for (owner, index) in [(demo(), subject_index as fn(&str) -> String), (app(), client_index)] {
        assert_eq!(listed(&store, &owner).await, [key(2).id]);
        let ids: Vec<Vec<u8>> = ask(&server, cmd("ZRANGE").arg(index("ids")).arg(0).arg(-1));
        let ids: Vec<&[u8]> = ids.iter().map(|entry| &entry[..16]).collect();
        assert_eq!(ids, [key(2).id.as_bytes(), key(3).id.as_bytes()], "grant 3 may still be created");
        assert_eq!(size(&server, &index("ends")), 2);
    }
}

#[tokio::test]
async fn a_renewed_entry_is_not_removed() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    enter_and_crash(&server, &key(1), 100);
    create(&store, &key(1), record("second attempt")).await;
    let entries: Vec<Vec<u8>> = ask(&server, cmd("ZRANGE").arg(subject_index("ids")).arg(0).arg(-1));
    assert_eq!(entries.len(), 1, "an id is entered once");
    assert!(entries[0][16..] > seconds_ago(50)[..]);
    assert_eq!(listed(&store, &demo()).await, [key(1).id]);
}

/// The script refuses, so that a listing never removes the entry of a grant that is created later.
#[tokio::test]
async fn a_creation_that_is_too_slow_creates_nothing() {
    let server = Redis::start();
    let swap = |latest: i64| {
        let mut call = cmd("EVAL");
        call.arg(include_str!("../../src/scripts/swap.lua")).arg(1).arg(name(&key(1)));
        call.arg("").arg("a value").arg(4_000_000_000_000_i64).arg(latest);
        ask::<i64>(&server, &call)
    };
    let now = SystemClock.now().as_secs();
    assert_eq!(swap(now - 1), 3);
    assert!(!ask::<bool>(&server, cmd("EXISTS").arg(name(&key(1)))));
    assert_eq!(swap(now + 30), 1);
}

#[tokio::test]
async fn refreshes_rarely_touch_the_index_and_never_outlive_their_entries() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let start = SystemClock.now();
    create(&store, &key(1), record_until("0", Some(start + HOUR))).await;
    for minute in 1..=300 {
        let end = start + HOUR + Duration::from_secs(60 * minute);
        replace(&store, &key(1), record_until("next", Some(end))).await;
        for index in [subject_index("ends"), client_index("ends")] {
            let reach: i64 = ask(&server, cmd("ZSCORE").arg(index).arg(key(1).id.as_bytes()));
            assert!(reach >= end.as_millis(), "minute {minute}");
        }
    }
    let statistics: String = ask(&server, cmd("INFO").arg("commandstats"));
    let entered = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_zadd:calls=")).unwrap();
    let entered: usize = entered.split(',').next().unwrap().parse().unwrap();
    // The lifetime grows from 1 h to 6 h, the steps from 1.2 h to 9.3 h: at most 8 entries, for two owners, in two
    // sets.
    assert!((8..=32).contains(&entered), "{entered}");
}

#[tokio::test]
async fn a_lost_entry_is_restored_when_its_grant_would_outlive_it() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    create(&store, &key(1), record("entered")).await;
    for index in [subject_index("ids"), subject_index("ends"), client_index("ids"), client_index("ends")] {
        let _: usize = ask(&server, cmd("DEL").arg(index));
    }
    assert_eq!(listed(&store, &demo()).await, []);
    replace(&store, &key(1), record_until("longer", Some(SystemClock.now() + 3 * HOUR))).await;
    assert_eq!(listed(&store, &demo()).await, [key(1).id]);
    assert!(is_entered(&server, &key(1)));
}

#[tokio::test]
async fn due_entries_are_removed_a_few_at_a_time() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let now = SystemClock.now();
    for number in 100..140 {
        enter_and_crash(&server, &key(number), 3600);
        for index in [subject_index("ends"), client_index("ends")] {
            let due = now.as_millis() - 121_000;
            let _: usize = ask(&server, cmd("ZADD").arg(index).arg(due).arg(key(number).id.as_bytes()));
        }
    }
    enter_and_crash(&server, &key(200), 3600);
    // 40 entries are due and one is not; each creation adds one and removes at most 16.
    for (number, expected) in [(1, 26), (2, 11), (3, 4), (4, 5)] {
        create(&store, &key(number), record("new")).await;
        for index in [subject_index, client_index] {
            assert_eq!(size(&server, &index("ends")), expected, "after {number}");
            assert_eq!(size(&server, &index("ids")), expected, "after {number}");
        }
    }
}

#[tokio::test]
async fn an_index_expires_after_its_last_grant_and_never_before_a_grant_without_expiry() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let indexes = [subject_index("ids"), subject_index("ends"), client_index("ids"), client_index("ends")];
    let left = |index: &String| ask::<i64>(&server, cmd("PTTL").arg(index));
    create(&store, &key(1), record("an hour")).await;
    create(&store, &key(2), record_until("a minute", Some(SystemClock.now() + HOUR / 60))).await;
    for index in &indexes {
        // The remaining lifetime, at most 1.2 h more, and two minutes.
        assert!((3_600_000..=3_600_000 + (1 << 22) + 120_000).contains(&left(index)), "{}", left(index));
    }
    create(&store, &key(3), record_until("for ever", None)).await;
    assert_eq!(indexes.each_ref().map(left), [-1; 4]);
}

#[tokio::test]
async fn a_key_expires_a_minute_after_its_grant() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let left = || ask::<i64>(&server, cmd("PTTL").arg(name(&key(1))));
    create(&store, &key(1), record("an hour")).await;
    assert!((3_600_001..=3_660_000).contains(&left()));
    replace(&store, &key(1), record_until("for ever", None)).await;
    assert_eq!(left(), -1);
    replace(&store, &key(1), record_until("a minute", Some(SystemClock.now() + HOUR / 60))).await;
    assert!((60_001..=120_000).contains(&left()));
    replace(&store, &key(1), record_until("over", Some(Timestamp::from_millis(-5)))).await;
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
}

/// A failed second creation must not shorten the entry.
#[tokio::test]
async fn an_entry_is_never_shortened() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let end = SystemClock.now() + 24 * HOUR;
    create(&store, &key(1), record_until("long", Some(end))).await;
    let again = store.compare_and_swap(&key(1), Expect::Absent, record("short")).await;
    assert_eq!(again.unwrap(), Swap::Conflict);
    for index in [subject_index("ends"), client_index("ends")] {
        let reach: i64 = ask(&server, cmd("ZSCORE").arg(index).arg(key(1).id.as_bytes()));
        assert!(reach >= end.as_millis());
    }
}

/// Two grants with one id do not exist, so an entry that says so is ignored.
#[tokio::test]
async fn a_listing_shows_no_grant_of_another_owner() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let mut foreign = record("of another owner");
    foreign.subject = Some("eve".try_into().unwrap());
    create(&store, &key(1), foreign).await;
    assert_eq!(store.compare_and_swap(&key(1), Expect::Absent, record("demo")).await.unwrap(), Swap::Conflict);
    assert_eq!(listed(&store, &demo()).await, []);
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"of another owner");
}
