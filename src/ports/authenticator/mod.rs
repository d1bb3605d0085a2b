//! Client authentication: credentials become an [`AuthenticatedClient`].
//!
//! | clients | use |
//! |---|---|
//! | known at start-up | [`ClientRegistry`](crate::ClientRegistry) |
//! | in SQLite or PostgreSQL | [`DirectoryAuthenticator`] over `SqliteClients` or `PostgresClients` |
//! | in another directory | [`DirectoryAuthenticator`] over a [`ClientDirectory`], see `custom_authenticator.rs` |
//! | that register themselves | [`ClientRegistration`](crate::wire::ClientRegistration) over a [`ClientStore`] |
//! | that publish their metadata | [`MetadataDocuments`] |
//! | with a JWT or a certificate | a [`VerifyCredentials`] of `regrant-jose`, in the registry or for the directory |
//! | with a chosen password | `SecretHash::argon2` (feature `argon2`), or [`SecretHash::custom`] |
//!
//! Failed authentication has one answer, `invalid_client` (RFC 6749 section 5.2), for every reason. The reason is in
//! the event. A limit on guesses is the part of the host: count `refused` events, or requests.

#[cfg(feature = "argon2")]
mod argon2;
mod credential_error;
pub(crate) mod credentials;
mod directory;
mod error;
mod memory_clients;
mod metadata_documents;
mod rate;
mod registered_client;
pub(crate) mod registry;
mod request_object;
pub(crate) mod secret_hash;
mod supported;
mod verification;

pub use crate::vocabulary::ClientAssertion;
pub use credential_error::{AssertionFault, CertificateFault, CredentialError, CredentialRefusal};
pub(crate) use credentials::{AuthenticatedClient, ClientCredentials};
pub use directory::{ClientDirectory, ClientStore, DirectoryAuthenticator};
pub use error::AuthenticateError;
pub use memory_clients::MemoryClients;
pub use metadata_documents::{FetchClientMetadata, MetadataDocuments};
pub(crate) use rate::{Rate, RateExceeded};
pub use registered_client::{RegisteredClient, StoredClient};
pub use registry::RegistryError;
pub use request_object::VerifyRequestObject;
pub(crate) use secret_hash::SecretHash;
pub use secret_hash::VerifySecret;
pub use supported::Supported;

use std::sync::Arc;

use async_trait::async_trait;

use crate::client::Client;
use crate::policy::{ClientPolicy, PolicyError};
use crate::ports::Unavailable;
use crate::vocabulary::{ClientId, forward_to_arc};

/// Verifies the assertions or certificates of one or several clients, for a
/// [`ClientRegistry`](crate::ClientRegistry). The crate `regrant-jose` has implementations.
///
/// # Contract
/// * **The credentials fit the registered method of the client.** The caller has compared the kind of credentials only:
///   a client of `private_key_jwt` must not pass with an assertion under HMAC.
/// * **An assertion is accepted once** (RFC 7523 section 3). A copy from a log would authenticate otherwise.
/// * **The audience is this server** (RFC 7523 section 3). Otherwise another server that received the assertion sends
///   it here.
/// * **The work is the same for every fault**, including a key that the client does not have. For an unknown client the
///   registry asks the verifier of some other client and refuses in any case. Otherwise the response time reveals
///   which clients are registered.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::authenticator::{CertificateFault, CredentialError, VerifyCredentials};
/// use regrant::{Client, ClientCredentials};
///
/// /// Certificates in DER that are pinned for one client.
/// struct Pinned(Vec<Vec<u8>>);
///
/// #[async_trait]
/// impl VerifyCredentials for Pinned {
///     async fn verify(&self, _: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError> {
///         match credentials {
///             ClientCredentials::Certificate(_, shown) if self.0.iter().any(|der| der == shown.as_der()) => Ok(()),
///             _ => Err(CertificateFault::Unregistered.into()),
///         }
///     }
///     # fn algorithms(&self) -> Vec<&'static str> { Vec::new() }
/// }
/// ```
#[async_trait]
pub trait VerifyCredentials: Send + Sync {
    /// Verifies that `credentials` are those of `client`.
    ///
    /// # Errors
    /// [`CredentialError`] with the reason when they are not, or when they cannot be verified now.
    async fn verify(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError>;

    /// Returns the accepted algorithms of assertions, for the metadata
    /// (`token_endpoint_auth_signing_alg_values_supported`). Empty for certificates.
    fn algorithms(&self) -> Vec<&'static str>;
}

/// Authenticates clients.
///
/// # Contract
/// * Only the registered methods of a client are accepted, and only while the client is enabled. A weaker method than
///   the registered one is a downgrade.
/// * An unknown client costs the same work as a wrong secret or an assertion with a wrong signature. Otherwise the
///   response time reveals which clients are registered, and with which method.
/// * An outage is [`AuthenticateError::unavailable`], never a refusal: clients give up after a refusal.
/// * A client that was deleted and registered again has another
///   [`registration`](crate::Client::registration). Otherwise the new owner of the id inherits the grants of the old
///   one.
#[async_trait]
pub trait ClientAuthenticator: Send + Sync {
    /// Returns the client that `credentials` belong to.
    ///
    /// # Errors
    /// [`AuthenticateError`] when the credentials are not accepted, or cannot be verified now.
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError>;

    /// Returns the client with this id, for requests that come without its credentials: an authorization request
    /// ([`Endpoints::ask`](crate::wire::Endpoints::ask)), userinfo, whose answer the client may want signed, and
    /// logout, which redirects to a registered URI. The result is no proof of authentication.
    ///
    /// Default: no client is known. Every authorization request is then refused, userinfo is never signed, and a logout
    /// does not redirect.
    ///
    /// # Errors
    /// [`Unavailable`] when the client cannot be looked up now. The answer is 503.
    async fn find_client(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, Unavailable> {
        let _ = client_id;
        Ok(None)
    }

    /// Passes the policies of all clients known in advance to `check`, when the service is built. Default: none are
    /// known. The policies of clients that are looked up later are checked with each request.
    ///
    /// # Errors
    /// The first error of `check`.
    fn check_policies(&self, check: &dyn Fn(&ClientPolicy) -> Result<(), PolicyError>) -> Result<(), PolicyError> {
        let _ = check;
        Ok(())
    }

    /// Returns the features that the registered clients use now, for the metadata (RFC 8414 section 2). Asked with each
    /// request for a metadata document, so a change of the directory needs no restart. Default: [`Supported::default`].
    ///
    /// # Errors
    /// [`Unavailable`] when the directory cannot be read now. The document is answered 503.
    async fn supported(&self) -> Result<Supported, Unavailable> {
        Ok(Supported::default())
    }
}

forward_to_arc! {
    ClientAuthenticator {
        async fn authenticate(
            &self,
            credentials: &ClientCredentials
        ) -> Result<AuthenticatedClient, AuthenticateError>;
        async fn supported(&self) -> Result<Supported, Unavailable>;
        async fn find_client(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, Unavailable>;
        fn check_policies(&self, check: &dyn Fn(&ClientPolicy) -> Result<(), PolicyError>) -> Result<(), PolicyError>;
    }
}
