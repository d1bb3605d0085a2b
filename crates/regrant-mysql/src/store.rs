use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use mysql_async::Value;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, OpenUrl, PurgeExpired, SharedStore, SingleUse, StoreError,
    StoredGrant, Swap, TokenStore, Use, UseId, Version,
};
use regrant::token::Realm;
use regrant::{GrantId, Subject};

use crate::builder::LARGEST_PAYLOAD;
use crate::queries::{Queries, WINDOW};
use crate::row;
use crate::runner::Runner;
use crate::table::Table;

/// Store for grants and single-use marks in tables of MySQL or MariaDB. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct MysqlStore(Arc<Shared>);

struct Shared {
    runner: Runner,
    queries: Queries,
    table: Table,
}

impl MysqlStore {
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

impl fmt::Debug for MysqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl OpenUrl for MysqlStore {
    const SCHEMES: &'static [&'static str] = &["mysql", "mariadb"];

    /// Opens the store, as [`open`](MysqlStore::open) does. The tables must exist.
    async fn open_url(url: &str) -> Result<SharedStore, Box<dyn Error + Send + Sync>> {
        Ok(Arc::new(Self::open(url).await?))
    }
}

#[async_trait]
impl TokenStore for MysqlStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let params = [Value::from(key.realm.as_str()), Value::from(key.id.as_bytes())];
        let Shared { runner, queries, .. } = &*self.0;
        let until = runner.deadline();
        let mut rows = runner.run_until(until, &queries.find, &params).await?.rows;
        if rows.is_empty() {
            // Rare: tokens name grants that were stored. A wrong absence would log the user out, so a server that
            // accepts writes must confirm it.
            rows = runner.run_until(until, &queries.load, &params).await?.rows;
        }
        let found: Option<_> = rows.iter().map(row::grant).find_map(Result::transpose).transpose()?;
        Ok(found.map(|(_, stored)| stored))
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        if record.payload.len() > LARGEST_PAYLOAD {
            return Err(StoreError::rejected("the payload is too large for a packet"));
        }
        let Shared { runner, queries, .. } = &*self.0;
        let (realm, id) = (Value::from(key.realm.as_str()), Value::from(key.id.as_bytes()));
        let version = Value::Int(Version::random().0.cast_signed());
        let (expires_at, payload) = (millis(record.expires_at), Value::from(&*record.payload));
        let answer = match expect {
            Expect::Absent => {
                let client_id = Value::from(record.client_id.as_str());
                let subject = Value::from(record.subject.as_ref().map(Subject::as_str));
                let params = [realm, id, version, client_id, subject, expires_at.clone(), expires_at, payload];
                runner.run(&queries.insert, &params).await?
            }
            Expect::Version(Version(expected)) => {
                let (again, once_more) = (expires_at.clone(), expires_at.clone());
                let expected = Value::Int(expected.cast_signed());
                let params = [version, expires_at, again, once_more, payload, realm, id, expected];
                runner.run(&queries.update, &params).await?
            }
        };
        Ok(if answer.changed == 0 { Swap::Conflict } else { Swap::Stored })
    }
}

#[async_trait]
impl GrantIndex for MysqlStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let queries = &self.0.queries;
        let (query, of, and) = match owner {
            GrantOwner::Subject(subject) => (&queries.page_of_subject, subject.as_str(), None),
            GrantOwner::Client(client) => (&queries.page_of_client, client.as_str(), None),
            GrantOwner::SubjectAndClient(subject, client) => {
                (&queries.page_of_both, subject.as_str(), Some(client.as_str()))
            }
        };
        let mut params = vec![Value::from(realm.as_str()), Value::from(of)];
        params.extend(and.map(Value::from));
        // The empty value sorts before every id.
        params.push(after.as_ref().map_or(Value::Bytes(Vec::new()), |id| Value::from(id.as_bytes())));
        params.push(bigint(limit));
        let rows = self.0.runner.run(query, &params).await?.rows;
        let mut page: Vec<_> = rows.iter().filter_map(|row| row::grant(row).transpose()).collect::<Result<_, _>>()?;
        // The rows of a union have no order by the standard, although every server keeps that of its parts.
        page.sort_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
        Ok(page)
    }
}

#[async_trait]
impl PurgeExpired for MysqlStore {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let Shared { runner, queries, .. } = &*self.0;
        let (until, now) = (runner.deadline(), Value::Int(now.as_millis()));
        let mut purged = 0;
        while purged < limit {
            // Grants that are not due leave the window, so the next window reaches further.
            let postponed = [now.clone(), bigint(WINDOW), now.clone()];
            let postponed = runner.run_until(until, &queries.postpone, &postponed).await?.changed;
            let deleted = [now.clone(), bigint(WINDOW.min(limit - purged)), now.clone()];
            let deleted = runner.run_until(until, &queries.delete, &deleted).await?.changed;
            purged += usize::try_from(deleted).unwrap_or(usize::MAX);
            if postponed + deleted == 0 {
                break;
            }
        }
        // The expiry of a mark never moves, so there is nothing to postpone.
        while purged < limit {
            let window = WINDOW.min(limit - purged);
            let deleted = runner.run_until(until, &queries.delete_marks, &[now.clone(), bigint(window)]).await?.changed;
            let deleted = usize::try_from(deleted).unwrap_or(usize::MAX);
            purged += deleted;
            if deleted < window {
                break;
            }
        }
        Ok(purged)
    }
}

#[async_trait]
impl SingleUse for MysqlStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let params = [Value::from(id.as_bytes().as_slice()), Value::Int(expires_at.as_millis())];
        let answer = self.0.runner.run(&self.0.queries.mark, &params).await?;
        Ok(if answer.changed == 0 { Use::Again } else { Use::First })
    }
}

fn millis(time: Option<Timestamp>) -> Value {
    time.map_or(Value::NULL, |time| Value::Int(time.as_millis()))
}

pub(crate) fn bigint(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
