//! An authorization server in this process, and the network between it and a resource server.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use regrant::authenticator::ClientAuthenticator as _;
use regrant::client::IntrospectionAccess;
use regrant::clock::ManualClock;
use regrant::grant::{Actor, Confirmation};
use regrant::policy::AccessTokenFormat;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    AccessToken, Approval, AuthenticatedClient, Client, ClientCredentials, ClientRegistry, ClientSecret, GrantType,
    IssueRequest, Issuer, KeyRing, MemoryStore, Policy, SecretHash, Subject, SystemEntropy, TokenResponse,
    TokenService,
};
use regrant_jose::key::{PublishedKeys, ResolveKeys};
use regrant_jose::resource_server::{Introspect, IntrospectionResponse, InvalidToken, VerifyError};
use regrant_jose::{Algorithm, JwkSet, JwtTokens, KeySet};
use tokio::sync::Semaphore;

use crate::support::{self, ISSUER, client_id, key};

pub(crate) const RESOURCE: &str = "https://api.example";
const LIFETIME: Duration = Duration::from_secs(3600);

/// `api:s3cret`
const BASIC: &[u8] = b"Basic YXBpOnMzY3JldA==";

/// The authorization server.
pub(crate) struct IssuingServer {
    pub(crate) clock: ManualClock,
    pub(crate) keys: KeySet,
    pub(crate) endpoints: Arc<Endpoints<MemoryStore>>,
    pub(crate) app: AuthenticatedClient,
}

impl IssuingServer {
    pub(crate) async fn new(format: AccessTokenFormat) -> Self {
        Self::of(format, Algorithm::EdDsa).await
    }

    pub(crate) async fn of(format: AccessTokenFormat, algorithm: Algorithm) -> Self {
        let clock = support::clock();
        let keys = KeySet::new(key(algorithm), LIFETIME).expect("a key set");
        let service = TokenService::builder(MemoryStore::new(), clients(), KeyRing::generate(&SystemEntropy))
            .clock(clock.clone())
            .policy(Policy::default().with_access_token_format(format))
            .jwt_issuer(JwtTokens::new(Issuer::from_static(ISSUER), keys.clone()))
            .build()
            .expect("a service");
        let secret = ClientSecret::new("s3cret");
        let app =
            clients().authenticate(&ClientCredentials::Basic(client_id("app"), secret)).await.expect("the client");
        Self { clock, keys, endpoints: Arc::new(Endpoints::new(service, Issuer::from_static(ISSUER)).unwrap()), app }
    }

    /// Tokens for `demo` with an access token bound to this key.
    pub(crate) async fn tokens(&self, bound: Option<Confirmation>) -> TokenResponse {
        let approval = Approval::of(Subject::new("demo").expect("a subject"))
            .with_scope("openid read write".parse().expect("a scope"))
            .with_resources([RESOURCE.parse().expect("a resource")].into_iter().collect())
            .with_actor(Some(Actor::new(Subject::new("clerk").expect("a subject"), None)));
        let request = IssueRequest::new(GrantType::Password, approval).with_presented_keys(bound);
        self.endpoints.service().issue(&self.app, request).await.expect("tokens")
    }

    pub(crate) async fn token(&self) -> AccessToken {
        self.tokens(None).await.access_token
    }

    pub(crate) async fn revoke(&self, token: &AccessToken) {
        self.endpoints.service().revoke(&self.app, token.expose()).await.expect("revoked");
    }

    pub(crate) fn advance(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }

    /// The network to the server.
    pub(crate) fn network(&self) -> Network {
        Network {
            endpoints: Arc::clone(&self.endpoints),
            calls: Arc::default(),
            is_down: Arc::default(),
            passes: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }
}

/// `app` gets tokens; `api` is the resource server, which may introspect tokens for its audience.
fn clients() -> ClientRegistry {
    let secret = || [SecretHash::sha256(&ClientSecret::new("s3cret"))];
    let app = Client::new(client_id("app"))
        .with_grant_types([GrantType::Password, GrantType::RefreshToken])
        .with_scope("openid read write".parse().expect("a scope"))
        .with_resources([RESOURCE.parse().expect("a resource")].into_iter().collect());
    let audience = [RESOURCE.parse().expect("a resource")].into_iter().collect();
    let api = Client::new(client_id("api")).with_introspection(IntrospectionAccess::Audiences(audience));
    let nosy = Client::new(client_id("nosy")).with_introspection(IntrospectionAccess::Any);
    let clients = ClientRegistry::new();
    let clients = clients.register(app, secret()).and_then(|clients| clients.register(api, secret()));
    clients.and_then(|clients| clients.register(nosy, secret())).expect("clients")
}

/// The network between the two servers: it counts requests, and a test can delay or interrupt it.
#[derive(Clone)]
pub(crate) struct Network {
    endpoints: Arc<Endpoints<MemoryStore>>,
    calls: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
    passes: Arc<Semaphore>,
}

impl Network {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// From now on, answers wait until they are [released](Self::release).
    pub(crate) fn block(&self) {
        self.passes.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn release(&self, answers: usize) {
        self.passes.add_permits(answers);
    }

    async fn reach(
        &self,
        endpoint: Endpoint,
        request: &Request<'_>,
    ) -> Result<(u16, Vec<u8>), Box<dyn Error + Send + Sync>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err("the network is cut for this test".into());
        }
        // The server answers at once; the answer may take long to arrive.
        let response = self.endpoints.handle(endpoint, request).await;
        self.passes.acquire().await.expect("an open semaphore").forget();
        Ok((response.status, response.body))
    }
}

#[async_trait]
impl ResolveKeys for Network {
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>> {
        let (status, body) = self.reach(Endpoint::Jwks, &Request::new("GET", "/oauth2/jwks", &[], b"")).await?;
        assert_eq!(status, 200);
        Ok(JwkSet::from_json(&body)?.into())
    }
}

#[async_trait]
impl Introspect for Network {
    async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
        introspect_as(self, BASIC, form).await
    }
}

/// A resource server that may introspect all tokens, refresh tokens included.
pub(crate) struct Unrestricted(pub(crate) Network);

#[async_trait]
impl Introspect for Unrestricted {
    async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
        // `nosy:s3cret`
        introspect_as(&self.0, b"Basic bm9zeTpzM2NyZXQ=", form).await
    }
}

async fn introspect_as(
    network: &Network,
    basic: &[u8],
    form: &str,
) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
    let headers = [("authorization", basic), ("content-type", b"application/x-www-form-urlencoded".as_slice())];
    let request = Request::new("POST", "/oauth2/introspect", &headers, form.as_bytes());
    let (status, body) = network.reach(Endpoint::Introspection, &request).await?;
    Ok(IntrospectionResponse { status, body })
}

/// The result of a verification.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Valid,
    Invalid(InvalidToken),
    Unavailable,
}

impl<T> From<Result<T, VerifyError>> for Verdict {
    fn from(outcome: Result<T, VerifyError>) -> Self {
        match outcome {
            Ok(_) => Self::Valid,
            Err(VerifyError::Invalid(invalid)) => Self::Invalid(invalid),
            Err(_) => Self::Unavailable,
        }
    }
}
