use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::verification::Verification;
use super::{
    AuthenticateError, AuthenticatedClient, ClientAuthenticator, ClientCredentials, MetadataDocuments,
    RegisteredClient, SecretHash, Supported, VerifyCredentials,
};
use crate::client::{Client, Registration};
use crate::ports::Unavailable;
use crate::vocabulary::{ClientId, forward_to_arc};

/// A directory of clients: a table of a database, an LDAP tree, a configuration service. [`DirectoryAuthenticator`]
/// authenticates its clients. [`MemoryClients`](super::MemoryClients) is one, and the crates `regrant-sqlite`,
/// `regrant-postgres` and `regrant-mysql` have one beside their stores.
///
/// # Contract
/// * **A deleted or disabled client is absent**, from the next request on. A cache has a stated age.
/// * **A client that was deleted and registered again has another
///   [`registration`](crate::Client::registration).** Otherwise the new owner of the id inherits the grants of the old
///   one.
/// * **An outage is an error**, and never an absent client: clients discard their tokens on `invalid_client`.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::authenticator::{ClientDirectory, DirectoryAuthenticator, RegisteredClient};
/// use regrant::host::Unavailable;
/// use regrant::{Client, ClientId, SecretHash};
///
/// # struct Row { scope: String, sha256: [u8; 32] }
/// # struct Database;
/// # impl Database { async fn client(&self, _: &str) -> Result<Option<Row>, std::io::Error> { Ok(None) } }
/// struct Clients(Database);
///
/// #[async_trait]
/// impl ClientDirectory for Clients {
///     async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
///         let Some(row) = self.0.client(client_id.as_str()).await? else { return Ok(None) };
///         let client = Client::new(client_id.clone()).with_scope(row.scope.parse()?);
///         Ok(Some(RegisteredClient::new(client, [SecretHash::from_sha256_digest(row.sha256)])?))
///     }
/// }
///
/// let authenticator = DirectoryAuthenticator::new(Clients(Database));
/// ```
#[async_trait]
pub trait ClientDirectory: Send + Sync {
    /// Returns the client with this id, and its credentials.
    ///
    /// # Errors
    /// [`Unavailable`] when the directory cannot be read now, or the entry is malformed. The answer is 503, or 500 for
    /// a [`StoreError`](crate::store::StoreError) that is not transient.
    async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable>;

    /// Returns the features that the clients use now, for the metadata (RFC 8414 section 2). Asked with each request
    /// for a metadata document, by anyone: it must not read every client. Default: [`Supported::default`].
    ///
    /// # Errors
    /// [`Unavailable`] when the directory cannot be read now.
    async fn supported(&self) -> Result<Supported, Unavailable> {
        Ok(Supported::default())
    }
}

forward_to_arc! {
    ClientDirectory {
        async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable>;
        async fn supported(&self) -> Result<Supported, Unavailable>;
    }
}

/// A directory that is edited while the service runs, by administrators and by
/// [dynamic registration](crate::wire::ClientRegistration).
///
/// # Contract
/// * **A change counts from the next request on**, on every node.
/// * **The number of a registration is never used again.** [`put`](Self::put) keeps the number of a client that is
///   there, and gives a client that was deleted a higher one. So the directory remembers the numbers of deleted
///   clients.
#[async_trait]
pub trait ClientStore: ClientDirectory {
    /// Adds the client, or replaces the one with its id. Returns its registration: the larger one of the number of
    /// `registered` and the stored one, plus one if the stored client was deleted.
    ///
    /// Of two writers the last one wins, as a whole.
    ///
    /// # Errors
    /// [`Unavailable`] when the client may not be stored.
    async fn put(&self, registered: &RegisteredClient) -> Result<Registration, Unavailable>;

    /// Deletes the client. Returns true if there was one. Its grants stay: call
    /// [`TokenService::delete_client`](crate::TokenService::delete_client), which revokes them too.
    ///
    /// # Errors
    /// [`Unavailable`] when the client may still be there.
    async fn delete(&self, client_id: &ClientId) -> Result<bool, Unavailable>;

