//! Storage of grants: four small traits.
//!
//! [`TokenStore`] is required. [`GrantIndex`] adds listing and revocation by owner, [`PurgeExpired`] deletes expired
//! records, [`SingleUse`] remembers used assertions and proofs.

mod error;
pub(crate) mod memory;
mod single_use;

pub use error::StoreError;
pub use single_use::{SingleUse, Use, UseId};

use std::hash::{Hash, Hasher};

use async_trait::async_trait;

use crate::vocabulary::{ClientId, Entropy as _, GrantId, Realm, Subject, SystemEntropy, Timestamp, forward_to_arc};

/// The key of a record. The same grant id in two realms belongs to two records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct GrantKey {
    /// The realm.
    pub realm: Realm,
    /// The grant.
    pub id: GrantId,
}

impl Hash for GrantKey {
    /// Hashes the id only. Ids are random, so ids of two realms do not collide.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.id.as_bytes());
    }
}

/// A record of a store: an opaque payload, and the few fields that the store searches by.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it from their rows")]
pub struct GrantRecord {
    /// The encoded grant, usually 200 to 800 bytes. It grows only with the data that the host puts into a grant.
    pub payload: Vec<u8>,
    /// The client, for [`GrantIndex`]. Fixed for the life of a grant.
    pub client_id: ClientId,
    /// The resource owner, for [`GrantIndex`]. Fixed for the life of a grant.
    pub subject: Option<Subject>,
    /// The time from which the record may be deleted, for [`PurgeExpired`]. `None` means never. Later writes may move
    /// it in both directions.
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
    /// A counter would break the [contract](TokenStore). It starts anew when a record is deleted and stored again. It
    /// also counts the same numbers twice after a failover that lost the last writes, or after a restore from an
    /// older copy. In each case a slow writer overwrites a record that it never read. A drawn version needs no state,
    /// and a writer recognises its own write by it.
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

/// A stored record with its version.
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
    /// There is no record with this key.
    Absent,
    /// The record still has this version.
    Version(Version),
}

/// The outcome of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "after a conflict nothing is stored"]
#[expect(clippy::exhaustive_enums, reason = "a write is stored or it is not")]
pub enum Swap {
    /// The condition held and the record is stored.
    Stored,
    /// The condition did not hold and nothing changed. This is no error: the caller loads and decides again. The
    /// conflict may be with the caller's own write, if a client library repeated it.
    Conflict,
}

/// Stores grants by key, with one atomic operation: compare-and-swap.
///
/// # Contract
/// The duties of an implementation, and the cost of each violation:
///
/// * **Linearizable per key.** `load` sees every swap that was acknowledged before it began, on all nodes. A stale
///   read costs a conflict and a second round. A stale read followed by a successful swap forks a grant.
/// * **One winner.** Of all swaps that expect the same version, at most one is stored. A second one creates two live
///   refresh tokens, and theft stays undetected.
/// * **A conflict changes nothing**, neither the record nor an index. An index entry from a refused creation would
///   list the grant of another owner, and "revoke all of mine" would revoke it.
/// * **A version is never used twice for a key**, not even after the record was deleted. With a reused version a slow
///   writer overwrites a record that it never read (ABA), for example a revocation. [`Version::random`] draws
///   versions.
/// * **Acknowledged is stored.** If an acknowledged write is lost, a spent token becomes valid again. After an error
///   the record may be stored or not: the service reads back. The same holds after a conflict, since client libraries
///   repeat writes (the AWS SDK makes three attempts) and the second attempt conflicts with the first. The service
///   recognises its own write by the payload.
/// * **Every call ends within two seconds**, then with an error. This includes waiting for connections and locks, and
///   retries. The service reads back at most once, so a request takes at most about five seconds when the database
///   stops responding (six if a load, a write and a read-back all just succeed).
/// * **A dropped future has stored all or nothing.**
/// * **An outage is an error.** `Ok(None)` logs the user out.
///
/// There are no default methods, since none would be safe. `examples/custom_store.rs` is a complete implementation.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Returns the record of `key`, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot read.
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError>;

    /// Stores `record` under `key` if `expect` holds, in one atomic step.
    ///
    /// # Errors
    /// [`StoreError`] when the record may be stored or not.
    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError>;
}

/// The owner of the grants to list: a resource owner, a client, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores must handle every question")]
pub enum GrantOwner {
    /// All grants of this resource owner.
    Subject(Subject),
    /// All grants of this client.
    Client(ClientId),
    /// The grants of this resource owner at this client.
    SubjectAndClient(Subject, ClientId),
}

/// Lists grants by owner.
///
/// # Contract
/// Pages are in ascending order of grant id and start after `after`. A grant that exists during the whole listing is
/// on exactly one page, regardless of concurrent writes. A page shorter than `limit` is the last one.
#[async_trait]
pub trait GrantIndex: Send + Sync {
    /// Returns at most `limit` records of `owner` with ids greater than `after`.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot read.
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError>;
}

/// Deletes expired records.
///
/// # Contract
/// Deletes only records, and marks of [`SingleUse`], with an `expires_at` of `now` or earlier. A record that is
/// deleted too early logs out its user, or removes the evidence that a token was used before.
#[async_trait]
pub trait PurgeExpired: Send + Sync {
    /// Deletes at most `limit` expired records of all realms, and returns their number. Fewer than `limit` means that
    /// none is left.
    ///
    /// # Errors
    /// [`StoreError`] when the records may be deleted or not.
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

forward_to_arc! {
    TokenStore {
        async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError>;
        async fn compare_and_swap(
            &self,
            key: &GrantKey,
            expect: Expect,
            record: GrantRecord
        ) -> Result<Swap, StoreError>;
    }
}

forward_to_arc! {
    GrantIndex {
        async fn page(
            &self,
            realm: &Realm,
            owner: &GrantOwner,
            after: Option<GrantId>,
            limit: usize
        ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError>;
    }
}

forward_to_arc! {
    PurgeExpired {
        async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
    }
}
