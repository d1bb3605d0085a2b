//! Where grants are kept: four small traits, and the store in memory.

mod error;
pub(crate) mod memory;
mod single_use;

pub use error::StoreError;
pub use single_use::{SingleUse, Use, UseId};

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;

use crate::vocabulary::{ClientId, Entropy as _, GrantId, Realm, Subject, SystemEntropy, Timestamp};

/// The key of a record: the same grant id in two realms is two records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct GrantKey {
    /// The realm.
    pub realm: Realm,
    /// The grant.
    pub id: GrantId,
}

impl Hash for GrantKey {
    /// The id alone: ids are drawn at random, so those of two realms never meet.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.id.as_bytes());
    }
}

/// What a store keeps: bytes it does not understand, and the few fields by which it finds them.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it from their rows")]
pub struct GrantRecord {
    /// The grant, encoded. 200 to 800 bytes as a rule; never more than what the host puts into it.
    pub payload: Vec<u8>,
    /// For [`GrantIndex`]: the client. It never changes in the life of a grant.
    pub client_id: ClientId,
    /// For [`GrantIndex`]: the resource owner, if there is one. It never changes in the life of a grant.
    pub subject: Option<Subject>,
    /// For [`PurgeExpired`]: from when on the record may be deleted; `None` is never. It may move either way.
    pub expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for GrantRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrantRecord")
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .field("client_id", &self.client_id)
            .field("subject", &self.subject)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// The version of a stored record, chosen by the store for each write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "stores choose it")]
pub struct Version(pub u64);

impl Version {
    /// Draws a version: 64 bits of the system's randomness.
    ///
    /// A counter would break the [contract](TokenStore). It starts anew when a record is deleted and stored again. It also
    /// counts the same numbers twice after a failover that lost the last writes, or after a restore from an older copy.
    /// In each case a slow writer overwrites a record that it never read. A drawn version needs no state, and a writer
    /// recognises its own write by it.
    ///
    /// ```
    /// use regrant::store::Version;
    ///
    /// assert_ne!(Version::random(), Version::random());
    /// ```
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 8];
        SystemEntropy.fill(&mut bytes);
        Self(u64::from_be_bytes(bytes))
    }
}

/// A record with the version under which it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct StoredGrant {
    /// The version.
    pub version: Version,
    /// The record.
    pub record: GrantRecord,
}

/// The condition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores must handle every condition")]
pub enum Expect {
    /// There is no record of this key.
    Absent,
    /// The record is still the one of this version.
    Version(Version),
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a write that met a conflict stored nothing"]
#[expect(clippy::exhaustive_enums, reason = "a write is stored or it is not")]
pub enum Swap {
    /// The condition held and the record is stored.
    Stored,
    /// The condition did not hold and nothing changed. Not an error: the caller loads and decides again. It may be its
    /// own write that it met, where a client library repeated it.
    Conflict,
}

/// Grants by key, guarded by one compare-and-swap.
///
/// # Contract
/// What an implementor owes, and what each breach costs:
///
/// * **Linearizable per key.** `load` sees every swap that was acknowledged before it began, on any node. A stale read
///   costs a conflict and a second round; a stale read that is then swapped successfully forks a grant.
/// * **One winner.** Of all swaps that expect the same version, at most one is stored. A second one means two live
///   refresh tokens: theft goes unseen.
/// * **A conflict changes nothing**, neither the record nor any index. An entry for an owner whose creation was refused
///   would list another one's grant, and "revoke all of mine" would end it.
/// * **A version is never used twice for a key**, not even after the record was deleted. A reused one lets a slow writer
///   overwrite what it never saw (ABA), a revocation for instance.
/// * **Acknowledged is stored.** `Stored` that did not persist brings a spent token back to life. An error may mean
///   stored or not: the service reads back. So may a conflict, once a reply was lost: client libraries send a write
///   again by themselves (the AWS SDK makes three attempts), and the second one meets the first. The service loads
///   anyway, and takes a record with the payload that it wrote for its own.
/// * **Every call ends in time.** Two seconds for everything in it, the wait for a connection, for locks and for its
///   own repetitions included, then an error: the service reads back once at most, and answers within five when the
///   database falls silent. A load, a write and a read-back that each take nearly two are six.
/// * **A dropped future is all or nothing.**
/// * **An error is never an absence.** `Ok(None)` logs the user out; an outage must be an `Err`.
///
/// There are no default methods: nothing here has a safe default. A complete implementation stands in
/// `examples/custom_store.rs`.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// The record of `key`, if there is one.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError>;

    /// Stores `record` under `key` if `expect` holds, in one atomic step.
    ///
    /// # Errors
    /// When the store cannot tell whether it did.
    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError>;
}

/// Whose grants to list: of a resource owner, of a client, or of the one with the other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores must handle every question")]
pub enum GrantOwner {
    /// All grants of this resource owner.
    Subject(Subject),
    /// All grants of this client.
    Client(ClientId),
    /// The grants of this resource owner that this client holds.
    SubjectAndClient(Subject, ClientId),
}

/// Lists grants by owner.
///
/// # Contract
/// Pages are in ascending order of grant id and begin behind `after`. A grant that exists throughout the listing is on
/// exactly one page, whatever writers do meanwhile. A page shorter than `limit` is the last one.
#[async_trait]
pub trait GrantIndex: Send + Sync {
    /// At most `limit` records of `owner` with ids greater than `after`.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError>;
}

/// Deletes what has expired.
///
/// # Contract
/// Deletes only records, and marks of [`SingleUse`], whose `expires_at` is `now` or earlier, at most `limit` of them, and says
/// how many: fewer than `limit` means that none is left. Deleting earlier forgets live grants, and with them the evidence by which a spent token is
/// known.
#[async_trait]
pub trait PurgeExpired: Send + Sync {
    /// Deletes at most `limit` expired records, of all realms.
    ///
    /// # Errors
    /// When the store cannot tell whether it did.
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

#[async_trait]
impl<S: TokenStore + ?Sized> TokenStore for Arc<S> {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        (**self).load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        (**self).compare_and_swap(key, expect, record).await
    }
}

#[async_trait]
impl<S: GrantIndex + ?Sized> GrantIndex for Arc<S> {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        (**self).page(realm, owner, after, limit).await
    }
}

#[async_trait]
impl<S: PurgeExpired + ?Sized> PurgeExpired for Arc<S> {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        (**self).purge_expired(now, limit).await
    }
}
