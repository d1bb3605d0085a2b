//! Statements on the grants table. Each is prepared once per connection and cached.

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, GrantOwner, GrantRecord, StoredGrant, Swap, Version};
use regrant::token::Realm;
use regrant::{ClientId, GrantId, InvalidValue, Subject};
use rusqlite::types::Type;
use rusqlite::{Error, OptionalExtension, Row, params};

use crate::db::Db;
use crate::purge::PurgeStep;

pub(crate) fn load(db: &Db, key: &GrantKey) -> rusqlite::Result<Option<StoredGrant>> {
    db.prepare_cached(
        "SELECT version, client_id, subject, expires_at, payload FROM regrant_grants WHERE id = ?1 AND realm = ?2",
    )?
    .query_row(params![key.id.as_bytes(), key.realm.as_str()], stored_grant)
    .optional()
}

pub(crate) fn swap(db: &Db, key: &GrantKey, expect: Expect, record: &GrantRecord) -> rusqlite::Result<Swap> {
    let is_stored = match expect {
        Expect::Absent => insert(db, key, record)?,
        Expect::Version(version) => update(db, key, version, record)?,
    };
    Ok(if is_stored { Swap::Stored } else { Swap::Conflict })
}

fn insert(db: &Db, key: &GrantKey, record: &GrantRecord) -> rusqlite::Result<bool> {
    let rows = db
        .prepare_cached(
            "INSERT INTO regrant_grants (id, realm, version, client_id, subject, expires_at, purge_at, payload) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            key.id.as_bytes(),
            key.realm.as_str(),
            Version::random().0.cast_signed(),
            record.client_id.as_str(),
            record.subject.as_ref().map(Subject::as_str),
            millis(record.expires_at),
            record.payload,
        ])?;
    Ok(rows == 1)
}

/// The first statement touches no index, so a refresh changes one page: client and subject never change, and
/// `purge_at` need not follow an expiry that moves later. The second is for an expiry before `purge_at`.
fn update(db: &Db, key: &GrantKey, version: Version, record: &GrantRecord) -> rusqlite::Result<bool> {
    let execute = |sql| -> rusqlite::Result<bool> {
        let params = params![
            key.id.as_bytes(),
            key.realm.as_str(),
            version.0.cast_signed(),
            Version::random().0.cast_signed(),
            millis(record.expires_at),
            record.payload,
        ];
        Ok(db.prepare_cached(sql)?.execute(params)? == 1)
    };
    Ok(execute(
        "UPDATE regrant_grants SET version = ?4, expires_at = ?5, payload = ?6 \
         WHERE id = ?1 AND realm = ?2 AND version = ?3 AND (purge_at <= ?5 OR ?5 IS NULL)",
    )? || execute(
        "UPDATE regrant_grants SET version = ?4, expires_at = ?5, payload = ?6, purge_at = ?5 \
         WHERE id = ?1 AND realm = ?2 AND version = ?3 AND (purge_at > ?5 OR purge_at IS NULL)",
    )?)
}

pub(crate) fn page(
    db: &Db,
    realm: &Realm,
    owner: &GrantOwner,
    after: Option<GrantId>,
    limit: usize,
) -> rusqlite::Result<Vec<(GrantId, StoredGrant)>> {
    let (column, owner, client) = match owner {
        GrantOwner::Subject(subject) => ("subject", subject.as_str(), None),
        GrantOwner::Client(client) => ("client_id", client.as_str(), None),
        GrantOwner::SubjectAndClient(subject, client) => ("subject", subject.as_str(), Some(client.as_str())),
    };
    // The empty blob sorts before every id.
    let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // The index is named: by its statistics SQLite might scan the ids of all owners instead.
    db.prepare_cached(&format!(
        "SELECT version, client_id, subject, expires_at, payload, id \
         FROM regrant_grants INDEXED BY regrant_grants_by_{column} \
         WHERE realm = ?1 AND {column} = ?2 AND (?3 IS NULL OR client_id = ?3) AND id > ?4 ORDER BY id LIMIT ?5"
    ))?
    .query_map(params![realm.as_str(), owner, client, after, limit], |row| {
        Ok((GrantId::from_bytes(row.get(5)?), stored_grant(row)?))
    })?
    .collect()
}

/// Examines `limit` rows that may have expired. Deletes those that have expired and moves `purge_at` of the others to
/// their expiry.
pub(crate) fn purge(db: &Db, now: Timestamp, limit: usize) -> rusqlite::Result<PurgeStep> {
    let params = params![now.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)];
    let deleted = db
        .prepare_cached(
            "DELETE FROM regrant_grants WHERE expires_at <= ?1 AND rowid IN \
             (SELECT rowid FROM regrant_grants WHERE purge_at <= ?1 ORDER BY purge_at LIMIT ?2)",
        )?
        .execute(params)?;
    let postponed = db
        .prepare_cached(
            "UPDATE regrant_grants SET purge_at = expires_at WHERE (expires_at > ?1 OR expires_at IS NULL) AND rowid IN \
             (SELECT rowid FROM regrant_grants WHERE purge_at <= ?1 ORDER BY purge_at LIMIT ?2)",
        )?
        .execute(params)?;
    Ok(PurgeStep { deleted, postponed })
}

fn stored_grant(row: &Row<'_>) -> rusqlite::Result<StoredGrant> {
    Ok(StoredGrant {
        version: Version(row.get::<_, i64>(0)?.cast_unsigned()),
        record: GrantRecord {
            client_id: valid(1, ClientId::new(row.get_ref(1)?.as_str()?))?,
            subject: row.get_ref(2)?.as_str_or_null()?.map(|text| valid(2, Subject::new(text))).transpose()?,
            expires_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis),
            payload: row.get(4)?,
        },
    })
}

/// Reports an invalid value as a conversion error: this crate never wrote it.
fn valid<T>(column: usize, value: Result<T, InvalidValue>) -> rusqlite::Result<T> {
    value.map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

fn millis(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_millis)
}
