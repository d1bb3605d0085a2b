use std::collections::{BTreeSet, HashSet};

use crate::ports::store::{Use, UseId};
use crate::vocabulary::Timestamp;

/// Used ids, and the times from which they may be deleted.
#[derive(Debug, Default)]
pub(super) struct Marks {
    used: HashSet<UseId>,
    ends: BTreeSet<(Timestamp, UseId)>,
}

impl Marks {
    /// Marks `id` as used. One insertion decides, so of two racing calls exactly one is the first.
    pub(super) fn add(&mut self, id: UseId, expires_at: Timestamp) -> Use {
        if !self.used.insert(id) {
            return Use::Again;
        }
        self.ends.insert((expires_at, id));
        Use::First
    }

    /// Deletes at most `limit` expired marks and returns their number.
    pub(super) fn purge(&mut self, now: Timestamp, limit: usize) -> usize {
        let mut purged = 0;
        while purged < limit && self.ends.first().is_some_and(|(end, _)| *end <= now) {
            let Some((_, id)) = self.ends.pop_first() else { break };
            self.used.remove(&id);
            purged += 1;
        }
        purged
    }
}
