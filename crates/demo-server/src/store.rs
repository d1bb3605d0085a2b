use std::error::Error;
use std::sync::Arc;

use regrant::MemoryStore;
use regrant::store::{GrantIndex, PurgeExpired, SingleUse, TokenStore};
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use regrant_sqlite::SqliteStore;

/// The store operations that the server uses.
pub(crate) trait Store: TokenStore + GrantIndex + PurgeExpired + SingleUse {}

impl<S: TokenStore + GrantIndex + PurgeExpired + SingleUse> Store for S {}

/// The chosen store. The rest of the server does not know its type.
pub(crate) type SharedStore = Arc<dyn Store>;

/// Opens the store of `--store`. No error repeats the value: a URL may contain a password.
pub(crate) async fn open(name: &str) -> Result<SharedStore, Box<dyn Error>> {
    match name.split_once(':') {
        None if name == "memory" => Ok(Arc::new(MemoryStore::new())),
        Some(("sqlite", path)) => Ok(Arc::new(SqliteStore::open(path)?)),
        Some(("postgres" | "postgresql", _)) => {
            let store = PostgresStore::builder(name)?;
            // A real host migrates during deployment, under a role with that privilege.
            store.migrate().await?;
            Ok(Arc::new(store.open().await?))
        }
        Some(("redis" | "rediss" | "redis-cluster" | "rediss-cluster", _)) => {
            Ok(Arc::new(RedisStore::open(name).await?))
        }
        _ => Err("not a store this server has; known are: memory, sqlite:PATH, postgres://..., redis://..., \
                  redis-cluster://host:port,host:port"
            .into()),
    }
}
