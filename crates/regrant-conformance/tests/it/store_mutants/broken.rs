//! A correct store, and the ways to break it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, StoreError, StoredGrant, Swap, TokenStore,
    UseId, Version,
};
use regrant::token::Realm;
use regrant::{GrantId, Subject};

use tokio::time::Instant;

use super::marks::Marks;

/// The time that a replica is behind.
const LAG: Duration = Duration::from_millis(20);

/// The flaw of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    CheckThenAct,
    NonAtomicInsert,
    IgnoredVersion,
    Upsert,
    CreatingSwap,
    LostWrite,
    StaleRead,
    LaggingReplica,
    HandleCache,
    WriteBehind,
    VersionReuse,
    VersionOfContent,
    TouchingConflict,
    AbsentOnError,
    ConflictOnError,
    StoredOnError,
    FinalError,
    NoDeadline,
    EmptyPageOnError,
    DoubleApply,
    RealmCaseFolded,
    RealmIgnored,
    IdCutAtZero,
    TruncatedPayload,
    TextPayload,
    FrozenEnd,
    RoundedEnd,
    HalfWrite,
    Resurrection,
    ForgetfulIndex,
    StaleIndex,
    LaggingIndex,
    IndexOfReplica,
    IndexBeforeTheCondition,
    IndexBeforeTheSwap,
    IndexOfRefusedRecord,
    IndexTakenBack,
    OwnerCaseFolded,
    OwnerPrefix,
    IndexOfAllRealms,
    InclusivePage,
    FilteredAfterLimit,
    UnorderedPage,
    EarlyPurge,
    LatePurge,
    PurgeByFirstEnd,
    UnboundedPurge,
    PurgeOfTheEndless,
    ImpatientPurge,
    GhostsInTheIndex,
    UseCheckedThenMarked,
    UseSeenByOwnHandleOnly,
    UseSentTwice,
    UseRepeatedBlindly,
    SwapRepeatedBlindly,
    LostReplyIsFinal,
    LostReplyIsStored,
    HalfUseId,
    FirstOnError,
    AgainOnError,
    ReplayMovesEnd,
    MarksForgottenEarly,
    MarksKeptForever,
    MarksBeyondLimit,
    MarksNotCounted,
}

/// A handle to the data; [`Broken::handle`] makes another one.
pub(crate) struct Broken {
    pub(crate) flaw: Flaw,
    data: Arc<Mutex<Data>>,
    cable: Cable,
    /// Records that this handle alone has: cached, or not yet written.
    own: Mutex<HashMap<GrantKey, StoredGrant>>,
    own_marks: Mutex<BTreeSet<UseId>>,
}

/// Between the handles and the data.
#[derive(Clone, Default)]
pub(crate) struct Cable {
    is_pulled: Arc<AtomicBool>,
    is_silent: Arc<AtomicBool>,
    loses_next: Arc<AtomicBool>,
}

#[derive(Default)]
pub(crate) struct Data {
    rows: BTreeMap<GrantKey, Row>,
    pub(crate) marks: Marks,
    versions: u64,
    swaps: u64,
    loads: u64,
}

#[derive(Clone)]
struct Row {
    stored: StoredGrant,
    before: Option<StoredGrant>,
    first: StoredGrant,
    number: u64,
    written: Instant,
    is_listed: bool,
    is_ghost: bool,
    /// Other subjects that the index lists the grant for.
    also_of: Vec<Subject>,
    /// Another record that the index has for the grant.
    shown: Option<GrantRecord>,
}

impl Cable {
    pub(crate) fn pull(&self) {
        self.is_pulled.store(true, Ordering::SeqCst);
    }

    pub(crate) fn lose_next(&self) {
        self.loses_next.store(true, Ordering::SeqCst);
    }

    pub(crate) fn silence(&self) {
        self.is_silent.store(true, Ordering::SeqCst);
    }

    fn is_pulled(&self) -> bool {
        self.is_pulled.load(Ordering::SeqCst)
    }

    fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::SeqCst)
    }
}

impl Broken {
    pub(crate) fn new(flaw: Flaw) -> Self {
        let (own, own_marks) = (Mutex::default(), Mutex::default());
        Self { flaw, data: Arc::default(), cable: Cable::default(), own, own_marks }
    }

    pub(crate) fn handle(&self) -> Self {
        Self { data: Arc::clone(&self.data), cable: self.cable.clone(), ..Self::new(self.flaw) }
    }