    /// Returns at most `limit` clients in ascending order of the bytes of their ids, behind the client `after`, for a
    /// page of administrators. Fewer than `limit` mean that there are no more.
    ///
    /// # Errors
    /// [`Unavailable`] when the directory cannot be read now.
    async fn page(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<RegisteredClient>, Unavailable>;
}

forward_to_arc! {
    ClientStore {
        async fn put(&self, registered: &RegisteredClient) -> Result<Registration, Unavailable>;
        async fn delete(&self, client_id: &ClientId) -> Result<bool, Unavailable>;
        async fn page(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<RegisteredClient>, Unavailable>;
    }
}

/// Authenticates the clients of a [`ClientDirectory`]. It keeps the whole contract of a [`ClientAuthenticator`]: only
/// registered methods count, both secrets of a rotation are accepted, each refusal has its reason in the event, and an
/// unknown client costs the work of a known one.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::authenticator::{ClientStore as _, DirectoryAuthenticator, MemoryClients, RegisteredClient};
/// use regrant::{Client, ClientId, KeyRing, MemoryStore, SystemEntropy, TokenService};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let clients = MemoryClients::new();
/// let keys = KeyRing::generate(&SystemEntropy);
/// let authenticator = DirectoryAuthenticator::new(clients.clone());
/// let service = TokenService::builder(MemoryStore::new(), authenticator, keys).build()?;
/// // The service runs, and a client is added:
/// clients.put(&RegisteredClient::new(Client::public(ClientId::from_static("spa")), [])?).await?;
/// # drop(service);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DirectoryAuthenticator<D> {
    directory: D,
    verification: Verification,
    documents: Option<MetadataDocuments>,
}

impl<D: ClientDirectory> DirectoryAuthenticator<D> {
    /// Authenticates clients with secrets, and public clients.
    #[must_use]
    pub fn new(directory: D) -> Self {
        Self { directory, verification: Verification::new(), documents: None }
    }

    /// Sets the verifier of assertions and certificates. It finds the registered keys in the
    /// [client](crate::Client::keys), so one verifies for all of them: `RegisteredKeys` of the crate `regrant-jose`.
    /// Default none: clients that need one are refused (reason `no_verifier`).
    #[must_use]
    pub fn with_verifier(mut self, verifier: impl VerifyCredentials + 'static) -> Self {
        self.verification.set_verifier(Arc::new(verifier));
        self
    }

    /// Sets the hash to compare with when a client has no secret. Needed for clients with a
    /// [slow hash](SecretHash::custom) of the host: otherwise the response time reveals which clients exist. After the
    /// first client with an argon2 hash was found, every refusal costs as much as one of that client.
    #[must_use]
    pub fn with_decoy(mut self, decoy: SecretHash) -> Self {
        self.verification.set_decoy(decoy);
        self
    }

    /// Accepts the URL of a metadata document as a client id, for clients that the directory does not have. Default:
    /// such clients are unknown.
    #[must_use]
    pub fn with_metadata_documents(mut self, documents: impl Into<Option<MetadataDocuments>>) -> Self {
        self.documents = documents.into();
        self
    }

    /// Returns the directory.
    #[must_use]
    pub const fn directory(&self) -> &D {
        &self.directory
    }

    async fn registered(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        match (self.directory.find(client_id).await?, &self.documents) {
            (None, Some(documents)) => documents.find(client_id).await,
            (found, _) => Ok(found),
        }
    }
}

#[async_trait]
impl<D: ClientDirectory> ClientAuthenticator for DirectoryAuthenticator<D> {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        let registered = self.registered(credentials.client_id()).await?;
        self.verification.authenticate(registered.as_ref(), credentials).await
    }

    async fn find_client(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, Unavailable> {
        Ok(self.registered(client_id).await?.map(|registered| registered.client))
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        let supported = self.verification.supported(self.directory.supported().await?);
        Ok(match &self.documents {
            Some(documents) => supported.and(documents.supported()),
            None => supported,
        })
    }
}

impl<D: fmt::Debug> fmt::Debug for DirectoryAuthenticator<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryAuthenticator").field("directory", &self.directory).finish_non_exhaustive()
    }
}
