use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use mysql_async::{Row, Value};
use regrant::ClientId;
use regrant::authenticator::{ClientDirectory, ClientStore, RegisteredClient, Supported};
use regrant::client::Registration;
use regrant::host::Unavailable;
use regrant::store::StoreError;
use regrant::token::Realm;

use crate::builder::check_clients;
use crate::lease::Answer;
use crate::open_error::OpenError;
use crate::queries::{ClientQueries, Query};
use crate::row::{integer, present, text};
use crate::store::{MysqlStore, bigint};

/// Directory of clients beside the grants of a [`MysqlStore`], for a
/// [`DirectoryAuthenticator`](regrant::authenticator::DirectoryAuthenticator). It shares the pool and the deadline of
/// the store. The table has the name of the grants table and `_clients`. There is no cache: a change counts from the
/// next request on, on every node.
///
/// ```no_run
/// use regrant::authenticator::{ClientStore as _, DirectoryAuthenticator, RegisteredClient};
/// use regrant::{Client, ClientId, ClientSecret, KeyRing, SecretHash, SystemEntropy, TokenService};
/// use regrant_mysql::MysqlStore;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let builder = MysqlStore::builder("mysql://app:secret@db.example/auth")?;
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
pub struct MysqlClients {
    store: MysqlStore,
    queries: Arc<ClientQueries>,
    realm: Realm,
}

impl MysqlStore {
    /// The directory of clients in the same database, for the default realm. Checks that its table exists and that the
    /// user has the privileges: `SELECT`, `INSERT` and `UPDATE`.
    ///
    /// # Errors
    /// Anything that would make every call fail, with its cause.
    pub async fn clients(&self) -> Result<MysqlClients, OpenError> {
        let queries = ClientQueries::of(self.table());
        check_clients(self.runner(), self.table(), &queries).await?;
        Ok(MysqlClients { store: self.clone(), queries: Arc::new(queries), realm: Realm::default() })
    }
}

impl MysqlClients {
    /// Sets the realm of the clients: that of the service. Default: the empty realm. Realms share no client.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    async fn run(&self, query: &Query, params: &[Value]) -> Result<Answer, StoreError> {
        Ok(self.store.runner().run(query, params).await?)
    }

    fn realm(&self) -> Value {
        Value::from(self.realm.as_str())
    }
}

impl fmt::Debug for MysqlClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlClients").field("realm", &self.realm).finish_non_exhaustive()
    }
}

#[async_trait]
impl ClientDirectory for MysqlClients {
    async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        let params = [self.realm(), Value::from(client_id.as_str())];
        let rows = self.run(&self.queries.find, &params).await?.rows;
        Ok(rows.iter().map(client).find_map(Result::transpose).transpose()?)
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        let rows = self.run(&self.queries.features, &[self.realm(), self.realm(), self.realm()]).await?.rows;
        let texts = rows.iter().filter_map(|row| text(row, 1).transpose());
        let parsed: Result<Vec<Supported>, StoreError> =
            texts.map(|text| Supported::from_json(text?).map_err(StoreError::corrupt)).collect();
        Ok(Supported::join(parsed?))
    }
}

#[async_trait]
impl ClientStore for MysqlClients {
    async fn put(&self, registered: &RegisteredClient) -> Result<Registration, Unavailable> {
        let own = registered.client();
        let stored = registered.to_stored().map_err(StoreError::rejected)?;
        let given = i64::try_from(own.registration.0).map_err(StoreError::rejected)?;
        let key = features_key(&stored.features);
        let params = [
            self.realm(),
            Value::from(own.id.as_str()),
            Value::Int(given),
            Value::from(stored.metadata),
            Value::from(stored.secrets),
            Value::from(stored.features),
            Value::Int(key),
        ];
        Ok(Registration(self.run(&self.queries.put, &params).await?.number))
    }

    async fn delete(&self, client_id: &ClientId) -> Result<bool, Unavailable> {
        let params = [self.realm(), Value::from(client_id.as_str())];
        Ok(self.run(&self.queries.delete, &params).await?.changed > 0)
    }

    async fn page(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<RegisteredClient>, Unavailable> {
        // The empty text sorts before every id.
        let after = after.map_or("", ClientId::as_str);
        let rows = self.run(&self.queries.page, &[self.realm(), Value::from(after), bigint(limit)]).await?.rows;
        let mut clients: Vec<_> =
            rows.iter().filter_map(|row| client(row).transpose()).collect::<Result<_, StoreError>>()?;
        // The rows of a union have no order by the standard, although every server keeps that of its parts.
        clients.sort_by(|one, other| one.client().id.as_str().cmp(other.client().id.as_str()));
        Ok(clients)
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
    let Some(registration) = integer(row, 1)? else { return Ok(None) };
    let (metadata, secrets) = (present(text(row, 2)?)?, present(text(row, 3)?)?);
    let registration = Registration(registration.cast_unsigned());
    RegisteredClient::from_stored(registration, metadata, secrets).map(Some).map_err(StoreError::corrupt)
}
