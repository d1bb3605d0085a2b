//! Reading and writing one grant.

use redis::Value;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, Version};
use regrant::{Entropy as _, SystemEntropy};

use crate::record::{self, Found, SETTLED, UNSETTLED};
use crate::script::{MARK, SWAP};
use crate::server::{Call, Reply};
use crate::store::Inner;

/// A new grant must exist this many seconds after it was entered into the index at the latest. A listing leaves an entry
/// alone for twice as long, so it never removes that of a grant which is about to come.
const CREATED_WITHIN: u64 = 30;

/// Why a call failed that the server executed.
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
    #[error("a reply that was not expected")]
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
            Value::BulkString(value) => record::decode(value).map(Some).map_err(StoreError::corrupt),
            _ => Err(StoreError::rejected(Failure::Unexpected)),
        }
    }

    /// Makes sure of a record that was not known to be replicated; `false` if another one has taken its place. Without
    /// this, a retried revocation would find the grant revoked, be answered 200, and be undone by a failover.
    async fn settle(&self, name: &str, version: Version) -> Result<bool, StoreError> {
        // The flag is written again, unchanged, because it is a connection's own writes that `WAIT` asks for.
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

    /// Saves the readers to come their waiting, and lets them read while a replica is away. If it fails, they wait.
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
            // The index comes first: a crash in between leaves an entry without a grant, never a grant without its entry.
            Expect::Absent => (Vec::new(), Some(Box::pin(self.enter(key, record, reach)).await?)),
            Expect::Version(version) => (record::beginning(reach, version).to_vec(), None),
        };
        let version = draw();
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

    /// `None` if the index must reach further before the write, and nothing was written. `entered` is the second in which
    /// it was made to.
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
            // Not ours to say: the write may have been stored before its reply was lost, and been followed by another.
            Value::Int(0) if reply.is_repeated => Err(StoreError::unavailable(Failure::Overtaken)),
            Value::Int(0) => Ok(Some(Swap::Conflict)),
            Value::Int(2) => Ok(None),
            Value::Int(3) => Err(StoreError::unavailable(Failure::TooSlow)),
            Value::Int(4) => Err(StoreError::corrupt(record::Unreadable)),
            _ => Err(StoreError::rejected(Failure::Unexpected)),
        }
    }
}

/// A write, the same however often it is sent.
struct Write {
    name: String,
    /// How the value begins that it expects; empty if it expects none.
    expected: Vec<u8>,
    version: Version,
    value: Vec<u8>,
    expiry: String,
}

/// Versions are drawn, not counted: so none is used twice, not after its key has expired, and not after a failover that
/// lost writes and would count from an older number. And a write is known by its version wherever it is met again.
fn draw() -> Version {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    Version(u64::from_be_bytes(bytes))
}
