use std::ops::Deref;
use std::sync::Arc;

use crate::client::{AuthenticationMethods, Client, ClientAuthenticationMethod};
use crate::vocabulary::{ClientAssertion, ClientCertificate, ClientId, ClientSecret};

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

/// Proof that a client authenticated. [`TokenService`](crate::TokenService) serves nobody without one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<Client>);

impl AuthenticatedClient {
    /// Asserts that `client` has authenticated by a registered method, or is public and was named.
    ///
    /// The only way to make a proof, so every place where one originates can be found by its name. Call it in a
    /// [`ClientAuthenticator`](super::ClientAuthenticator), or in tests.
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
