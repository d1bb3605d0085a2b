use std::fmt;

use async_trait::async_trait;

use super::StoreError;
use crate::vocabulary::{Digest, Realm, Timestamp, forward_to_arc};

/// The id of something that works once: a client assertion, a JWT bearer assertion, a DPoP proof. It is a hash of the
/// `jti`, so that a store keeps 32 bytes, however long the `jti` is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UseId([u8; 32]);

impl UseId {
    /// The id of the `jti` that `issuer` used for `purpose` in `realm`. The same `jti` of another issuer, purpose or
    /// realm has another id.
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
        // The lengths come first, so that two different lists of parts never hash the same text.
        let lengths = parts.map(|part| (part.len() as u64).to_be_bytes());
        let hashed: Vec<&[u8]> =
            lengths.iter().map(<[u8; 8]>::as_slice).chain(parts.iter().map(|part| part.as_bytes())).collect();
        Self(*Digest::of(&hashed).as_bytes())
    }

    /// The id with these bytes, for a store that reads one back.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes. They are uniformly distributed.
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

/// The outcome of a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a second use must be refused"]
#[expect(clippy::exhaustive_enums, reason = "it is the first use or it is not")]
pub enum Use {
    /// The first use. The id is used up now.
    First,
    /// A later use: a replay.
    Again,
}

/// Remembers used ids, so that assertions and proofs work once.
///
/// # Contract
/// * **One first use per id**, on all nodes together, even if two calls race. A second first use lets an eavesdropper
///   replay an assertion (fosite CVE-2020-15222).
/// * **Acknowledged is stored**, as for a [`TokenStore`](super::TokenStore). After an error the mark may be stored or
///   not: the caller refuses, and the client makes a new assertion.
/// * **An automatic retry recognises its own first attempt**, or there are no automatic retries. A retry that finds
///   the mark of its first attempt would report an honest client as a replay.
/// * **Every call ends in time**, as for a [`TokenStore`](super::TokenStore).
/// * **A mark lives until `expires_at`.** From then on the assertion is refused for its age.
///   [`PurgeExpired`](super::PurgeExpired) of the same store deletes and counts marks as it does grants.
///
/// ```
/// use regrant::clock::Timestamp;
/// use regrant::store::{SingleUse, StoreError, Use, UseId};
/// use regrant::token::Realm;
///
/// /// Accepts an assertion of a flow of the host once.
/// async fn is_fresh(used: &impl SingleUse, issuer: &str, jti: &str, exp: Timestamp) -> Result<bool, StoreError> {
///     let id = UseId::new(&Realm::default(), "jwt_bearer", issuer, jti);
///     Ok(used.use_once(&id, exp).await? == Use::First)
/// }
/// ```
#[async_trait]
pub trait SingleUse: Send + Sync {
    /// Uses `id` up.
    ///
    /// # Errors
    /// [`StoreError`] when the mark may be stored or not.
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError>;
}

forward_to_arc! {
    SingleUse {
        async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError>;
    }
}