    pub(crate) fn cable(&self) -> Cable {
        self.cable.clone()
    }

    pub(crate) fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    pub(crate) fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> MutexGuard<'_, HashMap<GrantKey, StoredGrant>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn own_marks(&self) -> MutexGuard<'_, BTreeSet<UseId>> {
        self.own_marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `Err` while the cable is pulled or silent, unless a flaw hides it. A silent cable costs no time: the
    /// deadline of this store has always passed already.
    pub(crate) async fn reach<T: Send>(&self, instead: Option<T>) -> Result<Option<T>, StoreError> {
        if self.cable.is_silent() && self.is(Flaw::NoDeadline) {
            std::future::pending::<()>().await;
        }
        match (self.cable.is_pulled() || self.cable.is_silent(), instead) {
            (false, _) => Ok(None),
            (true, Some(answer)) => Ok(Some(answer)),
            (true, None) if self.is(Flaw::FinalError) => Err(StoreError::rejected("no route to host")),
            (true, None) => Err(StoreError::unavailable("no route to host")),
        }
    }

    /// Returns an answer that may be lost on the way, or `repeated` when the client asks once more.
    pub(crate) fn hear<T>(&self, answer: T, repeated: T) -> Result<T, StoreError> {
        if !self.cable.loses_next.swap(false, Ordering::SeqCst) {
            return Ok(answer);
        }
        match self.flaw {
            Flaw::SwapRepeatedBlindly | Flaw::UseRepeatedBlindly => Ok(repeated),
            Flaw::LostReplyIsFinal => Err(StoreError::rejected("connection reset")),
            _ => Err(StoreError::unavailable("connection reset")),
        }
    }

    fn key(&self, key: &GrantKey) -> GrantKey {
        let mut key = key.clone();
        match self.flaw {
            Flaw::RealmCaseFolded => {
                key.realm = Realm::new(key.realm.as_str().to_lowercase()).unwrap_or_default();
            }
            Flaw::RealmIgnored => key.realm = Realm::default(),
            Flaw::IdCutAtZero => {
                let mut bytes = *key.id.as_bytes();
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(16);
                bytes[end..].fill(0);
                key.id = GrantId::from_bytes(bytes);
            }
            _ => {}
        }
        key
    }

    fn kept(&self, mut record: GrantRecord) -> GrantRecord {
        match self.flaw {
            Flaw::TruncatedPayload => record.payload = record.payload.iter().copied().take(4096).collect(),
            Flaw::TextPayload => record.payload = String::from_utf8_lossy(&record.payload).as_bytes().into(),
            Flaw::RoundedEnd => {
                record.expires_at = record.expires_at.map(|end| Timestamp::from_millis(end.as_secs() * 1000));
            }
            _ => {}
        }
        record
    }

    /// Changes the record of a conflict, by the flaw.
    fn touch(&self, row: &mut Row, expect: Expect, record: GrantRecord) {
        match self.flaw {
            Flaw::TouchingConflict => row.stored.record.expires_at = record.expires_at,
            Flaw::IndexBeforeTheCondition if expect == Expect::Absent => row.also_of.extend(record.subject),
            Flaw::IndexBeforeTheSwap if expect != Expect::Absent => row.also_of.extend(record.subject),
            Flaw::IndexOfRefusedRecord if expect != Expect::Absent => row.shown = Some(record),
            // The early entry is removed, even where it belongs to the owner.
            Flaw::IndexTakenBack if expect == Expect::Absent => {
                row.is_listed &= row.stored.record.subject != record.subject;
            }
            _ => {}
        }
    }

    fn holds(&self, data: &Data, key: &GrantKey, expect: Expect) -> bool {
        match (expect, data.rows.get(key).filter(|row| !row.is_ghost)) {
            (Expect::Absent, current) => current.is_none() || self.is(Flaw::Upsert),
            (Expect::Version(_), None) => self.is(Flaw::CreatingSwap),
            (Expect::Version(version), Some(row)) => row.stored.version == version || self.is(Flaw::IgnoredVersion),
        }
    }

    fn write(&self, data: &mut Data, key: &GrantKey, mut record: GrantRecord) {
        data.versions += 1;
        let before = data.rows.get(key).filter(|row| !row.is_ghost).map(|row| row.stored.clone());
        let version = match self.flaw {
            Flaw::VersionReuse => before.as_ref().map_or(1, |before| before.version.0 + 1),
            Flaw::VersionOfContent => BuildHasherDefault::<DefaultHasher>::default().hash_one(&record.payload),
            _ => data.versions,
        };
        let first = data.rows.get(key).map(|row| row.first.clone());
        if let (Flaw::FrozenEnd, Some(first)) = (self.flaw, &first) {
            record.expires_at = first.record.expires_at;
        }
        let stored = StoredGrant { version: Version(version), record };
        let row = Row {
            is_listed: before.is_none() || !self.is(Flaw::ForgetfulIndex),
            is_ghost: false,
            also_of: Vec::new(),
            shown: None,
            number: data.versions,
            written: Instant::now(),
            first: first.filter(|_| before.is_some()).unwrap_or_else(|| stored.clone()),
            before,
            stored,
        };
        data.rows.insert(key.clone(), row);
    }
}

#[async_trait]
impl TokenStore for Broken {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        if self.reach(self.is(Flaw::AbsentOnError).then_some(())).await?.is_some() {
            return Ok(None);
        }
        let key = self.key(key);
        if let Some(own) = self.own().get(&key) {
            return Ok(Some(own.clone()));
        }
        let mut data = self.data();
        data.loads += 1;
        let loads = data.loads;
        let Some(row) = data.rows.get(&key).filter(|row| !row.is_ghost) else { return Ok(None) };
        let stored = match self.flaw {
            Flaw::StaleRead => {
                row.before.clone().filter(|_| loads.is_multiple_of(3)).unwrap_or_else(|| row.stored.clone())
            }
            Flaw::LaggingReplica if row.written.elapsed() < LAG => {
                row.before.clone().unwrap_or_else(|| row.stored.clone())
            }
            // The record vanishes at its end, and returns after some loads.
            Flaw::Resurrection if row.stored.record.expires_at < Some(Timestamp::from_millis(1_000_000)) => {
                return Ok(loads.is_multiple_of(5).then(|| row.stored.clone()));
            }
            _ => row.stored.clone(),
        };
        drop(data);
        if self.is(Flaw::HandleCache) {
            self.own().insert(key, stored.clone());
        }
        Ok(Some(stored))
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let instead = match self.flaw {
            Flaw::ConflictOnError => Some(Swap::Conflict),
            Flaw::StoredOnError => Some(Swap::Stored),
            _ => None,
        };
        if let Some(answer) = self.reach(instead).await? {
            return Ok(answer);
        }
        // A lost request, which the client treats as a lost reply.
        if self.is(Flaw::LostReplyIsStored) && self.cable.loses_next.swap(false, Ordering::SeqCst) {
            return Ok(Swap::Stored);
        }
        let swap = self.swap(key, expect, record).await?;
        self.hear(swap, Swap::Conflict)
    }
}

