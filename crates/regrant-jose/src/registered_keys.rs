use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lru::LruCache;
use regrant::authenticator::{CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod, ClientKeys, TlsSubject};
use regrant::clock::Clock;
use regrant::host::Unavailable;
use regrant::{Client, ClientCredentials, ClientId};

use crate::algorithm::Algorithm;
use crate::certificate::{CertificateSubject, SelfSignedTlsClientAuth, TlsClientAuth};
use crate::client_assertion::ClientAssertions;
use crate::jwk::JwkSet;
use crate::key::{KeySource, ResolveKeys};
use crate::request_object::FindClientKeys;

/// The number of clients whose published keys are kept.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// Makes the resolver for a `jwks_uri`.
type Resolver = dyn Fn(&str) -> Arc<dyn ResolveKeys> + Send + Sync;

/// Verifies all clients of a directory, each with the keys of its registration: `private_key_jwt`, `tls_client_auth`
/// and `self_signed_tls_client_auth`. A client of `client_secret_jwt` is refused: no directory keeps its secret.
///
/// Keys by value are read with each request, so a change of the directory counts at once. Published keys (`jwks_uri`)
/// are cached as [`KeySource`] says, for the last 1000 clients. Clones share them: one verifies assertions, another
/// finds the keys for [`RequestObjects`](crate::request_object::RequestObjects).
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::authenticator::{DirectoryAuthenticator, MemoryClients};
/// use regrant::clock::SystemClock;
/// use regrant::{Issuer, MemoryStore};
/// use regrant_jose::RegisteredKeys;
/// use regrant_jose::client_assertion::ClientAssertions;
/// use regrant_jose::request_object::RequestObjects;
///
/// let (clock, issuer) = (Arc::new(SystemClock), Issuer::from_static("https://as.example"));
/// let assertions = ClientAssertions::new(issuer.clone(), clock.clone(), Arc::new(MemoryStore::new()));
/// let keys = RegisteredKeys::new(assertions, clock.clone());
/// let authenticator = DirectoryAuthenticator::new(MemoryClients::new()).with_verifier(keys.clone());
/// let request_objects = RequestObjects::new(issuer, clock, keys);
/// ```
#[derive(Clone)]
pub struct RegisteredKeys {
    assertions: ClientAssertions,
    clock: Arc<dyn Clock>,
    resolver: Option<Arc<Resolver>>,
    published: Arc<Mutex<LruCache<(ClientId, String), KeySource>>>,
}

impl RegisteredKeys {
    /// Verifies assertions as `assertions` does, and certificates at the time of `clock`.
    #[must_use]
    pub fn new(assertions: ClientAssertions, clock: Arc<dyn Clock>) -> Self {
        Self { assertions, clock, resolver: None, published: Arc::new(Mutex::new(LruCache::new(KEPT))) }
    }

    /// Sets how the keys at a `jwks_uri` are fetched. Default: not at all, and clients with a `jwks_uri` are refused
    /// (reason `assertion_key`).
    ///
    /// Where clients register themselves, strangers choose the address: the resolver must not reach the own network
    /// (see [`FetchClientMetadata`](regrant::authenticator::FetchClientMetadata)). The feature `http` has one:
    /// `with_http`.
    #[must_use]
    pub fn with_resolver<F>(mut self, resolver: F) -> Self
    where
        F: Fn(&str) -> Arc<dyn ResolveKeys> + Send + Sync + 'static,
    {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Returns the verifier of the client; `None` for a method that this type does not verify.
    fn verifier(&self, client: &Client) -> Option<Box<dyn VerifyCredentials>> {
        let AuthenticationMethods::Only(method) = client.authentication_methods else { return None };
        let clock = Arc::clone(&self.clock);
        match method {
            ClientAuthenticationMethod::PrivateKeyJwt => {
                let verifier = self.assertions.private_key_jwt(self.keys(client));
                Some(match &client.assertion_algorithm {
                    Some(only) => Box::new(verifier.with_algorithms(Algorithm::from_name(only))),
                    None => Box::new(verifier),
                })
            }
            ClientAuthenticationMethod::SelfSignedTlsClientAuth => {
                Some(Box::new(SelfSignedTlsClientAuth::new(self.keys(client), clock)))
            }
            ClientAuthenticationMethod::TlsClientAuth => {
                // A malformed name is that of no certificate. The work is the same.
                let subject = client.tls_subject.as_ref().and_then(subject);
                let subject = subject.unwrap_or_else(|| CertificateSubject::SanDns(String::new()));
                Some(Box::new(TlsClientAuth::new(subject, clock)))
            }
            _ => None,
        }
    }

    /// Without a key that can be used, the verification takes as long, and fails.
    fn keys(&self, client: &Client) -> KeySource {
        let keys = client.keys.as_ref();
        let Some((jwks_uri, resolver)) = keys.and_then(ClientKeys::jwks_uri).zip(self.resolver.as_ref()) else {
            let registered = keys.and_then(ClientKeys::jwks).and_then(|jwks| JwkSet::from_value(jwks).ok());
            return registered.unwrap_or_default().into();
        };
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (client.id.clone(), jwks_uri.to_owned());
        published.get_or_insert(name, || KeySource::resolved_by(resolver(jwks_uri))).clone()
    }
}

#[async_trait]
impl VerifyCredentials for RegisteredKeys {
    async fn verify(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError> {
        match self.verifier(client) {
            Some(verifier) => verifier.verify(client, credentials).await,
            None => Err(CredentialRefusal::MethodNotRegistered.into()),
        }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        self.assertions.private_key_jwt(JwkSet::default()).algorithms()
    }
}

#[async_trait]
impl FindClientKeys for RegisteredKeys {
    async fn keys_of(&self, client: &Client) -> Result<Option<KeySource>, Unavailable> {
        Ok(client.keys.is_some().then(|| self.keys(client)))
    }
}

/// Returns the parsed subject; `None` for a name that is malformed, which no certificate has.
fn subject(registered: &TlsSubject) -> Option<CertificateSubject> {
    Some(match registered {
        TlsSubject::Dn(name) => CertificateSubject::Dn(name.parse().ok()?),
        TlsSubject::SanDns(name) => CertificateSubject::SanDns(name.clone()),
        TlsSubject::SanUri(uri) => CertificateSubject::SanUri(uri.clone()),
        TlsSubject::SanIp(address) => CertificateSubject::SanIp(*address),
        TlsSubject::SanEmail(address) => CertificateSubject::SanEmail(address.clone()),
        _ => return None,
    })
}

impl fmt::Debug for RegisteredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredKeys").field("assertions", &self.assertions).finish_non_exhaustive()
    }
}
