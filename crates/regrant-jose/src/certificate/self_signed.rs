use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::authenticator::{CertificateFault, CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::Clock;
use regrant::grant::Confirmation;
use regrant::{Client, ClientCredentials};

use super::valid_certificate;
use crate::jwk::JwkSet;
use crate::key::KeySource;

/// Authenticates a `self_signed_tls_client_auth` client by a certificate registered for it, with any issuer (RFC 8705
/// section 2.2). The TLS stack must accept such certificates, and still verify possession of the key.
///
/// The registered certificates are those in the client's key set (`x5c`, `x5t#S256`), registered or published, and
/// those given by SHA-256 thumbprint.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{Client, ClientId, ClientRegistry};
/// use regrant::client::ClientAuthenticationMethod;
/// use regrant::clock::SystemClock;
/// use regrant_jose::certificate::SelfSignedTlsClientAuth;
/// use regrant_jose::JwkSet;
///
/// # fn example(jwks: &serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(ClientId::new("payments")?)
///     .with_authentication_methods(ClientAuthenticationMethod::SelfSignedTlsClientAuth);
/// let verifier = SelfSignedTlsClientAuth::new(JwkSet::from_value(jwks)?, Arc::new(SystemClock));
/// let clients = ClientRegistry::new().register_with_verifier(client, Arc::new(verifier))?;
/// # Ok(())
/// # }
/// ```
pub struct SelfSignedTlsClientAuth {
    thumbprints: Vec<[u8; 32]>,
    keys: KeySource,
    clock: Arc<dyn Clock>,
}

impl SelfSignedTlsClientAuth {
    /// Accepts the certificates of `keys` within their validity.
    #[must_use]
    pub fn new(keys: impl Into<KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { thumbprints: Vec::new(), keys: keys.into(), clock }
    }

    /// Also accepts certificates with these SHA-256 thumbprints of the DER encoding.
    #[must_use]
    pub fn with_thumbprints(mut self, thumbprints: impl IntoIterator<Item = [u8; 32]>) -> Self {
        self.thumbprints.extend(thumbprints);
        self
    }
}

#[async_trait]
impl VerifyCredentials for SelfSignedTlsClientAuth {
    async fn verify(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError> {
        let is_registered = client.authentication_methods.contains(ClientAuthenticationMethod::SelfSignedTlsClientAuth);
        let (ClientCredentials::Certificate(_, certificate), true) = (credentials, is_registered) else {
            return Err(CredentialRefusal::MethodNotRegistered.into());
        };
        let Confirmation::Certificate(thumbprint) = certificate.confirmation() else {
            return Err(CertificateFault::Malformed.into());
        };
        let now = self.clock.now();
        valid_certificate(certificate, now)?;
        if self.thumbprints.contains(&thumbprint) {
            return Ok(());
        }
        let find = |keys: &JwkSet| {
            keys.certificates().contains(&thumbprint).then_some(()).ok_or(CertificateFault::Unregistered)
        };
        Ok(self.keys.find(now, find).await.map_err(CredentialError::unavailable)??)
    }

    fn algorithms(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl fmt::Debug for SelfSignedTlsClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSignedTlsClientAuth").field("keys", &self.keys).finish_non_exhaustive()
    }
}
