//! Signing keys, the keys of others, and the errors of both.
//!
//! The root has [`KeySet`], [`KeySource`], [`PrivateKey`](crate::PrivateKey) and
//! [`Signer`].

mod error;
pub(crate) mod private_key;
pub(crate) mod set;
pub(crate) mod signer;
pub(crate) mod source;

pub use error::KeyError;
pub use private_key::PrivateKeyPem;
pub use set::KeySetError;
pub use source::{KeysUnavailable, PublishedKeys, ResolveKeys};

pub(crate) use set::{KeySet, ScheduledKey};
pub(crate) use signer::Signer;
pub(crate) use source::{KeySource, is_within};
