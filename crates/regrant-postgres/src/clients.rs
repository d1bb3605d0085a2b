use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::ClientId;
use regrant::authenticator::{ClientDirectory, ClientStore, RegisteredClient, Supported};
use regrant::client::Registration;
use regrant::host::Unavailable;
use regrant::store::StoreError;
use regrant::token::Realm;

use crate::builder::check_clients;
use crate::open_error::OpenError;
use crate::param::Param;
use crate::queries::{ClientQueries, Query};
use crate::row::{Row, column};
use crate::runner::Runner;
use crate::store::PostgresStore;

/// Directory of clients beside the grants of a [`PostgresStore`], for a
/// [`DirectoryAuthenticator`](regrant::authenticator::DirectoryAuthenticator). It shares the pool and the deadline of
/// the store. The table has the name of the grants table and `_clients`. There is no cache: a change counts from the
/// next request on, on every node.
///
/// ```no_run
/// use regrant::authenticator::{ClientStore as _, DirectoryAuthenticator, RegisteredClient};
/// use regrant::{Client, ClientId, ClientSecret, KeyRing, SecretHash, SystemEntropy, TokenService};
/// use regrant_postgres::PostgresStore;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let builder = PostgresStore::builder("postgres://app:secret@db.example/auth?sslmode=require")?;
/// builder.migrate().await?;
/// let store = builder.open().await?;
/// let clients = store.clients().await?;
/// let keys = KeyRing::generate(&SystemEntropy);
/// let service = TokenService::builder(store, DirectoryAuthenticator::new(clients.clone()), keys).build()?;
///
/// // The service runs. A client is added, and deleted with its grants:
/// let secret = SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"));
/// let app = RegisteredClient::new(Client::new(ClientId::from_static("app")), [secret])?;
/// clients.put(&app).await?;
/// service.delete_client(&clients, &app.client().id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresClients {
    store: PostgresStore,
    queries: Arc<ClientQueries>,
    realm: Realm,
}

impl PostgresStore {
    /// The directory of clients in the same database, for the default realm. Checks that its table exists and that the
    /// role has the privileges: `SELECT`, `INSERT` and `UPDATE`.
    ///
    /// # Errors
    /// Anything that would make every call fail, with its cause.
    pub async fn clients(&self) -> Result<PostgresClients, OpenError> {
        let queries = ClientQueries::of(self.table());
        check_clients(self.runner(), self.table(), &queries).await?;
        Ok(PostgresClients { store: self.clone(), queries: Arc::new(queries), realm: Realm::default() })
    }
}

impl PostgresClients {
    /// Sets the realm of the clients: that of the service. Default: the empty realm. Realms share no client.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    async fn rows(&self, query: &Query, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let runner: &Runner = self.store.runner();
        Ok(runner.run(query, params).await?.rows)
    }
}

impl fmt::Debug for PostgresClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresClients").field("realm", &self.realm).finish_non_exhaustive()
    }
}

#[async_trait]
impl ClientDirectory for PostgresClients {
    async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        let rows = self.rows(&self.queries.find, &[self.realm.as_str().into(), client_id.as_str().into()]).await?;
        Ok(rows.first().map(client).transpose()?.flatten())
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        let rows = self.rows(&self.queries.features, &[self.realm.as_str().into()]).await?;
        let texts = rows.iter().filter_map(|row| column::<Option<&str>>(row, 1).transpose());
        let parsed: Result<Vec<Supported>, StoreError> =
            texts.map(|text| Supported::from_json(text?).map_err(StoreError::corrupt)).collect();
        Ok(Supported::join(parsed?))
    }
}

#[async_trait]
impl ClientStore for PostgresClients {
    async fn put(&self, registered: &RegisteredClient) -> Result<Registration, Unavailable> {
        let own = registered.client();
        let stored = registered.to_stored().map_err(StoreError::rejected)?;
        let given = i64::try_from(own.registration.0).map_err(StoreError::rejected)?;
        let (realm, client_id) = (Param::from(self.realm.as_str()), own.id.as_str().into());
        let [metadata, secrets, features] =
            [&stored.metadata, &stored.secrets, &stored.features].map(|text| Param::from(text.as_str()));
        let key = features_key(&stored.features).into();
        let params = [realm, client_id, given.into(), metadata, secrets, features, key];
        let rows = self.rows(&self.queries.put, &params).await?;
        let row = rows.first().ok_or_else(|| StoreError::corrupt("the new row was not returned"))?;
        Ok(Registration(column::<i64>(row, 0)?.cast_unsigned()))
    }

    async fn delete(&self, client_id: &ClientId) -> Result<bool, Unavailable> {
        let rows = self.rows(&self.queries.delete, &[self.realm.as_str().into(), client_id.as_str().into()]).await?;
        Ok(!rows.is_empty())
    }

    async fn page(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<RegisteredClient>, Unavailable> {
        // The empty text sorts before every id.
        let after = after.map_or("", ClientId::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.rows(&self.queries.page, &[self.realm.as_str().into(), after.into(), limit.into()]).await?;
        let clients: Result<Vec<_>, StoreError> = rows.iter().filter_map(|row| client(row).transpose()).collect();
        Ok(clients?)
    }
}

/// Returns FNV-1a of the text, the same in every release. Two texts with one key would only hide a feature in the
/// metadata.
fn features_key(features: &str) -> i64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    features.bytes().fold(0xcbf2_9ce4_8422_2325, fold).cast_signed()
}

/// Decodes the client in a row of a read, if there is one: see [`ClientQueries`].
fn client(row: &Row) -> Result<Option<RegisteredClient>, StoreError> {
    let Some(registration) = column::<Option<i64>>(row, 1)? else { return Ok(None) };
    let (registration, metadata, secrets) =
        (Registration(registration.cast_unsigned()), column(row, 2)?, column(row, 3)?);
    RegisteredClient::from_stored(registration, metadata, secrets).map(Some).map_err(StoreError::corrupt)
}
