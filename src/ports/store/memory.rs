mod marks;
mod owners;

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::hint::black_box;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, StoredGrant, Swap,
    TokenStore, Use, UseId, Version,
};
use crate::vocabulary::{ClientId, GrantId, Realm, Subject, Timestamp};
use marks::Marks;
use owners::{Owner, Owners, owns};

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
    /// Hashes the owners. It is seeded, so that no client can choose ids that all fall into one shard.
    hasher: RandomState,
    /// The next version of any record.
    versions: AtomicU64,
    /// The records, in a part for each realm that has grants, so that no key has to name its realm.
    grants: [Mutex<ByRealm>; SHARDS],
    /// The index for listings.
    owners: [Mutex<Owners>; SHARDS],
    /// The used ids.
    marks: [Mutex<Marks>; SHARDS],
}

type ByRealm = BTreeMap<Realm, Box<Grants>>;

/// The grants of one realm in one shard.
#[derive(Debug, Default)]
struct Grants {
    records: HashMap<GrantId, StoredGrant, BuildHasherDefault<IdHasher>>,
    /// One entry for each grant that expires, at or before its expiry. A purge puts an entry back if its grant lives
    /// longer by now. So a refresh, which moves the expiry, does not touch the heap.
    ends: BinaryHeap<Reverse<(Timestamp, GrantId)>>,
}

