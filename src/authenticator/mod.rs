//! Who the client is: credentials in, a proof out.

mod registry;
mod secret_hash;

pub use registry::{ClientRegistry, RegistryError};
pub use secret_hash::{SecretHash, VerifySecret};

use std::error::Error;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;

use crate::client::{Client, ClientAuthenticationMethod};
use crate::policy::{Policy, PolicyError};
use crate::secret::ClientSecret;
use crate::vocabulary::ClientId;

/// What a client showed of itself: exactly one method (RFC 6749 section 2.3).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientCredentials {
    /// HTTP Basic, decoded (RFC 6749 section 2.3.1).
    Basic(ClientId, ClientSecret),
    /// `client_id` and `client_secret` in the body.
    Post(ClientId, ClientSecret),
    /// `client_id` alone: a public client.
    Public(ClientId),
}

impl ClientCredentials {
    /// Whose credentials they are said to be.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        match self {
            Self::Basic(client_id, _) | Self::Post(client_id, _) | Self::Public(client_id) => client_id,
        }
    }

    /// The method used.
    #[must_use]
    pub const fn method(&self) -> ClientAuthenticationMethod {
        match self {
            Self::Basic(..) => ClientAuthenticationMethod::ClientSecretBasic,
            Self::Post(..) => ClientAuthenticationMethod::ClientSecretPost,
            Self::Public(_) => ClientAuthenticationMethod::None,
        }
    }

    pub(crate) const fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::Basic(_, secret) | Self::Post(_, secret) => Some(secret),
            Self::Public(_) => None,
        }
    }
}

/// Proof that a client authenticated. [`TokenService`](crate::TokenService) serves nobody without one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<Client>);

impl AuthenticatedClient {
    /// Asserts that `client` has authenticated by its registered method, or is public and was named.
    ///
    /// The only way to make a proof, so every place where one originates can be found by its name. Call it in a
    /// [`ClientAuthenticator`], or in tests.
    #[must_use]
    pub const fn assertion(client: Arc<Client>) -> Self {
        Self(client)
    }
}

impl Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

/// Authenticates clients.
///
/// # Contract
/// * Exactly the registered method is accepted, and only while the client is enabled.
/// * An unknown client takes the same work as a wrong secret: otherwise the time of the answer tells who is registered.
/// * An outage is [`AuthenticateError::unavailable`], never a refusal: a refusal makes clients give up.
#[async_trait]
pub trait ClientAuthenticator: Send + Sync {
    /// The client that `credentials` belong to.
    ///
    /// # Errors
    /// When they are not accepted, or when that cannot be told.
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError>;

    /// Checks the policies of all clients it knows beforehand against the provider's, when the service is built. One that
    /// looks clients up as they come knows none; theirs are checked with each request.
    ///
    /// # Errors
    /// The first client policy that contradicts `provider`.
    fn check_policies(&self, provider: &Policy) -> Result<(), PolicyError> {
        let _ = provider;
        Ok(())
    }
}

#[async_trait]
impl<T: ClientAuthenticator + ?Sized> ClientAuthenticator for Arc<T> {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        (**self).authenticate(credentials).await
    }

    fn check_policies(&self, provider: &Policy) -> Result<(), PolicyError> {
        (**self).check_policies(provider)
    }
}

/// Why a client could not be authenticated.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AuthenticateError(Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("client authentication failed")]
    Refused(Option<ClientId>),
    #[error("client authentication is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl AuthenticateError {
    /// The credentials are not accepted, for whatever reason.
    #[must_use]
    pub const fn refused() -> Self {
        Self(Cause::Refused(None))
    }

    /// The credentials of this registered client are not accepted. The client learns no more than from
    /// [`refused`](Self::refused), but events name it. An id that is not registered belongs in no log: a client that mixes
    /// up its fields sends secrets as ids.
    #[must_use]
    pub const fn refused_known(client_id: ClientId) -> Self {
        Self(Cause::Refused(Some(client_id)))
    }

    /// It cannot be told now; the next attempt may succeed.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Cause::Unavailable(source.into()))
    }

    /// Whether the credentials are not accepted.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        matches!(self.0, Cause::Refused(_))
    }

    pub(crate) const fn known_client(&self) -> Option<&ClientId> {
        match &self.0 {
            Cause::Refused(client_id) => client_id.as_ref(),
            Cause::Unavailable(_) => None,
        }
    }
}
