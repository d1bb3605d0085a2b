use std::sync::Arc;

use regrant::MemoryStore;
use regrant::store::{PurgeExpired, TokenStore};

/// What the server asks of a store.
pub(crate) trait Store: TokenStore + PurgeExpired {}

impl<S: TokenStore + PurgeExpired> Store for S {}

/// Whichever store was chosen. The rest of the server knows no other.
pub(crate) type SharedStore = Arc<dyn Store>;

/// The store that `--store` names. An unknown one is not repeated: a database URL may hold a password.
pub(crate) fn open(name: &str) -> Result<SharedStore, &'static str> {
    match name {
        "memory" => Ok(Arc::new(MemoryStore::new())),
        _ => Err("--store: not a store this server has; known are: memory"),
    }
}
