mod marks;

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, StoredGrant, Swap,
    TokenStore, Use, UseId, Version,
};
use crate::vocabulary::{ClientId, GrantId, Realm, Subject, Timestamp};
use marks::Marks;

/// The number of locks for each kind of content: more than most machines have cores, so that two requests
/// rarely wait for each other.
const SHARDS: usize = 64;

/// A store in the memory of this process. Clones share the grants.
///
/// It is fit for production if one process is enough, and if a restart may log out all users. It implements all four
/// traits of [`store`](crate::store). Expired records stay until
/// [`TokenService::purge_expired`](crate::TokenService::purge_expired) is called.
///
/// ```
/// use regrant::MemoryStore;
///
/// let store = MemoryStore::new();
/// let same_grants = store.clone();
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Shared>);

/// The shards. At most two locks are held at once, first that of a grant and then that of an owner, so no deadlock is
/// possible.
#[derive(Debug)]
struct Shared {
    /// Chooses the shard of an owner. It is seeded, so that no client can choose ids that all fall into one shard.
    hasher: RandomState,
    /// The next version of any record.
    versions: AtomicU64,
    /// The records by key.
    grants: [Mutex<GrantShard>; SHARDS],
    /// The index for listings.
    owners: [Mutex<OwnerShard>; SHARDS],
    /// The used ids.
    marks: [Mutex<Marks>; SHARDS],
}

#[derive(Debug, Default)]
struct GrantShard {
    grants: HashMap<GrantKey, StoredGrant>,
    /// One entry for each grant that expires, at or before its expiry. A purge puts an entry back if its grant lives
    /// longer by now. So a refresh, which moves the expiry, does not touch the heap.
    ends: BinaryHeap<Reverse<(Timestamp, GrantKey)>>,
}

type OwnerShard = HashMap<(Realm, Owner), BTreeSet<GrantId>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Subject(Subject),
    Client(ClientId),
}

impl Owner {
    fn owns(&self, record: &GrantRecord) -> bool {
        match self {
            Self::Subject(subject) => record.subject.as_ref() == Some(subject),
            Self::Client(client) => record.client_id == *client,
        }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            versions: AtomicU64::new(1),
            grants: std::array::from_fn(|_| Mutex::default()),
            owners: std::array::from_fn(|_| Mutex::default()),
            marks: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of records, including expired ones that are not purged yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.grants.iter().map(|shard| locked(shard).grants.len()).sum()
    }

    /// Returns true if there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shared {
    fn grants(&self, key: &GrantKey) -> MutexGuard<'_, GrantShard> {
        // Ids are random, so any byte distributes them evenly.
        locked(&self.grants[usize::from(key.id.as_bytes()[0]) % SHARDS])
    }

    fn owners(&self, owner: &(Realm, Owner)) -> MutexGuard<'_, OwnerShard> {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash choose a shard")]
        let hash = self.hasher.hash_one(owner) as usize;
        locked(&self.owners[hash % SHARDS])
    }

    /// Adds a new grant to the index, before the grant exists and while its shard is locked. A listing may find an id
    /// without a grant, but never misses a grant.
    fn add_to_index(&self, key: &GrantKey, record: &GrantRecord) {
        for owner in owners(&key.realm, record) {
            self.owners(&owner).entry(owner.clone()).or_default().insert(key.id);
        }
    }

    /// Removes a purged grant from the index, and an owner without grants with it: the index would grow otherwise.
    fn remove_from_index(&self, key: &GrantKey, record: &GrantRecord) {
        for owner in owners(&key.realm, record) {
            let mut shard = self.owners(&owner);
            if let Some(ids) = shard.get_mut(&owner) {
                ids.remove(&key.id);
                if ids.is_empty() {
                    shard.remove(&owner);
                }
            }
        }
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        Ok(self.0.grants(key).grants.get(key).cloned())
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        // One counter for all keys: a version is never used twice, even if a record was purged in between.
        let version = Version(self.0.versions.fetch_add(1, Ordering::Relaxed));
        let stored = StoredGrant { version, record };
        let end = stored.record.expires_at;
        // Lock order: the shard of a grant, then the shard of an owner.
        let mut shard = self.0.grants(key);
        let known_end = match (expect, shard.grants.entry(key.clone())) {
            (Expect::Absent, Entry::Vacant(place)) => {
                self.0.add_to_index(key, &stored.record);
                place.insert(stored);
                None
            }
            (Expect::Version(expected), Entry::Occupied(mut current)) if current.get().version == expected => {
                current.insert(stored).record.expires_at
            }
            _ => return Ok(Swap::Conflict),
        };
        match (end, known_end) {
            (Some(end), None) => shard.ends.push(Reverse((end, key.clone()))),
            (Some(end), Some(known)) if end < known => shard.ends.push(Reverse((end, key.clone()))),
            _ => {}
        }
        Ok(Swap::Stored)
    }
}

