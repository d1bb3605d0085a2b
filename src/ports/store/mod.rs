//! Storage of grants: four small traits.
//!
//! [`TokenStore`] is required. [`GrantIndex`] adds listing and revocation by owner, [`PurgeExpired`] deletes expired
//! records, [`SingleUse`] remembers used assertions and proofs.
//!
//! | trait | enables | without it |
//! |---|---|---|
//! | [`TokenStore`] | every method of the service | there is no service |
//! | [`GrantIndex`] | `grants`, `revoke_subject`, `revoke_client` | no "my sessions" page |
//! | [`PurgeExpired`] | `purge_expired` | the database deletes by its own expiry, or grows |
//! | [`SingleUse`] | assertions and DPoP proofs that work once, on all nodes | each node needs a memory of its own |
//!
//! A host that chooses its store by a URL in its configuration has a [`StoreOpener`]. A [`SharedStore`] has all four
//! traits.
//!
//! A store moves bytes and compares versions. All decisions are above it, so a store needs no knowledge of OAuth. The
//! crate `regrant-conformance` tests one against the contract of each trait.

mod error;
pub(crate) mod memory;
mod open;
mod single_use;

pub use error::StoreError;
pub use open::{OpenStoreError, OpenUrl, SharedStore, Store, StoreOpener};
pub use single_use::{SingleUse, Use, UseId};

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;

use crate::vocabulary::{ClientId, Entropy as _, GrantId, Realm, Subject, SystemEntropy, Timestamp, forward_to_arc};

/// The key of a record. The same grant id in two realms belongs to two records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct GrantKey {
    /// The realm: the provider, when several share one store.
    pub realm: Realm,
    /// The grant: 16 bytes, which a store may use for sharding.
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
    pub payload: Arc<[u8]>,
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

/// A stored record with its version. The service returns the version with its next write, see [`Expect::Version`].
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
    /// [`StoreError`] when the store cannot read: [`unavailable`](StoreError::unavailable) for an outage or a time-out,
    /// [`corrupt`](StoreError::corrupt) for a row that is no record, [`rejected`](StoreError::rejected) for a missing
    /// table or permission. A missing record is no error.
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError>;

    /// Stores `record` under `key` if `expect` holds, in one atomic step.
    ///
    /// # Errors
    /// [`StoreError`] when the record may be stored or not. The service then reads once, to learn which. A condition
    /// that does not hold is no error, but [`Swap::Conflict`].
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
/// * **Pages are in ascending order of grant id and start after `after`.** Another order lets the next page skip
///   grants.
/// * **A grant that exists during the whole listing is on exactly one page**, regardless of concurrent writes. A grant
///   that is missed survives [`revoke_subject`](crate::TokenService::revoke_subject), and its thief stays signed in.
/// * **A page shorter than `limit` is the last one.** A short page in between ends the listing early.
/// * **Records of another owner or realm are never returned**: "revoke all of mine" would revoke them.
///
/// ```
/// use regrant::store::{GrantIndex, GrantOwner, StoreError};
/// use regrant::token::Realm;
/// use regrant::Subject;
///
/// async fn sessions(index: &impl GrantIndex, subject: Subject) -> Result<usize, StoreError> {
///     let owner = GrantOwner::Subject(subject);
///     Ok(index.page(&Realm::default(), &owner, None, 100).await?.len())
/// }
/// ```
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
/// * **Only records, and marks of [`SingleUse`], with an `expires_at` of `now` or earlier are deleted.** A record that
///   is deleted too early logs out its user, or removes the evidence that a token was used before.
/// * **The expiry is compared in the deletion itself.** A refresh may move the expiry between a query and a deletion.
/// * **The index forgets deleted records.** Otherwise it grows without end.
///
/// [`TokenService::purge_continuously`](crate::TokenService::purge_continuously) calls it on a schedule.
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
