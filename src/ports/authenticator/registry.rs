use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::verification::Verification;
use super::{
    AuthenticateError, AuthenticatedClient, ClientAuthenticator, ClientCredentials, ClientDirectory, RegisteredClient,
    SecretHash, Supported, VerifyCredentials,
};
use crate::client::Client;
use crate::policy::{ClientPolicy, PolicyError};
use crate::ports::Unavailable;
use crate::vocabulary::ClientId;

/// A [`ClientAuthenticator`] for clients known at start-up.
///
/// ```
/// use regrant::{Client, ClientId, ClientRegistry, ClientSecret, SecretHash};
///
/// let secret = ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW");
/// let app = Client::new(ClientId::from_static("app"));
/// let clients = ClientRegistry::new().register(app, [SecretHash::sha256(&secret)])?;
/// # Ok::<(), regrant::authenticator::RegistryError>(())
/// ```
///
/// The registry does not change after the service is built. To add a client, build a new registry and a new service
/// over the same store and keys: all grants live on. For clients that change, take a
/// [directory](crate::authenticator::DirectoryAuthenticator).
#[derive(Clone)]
pub struct ClientRegistry {
    clients: HashMap<ClientId, RegisteredClient>,
    verification: Verification,
}

impl ClientRegistry {
    /// A registry without clients.
    #[must_use]
    pub fn new() -> Self {
        Self { clients: HashMap::new(), verification: Verification::new() }
    }

    /// Sets the hash to compare with when a client has no secret. Clients with a slow hash of the host need an equally
    /// slow decoy. Otherwise the response time reveals which client ids exist.
    #[must_use]
    pub fn with_decoy(mut self, decoy: SecretHash) -> Self {
        self.verification.set_decoy(decoy);
        self
    }

    /// Registers a client with its secrets: none for a public client, one for a confidential client, two while the
    /// first one is being replaced.
    ///
    /// # Errors
    /// [`RegistryError`] when the client id is taken or the number of secrets does not fit.
    pub fn register(
        self,
        client: Client,
        secrets: impl IntoIterator<Item = SecretHash>,
    ) -> Result<Self, RegistryError> {
        if client.authentication_methods.need_verifier() {
            return Err(RegistryError::Method(client.id));
        }
        self.with(RegisteredClient::new(client, secrets)?)
    }

    /// Registers a client that authenticates with a JWT or a certificate, and the verifier for them.
    ///
    /// # Errors
    /// [`RegistryError`] when the client id is taken or the client authenticates in another way.
    pub fn register_with_verifier(
        self,
        client: Client,
        verifier: Arc<dyn VerifyCredentials>,
    ) -> Result<Self, RegistryError> {
        self.with(RegisteredClient::with_verifier(client, verifier)?)
    }

    fn with(mut self, registered: RegisteredClient) -> Result<Self, RegistryError> {
        match self.clients.entry(registered.client.id.clone()) {
            Entry::Occupied(taken) => Err(RegistryError::DuplicateClient(taken.key().clone())),
            Entry::Vacant(free) => {
                self.verification.note(&registered);
                free.insert(registered);
                Ok(self)
            }
        }
    }

    /// Returns the client with this id, for an authorization endpoint that looks up redirect URIs. The result is no
    /// proof of authentication.
    #[must_use]
    pub fn client(&self, client_id: &ClientId) -> Option<Arc<Client>> {
        self.clients.get(client_id).map(|registered| Arc::clone(&registered.client))
    }
}

impl Default for ClientRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ClientRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRegistry").field("clients", &self.clients).finish_non_exhaustive()
    }
}

#[async_trait]
impl ClientAuthenticator for ClientRegistry {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        self.verification.authenticate(self.clients.get(credentials.client_id()), credentials).await
    }

    async fn find_client(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, Unavailable> {
        Ok(self.client(client_id))
    }

    fn check_policies(&self, check: &dyn Fn(&ClientPolicy) -> Result<(), PolicyError>) -> Result<(), PolicyError> {
        self.clients.values().try_for_each(|registered| check(&registered.client.policy))
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        let of_clients = Supported::join(self.clients.values().map(|registered| Supported::of(&registered.client)));
        let mut supported = self.verification.supported(of_clients);
        supported.add_algorithms(
            self.clients.values().filter_map(|own| own.verifier.as_ref()).flat_map(|own| own.algorithms()),
        );
        Ok(supported)
    }
}

/// The registry as a directory that does not change, for [`TokenService::inspect`](crate::TokenService::inspect).
#[async_trait]
impl ClientDirectory for ClientRegistry {
    async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        Ok(self.clients.get(client_id).cloned())
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        ClientAuthenticator::supported(self).await
    }
}

/// The reason why a client could not be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The client id is taken.
    #[error("client {0} is registered twice")]
    DuplicateClient(ClientId),
    /// Clients with a JWT or a certificate need [`register_with_verifier`](ClientRegistry::register_with_verifier), all
    /// others [`register`](ClientRegistry::register).
    #[error("client {0} is not registered in the way its authentication method needs")]
    Method(ClientId),
    /// A client of a method with a secret needs one or two secrets, all others none.
    #[error("client {0} needs one or two secrets if it is confidential, and none if it is public")]
    SecretCount(ClientId),
    /// The client has no keys or no certificate subject for its authentication method.
    #[error("client {0} has not the keys that its authentication method needs")]
    Keys(ClientId),
    /// The client has a verifier or a hash of the host, which no database can hold.
    #[error("client {0} has credentials that cannot be stored as text")]
    NoText(ClientId),
}