#[async_trait]
impl GrantIndex for MemoryStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let (owner, client) = match owner.clone() {
            GrantOwner::Subject(subject) => (Owner::Subject(subject), None),
            GrantOwner::Client(client) => (Owner::Client(client), None),
            GrantOwner::SubjectAndClient(subject, client) => (Owner::Subject(subject), Some(client)),
        };
        let owner = (realm.clone(), owner);
        let mut page = Vec::new();
        let mut from = after.map_or(Bound::Unbounded, Bound::Excluded);
        // Ids first, then grants, one page of ids at a time: no lock is held for a long list.
        loop {
            let ids: Vec<GrantId> = match self.0.owners(&owner).get(&owner) {
                Some(ids) => ids.range((from, Bound::Unbounded)).take(limit).copied().collect(),
                None => Vec::new(),
            };
            let Some(last) = ids.last() else { return Ok(page) };
            from = Bound::Excluded(*last);
            for id in ids {
                let key = GrantKey { realm: realm.clone(), id };
                let Some(stored) = self.0.grants(&key).grants.get(&key).cloned() else { continue };
                let is_of_client = client.as_ref().is_none_or(|client| stored.record.client_id == *client);
                if owner.1.owns(&stored.record) && is_of_client {
                    page.push((id, stored));
                }
                if page.len() == limit {
                    return Ok(page);
                }
            }
        }
    }
}

#[async_trait]
impl PurgeExpired for MemoryStore {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut purged = 0;
        for shard in &self.0.grants {
            let mut shard = locked(shard);
            while purged < limit {
                let Some((key, record)) = shard.take_expired(now) else { break };
                self.0.remove_from_index(&key, &record);
                purged += 1;
            }
        }
        for shard in &self.0.marks {
            purged += locked(shard).purge(now, limit - purged);
        }
        Ok(purged)
    }
}

#[async_trait]
impl SingleUse for MemoryStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        Ok(locked(&self.0.marks[usize::from(id.as_bytes()[0]) % SHARDS]).add(*id, expires_at))
    }
}

impl GrantShard {
    /// Removes one expired grant.
    fn take_expired(&mut self, now: Timestamp) -> Option<(GrantKey, GrantRecord)> {
        while self.ends.peek().is_some_and(|Reverse((end, _))| *end <= now) {
            let Reverse((_, key)) = self.ends.pop()?;
            match self.grants.get(&key).map(|stored| stored.record.expires_at) {
                Some(Some(end)) if end <= now => {
                    return self.grants.remove(&key).map(|stored| (key, stored.record));
                }
                Some(Some(end)) => self.ends.push(Reverse((end, key))),
                // The grant is gone, or never expires any more.
                Some(None) | None => {}
            }
        }
        None
    }
}

fn owners(realm: &Realm, record: &GrantRecord) -> impl Iterator<Item = (Realm, Owner)> {
    let client = Owner::Client(record.client_id.clone());
    let subject = record.subject.clone().map(Owner::Subject);
    std::iter::once(client).chain(subject).map(|owner| (realm.clone(), owner))
}

/// Ignores poisoning. Every change under a lock is a single insert or remove, so a panic cannot leave a shard
/// inconsistent.
fn locked<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
