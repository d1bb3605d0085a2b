use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::{RegistryError, SecretHash, VerifyCredentials};
use crate::client::{AuthenticationMethods, Client, ClientAuthenticationMethod, Registration};

/// The number of secrets that a client may have at once: the current one and its replacement.
pub(super) const SECRETS: usize = 2;

/// A client with its credentials, as a [directory](super::ClientDirectory) keeps it.
///
/// ```
/// use regrant::authenticator::RegisteredClient;
/// use regrant::{Client, ClientId, ClientSecret, SecretHash};
///
/// let secret = ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW");
/// let app = RegisteredClient::new(Client::new(ClientId::from_static("app")), [SecretHash::sha256(&secret)])?;
/// let next = ClientSecret::new("Qx81LwPz-5nVbRt_0KdYgE");
/// let renewing = app.with_next_secret(SecretHash::sha256(&next))?; // both are accepted
/// assert_eq!(renewing.secrets().len(), 2);
/// # Ok::<(), regrant::authenticator::RegistryError>(())
/// ```
#[derive(Clone)]
pub struct RegisteredClient {
    pub(super) client: Arc<Client>,
    pub(super) secrets: Vec<SecretHash>,
    /// The client's own verifier. Without one, that of the authenticator verifies.
    pub(super) verifier: Option<Arc<dyn VerifyCredentials>>,
}

impl RegisteredClient {
    /// A client with its secrets: one or two hashes for a method with a secret, none for the others. A client of
    /// `private_key_jwt` or with a certificate has what its method needs in its metadata
    /// ([`Client::keys`], [`Client::tls_subject`]).
    ///
    /// # Errors
    /// [`RegistryError`] when the number of secrets or the keys do not fit the method of the client.
    pub fn new(
        client: impl Into<Arc<Client>>,
        secrets: impl IntoIterator<Item = SecretHash>,
    ) -> Result<Self, RegistryError> {
        let registered = Self { client: client.into(), secrets: secrets.into_iter().collect(), verifier: None };
        let Self { client, secrets, .. } = &registered;
        let has_secrets = matches!(
            client.authentication_methods,
            AuthenticationMethods::Secret
                | AuthenticationMethods::Only(
                    ClientAuthenticationMethod::ClientSecretBasic | ClientAuthenticationMethod::ClientSecretPost
                )
        );
        let fits = if has_secrets { (1..=SECRETS).contains(&secrets.len()) } else { secrets.is_empty() };
        if !fits {
            return Err(RegistryError::SecretCount(client.id.clone()));
        }
        let has_keys = match client.authentication_methods {
            AuthenticationMethods::Only(
                ClientAuthenticationMethod::PrivateKeyJwt | ClientAuthenticationMethod::SelfSignedTlsClientAuth,
            ) => client.keys.is_some(),
            AuthenticationMethods::Only(ClientAuthenticationMethod::TlsClientAuth) => client.tls_subject.is_some(),
            // A MAC needs the secret itself, which no directory keeps.
            AuthenticationMethods::Only(ClientAuthenticationMethod::ClientSecretJwt) => false,
            _ => true,
        };
        if has_keys { Ok(registered) } else { Err(RegistryError::Keys(registered.client.id.clone())) }
    }

    /// A client that authenticates with a JWT or a certificate, and its own verifier. It cannot be stored in a
    /// database.
    ///
    /// # Errors
    /// [`RegistryError::Method`] when the client authenticates in another way.
    pub fn with_verifier(
        client: impl Into<Arc<Client>>,
        verifier: Arc<dyn VerifyCredentials>,
    ) -> Result<Self, RegistryError> {
        let client = client.into();
        if !client.authentication_methods.need_verifier() {
            return Err(RegistryError::Method(client.id.clone()));
        }
        Ok(Self { client, secrets: Vec::new(), verifier: Some(verifier) })
    }

    /// Adds a secret, as the first step of a rotation. The one before stays valid; an older one does not. The second
    /// step is to register the client with the new secret alone, once every instance of the client has it.
    ///
    /// # Errors
    /// [`RegistryError::SecretCount`] when the client does not authenticate with a secret.
    pub fn with_next_secret(&self, next: SecretHash) -> Result<Self, RegistryError> {
        let current = self.secrets.first().cloned();
        Self::new(Arc::clone(&self.client), [next].into_iter().chain(current))
    }

    /// Returns the same registration under another number. A directory sets it when it stores the client.
    #[must_use]
    pub fn with_registration(mut self, registration: Registration) -> Self {
        if self.client.registration != registration {
            Arc::make_mut(&mut self.client).registration = registration;
        }
        self
    }

    /// Returns the metadata.
    #[must_use]
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Returns the hashes of the secrets, the newest first.
    #[must_use]
    pub fn secrets(&self) -> &[SecretHash] {
        &self.secrets
    }

    /// Returns the form for a row of a database.
    ///
    /// # Errors
    /// [`RegistryError::NoText`] for a client with a verifier or a [hash](SecretHash::custom) of the host: they are
    /// code.
    pub fn to_stored(&self) -> Result<StoredClient, RegistryError> {
        let no_text = || RegistryError::NoText(self.client.id.clone());
        if self.verifier.is_some() {
            return Err(no_text());
        }
        let secrets: Vec<String> =
            self.secrets.iter().map(SecretHash::expose).collect::<Option<_>>().ok_or_else(no_text)?;
        let json = |text: serde_json::Result<String>| text.map_err(|_| no_text());
        Ok(StoredClient {
            metadata: json(serde_json::to_string(&*self.client))?,
            secrets: json(serde_json::to_string(&secrets))?,
            features: json(serde_json::to_string(&super::Supported::of(&self.client)))?,
        })
    }

    /// Reads a row of a database. The number of the row takes precedence over that in the metadata.
    ///
    /// # Errors
    /// When a text was not written by [`to_stored`](Self::to_stored), or by a build with other features. The error has
    /// no secret.
    pub fn from_stored(
        registration: Registration,
        metadata: &str,
        secrets: &str,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let client: Client = serde_json::from_str(metadata)?;
        let secrets: Vec<String> = serde_json::from_str(secrets).map_err(|_| "the secrets are not a list of texts")?;
        let secrets: Vec<SecretHash> = secrets.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        Ok(Self::new(client.with_registration(registration), secrets)?)
    }
}

impl fmt::Debug for RegisteredClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredClient")
            .field("client", &self.client)
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

/// The columns of a [`RegisteredClient`] in a database. `Debug` does not show the secrets.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "directories take it apart")]
pub struct StoredClient {
    /// The metadata: the serde form of [`Client`], as JSON.
    pub metadata: String,
    /// The hashes of the secrets: an array of texts, as JSON.
    pub secrets: String,
    /// The part of the client in [`Supported`](super::Supported), as JSON. Clients with the same features have equal
    /// texts, so a directory joins the few distinct ones instead of all clients.
    pub features: String,
}

impl fmt::Debug for StoredClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredClient").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}
