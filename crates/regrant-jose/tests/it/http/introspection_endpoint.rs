//! Tokens that are introspected at a real server.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use regrant::client::{ClientAuthenticationMethod, IntrospectionAccess};
use regrant::clock::ManualClock;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    AccessToken, Approval, AuthenticatedClient, Client, ClientRegistry, ClientSecret, GrantType, IssueRequest, Issuer,
    KeyRing, MemoryStore, SecretHash, Subject, SystemEntropy, TokenService,
};
use regrant_jose::client_assertion::{ClientAssertions, ClientKey};
use regrant_jose::http::{ClientAuthentication, HttpClient, HttpError, IntrospectionEndpoint};
use regrant_jose::resource_server::{
    Introspect as _, IntrospectionVerifier, InvalidToken, VerifyAccessToken as _, VerifyError,
};
use regrant_jose::{Algorithm, JwkSet, PrivateKey};

use super::server::{Answer, TestServer, answer};
use super::{chain, client};
use crate::support::{ISSUER, NOW, at, client_id, clock, key};

/// Letters that have a meaning in Basic, in base64, in forms or in URLs.
const SECRET: &str = "s3cret:of+the%api&=/ü?";

/// An authorization server on this machine. Resource servers authenticate with a secret (`a:pi`) or a key (`robot`).
struct Fixture {
    server: TestServer,
    token: AccessToken,
    clock: ManualClock,
    key: Arc<PrivateKey>,
}

impl Fixture {
    async fn start() -> Self {
        let (clock, key) = (clock(), Arc::new(key(Algorithm::Es256).with_kid("one")));
        let app =
            Client::new(client_id("app")).with_grant_types([GrantType::Password]).with_scope("read".parse().unwrap());
        let assertions =
            ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(MemoryStore::new()));
        let client_key = ClientKey::new(client_id("robot"), Arc::clone(&key)).unwrap();
        let keys = JwkSet::from_iter([client_key.public_key()]);
        let robot = Client::new(client_id("robot"))
            .with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt)
            .with_introspection(IntrospectionAccess::Any);
        let api = Client::new(client_id("a:pi")).with_introspection(IntrospectionAccess::Any);
        let clients = ClientRegistry::new()
            .register(api, [SecretHash::sha256(&ClientSecret::new(SECRET))])
            .and_then(|clients| {
                clients.register_with_verifier(
                    robot,
                    Arc::new(assertions.with_issuer_as_only_audience().private_key_jwt(keys)),
                )
            })
            .unwrap();
        let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
            .clock(clock.clone())
            .build()
            .unwrap();
        let approval = Approval::of(Subject::new("demo").unwrap()).with_scope("read".parse().unwrap());
        let request = IssueRequest::new(GrantType::Password, approval);
        let token = service.issue(&AuthenticatedClient::assertion(app.into()), request).await.unwrap().access_token;
        let endpoints = Arc::new(Endpoints::new(service, Issuer::from_static(ISSUER)).unwrap());
        let server = TestServer::start(move |received| {
            let endpoints = Arc::clone(&endpoints);
            async move {
                let headers: Vec<_> =
                    received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
                let request = Request::new(&received.method, &received.path, &headers, received.body.as_bytes());
                let response = endpoints.handle(Endpoint::Introspection, &request).await;
                answer(response.status, &[], response.body)
            }
        })
        .await;
        Self { server, token, clock, key }
    }

    fn endpoint(&self, authentication: ClientAuthentication) -> IntrospectionEndpoint {
        endpoint(&self.server, &client(), authentication)
    }

    fn by_key(&self, audience: &str) -> ClientAuthentication {
        let key = ClientKey::new(client_id("robot"), Arc::clone(&self.key)).unwrap();
        ClientAuthentication::private_key_jwt(key, audience, Arc::new(self.clock.clone()), Arc::new(SystemEntropy))
    }
}

fn endpoint(server: &TestServer, http: &HttpClient, authentication: ClientAuthentication) -> IntrospectionEndpoint {
    IntrospectionEndpoint::new(&server.url("/oauth2/introspect"), http, authentication).unwrap()
}

fn by_secret(secret: &str) -> [ClientAuthentication; 2] {
    [ClientAuthentication::basic, ClientAuthentication::post].map(|by| by(client_id("a:pi"), ClientSecret::new(secret)))
}

async fn verdict(verifier: &IntrospectionVerifier, token: &str) -> Result<String, String> {
    match verifier.verify(&AccessToken::new(token), at(NOW)).await {
        Ok(token) => Ok(token.subject().unwrap().as_str().to_owned()),
        Err(VerifyError::Invalid(fault)) => Err(fault.to_string()),
        Err(outage) => Err(chain(&outage)),
    }
}

