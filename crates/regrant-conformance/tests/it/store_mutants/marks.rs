//! Marks of used ids, kept well or badly.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::store::{SingleUse, StoreError, Use, UseId};

use super::broken::{Broken, Flaw};

/// Marks with their ends.
pub(crate) type Marks = BTreeMap<UseId, Timestamp>;

#[async_trait::async_trait]
impl SingleUse for Broken {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let instead = match self.flaw {
            Flaw::FirstOnError => Some(Use::First),
            Flaw::AgainOnError => Some(Use::Again),
            _ => None,
        };
        if let Some(answer) = self.reach(instead).await? {
            return Ok(answer);
        }
        let id = match self.flaw {
            Flaw::HalfUseId => {
                let mut bytes = *id.as_bytes();
                bytes[16..].fill(0);
                UseId::from_bytes(bytes)
            }
            _ => *id,
        };
        if self.is(Flaw::UseSeenByOwnHandleOnly) {
            return Ok(first_if(self.own_marks().insert(id)));
        }
        if self.is(Flaw::UseCheckedThenMarked) {
            let is_first = !self.data().marks.contains_key(&id);
            tokio::task::yield_now().await;
            self.data().marks.insert(id, expires_at);
            return Ok(first_if(is_first));
        }
        let mut data = self.data();
        let is_first = !data.marks.contains_key(&id);
        if is_first || self.is(Flaw::ReplayMovesEnd) {
            data.marks.insert(id, expires_at);
        }
        // The connection broke after the write. The driver sent it again, and it met its own mark.
        let met_itself = self.is(Flaw::UseSentTwice) && data.marks.len().is_multiple_of(2);
        self.hear(first_if(is_first && !met_itself), Use::Again)
    }
}

const fn first_if(is_first: bool) -> Use {
    if is_first { Use::First } else { Use::Again }
}

impl Broken {
    /// Purges at most `limit` marks and returns the reported number.
    pub(crate) fn purge_marks(&self, marks: &mut Marks, now: Timestamp, limit: usize) -> usize {
        let (now, limit) = match self.flaw {
            Flaw::MarksKeptForever => return 0,
            Flaw::MarksForgottenEarly => (now + Duration::from_millis(1), limit),
            Flaw::MarksBeyondLimit => (now, usize::MAX),
            _ => (now, limit),
        };
        let ended: BTreeSet<UseId> =
            marks.iter().filter(|(_, end)| **end <= now).map(|(id, _)| *id).take(limit).collect();
        marks.retain(|id, _| !ended.contains(id));
        if self.is(Flaw::MarksNotCounted) { 0 } else { ended.len() }
    }
}
