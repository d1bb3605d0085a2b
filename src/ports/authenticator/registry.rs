use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    AuthenticateError, AuthenticatedClient, ClientAuthenticator, ClientCredentials, CredentialError, CredentialRefusal,
    SecretHash, Supported, VerifyCredentials,
};
use crate::client::{Client, ClientAuthenticationMethod};
use crate::policy::{ClientPolicy, PolicyError};
use crate::ports::Unavailable;
use crate::vocabulary::{ClientId, ClientSecret, Scope};

/// The number of secrets a client may have at once: the current one and its replacement.
const SECRETS: usize = 2;

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
/// over the same store and keys: all grants live on.
#[derive(Clone, Debug)]
pub struct ClientRegistry {
    clients: HashMap<ClientId, Registered>,
    /// Stands in for the secret of an unknown client. No preimage is known.
    decoy: SecretHash,
    /// One client of each method that needs a verifier. Its verifier does the work for unknown clients.
    decoys: Vec<Registered>,
}

#[derive(Clone, Debug)]
struct Registered {
    client: Arc<Client>,
    credential: Credential,
}

/// The registered side of a client's credentials.
#[derive(Clone)]
enum Credential {
    /// Empty for a public client.
    Secrets(Vec<SecretHash>),
    Verifier(Arc<dyn VerifyCredentials>),
}

impl ClientRegistry {
    /// A registry without clients.
    #[must_use]
    pub fn new() -> Self {
        Self { clients: HashMap::new(), decoy: SecretHash::from_sha256_digest([0; 32]), decoys: Vec::new() }
    }

    /// Sets the hash to compare with when a client has no secret. Clients with a slow hash need an equally slow decoy.
    /// Otherwise the response time reveals which client ids exist.
    #[must_use]
    pub fn with_decoy(mut self, decoy: SecretHash) -> Self {
        self.decoy = decoy;
        self
    }

    /// Registers a client with its secrets: none for a public client, one for a confidential client, two while the
    /// first one is being replaced.
    ///
    /// # Errors
    /// [`RegistryError`] when the client id is taken or the number of secrets does not fit.
    pub fn register(
        mut self,
        client: Client,
        secrets: impl IntoIterator<Item = SecretHash>,
    ) -> Result<Self, RegistryError> {
        let secrets: Vec<SecretHash> = secrets.into_iter().collect();
        if client.authentication_methods.need_verifier() {
            return Err(RegistryError::Method(client.id));
        }
        let fits = if client.is_confidential() { (1..=SECRETS).contains(&secrets.len()) } else { secrets.is_empty() };
        if !fits {
            return Err(RegistryError::SecretCount(client.id));
        }
        self.insert(client, Credential::Secrets(secrets))?;
        Ok(self)
    }

    /// Registers a client that authenticates with a JWT or a certificate, and the verifier for them.
    ///
    /// # Errors
    /// [`RegistryError`] when the client id is taken or the client authenticates in another way.
    pub fn register_with_verifier(
        mut self,
        client: Client,
        verifier: Arc<dyn VerifyCredentials>,
    ) -> Result<Self, RegistryError> {
        if !client.authentication_methods.need_verifier() {
            return Err(RegistryError::Method(client.id));
        }
        let registered = self.insert(client, Credential::Verifier(verifier))?.clone();
        let method = registered.client.authentication_methods;
        if self.decoys.iter().all(|decoy| decoy.client.authentication_methods != method) {
            self.decoys.push(registered);
        }
        Ok(self)
    }

    fn insert(&mut self, client: Client, credential: Credential) -> Result<&Registered, RegistryError> {
        match self.clients.entry(client.id.clone()) {
            Entry::Occupied(taken) => Err(RegistryError::DuplicateClient(taken.key().clone())),
            Entry::Vacant(free) => Ok(free.insert(Registered { client: Arc::new(client), credential })),
        }
    }

    /// Returns the client with this id, for an authorization endpoint that looks up redirect URIs. The result is no
    /// proof of authentication.
    #[must_use]
    pub fn client(&self, client_id: &ClientId) -> Option<Arc<Client>> {
        self.clients.get(client_id).map(|registered| Arc::clone(&registered.client))
    }