#[tokio::test]
async fn a_resource_server_authenticates_with_a_secret_or_a_key() {
    let fixture = Fixture::start().await;
    for authentication in by_secret(SECRET).into_iter().chain([fixture.by_key(ISSUER)]) {
        let text = format!("{authentication:?}");
        // Zero, so that each verification is a request.
        let verifier = IntrospectionVerifier::new(fixture.endpoint(authentication)).with_max_staleness(Duration::ZERO);
        for _ in 0..2 {
            assert_eq!(verdict(&verifier, fixture.token.expose()).await, Ok("demo".to_owned()), "{text}");
        }
        assert_eq!(verdict(&verifier, "a+b&c").await, Err(InvalidToken::Inactive.to_string()), "{text}");
    }
    assert_eq!(fixture.server.received().len(), 9);
}

#[tokio::test]
async fn an_active_token_is_asked_about_once_in_some_seconds_over_one_connection() {
    let fixture = Fixture::start().await;
    let [basic, _] = by_secret(SECRET);
    let verifier = IntrospectionVerifier::new(fixture.endpoint(basic));
    for token in [fixture.token.expose(), fixture.token.expose(), "unknown"] {
        let _ = verdict(&verifier, token).await;
    }
    let received = fixture.server.received();
    assert_eq!((received.len(), fixture.server.connections()), (2, 1));
    let first = &received[0];
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/oauth2/introspect"));
    assert_eq!(first.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(first.headers["accept"], "application/json");
    assert_eq!(first.headers["content-length"], first.body.len().to_string());
    assert!(first.body.ends_with("&token_type_hint=access_token"), "the secret is in the header only");
}

#[tokio::test]
async fn wrong_credentials_are_an_outage_that_names_the_status_and_no_secret() {
    let fixture = Fixture::start().await;
    let [basic, post] = by_secret("wr0ng-secret");
    let wrong_audience = fixture.by_key("https://other.example");
    for authentication in [basic, post, wrong_audience] {
        let endpoint = fixture.endpoint(authentication);
        let debug = format!("{endpoint:?}");
        let told = verdict(&IntrospectionVerifier::new(endpoint), fixture.token.expose()).await.unwrap_err();
        assert!(told.ends_with("the introspection endpoint answered with status 401"), "{told}");
        for secret in ["wr0ng-secret", fixture.token.expose()] {
            assert!(!told.contains(secret) && !debug.contains(secret), "{told} {debug}");
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_redirects_hangs_or_talks_too_long_is_an_outage() {
    let fixture = Fixture::start().await;
    let location: &'static str = Box::leak(fixture.server.url("/oauth2/introspect").into_boxed_str());
    let redirecting = TestServer::start(move |_| async move { answer(307, &[("location", location)], "") }).await;
    let silent = TestServer::start(|_| pending::<Answer>()).await;
    let long = TestServer::start(|_| async { answer(200, &[], vec![b' '; 16 * 1024 + 1]) }).await;
    let http = client().with_timeout(Duration::from_millis(200));
    for (server, expected) in [
        (redirecting, "the server redirects with status 307: configure the URL that it redirects to"),
        (silent, "no complete answer within 200ms: see the load of the server, or raise `HttpClient::with_timeout`"),
        (long, "the answer is longer than 16384 bytes"),
    ] {
        let [basic, _] = by_secret(SECRET);
        let verifier = IntrospectionVerifier::new(endpoint(&server, &http, basic));
        let told = verdict(&verifier, fixture.token.expose()).await.unwrap_err();
        assert!(told.ends_with(expected), "{told}");
    }
    assert!(fixture.server.received().is_empty(), "the token went to no other server");
}

#[tokio::test]
async fn each_request_has_an_assertion_of_its_own() {
    let fixture = Fixture::start().await;
    let endpoint = fixture.endpoint(fixture.by_key(ISSUER));
    for _ in 0..2 {
        assert_eq!(endpoint.introspect("token=x").await.unwrap().status, 200);
    }
    let assertions: Vec<_> = fixture.server.received().into_iter().map(|received| received.body).collect();
    assert!(assertions[0].starts_with("token=x&client_assertion_type=") && assertions[0] != assertions[1]);
    let error: Box<HttpError> = {
        let dead = IntrospectionEndpoint::new("http://127.0.0.1:1/", &client(), fixture.by_key(ISSUER)).unwrap();
        dead.introspect("token=x").await.unwrap_err().downcast().unwrap()
    };
    assert!(matches!(*error, HttpError::Unreachable(_)), "{error:?}");
}
