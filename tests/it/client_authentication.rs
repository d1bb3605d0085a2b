//! RFC 6749 section 2.3: client authentication and its registry. The conformance kit has the malformed and wrong
//! credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use fixtures::{APP, Auth, Config, EITHER, Form, OTHER, Reply, SPA, Server, basic, client, either, form};
use regrant::authenticator::{AuthenticateError, ClientAuthenticator, RegistryError, VerifySecret};
use regrant::client::ClientAuthenticationMethod;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    AuthenticatedClient, Client, ClientCredentials, ClientId, ClientRegistry, ClientSecret, Issuer, Key, KeyRing,
    MemoryStore, SecretHash, TokenService,
};

const ENDPOINTS: [Endpoint; 3] = [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection];

/// A request that needs nothing but a client to succeed, at each endpoint.
const fn request_at(endpoint: Endpoint) -> Form<'static> {
    match endpoint {
        Endpoint::Token => &[("grant_type", "client_credentials")],
        _ => &[("token", "garbage")],
    }
}

// RFC 7662 section 2.3: the caller is authenticated before the form is read.
#[tokio::test]
async fn a_secret_without_a_client_id_authenticates_no_client() {
    let server = Server::start();
    for endpoint in ENDPOINTS {
        let parameters = [request_at(endpoint), &[("client_secret", APP.secret().unwrap())]].concat();
        let reply = server.post(endpoint, Auth::Missing, &parameters).await;
        assert!([400, 401].contains(&reply.status()), "{endpoint:?} {reply:?}");
    }
    assert_eq!(server.post(Endpoint::Introspection, Auth::Missing, &[]).await.outcome(), (401, "invalid_client"));
}

// Claude.ai sends the secret in the body and the MCP SDK by Basic, for one client id. social-auth-core logs in by Basic
// and refreshes in the body.
#[tokio::test]
async fn one_grant_is_begun_refreshed_and_revoked_by_either_way() {
    let server = Config::default().client(either(), EITHER[0]).start();
    let [header, body] = EITHER;
    for (first, then) in [(header, body), (body, header)] {
        let code = server.code(first).await;
        let tokens = server.redeem(first, &code).await.tokens();
        let tokens = server.refresh(then, &tokens.refresh).await.tokens();
        let lost = server.refresh(first, &tokens.refresh).await.tokens();
        assert_eq!(server.refresh(then, &tokens.refresh).await.tokens(), lost, "a retry the other way");
        assert_eq!(server.introspect(then, &lost.access).await.json["active"], true);
        assert_eq!(server.revoke(then, &lost.refresh).await.status(), 200);
        assert!(!server.is_active(&lost.access).await);
    }
}

// Clients send a code with Basic first and then with the secret in the body (pomerium/pomerium#1513,
// golang/oauth2#718).
#[tokio::test]
async fn a_failed_authentication_burns_no_code() {
    let server = Server::start();
    let code = server.code(APP).await;
    let refused = server.redeem(Auth::Basic("app", "a wrong secret"), &code).await;
    assert_eq!(refused.outcome(), (401, "invalid_client"));
    assert_eq!(server.redeem(APP, &code).await.status(), 200);
}

#[test]
fn the_methods_of_a_client_are_those_of_its_kind() {
    use ClientAuthenticationMethod as Method;
    let id = || ClientId::new("app").unwrap();
    let methods = |client: &Client| {
        let all = [
            Method::ClientSecretBasic,
            Method::ClientSecretPost,
            Method::ClientSecretJwt,
            Method::PrivateKeyJwt,
            Method::TlsClientAuth,
            Method::SelfSignedTlsClientAuth,
            Method::None,
        ];
        all.into_iter().filter(|method| client.authentication_methods.contains(*method)).collect::<Vec<_>>()
    };
    assert_eq!(methods(&Client::new(id())), [Method::ClientSecretBasic, Method::ClientSecretPost]);
    assert_eq!(methods(&Client::public(id())), [Method::None]);
    assert!(Client::new(id()).is_confidential() && !Client::public(id()).is_confidential());
    for method in [Method::ClientSecretPost, Method::PrivateKeyJwt, Method::TlsClientAuth] {
        let client = Client::new(id()).with_authentication_methods(method);
        assert_eq!(methods(&client), [method]);
        assert_eq!(client.authentication_methods.are_asymmetric(), method.is_asymmetric(), "{method}");
    }
    assert!(!Client::new(id()).authentication_methods.are_asymmetric());
}

#[tokio::test]
async fn a_copy_of_a_registry_knows_the_same_clients() {
    let hash = SecretHash::sha256(&ClientSecret::new(APP.secret().unwrap()));
    let first = ClientRegistry::new().register(client(APP), [hash.clone()]).unwrap();
    let second = first.clone().register(client(OTHER), [hash]).unwrap();
    let credentials = |id| ClientCredentials::Basic(ClientId::new(id).unwrap(), APP.secret().unwrap().into());
    for (registry, known) in [(&first, &["app"][..]), (&second, &["app", "other"])] {
        for id in ["app", "other"] {
            assert_eq!(registry.authenticate(&credentials(id)).await.is_ok(), known.contains(&id), "{id}");
        }
    }
}

/// Accepts one secret and counts how often it is asked.
struct Counting {
    secret: &'static str,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl VerifySecret for Counting {
    async fn verify(&self, presented: &ClientSecret) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        presented.expose() == self.secret
    }
}

