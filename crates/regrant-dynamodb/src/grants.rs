//! Reads and writes of one grant, and single-use marks.

use futures_util::future::try_join_all;
use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, Use, UseId, Version};

use crate::failure::Failure;
use crate::item::{self, MADE, TTL};
use crate::key::Key;
use crate::store::Inner;
use crate::table::{Change, Reach};

impl Inner {
    pub(crate) async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let item = self.get(&Key::grant(key)).await?;
        item.map(|item| item::decode(&item).map_err(StoreError::corrupt)).transpose()
    }

    pub(crate) async fn swap(&self, key: &GrantKey, expect: Expect, record: &GrantRecord) -> Result<Swap, StoreError> {
        let is_stored = match expect {
            Expect::Absent => self.issue(key, record).await?,
            Expect::Version(version) => self.replace(key, version, record).await?,
        };
        Ok(if is_stored { Swap::Stored } else { Swap::Conflict })
    }

    async fn issue(&self, key: &GrantKey, record: &GrantRecord) -> Result<bool, StoreError> {
        let now = SystemClock.now();
        let reach = item::reach(record, now);
        // The entries come first: a crash in between leaves an entry without a grant, never a grant without an entry.
        self.enter(key, record, reach, now).await?;
        let mut item = Key::grant(key).item();
        item.extend(item::encode(record, Version::random(), reach, now));
        Ok(self.create(item).await?)
    }

    async fn replace(&self, key: &GrantKey, expected: Version, record: &GrantRecord) -> Result<bool, StoreError> {
        let (item_key, now) = (Key::grant(key), SystemClock.now());
        let end = item::end(record);
        let change = |reach| Change {
            version: item::version(Version::random()),
            payload: item::payload(record),
            expires_at: record.expires_at.map(|end| item::number(end.as_millis())),
            ttl: item::ttl(end, now),
            expected: item::version(expected),
            reach,
        };
        if self.change(&item_key, change(Reach::AtLeast(item::number(end.as_millis())))).await? {
            return Ok(true);
        }
        // Either another write came first, or the record would outlive its index entries.
        match self.load(key).await? {
            Some(found) if found.version == expected => {
                let reach = item::reach(record, now);
                self.enter(key, record, reach, now).await?;
                Ok(self.change(&item_key, change(Reach::Moved(item::number(reach.as_millis())))).await?)
            }
            _ => Ok(false),
        }
    }

    /// Writes the index entries of a grant that lasts until `reach`. An entry is never changed, but for the time at
    /// which it was made: a grant that lives longer gets further entries, so no writer can shorten those of another.
    async fn enter(
        &self,
        key: &GrantKey,
        record: &GrantRecord,
        reach: Timestamp,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let entries = Key::entries(key, record, reach).into_iter().map(|entry| {
            let mut item = entry.item();
            item.extend(item::present([(MADE, Some(item::number(now.as_secs()))), (TTL, item::ttl(reach, now))]));
            self.put(item)
        });
        try_join_all(entries).await.map(drop)
    }

    pub(crate) async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let mut item = Key::mark(id).item();
        item.extend(item::present([(TTL, item::ttl(expires_at, SystemClock.now()))]));
        Ok(if self.create(item).await? { Use::First } else { Use::Again })
    }
}
