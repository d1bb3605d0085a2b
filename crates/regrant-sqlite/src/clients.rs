use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use regrant::ClientId;
use regrant::authenticator::{ClientDirectory, ClientStore, RegisteredClient, StoredClient, Supported};
use regrant::client::Registration;
use regrant::host::Unavailable;
use regrant::store::StoreError;
use regrant::token::Realm;
use rusqlite::{OptionalExtension, Row, params};

use crate::db::Db;
use crate::store::SqliteStore;

/// Directory of clients in the file of a [`SqliteStore`], for a
/// [`DirectoryAuthenticator`](regrant::authenticator::DirectoryAuthenticator). It shares the threads and the deadline
/// of the store. There is no cache: a change counts from the next request on, also for other processes with the same
/// file.
///
/// ```
/// use regrant::authenticator::{ClientStore as _, DirectoryAuthenticator, RegisteredClient};
/// use regrant::{Client, ClientId, ClientSecret, KeyRing, SecretHash, SystemEntropy, TokenService};
/// use regrant_sqlite::SqliteStore;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("grants.db");
/// let store = SqliteStore::open(path)?;
/// let clients = store.clients();
/// let keys = KeyRing::generate(&SystemEntropy);
/// let service = TokenService::builder(store, DirectoryAuthenticator::new(clients.clone()), keys).build()?;
///
/// // The service runs. A client is added, and deleted with its grants:
/// let secret = SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"));
/// let app = RegisteredClient::new(Client::new(ClientId::from_static("app")), [secret])?;
/// clients.put(&app).await?;
/// service.delete_client(&clients, &app.client().id).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqliteClients {
    store: SqliteStore,
    realm: Realm,
}

impl SqliteStore {
    /// The directory of clients in the same file, under the same
    /// [prefix](crate::SqliteStoreBuilder::table_prefix), for the default realm.
    #[must_use]
    pub fn clients(&self) -> SqliteClients {
        SqliteClients { store: self.clone(), realm: Realm::default() }
    }
}

impl SqliteClients {
    /// Sets the realm of the clients: that of the service. Default: the empty realm. Realms share no client.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }
}

impl fmt::Debug for SqliteClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteClients").field("store", &self.store).field("realm", &self.realm).finish()
    }
}

#[async_trait]
impl ClientDirectory for SqliteClients {
    async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        let (realm, client_id) = (self.realm.clone(), client_id.clone());
        let entry = self.store.read(move |db| find(db, &realm, &client_id)).await?;
        Ok(entry.map(Entry::decode).transpose()?)
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        let realm = self.realm.clone();
        let features = self.store.read(move |db| features(db, &realm)).await?;
        let parsed: Result<Vec<Supported>, StoreError> =
            features.iter().map(|text| Supported::from_json(text).map_err(StoreError::corrupt)).collect();
        Ok(Supported::join(parsed?))
    }
}

#[async_trait]
impl ClientStore for SqliteClients {
    async fn put(&self, registered: &RegisteredClient) -> Result<Registration, Unavailable> {
        let client = registered.client();
        let stored = registered.to_stored().map_err(StoreError::rejected)?;
        let given = i64::try_from(client.registration.0).map_err(StoreError::rejected)?;
        let (realm, client_id) = (self.realm.clone(), client.id.clone());
        let number = self.store.write(move |db| put(db, &realm, &client_id, given, &stored)).await?;
        Ok(Registration(number.cast_unsigned()))
    }

    async fn delete(&self, client_id: &ClientId) -> Result<bool, Unavailable> {
        let (realm, client_id) = (self.realm.clone(), client_id.clone());
        Ok(self.store.write(move |db| delete(db, &realm, &client_id)).await?)
    }

    async fn page(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<RegisteredClient>, Unavailable> {
        let (realm, after) = (self.realm.clone(), after.cloned());
        let entries = self.store.read(move |db| page(db, &realm, after.as_ref(), limit)).await?;
        Ok(entries.into_iter().map(Entry::decode).collect::<Result<_, _>>()?)
    }
}

/// A row of a client that was not deleted.
struct Entry {
    registration: i64,
    metadata: String,
    secrets: String,
}

impl Entry {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { registration: row.get(0)?, metadata: row.get(1)?, secrets: row.get(2)? })
    }

    /// Decodes the row, on the thread of the caller.
    fn decode(self) -> Result<RegisteredClient, StoreError> {
        let registration = Registration(self.registration.cast_unsigned());
        RegisteredClient::from_stored(registration, &self.metadata, &self.secrets)
            .map_err(|cause: Box<dyn Error + Send + Sync>| StoreError::corrupt(cause))
    }
}

fn find(db: &Db, realm: &Realm, client_id: &ClientId) -> rusqlite::Result<Option<Entry>> {
    db.prepare_cached(
        "SELECT registration, metadata, secrets FROM regrant_clients \
         WHERE realm = ?1 AND client_id = ?2 AND metadata IS NOT NULL",
    )?
    .query_row(params![realm.as_str(), client_id.as_str()], Entry::of)
    .optional()
}

/// A deleted client leaves its number behind, so that the next one with its id gets a higher one.
fn put(db: &Db, realm: &Realm, client_id: &ClientId, given: i64, stored: &StoredClient) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "INSERT INTO regrant_clients (realm, client_id, registration, metadata, secrets, features) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (realm, client_id) DO UPDATE SET \
         registration = max(excluded.registration, registration + (metadata IS NULL)), \
         metadata = excluded.metadata, secrets = excluded.secrets, features = excluded.features \
         RETURNING registration",
    )?
    .query_row(
        params![realm.as_str(), client_id.as_str(), given, stored.metadata, stored.secrets, stored.features],
        |row| row.get(0),
    )
}

fn delete(db: &Db, realm: &Realm, client_id: &ClientId) -> rusqlite::Result<bool> {
    let rows = db
        .prepare_cached(
            "UPDATE regrant_clients SET metadata = NULL, secrets = NULL, features = NULL \
             WHERE realm = ?1 AND client_id = ?2 AND metadata IS NOT NULL",
        )?
        .execute(params![realm.as_str(), client_id.as_str()])?;
    Ok(rows == 1)
}

fn page(db: &Db, realm: &Realm, after: Option<&ClientId>, limit: usize) -> rusqlite::Result<Vec<Entry>> {
    // The empty text sorts before every id.
    let after = after.map_or("", ClientId::as_str);
    db.prepare_cached(
        "SELECT registration, metadata, secrets FROM regrant_clients \
         WHERE realm = ?1 AND client_id > ?2 AND metadata IS NOT NULL ORDER BY client_id LIMIT ?3",
    )?
    .query_map(params![realm.as_str(), after, i64::try_from(limit).unwrap_or(i64::MAX)], Entry::of)?
    .collect()
}

/// Jumps from each distinct text to the next one in the index: anyone may cause this call, and clients are many.
fn features(db: &Db, realm: &Realm) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(
        "WITH RECURSIVE found (features) AS (\
         SELECT min(features) FROM regrant_clients WHERE realm = ?1 AND features IS NOT NULL \
         UNION ALL SELECT (SELECT min(features) FROM regrant_clients WHERE realm = ?1 AND features > found.features) \
         FROM found WHERE found.features IS NOT NULL) \
         SELECT features FROM found WHERE features IS NOT NULL",
    )?
    .query_map([realm.as_str()], |row| row.get(0))?
    .collect()
}
