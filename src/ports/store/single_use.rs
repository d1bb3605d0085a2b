use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::StoreError;
use crate::vocabulary::{Digest, Realm, Timestamp};

/// What may be used once: the `jti` of a client assertion, of a JWT bearer assertion, of a DPoP proof. A hash, so that every
/// store keeps 32 bytes of it, however long the `jti`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UseId([u8; 32]);

impl UseId {
    /// The id of `jti` as `issuer` used it for `purpose` in `realm`: equal values of two issuers, purposes or realms are
    /// different things.
    ///
    /// ```
    /// use regrant::token::Realm;
    /// use regrant::store::UseId;
    ///
    /// let realm = Realm::default();
    /// let one = UseId::new(&realm, "client_assertion", "app", "8f0c");
    /// assert_ne!(one, UseId::new(&realm, "client_assertion", "other", "8f0c"));
    /// assert_ne!(one, UseId::new(&realm, "client_assertio", "napp", "8f0c"));
    /// ```
    #[must_use]
    pub fn new(realm: &Realm, purpose: &str, issuer: &str, jti: &str) -> Self {
        let parts = [realm.as_str(), purpose, issuer, jti];
        // Lengths first: no two lists of parts run into the same text.
        let lengths = parts.map(|part| (part.len() as u64).to_be_bytes());
        let hashed: Vec<&[u8]> =
            lengths.iter().map(<[u8; 8]>::as_slice).chain(parts.iter().map(|part| part.as_bytes())).collect();
        Self(*Digest::of(&hashed).as_bytes())
    }

    /// An id that a store wrote down.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, uniformly distributed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for UseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UseId(..)")
    }
}

/// Whether something was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what was used again must be refused"]
#[expect(clippy::exhaustive_enums, reason = "it is the first use or it is not")]
pub enum Use {
    /// Never before: it is used up now.
    First,
    /// It was used before: a replay.
    Again,
}

/// Remembers what was used.
///
/// # Contract
/// * **One first use per id**, on any node, also when two calls race: a second one lets an eavesdropper replay what a client
///   showed (fosite CVE-2020-15222).
/// * **Acknowledged is stored**, as for a [`TokenStore`](super::TokenStore). An error may mean stored or not: the caller
///   refuses, and the client makes a new assertion. A write that a client library repeats by itself must know its own
///   first attempt, or not be repeated: it would find its mark and call an honest client a thief. Nobody can settle
///   that later.
/// * **Every call ends in time**, as for a [`TokenStore`](super::TokenStore).
/// * The mark may be forgotten from `expires_at` on, not before: what it belongs to is then refused for its age.
///   [`PurgeExpired`](super::PurgeExpired) of the same store deletes marks as it deletes grants, and counts them.
#[async_trait]
pub trait SingleUse: Send + Sync {
    /// Uses `id` up.
    ///
    /// # Errors
    /// When the store cannot tell whether it did.
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError>;
}

#[async_trait]
impl<S: SingleUse + ?Sized> SingleUse for Arc<S> {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        (**self).use_once(id, expires_at).await
    }
}