impl Broken {
    async fn swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let (key, record) = (self.key(key), self.kept(record));
        if self.is(Flaw::HandleCache) {
            self.own().remove(&key);
        }
        let is_slow = match expect {
            Expect::Absent => self.is(Flaw::NonAtomicInsert),
            Expect::Version(_) => self.is(Flaw::CheckThenAct),
        };
        if is_slow {
            let holds = self.holds(&self.data(), &key, expect);
            tokio::task::yield_now().await;
            if holds {
                self.write(&mut self.data(), &key, record);
            }
            return Ok(if holds { Swap::Stored } else { Swap::Conflict });
        }
        if self.is(Flaw::HalfWrite) && expect != Expect::Absent {
            if !self.holds(&self.data(), &key, expect) {
                return Ok(Swap::Conflict);
            }
            // The end and the bytes, then the version.
            if let Some(row) = self.data().rows.get_mut(&key) {
                row.stored.record = record.clone();
            }
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        let mut data = self.data();
        data.swaps += 1;
        if !self.holds(&data, &key, expect) {
            if let Some(row) = data.rows.get_mut(&key) {
                self.touch(row, expect, record);
            }
            return Ok(Swap::Conflict);
        }
        if self.is(Flaw::LostWrite) && expect != Expect::Absent {
            return Ok(Swap::Stored);
        }
        if self.is(Flaw::WriteBehind) && expect != Expect::Absent {
            self.own().insert(key, StoredGrant { version: Version(u64::MAX - data.swaps), record });
            return Ok(Swap::Stored);
        }
        self.write(&mut data, &key, record);
        // The connection broke after the write, and the driver sent it again.
        if self.is(Flaw::DoubleApply) && data.swaps.is_multiple_of(2) {
            return Ok(Swap::Conflict);
        }
        Ok(Swap::Stored)
    }
}