/// The hash of a grant id: eight of its bytes. Ids are random, and no client can choose one.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 = u64::from_be_bytes(*last);
        }
    }

    fn finish(&self) -> u64 {
        self.0
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
        self.0.grants.iter().map(|shard| locked(shard).values().map(|grants| grants.records.len()).sum::<usize>()).sum()
    }

    /// Returns true if there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shared {
    fn grants(&self, id: GrantId) -> MutexGuard<'_, ByRealm> {
        // Ids are random, so any byte distributes them evenly. The hash is of other bytes.
        locked(&self.grants[usize::from(id.as_bytes()[0]) % SHARDS])
    }

    fn owners(&self, owner: Owner) -> MutexGuard<'_, Owners> {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash choose a shard")]
        let hash = owner.0 as usize;
        locked(&self.owners[hash % SHARDS])
    }

    fn load(&self, realm: &Realm, id: GrantId) -> Option<StoredGrant> {
        let shard = self.grants(id);
        let stored = shard.get(realm)?.records.get(&id)?;
        fetch(&stored.record);
        Some(stored.clone())
    }

    fn create(&self, key: &GrantKey, stored: StoredGrant) -> Swap {
        let mut shard = self.grants(key.id);
        let Grants { records, ends } = &mut **shard.entry(key.realm.clone()).or_default();
        let Entry::Vacant(place) = records.entry(key.id) else { return Swap::Conflict };
        // Before the grant exists, and while its shard is locked: a listing may find an id without a grant, but never
        // misses a grant.
        for owner in self.owners_of(&key.realm, &stored.record) {
            self.owners(owner).add(owner, key.id);
        }
        ends.extend(stored.record.expires_at.map(|end| Reverse((end, key.id))));
        place.insert(stored);
        Swap::Stored
    }

    /// Client and subject stay as they are: they are fixed, and the index leads from them to the grant.
    fn replace(&self, key: &GrantKey, expected: Version, next: StoredGrant) -> Swap {
        let StoredGrant { version, record: GrantRecord { payload, expires_at, .. } } = next;
        let mut shard = self.grants(key.id);
        let Some(Grants { records, ends }) = shard.get_mut(&key.realm).map(Box::as_mut) else { return Swap::Conflict };
        let current = records.get_mut(&key.id).filter(|current| current.version == expected);
        let Some(StoredGrant { version: current, record }) = current else { return Swap::Conflict };
        *current = version;
        record.payload = payload;
        let known_end = mem::replace(&mut record.expires_at, expires_at);
        ends.extend(
            expires_at.filter(|end| known_end.is_none_or(|known| *end < known)).map(|end| Reverse((end, key.id))),
        );
        Swap::Stored
    }

    /// Returns the owners under which a listing finds the grant.
    fn owners_of(&self, realm: &Realm, record: &GrantRecord) -> impl Iterator<Item = Owner> {
        let subject = record.subject.as_ref().map(|subject| self.subject(realm, subject));
        subject.into_iter().chain([self.client(realm, &record.client_id)])
    }

    fn client(&self, realm: &Realm, client: &ClientId) -> Owner {
        Owner(self.hasher.hash_one(("client", realm, client)))
    }

    fn subject(&self, realm: &Realm, subject: &Subject) -> Owner {
        Owner(self.hasher.hash_one(("subject", realm, subject)))
    }

    /// Returns a page of ids. The grants may be gone.
    fn ids(&self, realm: &Realm, owner: &GrantOwner, after: Option<GrantId>, limit: usize) -> Vec<GrantId> {
        let owner = match owner {
            GrantOwner::Subject(subject) | GrantOwner::SubjectAndClient(subject, _) => self.subject(realm, subject),
            GrantOwner::Client(client) => self.client(realm, client),
        };
        self.owners(owner).page(owner, after, limit)
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        Ok(self.0.load(&key.realm, key.id))
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        // One counter for all keys: a version is never used twice, even if a record was purged in between.
        let version = Version(self.0.versions.fetch_add(1, Ordering::Relaxed));
        let stored = StoredGrant { version, record };
        Ok(match expect {
            Expect::Absent => self.0.create(key, stored),
            Expect::Version(expected) => self.0.replace(key, expected, stored),
        })
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
        let mut page = Vec::new();
        let mut after = after;
        // Ids first, then grants, one page of ids at a time: no lock is held for a long list.
        loop {
            let ids = self.0.ids(realm, owner, after, limit);
            let Some(last) = ids.last() else { return Ok(page) };
            after = Some(*last);
            for id in ids {
                let Some(stored) = self.0.load(realm, id) else { continue };
                if owns(owner, &stored.record) {
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
            for (realm, grants) in shard.iter_mut() {
                while purged < limit {
                    let Some((id, record)) = grants.take_expired(now) else { break };
                    for owner in self.0.owners_of(realm, &record) {
                        self.0.owners(owner).remove(owner, id);
                    }
                    purged += 1;
                }
                grants.shrink();
            }
            shard.retain(|_, grants| !grants.records.is_empty());
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

impl Grants {
    /// Removes one expired grant.
    fn take_expired(&mut self, now: Timestamp) -> Option<(GrantId, GrantRecord)> {
        while self.ends.peek().is_some_and(|Reverse((end, _))| *end <= now) {
            let Reverse((_, id)) = self.ends.pop()?;
            match self.records.get(&id).map(|stored| stored.record.expires_at) {
                Some(Some(end)) if end <= now => {
                    return self.records.remove(&id).map(|stored| (id, stored.record));
                }
                Some(Some(end)) => self.ends.push(Reverse((end, id))),
                // The grant is gone, or never expires any more.
                Some(None) | None => {}
            }
        }
        None
    }

    /// Returns memory after many removals.
    fn shrink(&mut self) {
        if is_too_large(self.records.capacity(), self.records.len()) {
            self.records.shrink_to(self.records.len() * 2);
        }
        if is_too_large(self.ends.capacity(), self.ends.len()) {
            self.ends.shrink_to(self.ends.len() * 2);
        }
    }
}

/// Reads a byte of each cache line of a record, so that all lines come from memory at the same time. The clone that
/// follows counts references, and each of these atomic operations would wait for its line alone.
fn fetch(record: &GrantRecord) {
    let names = [record.client_id.as_str(), record.subject.as_ref().map_or("", Subject::as_str)];
    black_box(names.map(|name| name.as_bytes().first().copied()));
    black_box(record.payload.iter().step_by(64).fold(0, |all, byte| all ^ byte));
}

/// True if three quarters are free. Half of the rest stays free, so that the next removals and additions move nothing.
const fn is_too_large(capacity: usize, length: usize) -> bool {
    capacity > 32 && capacity / 4 > length
}

/// Ignores poisoning. A panic cannot leave a shard inconsistent: nothing in a change panics after its first step.
fn locked<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
