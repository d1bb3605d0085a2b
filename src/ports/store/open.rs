//! Stores that are chosen at run time, by a URL in the configuration of the host.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use super::memory::MemoryStore;
use super::{GrantIndex, PurgeExpired, SingleUse, TokenStore};

/// A store with all four traits. Every type that has them is one.
pub trait Store: TokenStore + GrantIndex + PurgeExpired + SingleUse {}

impl<S: TokenStore + GrantIndex + PurgeExpired + SingleUse> Store for S {}

/// A store whose type is chosen at run time. It is a store itself, so `TokenService<SharedStore>` has every method.
pub type SharedStore = Arc<dyn Store>;

/// Opens stores of one kind by URL, for [`StoreOpener`]. The stores of `regrant-sqlite`, `regrant-postgres`,
/// `regrant-mysql` and `regrant-redis` implement it.
///
/// # Contract
/// * **No error contains the URL.** It may have a password. The path of a file is no secret, and belongs into the
///   error.
#[async_trait]
pub trait OpenUrl {
    /// The schemes of the URLs, in lower case and without the colon.
    const SCHEMES: &'static [&'static str];

    /// Opens the store at `url`, which has one of the schemes.
    ///
    /// # Errors
    /// The reason why the store cannot be opened.
    async fn open_url(url: &str) -> Result<SharedStore, Box<dyn Error + Send + Sync>>;
}

type Opening<'a> = Pin<Box<dyn Future<Output = Result<SharedStore, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// One kind of store.
struct Kind {
    schemes: &'static [&'static str],
    open: for<'a> fn(&'a str) -> Opening<'a>,
}

/// Opens the store that a URL names, among the kinds that the host has chosen. `memory:` is always among them, a new
/// [`MemoryStore`].
///
/// ```
/// use regrant::store::{SharedStore, StoreOpener};
/// use regrant::{ClientRegistry, KeyRing, SystemEntropy, TokenService};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let opener = StoreOpener::new(); // .with::<SqliteStore>().with::<PostgresStore>()
/// let store: SharedStore = opener.open("memory:").await?;
/// let keys = KeyRing::generate(&SystemEntropy);
/// let service = TokenService::builder(store, ClientRegistry::new(), keys).build()?;
///
/// let error = opener.open("mongodb://app:secret@db.example/auth").await.err().ok_or("no error")?;
/// assert_eq!(error.to_string(), "no store has a URL of this scheme; known are memory");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | URL | store |
/// |---|---|
/// | `memory:`, `memory` | [`MemoryStore`] |
/// | `sqlite://grants.db`, `sqlite:grants.db` | `regrant_sqlite::SqliteStore`: this file in the working directory |
/// | `sqlite:///var/lib/auth/grants.db` | the file at this absolute path |
/// | `postgres://user:password@host/database` | `regrant_postgres::PostgresStore`, whose tables exist |
/// | `mysql://user:password@host/database`, or `mariadb://` | `regrant_mysql::MysqlStore`, whose tables exist |
/// | `redis://host:port`, `redis-cluster://host:port,host:port` | `regrant_redis::RedisStore` |
/// | `redis-sentinel://host:port,host:port/name` | `regrant_redis::RedisStore`, of the primary that sentinels name |
#[expect(missing_debug_implementations, reason = "functions have no debug output")]
pub struct StoreOpener(Vec<Kind>);

impl StoreOpener {
    /// Knows `memory:` alone.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::new()).with::<MemoryStore>()
    }

    /// Adds a kind of store.
    #[must_use]
    pub fn with<S: OpenUrl>(mut self) -> Self {
        self.0.push(Kind { schemes: S::SCHEMES, open: |url| S::open_url(url) });
        self
    }

    /// Opens the store at `url`.
    ///
    /// # Errors
    /// [`OpenStoreError`]. It does not contain the URL.
    pub async fn open(&self, url: &str) -> Result<SharedStore, OpenStoreError> {
        let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme).to_ascii_lowercase();
        match self.0.iter().find(|kind| kind.schemes.contains(&&*scheme)) {
            Some(kind) => (kind.open)(url).await.map_err(OpenStoreError::Failed),
            None => Err(OpenStoreError::UnknownScheme {
                known: self.0.iter().flat_map(|kind| kind.schemes).copied().collect(),
            }),
        }
    }
}

impl Default for StoreOpener {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl OpenUrl for MemoryStore {
    const SCHEMES: &'static [&'static str] = &["memory"];

    /// Opens a new store. The rest of the URL has no meaning.
    async fn open_url(_: &str) -> Result<SharedStore, Box<dyn Error + Send + Sync>> {
        Ok(Arc::new(Self::new()))
    }
}

/// The reason why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenStoreError {
    /// No kind of store has the scheme.
    #[error("no store has a URL of this scheme; known are {}", .known.join(", "))]
    UnknownScheme {
        /// The schemes of the kinds that were added.
        known: Vec<&'static str>,
    },
    /// The store could not be opened: its own error.
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
}
