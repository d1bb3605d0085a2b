//! Who the client is: credentials in, a proof out.

mod credential_error;
mod registry;
mod secret_hash;

pub use credential_error::{AssertionFault, CertificateFault, CredentialError, CredentialRefusal};
pub use registry::{ClientRegistry, RegistryError};
pub use secret_hash::{SecretHash, VerifySecret};

use std::error::Error;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;

use crate::client::{AuthenticationMethods, Client, ClientAuthenticationMethod};
use crate::policy::{ClientPolicy, PolicyError};
use crate::possession::ClientCertificate;
use crate::secret::{ClientAssertion, ClientSecret};
use crate::vocabulary::ClientId;

/// What a client showed of itself: exactly one method (RFC 6749 section 2.3).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientCredentials {
    /// HTTP Basic, decoded (RFC 6749 section 2.3.1).
    Basic(ClientId, ClientSecret),
    /// `client_id` and `client_secret` in the body.
    Post(ClientId, ClientSecret),
    /// `client_assertion` (RFC 7523 section 2.2), and the client it is said to be of.
    Assertion(ClientId, ClientAssertion),
    /// The certificate of the connection and `client_id` (RFC 8705 section 2). A public client may have a certificate too.
    Certificate(ClientId, ClientCertificate),
    /// `client_id` alone: a public client.
    Public(ClientId),
}

impl ClientCredentials {
    /// Whose credentials they are said to be.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        match self {
            Self::Basic(client_id, _)
            | Self::Post(client_id, _)
            | Self::Assertion(client_id, _)
            | Self::Certificate(client_id, _)
            | Self::Public(client_id) => client_id,
        }
    }

    /// Tells whether this is how a client of `methods` may authenticate.
    #[must_use]
    pub fn are_of(&self, methods: AuthenticationMethods) -> bool {
        use ClientAuthenticationMethod as Method;
        let kinds: &[Method] = match self {
            Self::Basic(..) => &[Method::ClientSecretBasic],
            Self::Post(..) => &[Method::ClientSecretPost],
            Self::Assertion(..) => &[Method::ClientSecretJwt, Method::PrivateKeyJwt],
            Self::Certificate(..) => &[Method::TlsClientAuth, Method::SelfSignedTlsClientAuth, Method::None],
            Self::Public(_) => &[Method::None],
        };
        kinds.iter().any(|method| methods.contains(*method))
    }

    pub(crate) const fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::Basic(_, secret) | Self::Post(_, secret) => Some(secret),
            Self::Assertion(..) | Self::Certificate(..) | Self::Public(_) => None,
        }
    }
}

/// Verifies the assertions or certificates of one client or of several: what a [`ClientRegistry`] does not do itself.
/// `regrant-jose` has implementations.
///
/// # Contract
/// * Accepted are only credentials that fit the client's registered method: the caller has compared no more than their
///   kind.
/// * An assertion is accepted once (RFC 7523 section 3).
/// * It is the same work whatever is wrong, a key that the client does not have included. A [`ClientRegistry`] asks one
///   of its clients' verifiers also where a request names an unknown client, and refuses whatever the answer is:
///   otherwise the time of the answer tells who is registered.
#[async_trait]
pub trait VerifyCredentials: Send + Sync {
    /// Finds `credentials` to be those of `client`.
    ///
    /// # Errors
    /// When they are not, and why; or when that cannot be told now.
    async fn verify(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError>;

    /// The algorithms of the assertions it accepts, for the metadata (`token_endpoint_auth_signing_alg_values_supported`);
    /// none for certificates.
    fn algorithms(&self) -> Vec<&'static str>;
}

/// Proof that a client authenticated. [`TokenService`](crate::TokenService) serves nobody without one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<Client>);

impl AuthenticatedClient {
    /// Asserts that `client` has authenticated by a registered method, or is public and was named.
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
/// * The registered methods are accepted and no other, and only while the client is enabled.
/// * An unknown client takes the same work as a wrong secret, or an assertion with a wrong signature: otherwise the
///   time of the answer tells who is registered, and for which method.
/// * An outage is [`AuthenticateError::unavailable`], never a refusal: a refusal makes clients give up.
#[async_trait]
pub trait ClientAuthenticator: Send + Sync {
    /// The client that `credentials` belong to.
    ///
    /// # Errors
    /// When they are not accepted, or when that cannot be told.
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError>;

    /// Lets `check` look at the policies of all clients it knows beforehand, when the service is built. One that looks clients
    /// up as they come knows none; theirs are checked with each request.
    ///
    /// # Errors
    /// What `check` finds first.
    fn check_policies(&self, check: &dyn Fn(&ClientPolicy) -> Result<(), PolicyError>) -> Result<(), PolicyError> {
        let _ = check;
        Ok(())
    }

    /// The methods it accepts, for the metadata (RFC 8414 section 2). Default: a secret in the header or the body, and none.
    fn methods(&self) -> Vec<ClientAuthenticationMethod> {
        ClientAuthenticationMethod::PLAIN.into()
    }

    /// The algorithms of the client assertions it accepts, for the metadata. Default none.
    fn assertion_algorithms(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

#[async_trait]
impl<T: ClientAuthenticator + ?Sized> ClientAuthenticator for Arc<T> {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        (**self).authenticate(credentials).await
    }

    fn check_policies(&self, check: &dyn Fn(&ClientPolicy) -> Result<(), PolicyError>) -> Result<(), PolicyError> {
        (**self).check_policies(check)
    }

    fn methods(&self) -> Vec<ClientAuthenticationMethod> {
        (**self).methods()
    }

    fn assertion_algorithms(&self) -> Vec<&'static str> {
        (**self).assertion_algorithms()
    }
}

/// Why a client could not be authenticated.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AuthenticateError(Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("client authentication failed: {1}")]
    Refused(Option<ClientId>, CredentialRefusal),
    #[error("client authentication is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl AuthenticateError {
    /// The credentials are not accepted. The reason is for the host: the client is told the same whatever it is.
    #[must_use]
    pub const fn refused(reason: CredentialRefusal) -> Self {
        Self(Cause::Refused(None, reason))
    }

    /// The credentials of this registered client are not accepted. The client learns no more than from
    /// [`refused`](Self::refused), but events name it. An id that is not registered belongs in no log: a client that mixes
    /// up its fields sends secrets as ids.
    #[must_use]
    pub const fn refused_known(client_id: ClientId, reason: CredentialRefusal) -> Self {
        Self(Cause::Refused(Some(client_id), reason))
    }

    /// It cannot be told now; the next attempt may succeed.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Cause::Unavailable(source.into()))
    }

    /// Whether the credentials are not accepted.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.refusal().is_some()
    }

    /// The reason for which the credentials are not accepted; `None` when that cannot be told now.
    #[must_use]
    pub const fn refusal(&self) -> Option<CredentialRefusal> {
        match &self.0 {
            Cause::Refused(_, reason) => Some(*reason),
            Cause::Unavailable(_) => None,
        }
    }

    pub(crate) const fn known_client(&self) -> Option<&ClientId> {
        match &self.0 {
            Cause::Refused(client_id, _) => client_id.as_ref(),
            Cause::Unavailable(_) => None,
        }
    }
}