#[async_trait]
impl GrantIndex for Broken {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        if let Some(page) = self.reach(self.is(Flaw::EmptyPageOnError).then(Vec::new)).await? {
            return Ok(page);
        }
        let (subject, client) = match owner {
            GrantOwner::Subject(subject) => (Some(subject), None),
            GrantOwner::Client(client) => (None, Some(client)),
            GrantOwner::SubjectAndClient(subject, client) => (Some(subject), Some(client)),
        };
        let wanted = self.key(&GrantKey { realm: realm.clone(), id: GrantId::from_bytes([0; 16]) }).realm;
        let data = self.data();
        let newest = data.versions;
        let mut rows: Vec<(&GrantKey, &Row)> = data
            .rows
            .iter()
            .filter(|(key, _)| key.realm == wanted || self.is(Flaw::IndexOfAllRealms))
            .filter(|(_, row)| row.is_listed && (!row.is_ghost || self.is(Flaw::GhostsInTheIndex)))
            .filter(|(_, row)| !self.is(Flaw::LaggingIndex) || row.number < newest)
            .filter(|(_, row)| !self.is(Flaw::IndexOfReplica) || row.written.elapsed() >= LAG)
            .filter(|(_, row)| self.is_of(row, subject))
            .filter(|(key, _)| {
                after.is_none_or(|after| key.id > after || self.is(Flaw::InclusivePage) && key.id == after)
            })
            .collect();
        rows.sort_by_key(|(key, row)| (if self.is(Flaw::UnorderedPage) { row.number } else { 0 }, key.id));
        let is_held = |row: &Row| client.is_none_or(|client| row.stored.record.client_id == *client);
        if self.is(Flaw::FilteredAfterLimit) {
            rows.truncate(limit);
        }
        rows.retain(|(_, row)| is_held(row));
        let shown = |row: &Row| match &row.shown {
            Some(record) => StoredGrant { record: record.clone(), ..row.stored.clone() },
            None if self.is(Flaw::StaleIndex) => row.first.clone(),
            None => row.stored.clone(),
        };
        Ok(rows.into_iter().take(limit).map(|(key, row)| (key.id, shown(row))).collect())
    }
}

impl Broken {
    fn is_of(&self, row: &Row, subject: Option<&Subject>) -> bool {
        let Some(wanted) = subject else { return true };
        if row.also_of.contains(wanted) {
            return true;
        }
        let Some(own) = &row.stored.record.subject else { return false };
        match self.flaw {
            Flaw::OwnerCaseFolded => own.as_str().to_lowercase() == wanted.as_str().to_lowercase(),
            Flaw::OwnerPrefix => own.as_str().starts_with(wanted.as_str()),
            _ => own == wanted,
        }
    }
}

#[async_trait]
impl PurgeExpired for Broken {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.reach::<()>(None).await?;
        let mut data = self.data();
        let (asked_at, asked_for) = (now, limit);
        let now = match self.flaw {
            Flaw::EarlyPurge => now + Duration::from_secs(1),
            Flaw::LatePurge => Timestamp::from_millis(now.as_millis() - 1),
            _ => now,
        };
        let first_end = |row: &Row| row.first.record.expires_at;
        let end = |row: &Row| match self.flaw {
            Flaw::PurgeByFirstEnd => first_end(row),
            Flaw::PurgeOfTheEndless => Some(row.stored.record.expires_at.unwrap_or_default()),
            _ => row.stored.record.expires_at,
        };
        let has_ended = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
        let limit = if self.is(Flaw::UnboundedPurge) { usize::MAX } else { limit };
        let rows = data.rows.iter().filter(|(_, row)| !row.is_ghost);
        let ended: Vec<GrantKey> = if self.is(Flaw::ImpatientPurge) {
            // It checks only as many records as it may delete, by their first end.
            let due = rows.filter(|(_, row)| has_ended(first_end(row))).take(limit);
            due.filter(|(_, row)| has_ended(end(row))).map(|(key, _)| key.clone()).collect()
        } else {
            rows.filter(|(_, row)| has_ended(end(row))).take(limit).map(|(key, _)| key.clone()).collect()
        };
        for key in &ended {
            if let Some(row) = data.rows.get_mut(key) {
                row.is_ghost = true;
            }
        }
        let left = asked_for.saturating_sub(ended.len());
        Ok(ended.len() + self.purge_marks(&mut data.marks, asked_at, left))
    }
}
