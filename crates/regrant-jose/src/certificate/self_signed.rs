use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::authenticator::{CertificateFault, CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::Clock;
use regrant::grant::Confirmation;
use regrant::{Client, ClientCredentials};

use super::valid_certificate;
use crate::assertion::KeySource;
use crate::jwk::JwkSet;

/// Authenticates a client of `self_signed_tls_client_auth`: by a certificate that is registered with it, whoever issued it
/// (RFC 8705 section 2.2). The TLS stack must let such certificates through, and still verify possession of their key.
///
/// Registered are the certificates in its key set (`x5c`, `x5t#S256`), which may be published, or their SHA-256 thumbprints.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{Client, ClientId, ClientRegistry};
/// use regrant::client::ClientAuthenticationMethod;
/// use regrant::clock::SystemClock;
/// use regrant_jose::{JwkSet, SelfSignedTlsClientAuth};
///
/// # fn example(jwks: &serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(ClientId::new("payments")?)
///     .with_authentication_methods(ClientAuthenticationMethod::SelfSignedTlsClientAuth);
/// let verifier = SelfSignedTlsClientAuth::new(JwkSet::from_value(jwks)?, Arc::new(SystemClock));
/// let clients = ClientRegistry::new().with_verifier(client, Arc::new(verifier))?;
/// # Ok(())
/// # }
/// ```
pub struct SelfSignedTlsClientAuth {
    thumbprints: Vec<[u8; 32]>,
    keys: KeySource,
    clock: Arc<dyn Clock>,
}

impl SelfSignedTlsClientAuth {
    /// Accepts the certificates of `keys`, within their validity by `clock`.
    #[must_use]
    pub fn new(keys: impl Into<KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { thumbprints: Vec::new(), keys: keys.into(), clock }
    }

    /// Accepts the certificates with these SHA-256 thumbprints of their DER, too.
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
