use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::ops::Bound;

use super::shrink;
use crate::ports::store::{GrantOwner, GrantRecord};
use crate::vocabulary::{ClientId, GrantId, Subject};

/// The owners of one realm that share a lock, and the ids of their grants.
#[derive(Debug, Default)]
pub(super) struct Owners {
    subjects: HashMap<Subject, Ids>,
    clients: HashMap<ClientId, Ids>,
}

/// The ids of one owner in ascending order. A user has few grants, a client may have millions. A set takes 200 bytes
/// even for one id, so a single id has no set.
#[derive(Debug)]
enum Ids {
    One(GrantId),
    Many(BTreeSet<GrantId>),
}

impl Owners {
    pub(super) fn add_subject(&mut self, subject: &mut Subject, id: GrantId) {
        add(&mut self.subjects, subject, id);
    }

    pub(super) fn add_client(&mut self, client: &mut ClientId, id: GrantId) {
        add(&mut self.clients, client, id);
    }

    pub(super) fn remove_subject(&mut self, subject: &Subject, id: GrantId) {
        remove(&mut self.subjects, subject, id);
    }

    pub(super) fn remove_client(&mut self, client: &ClientId, id: GrantId) {
        remove(&mut self.clients, client, id);
    }

    /// Returns at most `limit` ids greater than `after`. An owner of both kinds is indexed by subject.
    pub(super) fn page(&self, owner: &GrantOwner, after: Option<GrantId>, limit: usize) -> Vec<GrantId> {
        let ids = match owner {
            GrantOwner::Subject(subject) | GrantOwner::SubjectAndClient(subject, _) => self.subjects.get(subject),
            GrantOwner::Client(client) => self.clients.get(client),
        };
        match ids {
            None => Vec::new(),
            Some(Ids::One(id)) => {
                let follows = after.is_none_or(|after| *id > after);
                Some(*id).filter(|_| follows).into_iter().take(limit).collect()
            }
            Some(Ids::Many(ids)) => {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                ids.range((from, Bound::Unbounded)).take(limit).copied().collect()
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.clients.is_empty()
    }
}

/// Returns true if the record belongs to this owner.
pub(super) fn owns(owner: &GrantOwner, record: &GrantRecord) -> bool {
    let is_of_subject = |subject| record.subject.as_ref() == Some(subject);
    match owner {
        GrantOwner::Subject(subject) => is_of_subject(subject),
        GrantOwner::Client(client) => record.client_id == *client,
        GrantOwner::SubjectAndClient(subject, client) => is_of_subject(subject) && record.client_id == *client,
    }
}

/// Adds an id. `owner` then shares its text with the index: a user has one text for all grants.
fn add<K: Clone + Eq + Hash>(owners: &mut HashMap<K, Ids>, owner: &mut K, id: GrantId) {
    match owners.entry(owner.clone()) {
        Entry::Vacant(place) => {
            place.insert(Ids::One(id));
        }
        Entry::Occupied(mut ids) => {
            *owner = ids.key().clone();
            ids.get_mut().insert(id);
        }
    }
}

/// Removes an id, and an owner without ids with it: the index would grow otherwise.
fn remove<K: Eq + Hash>(owners: &mut HashMap<K, Ids>, owner: &K, id: GrantId) {
    if owners.get_mut(owner).is_some_and(|ids| ids.remove(id)) {
        owners.remove(owner);
        shrink(owners);
    }
}

impl Ids {
    fn insert(&mut self, id: GrantId) {
        match self {
            Self::One(one) => *self = Self::Many(BTreeSet::from([*one, id])),
            Self::Many(ids) => {
                ids.insert(id);
            }
        }
    }

    /// Returns true if no id is left.
    fn remove(&mut self, id: GrantId) -> bool {
        match self {
            Self::One(one) => *one == id,
            Self::Many(ids) => {
                ids.remove(&id);
                if let (1, Some(last)) = (ids.len(), ids.first()) {
                    *self = Self::One(*last);
                }
                false
            }
        }
    }
}
