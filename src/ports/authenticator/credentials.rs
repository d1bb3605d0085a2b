use std::ops::Deref;
use std::sync::Arc;

use crate::client::{AuthenticationMethods, Client, ClientAuthenticationMethod};
use crate::vocabulary::{ClientAssertion, ClientCertificate, ClientId, ClientSecret};

/// Client credentials of one request: exactly one method (RFC 6749 section 2.3). They are claims until a
/// [`ClientAuthenticator`](super::ClientAuthenticator) has verified them. `Debug` shows no secret.
///
/// ```
/// use regrant::{ClientCredentials, ClientId, ClientSecret};
///
/// let credentials = ClientCredentials::Basic(ClientId::from_static("app"), ClientSecret::new("guess"));
/// assert_eq!(credentials.client_id().as_str(), "app");
/// assert!(!format!("{credentials:?}").contains("guess"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientCredentials {
    /// HTTP Basic, decoded (RFC 6749 section 2.3.1).
    Basic(ClientId, ClientSecret),
    /// `client_id` and `client_secret` in the body.
    Post(ClientId, ClientSecret),
    /// `client_assertion` (RFC 7523 section 2.2), and the client that it claims to come from.
    Assertion(ClientId, ClientAssertion),
    /// The certificate of the connection and `client_id` (RFC 8705 section 2). A public client may have a certificate
    /// too.
    Certificate(ClientId, ClientCertificate),
    /// `client_id` only: a public client.
    Public(ClientId),
}

impl ClientCredentials {
    /// Returns the client that the credentials claim to come from. Nothing is verified yet.
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

    /// Returns true if a client of these `methods` may authenticate in this way.
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

/// Proof that a client authenticated. [`TokenService`](crate::TokenService) requires one for every request of a client.
///
/// ```
/// use regrant::{AuthenticatedClient, Client, ClientId};
///
/// let client = Client::new(ClientId::from_static("app"));
/// let authenticated = AuthenticatedClient::assertion(client.into());
/// ```
///
/// The field is private, so the proof cannot be made in passing:
///
/// ```compile_fail,E0423
/// use regrant::{AuthenticatedClient, Client, ClientId};
///
/// let client = Client::new(ClientId::from_static("app"));
/// let authenticated = AuthenticatedClient(client.into());
/// ```
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<Client>);

impl AuthenticatedClient {
    /// Asserts that `client` has authenticated by a registered method, or is public and was named.
    ///
    /// There is no other constructor, so a search for this name finds every place that vouches for a client. Call it
    /// in a [`ClientAuthenticator`](super::ClientAuthenticator), or in tests.
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