// An unknown client costs the same work as a wrong secret, so that timing does not reveal which clients exist.
#[tokio::test]
async fn an_unknown_client_takes_as_many_secret_comparisons_as_a_known_one() {
    let asked = Arc::new(AtomicUsize::new(0));
    let hash = |secret| SecretHash::custom(Arc::new(Counting { secret, asked: Arc::clone(&asked) }));
    let registry = ClientRegistry::new()
        .with_decoy(hash("never"))
        .register(client(Auth::Basic("one", "")), [hash("right")])
        .and_then(|registry| registry.register(client(Auth::Basic("two", "")), [hash("right"), hash("next")]))
        .and_then(|registry| registry.register(client(SPA), []))
        .unwrap();
    let basic =
        |id: &str, secret: &str| ClientCredentials::Basic(ClientId::new(id).unwrap(), ClientSecret::new(secret));
    let post = |id: &str, secret: &str| ClientCredentials::Post(ClientId::new(id).unwrap(), ClientSecret::new(secret));
    let mut counts = Vec::new();
    for (name, credentials, accepted) in [
        ("right", basic("one", "right"), true),
        ("first of two", basic("two", "right"), true),
        ("second of two", basic("two", "next"), true),
        ("wrong", basic("one", "wrong"), false),
        ("unknown", basic("nobody", "right"), false),
        ("what the decoy accepts", basic("nobody", "never"), false),
        ("what the decoy accepts, known client", basic("one", "never"), false),
        ("public", basic("spa", "right"), false),
        ("wrong method", post("one", "right"), false),
    ] {
        asked.store(0, Ordering::SeqCst);
        let answer = registry.authenticate(&credentials).await;
        assert_eq!(answer.is_ok(), accepted, "{name}");
        assert!(answer.is_ok() || answer.is_err_and(|error| error.is_refused()), "{name}");
        counts.push((name, asked.load(Ordering::SeqCst)));
    }
    assert!(counts.iter().all(|(_, count)| *count == counts[0].1 && *count > 0), "{counts:?}");
}

/// An authenticator whose directory is down.
pub(crate) struct Unreachable;

#[async_trait]
impl ClientAuthenticator for Unreachable {
    async fn authenticate(&self, _: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        Err(AuthenticateError::unavailable("directory unreachable"))
    }
}

// An outage is never answered as a refusal.
#[tokio::test]
async fn an_authenticator_that_cannot_tell_asks_to_try_again() {
    let service = TokenService::builder(
        MemoryStore::new(),
        Unreachable,
        KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
    )
    .build();
    let endpoints = Endpoints::new(service.unwrap(), Issuer::from_static(fixtures::ISSUER)).unwrap();
    let header = basic("app", "secret");
    for endpoint in ENDPOINTS {
        let body = form(request_at(endpoint));
        let headers: [(&str, &[u8]); 2] =
            [("content-type", b"application/x-www-form-urlencoded"), ("authorization", header.as_bytes())];
        let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
        let reply = Reply::checked(endpoint, &request, endpoints.handle(endpoint, &request).await);
        assert_eq!(reply.outcome(), (503, "temporarily_unavailable"), "{endpoint:?}");
    }
}

#[test]
fn a_registry_takes_each_client_once_and_only_with_fitting_secrets() {
    let hash = || SecretHash::sha256(&ClientSecret::new("secret"));
    let app = || ClientId::new("app").unwrap();
    let public = || Client::public(app());
    let wrong_count = Err(RegistryError::SecretCount(app()));
    for (name, client, secrets, expected) in [
        ("confidential without", Client::new(app()), 0, wrong_count.clone()),
        ("confidential with one", Client::new(app()), 1, Ok(())),
        ("confidential with two", Client::new(app()), 2, Ok(())),
        ("confidential with three", Client::new(app()), 3, wrong_count.clone()),
        ("public without", public(), 0, Ok(())),
        ("public with one", public(), 1, wrong_count),
    ] {
        let added = ClientRegistry::new().register(client, (0..secrets).map(|_| hash()));
        assert_eq!(added.map(drop), expected, "{name}");
    }
    let twice = ClientRegistry::new().register(Client::new(app()), [hash()]).unwrap().register(public(), []);
    assert_eq!(twice.map(drop), Err(RegistryError::DuplicateClient(app())));
}

#[test]
fn authentication_methods_are_spelled_as_in_client_metadata() {
    for (name, method) in [
        ("client_secret_basic", ClientAuthenticationMethod::ClientSecretBasic),
        ("client_secret_post", ClientAuthenticationMethod::ClientSecretPost),
        ("client_secret_jwt", ClientAuthenticationMethod::ClientSecretJwt),
        ("private_key_jwt", ClientAuthenticationMethod::PrivateKeyJwt),
        ("tls_client_auth", ClientAuthenticationMethod::TlsClientAuth),
        ("self_signed_tls_client_auth", ClientAuthenticationMethod::SelfSignedTlsClientAuth),
        ("none", ClientAuthenticationMethod::None),
    ] {
        assert_eq!(name.parse(), Ok(method));
        assert_eq!(method.to_string(), name);
        assert_eq!(serde_json::to_value(method).unwrap(), name);
        assert_eq!(serde_json::from_value::<ClientAuthenticationMethod>(name.into()).unwrap(), method);
    }
    assert!("client_secret".parse::<ClientAuthenticationMethod>().is_err());
}
