//! Keys, records and calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore, Version};
use regrant::token::Realm;
use regrant::{ClientId, GrantId, Subject};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// The end of records that stay: far from now, also for a store with its own clock.
pub(super) const FAR: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// An id, the same for each `number`, in no order.
pub(super) fn id(number: u64) -> GrantId {
    let mut bytes = [0; 16];
    for (half, salt) in bytes.chunks_mut(8).zip([0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03_u64]) {
        let mut word = number.wrapping_add(1).wrapping_mul(salt);
        word = (word ^ (word >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        half.copy_from_slice(&(word ^ (word >> 32)).to_be_bytes());
    }
    GrantId::from_bytes(bytes)
}

pub(super) fn key(number: u64) -> GrantKey {
    GrantKey { realm: Realm::default(), id: id(number) }
}

pub(super) fn client_id(name: &str) -> ClientId {
    ClientId::new(name).unwrap()
}

pub(super) fn subject(name: &str) -> Subject {
    Subject::new(name).unwrap()
}

pub(super) fn realm(name: &str) -> Realm {
    Realm::new(name).unwrap()
}

/// An active record of the client "app" and the subject "demo".
pub(super) fn record(payload: impl Into<Vec<u8>>) -> GrantRecord {
    owned_record(payload, "app", Some("demo"))
}

pub(super) fn owned_record(payload: impl Into<Vec<u8>>, client: &str, owner: Option<&str>) -> GrantRecord {
    GrantRecord {
        payload: payload.into().into(),
        client_id: client_id(client),
        subject: owner.map(subject),
        expires_at: Some(FAR),
    }
}

pub(super) fn ending(record: GrantRecord, at: Timestamp) -> GrantRecord {
    GrantRecord { expires_at: Some(at), ..record }
}

pub(super) async fn load(store: &impl TokenStore, key: &GrantKey) -> Option<StoredGrant> {
    store.load(key).await.unwrap_or_else(|error| panic!("load failed: {error:?}"))
}

/// The record that must be there.
pub(super) async fn existing(store: &impl TokenStore, key: &GrantKey) -> StoredGrant {
    load(store, key).await.unwrap_or_else(|| panic!("the record is gone"))
}

pub(super) async fn swap(store: &impl TokenStore, key: &GrantKey, expect: Expect, record: GrantRecord) -> Swap {
    let swap = store.compare_and_swap(key, expect, record).await;
    swap.unwrap_or_else(|error| panic!("compare_and_swap failed: {error:?}"))
}

/// Creates a record and returns its version.
pub(super) async fn create(store: &impl TokenStore, key: &GrantKey, record: GrantRecord) -> Version {
    let swap = swap(store, key, Expect::Absent, record).await;
    assert!(
        swap == Swap::Stored,
        "a creation was refused, though nothing was written under {key:?}: is another key equal to it in the database \
         (a collation, a cut, a lost realm), or did a client library send the write twice?",
    );
    existing(store, key).await.version
}

/// Replaces the version `current` by `record` and returns the new version.
pub(super) async fn replace(store: &impl TokenStore, key: &GrantKey, current: Version, record: GrantRecord) -> Version {
    let swap = swap(store, key, Expect::Version(current), record).await;
    assert!(
        swap == Swap::Stored,
        "a swap of the version that was just loaded was refused, though nobody else writes {key:?}: does a load return \
         old versions, or did a client library send the write twice?",
    );
    existing(store, key).await.version
}

/// Makes a swap whose condition does not hold.
pub(super) async fn refused(store: &impl TokenStore, key: &GrantKey, expect: Expect, record: GrantRecord) {
    let swap = swap(store, key, expect, record).await;
    assert!(swap == Swap::Conflict, "a swap was stored under {key:?}, though {expect:?} does not hold there");
}

/// Compares two records. Their `Debug` hides the payload, so the message shows the payload too.
#[track_caller]
pub(super) fn assert_record(found: &GrantRecord, written: &GrantRecord) {
    assert!(found == written, "found {}, but {} was written", Shown(found), Shown(written));
}

/// A record of a test, with the beginning of its payload.
struct Shown<'a>(&'a GrantRecord);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = &self.0.payload;
        write!(f, "{:?} with the payload \"{}", self.0, payload[..payload.len().min(48)].escape_ascii())?;
        f.write_str(if payload.len() > 48 { "...\"" } else { "\"" })
    }
}

/// Longest time of one call of a store whose database is out of reach. Five times the two seconds of the contract of
/// [`TokenStore`], for busy machines.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits for a call while the database is out of reach: an error in time, which a retry may mend.
pub(super) async fn fails_in_time<T: fmt::Debug>(what: &str, call: impl Future<Output = Result<T, StoreError>>) {
    match ends_in_time(what, LONGEST, call).await {
        Ok(answer) => panic!("{what}: the database is out of reach, but the answer is {answer:?}"),
        Err(error) => assert_transient(what, &error),
    }
}

/// Waits for a call, at most for this time.
pub(super) async fn ends_in_time<T>(what: &str, limit: Duration, call: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(limit, call).await;
    ended.unwrap_or_else(|_| panic!("{what}: no answer within {limit:?}; the contract is a deadline of two seconds"))
}

/// Asserts that the client may try again.
#[track_caller]
pub(super) fn assert_transient(what: &str, error: &StoreError) {
    assert!(
        error.is_transient(),
        "{what}: this failure ends without anybody's help, so it must be `StoreError::unavailable` (transient): {error:?}",
    );
}

/// Repeats a call until it is answered. The deadline of production may be too short for a busy machine.
pub(super) async fn answered<T>(what: &str, call: impl AsyncFn() -> Result<T, StoreError>) -> T {
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(error) => assert_transient(what, &error),
        }
    }
}

/// Starts `work` on `tasks` tasks at the same moment and returns the results in order.
pub(super) async fn at_once<T, F>(tasks: usize, work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(tasks));
    let mut set = JoinSet::new();
    for number in 0..tasks {
        let (barrier, future) = (Arc::clone(&barrier), work(number));
        set.spawn(async move {
            barrier.wait().await;
            (number, future.await)
        });
    }
    let mut outcomes = set.join_all().await;
    outcomes.sort_unstable_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Adds one to the number in the record of `key`, retrying on conflicts. Returns the number of conflicts.
pub(super) async fn count_up(store: &impl TokenStore, key: &GrantKey) -> usize {
    let mut conflicts = 0;
    loop {
        let current = existing(store, key).await;
        let counted = record((count(&current) + 1).to_be_bytes());
        match swap(store, key, Expect::Version(current.version), counted).await {
            Swap::Stored => return conflicts,
            Swap::Conflict => conflicts += 1,
        }
    }
}

/// The number in a record that [`count_up`] writes.
pub(super) fn count(stored: &StoredGrant) -> u64 {
    let bytes = (&*stored.record.payload).try_into();
    u64::from_be_bytes(bytes.unwrap_or_else(|_| panic!("the payload is not what was written: {stored:?}")))
}
