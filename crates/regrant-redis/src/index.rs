//! Index of the grants of an owner. It may hold too many entries, never too few: every entry is looked up before it is
//! listed.

use std::sync::Arc;

use redis::Value;
use regrant::store::{GrantKey, GrantOwner, GrantRecord, StoreError, StoredGrant};
use regrant::token::Realm;
use regrant::{ClientId, GrantId};
use tokio::task::JoinSet;

use crate::grants::Failure;
use crate::keys::{IndexKeys, Owner};
use crate::record::NEVER;
use crate::script::{ENTER, LEAVE};
use crate::server::Call;
use crate::store::Inner;

/// Grants that a listing loads at a time.
const BATCH: usize = 64;

#[derive(Debug, thiserror::Error)]
#[error("the index of an owner is not one of this release")]
struct Unreadable;

impl Inner {
    /// Adds a grant to the indexes of its owners until `reach`, or extends its entries to that time. Returns the
    /// second, on the clock of the servers, of the earlier entry.
    pub(crate) async fn enter(&self, key: &GrantKey, record: &GrantRecord, reach: i64) -> Result<u64, StoreError> {
        let until = if reach < NEVER { reach.to_string() } else { "+inf".to_owned() };
        let client = self.enter_for(key, Owner::Client(record.client_id.clone()), &until);
        let Some(subject) = record.subject.clone() else { return client.await };
        let (one, other) = tokio::try_join!(client, self.enter_for(key, Owner::Subject(subject), &until))?;
        Ok(one.min(other))
    }

    async fn enter_for(&self, key: &GrantKey, owner: Owner, until: &str) -> Result<u64, StoreError> {
        let IndexKeys { ids, ends } = self.keys.index(&key.realm, &owner);
        let (keys, arguments) = ([&*ids, &*ends], [&key.id.as_bytes()[..], until.as_bytes()]);
        let reply = self.server.execute(&Call::run(&ENTER, &keys, &arguments, self.wait())).await?;
        match reply.value {
            // In a cluster the index may have another primary than the grant, and may be lost without it.
            _ if !reply.is_replicated => Err(StoreError::unavailable(Failure::NotReplicated)),
            Value::Int(second) => Ok(second.unsigned_abs()),
            _ => Err(StoreError::rejected(Failure::Unexpected)),
        }
    }

    pub(crate) async fn page(
        self: &Arc<Self>,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let (owner, client_id) = split(owner);
        let keys = self.keys.index(realm, &owner);
        let batch = limit.min(BATCH);
        let mut page = Vec::new();
        let mut last = after;
        while page.len() < limit {
            let entries = self.entries(&keys, last, batch).await?;
            let ids: Vec<GrantId> = entries.iter().map(Listed::id).collect();
            let is_last = ids.len() < batch;
            last = ids.last().copied().or(last);
            let grants = self.load_all(realm, ids).await?;
            // Entries without a grant, or left by a creation that met a grant of another owner.
            let is_stale = |grant: &Option<StoredGrant>| grant.as_ref().is_none_or(|grant| !owner.owns(&grant.record));
            let stale = entries.iter().zip(&grants).filter(|(_, (_, grant))| is_stale(grant)).map(|(entry, _)| entry);
            self.leave(&keys, stale).await;
            let is_asked_for = |grant: &StoredGrant| {
                owner.owns(&grant.record) && client_id.as_ref().is_none_or(|id| grant.record.client_id == *id)
            };
            page.extend(grants.into_iter().filter_map(|(id, grant)| Some((id, grant.filter(is_asked_for)?))));
            if is_last {
                break;
            }
        }
        page.truncate(limit);
        Ok(page)
    }

    async fn entries(&self, keys: &IndexKeys, after: Option<GrantId>, limit: usize) -> Result<Vec<Listed>, StoreError> {
        // Sorts after every possible entry of `after`.
        let from = after.map_or_else(|| b"-".to_vec(), |id| [b"(", &id.as_bytes()[..], &[0xff; 5]].concat());
        match self.server.execute(&Call::members(&keys.ids, &from, limit)).await?.value {
            Value::Array(entries) => entries.into_iter().map(Listed::read).collect(),
            _ => Err(StoreError::corrupt(Unreadable)),
        }
    }

    /// Loads the grants of these ids, in order.
    async fn load_all(
        self: &Arc<Self>,
        realm: &Realm,
        ids: Vec<GrantId>,
    ) -> Result<Vec<(GrantId, Option<StoredGrant>)>, StoreError> {
        let mut loads = JoinSet::new();
        for id in ids {
            let (inner, key) = (Arc::clone(self), GrantKey { realm: realm.clone(), id });
            loads.spawn(async move { inner.load(&key).await.map(|grant| (id, grant)) });
        }
        let mut grants = Vec::with_capacity(loads.len());
        while let Some(load) = loads.join_next().await {
            grants.push(load.map_err(StoreError::unavailable)??);
        }
        grants.sort_unstable_by_key(|(id, _)| *id);
        Ok(grants)
    }

    /// Removes entries whose grants are gone or belong to another owner. The page is correct without this, so an error
    /// is ignored.
    async fn leave(&self, keys: &IndexKeys, stale: impl Iterator<Item = &Listed>) {
        let stale: Vec<&[u8]> = stale.map(|entry| &entry.0[..]).collect();
        if !stale.is_empty() {
            let _ = self.server.execute(&Call::run(&LEAVE, &[&*keys.ids, &*keys.ends], &stale, None)).await;
        }
    }
}

/// An entry of the index: the id and the second at which the entry was made.
struct Listed([u8; 20]);

impl Listed {
    fn read(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::BulkString(bytes) => bytes.try_into().map(Self).map_err(|_| StoreError::corrupt(Unreadable)),
            _ => Err(StoreError::corrupt(Unreadable)),
        }
    }

    fn id(&self) -> GrantId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..16]);
        GrantId::from_bytes(id)
    }
}

/// Splits an owner into the index to read and the client to filter by.
fn split(owner: &GrantOwner) -> (Owner, Option<ClientId>) {
    match owner.clone() {
        GrantOwner::Subject(subject) => (Owner::Subject(subject), None),
        GrantOwner::Client(client_id) => (Owner::Client(client_id), None),
        GrantOwner::SubjectAndClient(subject, client_id) => (Owner::Subject(subject), Some(client_id)),
    }
}
