//! Index of the grants of an owner. It may have too many entries, never too few: every entry is looked up before it is
//! listed.

use std::collections::HashMap;

use futures_util::future::join_all;
use regrant::GrantId;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{GrantKey, GrantOwner, GrantRecord, StoreError, StoredGrant};
use regrant::token::Realm;

use crate::item::{self, MADE};
use crate::key::{self, Key};
use crate::store::Inner;
use crate::table::Entries;

/// Entries that a listing reads at a time: as many as one read takes grants.
const BATCH: usize = 100;

/// Entries without a grant that a listing removes for each batch.
const REMOVED: usize = 16;

/// Seconds for which an entry without a grant is kept: the grant may be about to be created. AWS accepts no request
/// that was signed more than a quarter of an hour ago, by its clock or by that of the application, so that a creation
/// arrives long before.
const KEPT: i64 = 3600;

#[derive(Debug, thiserror::Error)]
#[error("an entry of the index is not one of this release")]
struct Unreadable;

/// An entry of the index.
struct Entry {
    id: GrantId,
    key: Key,
    made: i64,
}

impl Inner {
    pub(crate) async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let mut page = Vec::new();
        for partition in key::partitions(realm, owner, after) {
            let mut after = after;
            while page.len() < limit {
                let (entries, is_last) = self.entries(&partition, after, limit - page.len()).await?;
                after = entries.last().map(|entry| entry.id).or(after);
                let grants = self.load_all(realm, &entries).await?;
                let is_right = |grant: &StoredGrant| has_entry(owner, &grant.record);
                let stale = entries.iter().filter(|entry| !grants.get(&entry.id).is_some_and(is_right));
                self.leave(stale.collect()).await;
                let is_asked_for = |grant: &StoredGrant| is_right(grant) && is_of_client(owner, &grant.record);
                let found = grants.into_iter().filter(|(_, grant)| is_asked_for(grant));
                let begin = page.len();
                page.extend(found);
                page[begin..].sort_unstable_by_key(|(id, _): &(GrantId, StoredGrant)| *id);
                if is_last || entries.is_empty() {
                    break;
                }
            }
        }
        Ok(page)
    }

    async fn entries(
        &self,
        partition: &str,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), StoreError> {
        let limit = i32::try_from(limit.min(BATCH)).unwrap_or(i32::MAX);
        let Entries { items, is_last } = self.query(partition, key::behind(after), limit).await?;
        let entries: Result<Vec<Entry>, StoreError> = items.iter().map(Entry::read).collect();
        Ok((entries?, is_last))
    }

    /// Loads the grants of these entries.
    async fn load_all(&self, realm: &Realm, entries: &[Entry]) -> Result<HashMap<GrantId, StoredGrant>, StoreError> {
        let key = |entry: &Entry| (Key::grant(&GrantKey { realm: realm.clone(), id: entry.id }), entry.id);
        let mut keys: Vec<(Key, GrantId)> = entries.iter().map(key).collect();
        // A grant whose end has moved may have two entries.
        keys.dedup();
        let (keys, ids): (Vec<Key>, Vec<GrantId>) = keys.into_iter().unzip();
        let items = self.get_all(&keys).await?;
        let ids: HashMap<&str, GrantId> = keys.iter().map(|key| &*key.partition).zip(ids).collect();
        let grant = |item: &key::Item| -> Result<(GrantId, StoredGrant), item::Unreadable> {
            let (partition, _) = item::keys(item)?;
            let id = *ids.get(partition).ok_or(item::Unreadable)?;
            Ok((id, item::decode(item)?))
        };
        items.iter().map(grant).collect::<Result<_, _>>().map_err(StoreError::corrupt)
    }

    /// Removes entries whose grants are gone or belong to another owner. The page is correct without this, so an error
    /// is ignored.
    async fn leave(&self, stale: Vec<&Entry>) {
        let latest = SystemClock.now().as_secs() - KEPT;
        let due = stale.into_iter().filter(|entry| entry.made < latest).take(REMOVED);
        join_all(due.map(|entry| self.delete(&entry.key, item::number(entry.made)))).await;
    }
}

impl Entry {
    fn read(item: &key::Item) -> Result<Self, StoreError> {
        let read = || -> Result<Self, item::Unreadable> {
            let (partition, sort) = item::keys(item)?;
            let id = key::entered(sort).ok_or(item::Unreadable)?;
            let key = Key { partition: partition.to_owned(), sort: sort.to_owned() };
            Ok(Self { id, key, made: item::parsed(item, MADE)? })
        };
        read().map_err(|_| StoreError::corrupt(Unreadable))
    }
}

/// True if the index of the owner should have the record. It may have others: a creation that met a grant of somebody
/// else has left its entry.
fn has_entry(owner: &GrantOwner, record: &GrantRecord) -> bool {
    match owner {
        GrantOwner::Subject(subject) | GrantOwner::SubjectAndClient(subject, _) => {
            record.subject.as_ref() == Some(subject)
        }
        GrantOwner::Client(client_id) => record.client_id == *client_id,
    }
}

/// True if the record is of the client that is asked for, or if none is.
fn is_of_client(owner: &GrantOwner, record: &GrantRecord) -> bool {
    match owner {
        GrantOwner::Subject(_) => true,
        GrantOwner::Client(client_id) | GrantOwner::SubjectAndClient(_, client_id) => record.client_id == *client_id,
    }
}
