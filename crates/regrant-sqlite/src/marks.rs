//! Statements on the table of single-use marks.

use regrant::clock::Timestamp;
use regrant::store::{Use, UseId};
use rusqlite::params;

use crate::db::Db;
use crate::purge::PurgeStep;

/// Inserts a mark. Two uses in one transaction behave as in two: the second finds the first.
pub(crate) fn use_once(db: &Db, id: &UseId, expires_at: Timestamp) -> rusqlite::Result<Use> {
    let rows = db
        .prepare_cached("INSERT INTO regrant_marks (id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![id.as_bytes(), expires_at.as_millis()])?;
    Ok(if rows == 1 { Use::First } else { Use::Again })
}

/// Deletes at most `limit` expired marks.
pub(crate) fn purge(db: &Db, now: Timestamp, limit: usize) -> rusqlite::Result<PurgeStep> {
    let deleted = db
        .prepare_cached(
            "DELETE FROM regrant_marks WHERE id IN \
             (SELECT id FROM regrant_marks WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        )?
        .execute(params![now.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    Ok(PurgeStep { deleted, postponed: 0 })
}