    /// Returns true if `presented` is one of `secrets`. The number of comparisons is always the same, so that an
    /// unknown client and a wrong secret cost the same time.
    async fn is_one_of(&self, presented: &ClientSecret, secrets: &[SecretHash]) -> bool {
        let mut is_known = false;
        for slot in 0..SECRETS {
            let secret = secrets.get(slot);
            let is_equal = secret.unwrap_or(&self.decoy).verify(presented).await;
            is_known |= is_equal & secret.is_some();
        }
        is_known
    }

    /// Verifies the credentials against those of the registered client, if there is one. The work is the same for
    /// known and unknown clients: two comparisons of a secret, or one verification of an assertion or a certificate.
    /// Otherwise the response time would reveal which clients are registered, and with which method.
    async fn verify(&self, own: Option<&Registered>, credentials: &ClientCredentials) -> Result<(), CredentialError> {
        let fitting = own.filter(|own| credentials.are_of(own.client.authentication_methods));
        if let Some(presented) = credentials.secret() {
            let secrets = match own.map(|own| &own.credential) {
                Some(Credential::Secrets(secrets)) => secrets.as_slice(),
                _ => &[],
            };
            let is_right = self.is_one_of(presented, secrets).await;
            fitting.ok_or(CredentialRefusal::MethodNotRegistered)?;
            return if is_right { Ok(()) } else { Err(CredentialRefusal::WrongSecret.into()) };
        }
        let verifying = fitting
            .or_else(|| self.decoys.iter().find(|decoy| credentials.are_of(decoy.client.authentication_methods)));
        let verdict = match verifying {
            Some(Registered { client, credential: Credential::Verifier(verifier) }) => {
                verifier.verify(client, credentials).await
            }
            _ => Ok(()),
        };
        // The verdict on a decoy is discarded here.
        fitting.ok_or(CredentialRefusal::MethodNotRegistered)?;
        verdict
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl Default for ClientRegistry {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ClientAuthenticator for ClientRegistry {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        let registered = self.clients.get(credentials.client_id());
        let verdict = self.verify(registered, credentials).await;
        let Some(Registered { client, .. }) = registered else {
            return Err(AuthenticateError::refused(CredentialRefusal::UnknownClient));
        };
        match verdict {
            Ok(()) => Ok(AuthenticatedClient::assertion(Arc::clone(client))),
            Err(CredentialError::Refused(reason)) => Err(AuthenticateError::refused_known(client.id.clone(), reason)),
            Err(CredentialError::Unavailable(source)) => Err(AuthenticateError::unavailable(source)),
        }
    }

    async fn find_client(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, Unavailable> {
        Ok(self.client(client_id))
    }

    fn check_policies(&self, check: &dyn Fn(&ClientPolicy) -> Result<(), PolicyError>) -> Result<(), PolicyError> {
        self.clients.values().try_for_each(|registered| check(&registered.client.policy))
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        let registered = |method| self.clients.values().any(|own| own.client.authentication_methods.contains(method));
        let is_plain = |method| ClientAuthenticationMethod::PLAIN.contains(&method);
        let methods = ClientAuthenticationMethod::ALL.into_iter();
        let algorithms = self.clients.values().filter_map(|registered| match &registered.credential {
            Credential::Verifier(verifier) => Some(verifier.algorithms()),
            Credential::Secrets(_) => None,
        });
        let scopes: BTreeSet<&str> = self.clients.values().flat_map(|own| own.client.scope.iter()).collect();
        let details = self.clients.values().flat_map(|own| &own.client.authorization_details_types);
        Ok(Supported::default()
            .with_methods(methods.filter(|method| is_plain(*method) || registered(*method)))
            .with_assertion_algorithms(algorithms.flatten().collect::<BTreeSet<_>>())
            .with_scope(Scope::of(scopes))
            .with_authorization_details_types(details.collect::<BTreeSet<_>>())
            .with_binding_to_certificates(self.clients.values().any(|own| own.client.policy.binds_to_certificate())))
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
    /// A confidential client needs one or two secrets, a public client none.
    #[error("client {0} needs one or two secrets if it is confidential, and none if it is public")]
    SecretCount(ClientId),
}
