//! The memory that `MemoryStore` takes for a grant.

use allocation_counter::measure;
use regrant::clock::Timestamp;
use regrant::store::TokenStore as _;
use regrant::store::{Expect, GrantIndex as _, GrantKey, GrantOwner, GrantRecord, PurgeExpired as _, Swap, Version};
use regrant::{ClientId, MemoryStore, Subject};
use testbed::{Random, key};

/// Bytes of a record after its first rotation.
const RECORD: usize = 290;

/// Most bytes of live heap for a grant, in a map of any size.
const LIMIT: i64 = 700;

const END: i64 = 1_000_000;

/// The maps double their size, so the bytes for a grant depend on their number: with the second number the maps are
/// nearly full, with the third they have just grown.
#[test]
fn a_grant_takes_at_most_700_bytes() {
    for (grants, users) in [(1_000, 1_000), (56_000, 56_000), (60_000, 60_000), (60_000, 30_000), (60_000, 60)] {
        let keys = keys(grants);
        let store = MemoryStore::new();
        let bytes = per_grant(grants, || create_all(&store, &keys, users));
        let rotated = bytes + per_grant(grants, || rotate_all(&store, &keys));
        println!("{grants} grants of {users} users: {bytes} bytes for each, {rotated} after a rotation");
        assert!(bytes <= LIMIT && rotated <= LIMIT, "{grants} grants of {users} users: {bytes}, then {rotated} bytes");
    }
}

#[test]
fn a_purge_returns_the_memory() {
    let keys = keys(20_000);
    let store = MemoryStore::new();
    let all = measure(|| {
        create_all(&store, &keys, keys.len());
        assert_eq!(now(store.purge_expired(Timestamp::from_millis(END), usize::MAX)).unwrap(), keys.len());
    });
    assert!(store.is_empty() && all.bytes_current < 40_000, "{} bytes are left", all.bytes_current);
}

#[test]
fn a_load_allocates_its_future_alone() {
    let keys = keys(1);
    let store = MemoryStore::new();
    create_all(&store, &keys, 1);
    let load = measure(|| drop(now(store.load(&keys[0]))));
    let (owner, next) = (GrantOwner::Subject(user(0)), record(1, 0));
    let version = now(store.page(&keys[0].realm, &owner, None, 1)).unwrap()[0].1.version;
    let swap = measure(|| assert_eq!(swap(&store, &keys[0], Expect::Version(version), next), Swap::Stored));
    assert_eq!((load.count_total, swap.count_total), (1, 1));
}

fn per_grant(grants: usize, work: impl FnOnce()) -> i64 {
    measure(work).bytes_current / i64::try_from(grants).unwrap()
}

fn keys(count: usize) -> Vec<GrantKey> {
    let mut random = Random::new(7);
    let mut word = || u128::from(random.below(u64::MAX));
    (0..count).map(|_| key(word() << 64 | word())).collect()
}

fn create_all(store: &MemoryStore, keys: &[GrantKey], users: usize) {
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(swap(store, key, Expect::Absent, record(0, number % users)), Swap::Stored);
    }
}

fn rotate_all(store: &MemoryStore, keys: &[GrantKey]) {
    for (number, key) in keys.iter().enumerate() {
        let Version(version) = now(store.load(key)).unwrap().unwrap().version;
        assert_eq!(swap(store, key, Expect::Version(Version(version)), record(1, number)), Swap::Stored);
    }
}

/// A record as the service makes it: every text is newly allocated.
fn record(generation: u8, number: usize) -> GrantRecord {
    GrantRecord {
        payload: vec![generation; RECORD].into(),
        client_id: ClientId::new("myClient").unwrap(),
        subject: Some(user(number)),
        expires_at: Some(Timestamp::from_millis(END + i64::from(generation))),
    }
}

fn user(number: usize) -> Subject {
    Subject::new(format!("user-{number:06}@example.com")).unwrap()
}

fn swap(store: &MemoryStore, key: &GrantKey, expect: Expect, record: GrantRecord) -> Swap {
    now(store.compare_and_swap(key, expect, record)).unwrap()
}

/// Returns the output of a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the store in memory waits"),
    }
}
