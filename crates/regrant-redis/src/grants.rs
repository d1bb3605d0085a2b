//! Reads and writes of one grant.

use redis::Value;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, Version};

use crate::record::{self, Found, SETTLED, UNSETTLED};
use crate::script::{MARK, SWAP};
use crate::server::{Call, Reply};
use crate::store::Inner;

/// Seconds within which a new grant must be created after its index entry. A listing keeps an entry for twice as long,
/// so it never removes the entry of a grant that is about to be created.
const CREATED_WITHIN: u64 = 30;

/// Failures of a call that are not errors of the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer within the deadline")]
    Deadline,
    #[error("too few replicas confirmed in time")]
    NotReplicated,
    #[error("another write followed one whose outcome is not known")]
    Overtaken,
    #[error("the grant was entered into the index too long ago")]
    TooSlow,
    #[error("the record is too large")]
    TooLarge,
    #[error("unexpected reply")]
    Unexpected,
}

impl Inner {
    pub(crate) async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let name = self.keys.grant(key);
        loop {
            let Some(Found { stored, is_settled }) = self.read(&name).await? else { return Ok(None) };
            if is_settled || self.wait().is_none() || Box::pin(self.settle(&name, stored.version)).await? {
                return Ok(Some(stored));
            }
        }
    }

    async fn read(&self, name: &str) -> Result<Option<Found>, StoreError> {
        match self.server.execute(&Call::get(name)).await?.value {
            Value::Nil => Ok(None),
            Value::BulkString(value) => record::decode(&value).map(Some).map_err(StoreError::corrupt),
            _ => Err(StoreError::rejected(Failure::Unexpected)),
        }
    }

    /// Waits until a record of unknown replication is replicated; returns `false` if another record has replaced it.
    /// Otherwise a retried revocation would find the grant revoked, be answered 200, and be undone by a failover.
    async fn settle(&self, name: &str, version: Version) -> Result<bool, StoreError> {
        // The flag is written again, unchanged, because `WAIT` covers only writes of its own connection.
        let reply = self.mark(name, version, UNSETTLED, true).await?;
        match reply.value {
            Value::Int(0) => Ok(false),
            _ if !reply.is_replicated => Err(StoreError::unavailable(Failure::NotReplicated)),
            _ => {
                self.mark_settled(name, version).await;
                Ok(true)
            }
        }
    }

    /// Marks the record as replicated, so that later readers need not wait and can read while a replica is away. If
    /// this fails, they wait.
    async fn mark_settled(&self, name: &str, version: Version) {
        let _ = self.mark(name, version, SETTLED, false).await;
    }

    async fn mark(&self, name: &str, version: Version, flag: u8, waits: bool) -> Result<Reply, StoreError> {
        let arguments = [&version.0.to_be_bytes()[..], &[flag]];
        let wait = self.wait().filter(|_| waits);
        self.server.execute(&Call::run(&MARK, &[name], &arguments, wait)).await
    }

    pub(crate) async fn swap(&self, key: &GrantKey, expect: Expect, record: &GrantRecord) -> Result<Swap, StoreError> {
        let reach = record::reach(record, SystemClock.now());
        let (expected, created_within) = match expect {
            // The index entry comes first: a crash in between leaves an entry without a grant, never a grant without an
            // entry.
            Expect::Absent => (Vec::new(), Some(Box::pin(self.enter(key, record, reach)).await?)),
            Expect::Version(version) => (record::beginning(reach, version).to_vec(), None),
        };
        let version = Version::random();
        let write = Write {
            name: self.keys.grant(key),
            expected,
            version,
            value: record::encode(reach, version, record).ok_or_else(|| StoreError::rejected(Failure::TooLarge))?,
            expiry: record::expiry(record).map_or_else(String::new, |expiry| expiry.to_string()),
        };
        if let Some(swap) = self.write(&write, created_within).await? {
            return Ok(swap);
        }
        let entered = Box::pin(self.enter(key, record, reach)).await?;
        self.write(&write, Some(entered)).await?.ok_or_else(|| StoreError::rejected(Failure::Unexpected))
    }

    /// Runs the swap. Returns `None` if nothing was written because the index entry must be extended first. `entered`
    /// is the second of that entry.
    async fn write(&self, write: &Write, entered: Option<u64>) -> Result<Option<Swap>, StoreError> {
        let latest = entered.map_or_else(String::new, |second| (second + CREATED_WITHIN).to_string());
        let arguments: [&[u8]; 4] = [&write.expected, &write.value, write.expiry.as_bytes(), latest.as_bytes()];
        let reply = self.server.execute(&Call::run(&SWAP, &[&write.name], &arguments, self.wait())).await?;
        match reply.value {
            Value::Int(1) if !reply.is_replicated => Err(StoreError::unavailable(Failure::NotReplicated)),
            Value::Int(1) => {
                if self.wait().is_some() {
                    Box::pin(self.mark_settled(&write.name, write.version)).await;
                }
                Ok(Some(Swap::Stored))
            }
            // The outcome is unknown: the write may have been stored before its reply was lost, and another write may
            // have followed.
            Value::Int(0) if reply.is_repeated => Err(StoreError::unavailable(Failure::Overtaken)),
            Value::Int(0) => Ok(Some(Swap::Conflict)),
            Value::Int(2) => Ok(None),
            Value::Int(3) => Err(StoreError::unavailable(Failure::TooSlow)),
            Value::Int(4) => Err(StoreError::corrupt(record::Unreadable)),
            _ => Err(StoreError::rejected(Failure::Unexpected)),
        }
    }
}

/// A write; every attempt sends the same bytes.
struct Write {
    name: String,
    /// Beginning of the expected value; empty if no value is expected.
    expected: Vec<u8>,
    version: Version,
    value: Vec<u8>,
    expiry: String,
}
