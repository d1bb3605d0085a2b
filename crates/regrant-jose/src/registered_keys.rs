use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lru::LruCache;
use regrant::authenticator::{CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod, ClientKeys, TlsSubject};
use regrant::clock::Clock;
use regrant::{Client, ClientCredentials, ClientId};

use crate::algorithm::Algorithm;
use crate::certificate::{CertificateSubject, SelfSignedTlsClientAuth, TlsClientAuth};
use crate::client_assertion::ClientAssertions;
use crate::jwk::JwkSet;
use crate::key::{KeySource, ResolveKeys};

/// The number of clients whose published keys are kept.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// Makes the resolver for a `jwks_uri`.
type Resolver = dyn Fn(&str) -> Arc<dyn ResolveKeys> + Send + Sync;

/// A client with published keys, and all that its verifier depends on.
type Published = (ClientId, ClientAuthenticationMethod, Option<String>, String);

/// Verifies all clients of a directory, each with the keys of its registration: `private_key_jwt`, `tls_client_auth`
/// and `self_signed_tls_client_auth`. A client of `client_secret_jwt` is refused: no directory keeps its secret.
///
/// Keys by value are read with each request, so a change of the directory counts at once. Published keys (`jwks_uri`)
/// are cached as [`KeySource`] says, for the last 1000 clients.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::authenticator::{DirectoryAuthenticator, MemoryClients};
/// use regrant::clock::SystemClock;
/// use regrant::{Issuer, MemoryStore};
/// use regrant_jose::RegisteredKeys;
/// use regrant_jose::client_assertion::ClientAssertions;
///
/// let (clock, issuer) = (Arc::new(SystemClock), Issuer::from_static("https://as.example"));
/// let assertions = ClientAssertions::new(issuer, clock.clone(), Arc::new(MemoryStore::new()));
/// let authenticator = DirectoryAuthenticator::new(MemoryClients::new())
///     .with_verifier(RegisteredKeys::new(assertions, clock));
/// ```
pub struct RegisteredKeys {
    assertions: ClientAssertions,
    clock: Arc<dyn Clock>,
    resolver: Option<Box<Resolver>>,
    published: Mutex<LruCache<Published, Arc<dyn VerifyCredentials>>>,
}

impl RegisteredKeys {
    /// Verifies assertions as `assertions` does, and certificates at the time of `clock`.
    #[must_use]
    pub fn new(assertions: ClientAssertions, clock: Arc<dyn Clock>) -> Self {
        Self { assertions, clock, resolver: None, published: Mutex::new(LruCache::new(KEPT)) }
    }

    /// Sets how the keys at a `jwks_uri` are fetched. Default: not at all, and clients with a `jwks_uri` are refused
    /// (reason `assertion_key`).
    ///
    /// Where clients register themselves, strangers choose the address: the resolver must not reach the own network
    /// (see [`FetchClientMetadata`](regrant::authenticator::FetchClientMetadata)).
    #[must_use]
    pub fn with_resolver<F>(mut self, resolver: F) -> Self
    where
        F: Fn(&str) -> Arc<dyn ResolveKeys> + Send + Sync + 'static,
    {
        self.resolver = Some(Box::new(resolver));
        self
    }

    /// Returns the verifier of the client; `None` for a method that this type does not verify.
    fn verifier(&self, client: &Client) -> Option<Arc<dyn VerifyCredentials>> {
        let AuthenticationMethods::Only(method) = client.authentication_methods else { return None };
        let (keys, clock) = (client.keys.as_ref(), || Arc::clone(&self.clock));
        if method == ClientAuthenticationMethod::TlsClientAuth {
            // A malformed name is that of no certificate. The work is the same.
            let subject = client.tls_subject.as_ref().and_then(subject);
            let subject = subject.unwrap_or_else(|| CertificateSubject::SanDns(String::new()));
            return Some(Arc::new(TlsClientAuth::new(subject, clock())));
        }
        let Some((jwks_uri, resolver)) = keys.and_then(ClientKeys::jwks_uri).zip(self.resolver.as_ref()) else {
            let registered = keys.and_then(ClientKeys::jwks).and_then(|jwks| JwkSet::from_value(jwks).ok());
            // Without a key that can be used, the verification takes as long, and fails.
            return self.verifier_with(client, method, registered.unwrap_or_default().into());
        };
        let name = (client.id.clone(), method, client.assertion_algorithm.clone(), jwks_uri.to_owned());
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verifier) = published.get(&name) {
            return Some(Arc::clone(verifier));
        }
        let verifier = self.verifier_with(client, method, KeySource::resolved_by(resolver(jwks_uri)))?;
        published.put(name, Arc::clone(&verifier));
        Some(verifier)
    }

    fn verifier_with(
        &self,
        client: &Client,
        method: ClientAuthenticationMethod,
        keys: KeySource,
    ) -> Option<Arc<dyn VerifyCredentials>> {
        match method {
            ClientAuthenticationMethod::PrivateKeyJwt => {
                let verifier = self.assertions.private_key_jwt(keys);
                Some(match &client.assertion_algorithm {
                    Some(only) => Arc::new(verifier.with_algorithms(Algorithm::from_name(only))),
                    None => Arc::new(verifier),
                })
            }
            ClientAuthenticationMethod::SelfSignedTlsClientAuth => {
                Some(Arc::new(SelfSignedTlsClientAuth::new(keys, Arc::clone(&self.clock))))
            }
            _ => None,
        }
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
