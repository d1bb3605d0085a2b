use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, OpenUrl, PurgeExpired, SharedStore, SingleUse, StoreError,
    StoredGrant, Swap, TokenStore, Use, UseId, Version,
};
use regrant::token::Realm;
use regrant::{GrantId, Subject};
use tokio::time::Instant;

use crate::param::Param;
use crate::queries::{Queries, Query, WINDOW};
use crate::row;
use crate::runner::Runner;
use crate::table::Table;

/// Store for grants and single-use marks in PostgreSQL tables. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct PostgresStore(Arc<Shared>);

struct Shared {
    runner: Runner,
    queries: Queries,
    table: Table,
}

impl PostgresStore {
    pub(crate) fn new(runner: Runner, queries: Queries, table: Table) -> Self {
        Self(Arc::new(Shared { runner, queries, table }))
    }

    pub(crate) fn runner(&self) -> &Runner {
        &self.0.runner
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0.table
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl OpenUrl for PostgresStore {
    const SCHEMES: &'static [&'static str] = &["postgres", "postgresql"];

    /// Opens the store, as [`open`](PostgresStore::open) does. The tables must exist.
    async fn open_url(url: &str) -> Result<SharedStore, Box<dyn Error + Send + Sync>> {
        Ok(Arc::new(Self::open(url).await?))
    }
}

#[async_trait]
impl TokenStore for PostgresStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let params = [key.id.as_bytes().as_slice().into(), key.realm.as_str().into()];
        let Shared { runner, queries, .. } = &*self.0;
        let until = runner.deadline();
        let mut rows = runner.run_until(until, &queries.find, &params).await?.rows;
        if rows.is_empty() {
            // Rare: tokens name grants that were stored. A wrong absence would log the user out, so a primary must
            // confirm it.
            rows = runner.run_until(until, &queries.load, &params).await?.rows;
        }
        let found = rows.first().map(row::grant).transpose()?.flatten();
        Ok(found.map(|(_, stored)| stored))
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let Shared { runner, queries, .. } = &*self.0;
        let (id, realm) = (Param::from(key.id.as_bytes().as_slice()), Param::from(key.realm.as_str()));
        let version = Param::from(Version::random().0.cast_signed());
        let expires_at = Param::from(record.expires_at.map(Timestamp::as_millis));
        let payload = Param::Payload(&record.payload);
        let answer = match expect {
            Expect::Absent => {
                let (client_id, subject) = (record.client_id.as_str(), record.subject.as_ref().map(Subject::as_str));
                let params = [id, realm, version, client_id.into(), subject.into(), expires_at, payload];
                runner.run(&queries.insert, &params).await?
            }
            Expect::Version(Version(expected)) => {
                let params = [id, realm, expected.cast_signed().into(), version, expires_at, payload];
                runner.run(&queries.update, &params).await?
            }
        };
        Ok(if answer.changed == 0 { Swap::Conflict } else { Swap::Stored })
    }
}

#[async_trait]
impl GrantIndex for PostgresStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let queries = &self.0.queries;
        // The empty value sorts before every id.
        let after = after.as_ref().map_or([].as_slice(), |id| id.as_bytes());
        let (query, of, and) = match owner {
            GrantOwner::Subject(subject) => (&queries.page_of_subject, subject.as_str(), None),
            GrantOwner::Client(client) => (&queries.page_of_client, client.as_str(), None),
            GrantOwner::SubjectAndClient(subject, client) => {
                (&queries.page_of_both, subject.as_str(), Some(client.as_str()))
            }
        };
        let mut params: Vec<Param<'_>> = vec![realm.as_str().into(), after.into(), bigint(limit).into(), of.into()];
        params.extend(and.map(Param::from));
        let rows = self.0.runner.run(query, &params).await?.rows;
        rows.iter().filter_map(|row| row::grant(row).transpose()).collect()
    }
}

#[async_trait]
impl PurgeExpired for PostgresStore {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let Shared { runner, queries, .. } = &*self.0;
        let until = runner.deadline();
        let mut purged = 0;
        // The expiry of a mark never moves, so there is nothing to postpone.
        for (postpone, delete) in [(Some(&queries.postpone), &queries.delete), (None, &queries.delete_marks)] {
            while purged < limit {
                if let Some(postpone) = postpone {
                    // Grants that are not due leave the window, so the next window reaches further.
                    self.clear(until, postpone, now, WINDOW).await?;
                }
                let (examined, deleted) = self.clear(until, delete, now, limit - purged).await?;
                purged += deleted;
                if examined < WINDOW {
                    break;
                }
            }
        }
        Ok(purged)
    }
}

#[async_trait]
impl SingleUse for PostgresStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let params = [id.as_bytes().as_slice().into(), expires_at.as_millis().into()];
        let answer = self.0.runner.run(&self.0.queries.mark, &params).await?;
        Ok(if answer.changed == 0 { Use::Again } else { Use::First })
    }
}

impl PostgresStore {
    /// Runs one purge statement on a window of rows. Returns the number of rows examined and of rows changed.
    async fn clear(
        &self,
        until: Instant,
        query: &Query,
        now: Timestamp,
        limit: usize,
    ) -> Result<(usize, usize), StoreError> {
        let params = [now.as_millis().into(), bigint(limit).into()];
        let answer = self.0.runner.run_until(until, query, &params).await?;
        row::counts(&answer.rows)
    }
}

fn bigint(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
