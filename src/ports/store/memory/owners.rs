use std::collections::BTreeSet;
use std::ops::Bound;

use crate::ports::store::{GrantOwner, GrantRecord};
use crate::vocabulary::GrantId;

/// The hash of a client or a subject and its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner(pub(super) u64);

/// The index of grants by owner. An entry takes 24 bytes and is compared without a pointer. Two owners with the same
/// hash only cost time: a listing compares the names, see [`owns`].
#[derive(Debug, Default)]
pub(super) struct Owners(BTreeSet<(Owner, GrantId)>);

impl Owners {
    pub(super) fn add(&mut self, owner: Owner, id: GrantId) {
        self.0.insert((owner, id));
    }

    pub(super) fn remove(&mut self, owner: Owner, id: GrantId) {
        self.0.remove(&(owner, id));
    }

    /// Returns at most `limit` ids greater than `after`, in ascending order.
    pub(super) fn page(&self, owner: Owner, after: Option<GrantId>, limit: usize) -> Vec<GrantId> {
        let first =
            after.map_or(Bound::Included((owner, GrantId::from_bytes([0; 16]))), |id| Bound::Excluded((owner, id)));
        let last = Bound::Included((owner, GrantId::from_bytes([0xff; 16])));
        self.0.range((first, last)).take(limit).map(|(_, id)| *id).collect()
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
