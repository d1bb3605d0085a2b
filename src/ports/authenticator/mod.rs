//! Who the client is: credentials in, a proof out.

mod credential_error;
pub(crate) mod credentials;
mod error;
pub(crate) mod registry;
pub(crate) mod secret_hash;

pub use crate::vocabulary::ClientAssertion;
pub use credential_error::{AssertionFault, CertificateFault, CredentialError, CredentialRefusal};
pub(crate) use credentials::{AuthenticatedClient, ClientCredentials};
pub use error::AuthenticateError;
pub use registry::RegistryError;
pub(crate) use secret_hash::SecretHash;
pub use secret_hash::VerifySecret;

use std::sync::Arc;

use async_trait::async_trait;

use crate::client::{Client, ClientAuthenticationMethod};
use crate::policy::{ClientPolicy, PolicyError};

/// Verifies the assertions or certificates of one client or of several: what a [`ClientRegistry`](crate::ClientRegistry) does not do itself.
/// `regrant-jose` has implementations.
///
/// # Contract
/// * Accepted are only credentials that fit the client's registered method: the caller has compared no more than their
///   kind.
/// * An assertion is accepted once (RFC 7523 section 3).
/// * It is the same work whatever is wrong, a key that the client does not have included. A [`ClientRegistry`](crate::ClientRegistry) asks one
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
