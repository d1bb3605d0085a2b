use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, StoredGrant, Swap,
    TokenStore, Use, UseId, Version,
};
use regrant::token::Realm;
use regrant::{ClientId, Entropy as _, GrantId, Subject, SystemEntropy};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

// guide: table
const TABLE: &str = "PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 2000;
    CREATE TABLE IF NOT EXISTS grants (
        realm TEXT, id BLOB, version INTEGER, client_id TEXT, subject TEXT, expires_at INTEGER, payload BLOB,
        PRIMARY KEY (realm, id));
    CREATE INDEX IF NOT EXISTS by_subject ON grants (realm, subject, id);
    CREATE INDEX IF NOT EXISTS by_client ON grants (realm, client_id, id);
    CREATE INDEX IF NOT EXISTS by_end ON grants (expires_at);
    CREATE TABLE IF NOT EXISTS marks (id BLOB PRIMARY KEY, expires_at INTEGER) WITHOUT ROWID;";

struct GuideStore(Mutex<Connection>);

impl GuideStore {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(StoreError::unavailable)?;
        connection.execute_batch(TABLE).map_err(StoreError::rejected)?;
        Ok(Self(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
// guide: end

// guide: store
#[async_trait]
impl TokenStore for GuideStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let select =
            "SELECT id, version, client_id, subject, expires_at, payload FROM grants WHERE realm = ? AND id = ?";
        let row = self.connection().query_row(select, params![key.realm.as_str(), key.id.as_bytes()], columns);
        row.optional().map_err(StoreError::unavailable)?.map(|row| grant(row).map(|(_, stored)| stored)).transpose()
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let mut version = [0; 8];
        SystemEntropy.fill(&mut version);
        let (realm, id, version) = (key.realm.as_str(), key.id.as_bytes(), i64::from_be_bytes(version));
        let (client_id, subject) = (record.client_id.as_str(), record.subject.as_ref().map(Subject::as_str));
        let end = record.expires_at.map(Timestamp::as_millis);
        let changed = match expect {
            Expect::Absent => self.connection().execute(
                "INSERT INTO grants VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![realm, id, version, client_id, subject, end, record.payload],
            ),
            Expect::Version(Version(expected)) => self.connection().execute(
                "UPDATE grants SET version = ?, expires_at = ?, payload = ? WHERE realm = ? AND id = ? AND version = ?",
                params![version, end, record.payload, realm, id, expected.cast_signed()],
            ),
        };
        match changed.map_err(StoreError::unavailable)? {
            0 => Ok(Swap::Conflict),
            _ => Ok(Swap::Stored),
        }
    }
}
// guide: end

// guide: rows
type Columns = (Vec<u8>, i64, String, Option<String>, Option<i64>, Arc<[u8]>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn grant((id, version, client, subject, end, payload): Columns) -> Result<(GrantId, StoredGrant), StoreError> {
    let id = id.try_into().map_err(|_| StoreError::corrupt("an id must have 16 bytes"))?;
    let record = GrantRecord {
        payload,
        client_id: ClientId::new(client).map_err(StoreError::corrupt)?,
        subject: subject.map(Subject::new).transpose().map_err(StoreError::corrupt)?,
        expires_at: end.map(Timestamp::from_millis),
    };
    Ok((GrantId::from_bytes(id), StoredGrant { version: Version(version.cast_unsigned()), record }))
}
// guide: end

// guide: index
#[async_trait]
impl GrantIndex for GuideStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let (subject, client) = match owner {
            GrantOwner::Subject(subject) => (Some(subject.as_str()), None),
            GrantOwner::Client(client) => (None, Some(client.as_str())),
            GrantOwner::SubjectAndClient(subject, client) => (Some(subject.as_str()), Some(client.as_str())),
        };
        let connection = self.connection();
        let select = "SELECT id, version, client_id, subject, expires_at, payload FROM grants WHERE realm = ?1
            AND (?2 IS NULL OR subject = ?2) AND (?3 IS NULL OR client_id = ?3) AND (?4 IS NULL OR id > ?4)
            ORDER BY id LIMIT ?5";
        let mut select = connection.prepare_cached(select).map_err(StoreError::rejected)?;
        let (after, limit) = (after.as_ref().map(GrantId::as_bytes), i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = select.query_map(params![realm.as_str(), subject, client, after, limit], columns);
        rows.map_err(StoreError::unavailable)?.map(|row| grant(row.map_err(StoreError::unavailable)?)).collect()
    }
}

#[async_trait]
impl PurgeExpired for GuideStore {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let delete_grants =
            "DELETE FROM grants WHERE rowid IN (SELECT rowid FROM grants WHERE expires_at <= ? LIMIT ?)";
        let delete_marks = "DELETE FROM marks WHERE id IN (SELECT id FROM marks WHERE expires_at <= ? LIMIT ?)";
        let mut purged = 0;
        for delete in [delete_grants, delete_marks] {
            let left = i64::try_from(limit - purged).unwrap_or(i64::MAX);
            let deleted = self.connection().execute(delete, params![now.as_millis(), left]);
            purged += deleted.map_err(StoreError::unavailable)?;
        }
        Ok(purged)
    }
}
// guide: end

// guide: marks
#[async_trait]
impl SingleUse for GuideStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let insert = "INSERT INTO marks VALUES (?, ?) ON CONFLICT DO NOTHING";
        let inserted = self.connection().execute(insert, params![id.as_bytes(), expires_at.as_millis()]);
        match inserted.map_err(StoreError::unavailable)? {
            0 => Ok(Use::Again),
            _ => Ok(Use::First),
        }
    }
}
// guide: end

// guide: harness
use regrant_conformance::store::{Fixture, StoreHarness, Suite};

struct Harness;

#[async_trait]
impl StoreHarness for Harness {
    type Store = GuideStore;

    async fn fresh(&self) -> Fixture<GuideStore> {
        let folder = tempfile::tempdir().unwrap();
        let open = || GuideStore::open(&folder.path().join("grants.db")).unwrap();
        Fixture::new(open()).with_second_handle(open()).with_guard(folder)
    }
}

fn suite() -> Suite<Harness> {
    Suite::new(Harness)
        .grant_index()
        .purge_expired()
        .single_use()
        .single_use_purge()
        .without("outage", "an embedded file has no link to lose")
        .without("silence", "an embedded file has no link that falls silent")
        .without("lost_reply", "an embedded file loses no reply")
}
// guide: end

pub(crate) fn trials() -> impl Iterator<Item = regrant_conformance::Trial> {
    suite().named("store_guide").into_iter()
}
