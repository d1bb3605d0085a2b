//! Clients in a directory: its contract, the authenticator over it, and the stored form of a client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fixtures::directory::{check, full_client};
use fixtures::{APP, Auth, Events, Form, ISSUER, REDIRECT, SPA, START, basic, form};
use regrant::authenticator::{
    ClientDirectory, ClientStore, CredentialError, CredentialRefusal, DirectoryAuthenticator, MemoryClients,
    RegisteredClient, RegistryError, Supported, VerifyCredentials, VerifySecret,
};
use regrant::client::{ClientAuthenticationMethod, ClientKeys, Registration, TlsSubject};
use regrant::clock::ManualClock;
use regrant::event::{EventKind, Port};
use regrant::host::Unavailable;
use regrant::proof::ClientCertificate;
use regrant::store::StoreError;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    Approval, Client, ClientCredentials, ClientId, ClientSecret, GrantType, IssueRequest, Issuer, Key, KeyRing,
    MemoryStore, RefreshRequest, Refusal, SecretHash, TokenService,
};
use serde_json::{Value, json};

fn id(text: &str) -> ClientId {
    ClientId::new(text).unwrap()
}

fn hash(secret: &str) -> SecretHash {
    SecretHash::sha256(&ClientSecret::new(secret))
}

fn registered(auth: Auth<'_>) -> RegisteredClient {
    RegisteredClient::new(fixtures::client(auth), auth.secret().map(hash)).unwrap()
}

struct Host {
    clients: MemoryClients,
    service: TokenService<MemoryStore>,
    events: Events,
}

fn host() -> Host {
    let clients = MemoryClients::new();
    host_with(DirectoryAuthenticator::new(clients.clone()), clients)
}

fn host_with<D: ClientDirectory + 'static>(authenticator: DirectoryAuthenticator<D>, clients: MemoryClients) -> Host {
    let events = Events::default();
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let service = TokenService::builder(MemoryStore::new(), authenticator, keys)
        .clock(ManualClock::starting_at(START))
        .events(events.clone());
    Host { clients, service: service.build().unwrap(), events }
}

fn credentials(auth: Auth<'_>) -> ClientCredentials {
    match auth {
        Auth::Basic(name, secret) => ClientCredentials::Basic(id(name), secret.into()),
        Auth::Post(name, secret) => ClientCredentials::Post(id(name), secret.into()),
        Auth::Public(name) => ClientCredentials::Public(id(name)),
        Auth::Missing => panic!("a client has an id"),
    }
}

impl Host {
    async fn put(&self, client: &RegisteredClient) -> Registration {
        self.clients.put(client).await.unwrap()
    }

    /// Authenticates, and returns the reason of a refusal.
    async fn authenticate(&self, auth: Auth<'_>) -> Result<(), CredentialRefusal> {
        let result = self.service.authenticate(&credentials(auth)).await;
        match (result, self.events.kinds().last()) {
            (Ok(_), _) => Ok(()),
            (Err(_), Some(EventKind::Refused(Refusal::ClientAuthenticationFailed(reason)))) => Err(*reason),
            (Err(error), kind) => panic!("{error:?} {kind:?}"),
        }
    }
}

#[tokio::test]
async fn the_directory_in_memory_keeps_the_contract() {
    check(&MemoryClients::new()).await;
}

#[tokio::test]
async fn a_client_that_is_added_while_the_service_runs_may_authenticate_at_once() {
    let host = host();
    assert_eq!(host.authenticate(APP).await, Err(CredentialRefusal::UnknownClient));
    host.put(&registered(APP)).await;
    host.put(&registered(SPA)).await;
    assert_eq!(host.authenticate(APP).await, Ok(()));
    assert_eq!(host.authenticate(SPA).await, Ok(()));
    assert!(host.clients.delete(&id("app")).await.unwrap());
    assert_eq!(host.authenticate(APP).await, Err(CredentialRefusal::UnknownClient));
}

#[tokio::test]
async fn both_secrets_of_a_rotation_are_accepted_until_the_old_one_is_withdrawn() {
    let host = host();
    let old = registered(APP);
    let both = old.with_next_secret(hash("next")).unwrap();
    host.put(&both).await;
    let next = Auth::Basic("app", "next");
    assert_eq!((host.authenticate(APP).await, host.authenticate(next).await), (Ok(()), Ok(())));
    host.put(&RegisteredClient::new(Arc::clone(both.client()), [hash("next")]).unwrap()).await;
    assert_eq!(host.authenticate(APP).await, Err(CredentialRefusal::WrongSecret));
    assert_eq!(host.authenticate(next).await, Ok(()));
    // A third one displaces the first.
    let third = both.with_next_secret(hash("third")).unwrap();
    assert_eq!(third.secrets().len(), 2);
    host.put(&third).await;
    assert_eq!(host.authenticate(APP).await, Err(CredentialRefusal::WrongSecret));
    assert_eq!(host.authenticate(Auth::Basic("app", "third")).await, Ok(()));
}

#[tokio::test]
async fn only_the_registered_method_is_accepted() {
    let host = host();
    for auth in [APP, fixtures::POSTER, SPA] {
        host.put(&registered(auth)).await;
    }
    let not_registered = Err(CredentialRefusal::MethodNotRegistered);
    for wrong in [
        Auth::Post("app", APP.secret().unwrap()),
        Auth::Public("app"),
        Auth::Basic("poster", fixtures::POSTER.secret().unwrap()),
        Auth::Basic("spa", "secret"),
    ] {
        assert_eq!(host.authenticate(wrong).await, not_registered, "{wrong:?}");
    }
}

async fn issue(host: &Host, auth: Auth<'_>) -> regrant::RefreshToken {
    let client = host.service.authenticate(&credentials(auth)).await.unwrap();
    let approval = Approval::of(fixtures::subject("demo")).with_scope(fixtures::scope("read"));
    let tokens = host.service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await.unwrap();
    tokens.refresh_token.unwrap()
}

#[tokio::test]
async fn a_client_under_the_id_of_a_deleted_one_inherits_no_grant() {
    let host = host();
    host.put(&registered(APP)).await;
    let token = issue(&host, APP).await;
    assert!(host.clients.delete(&id("app")).await.unwrap()); // without a revocation of its grants
    assert_eq!(host.put(&registered(APP)).await, Registration(1));
    let client = host.service.authenticate(&credentials(APP)).await.unwrap();
    let refused = host.service.refresh(&client, &RefreshRequest::new(token)).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "invalid_grant");
}

#[tokio::test]
async fn a_deleted_client_loses_its_grants_and_a_repeated_deletion_finishes_the_work() {
    let host = host();
    host.put(&registered(APP)).await;
    issue(&host, APP).await;
    issue(&host, APP).await;
    assert_eq!(host.service.delete_client(&host.clients, &id("app")).await.unwrap(), 2);
    assert!(host.clients.find(&id("app")).await.unwrap().is_none());
    assert_eq!(host.service.delete_client(&host.clients, &id("app")).await.unwrap(), 0);

    host.put(&registered(APP)).await;
    issue(&host, APP).await;
    host.clients.delete(&id("app")).await.unwrap(); // and then the node stopped
    assert_eq!(host.service.delete_client(&host.clients, &id("app")).await.unwrap(), 1);
}

/// A directory that fails.
struct Failing(fn() -> Unavailable);

#[async_trait]
impl ClientDirectory for Failing {
    async fn find(&self, _: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        Err((self.0)())
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        Err((self.0)())
    }
}

#[async_trait]
impl ClientStore for Failing {
    async fn put(&self, _: &RegisteredClient) -> Result<Registration, Unavailable> {
        Err((self.0)())
    }

    async fn delete(&self, _: &ClientId) -> Result<bool, Unavailable> {
        Err((self.0)())
    }

    async fn page(&self, _: Option<&ClientId>, _: usize) -> Result<Vec<RegisteredClient>, Unavailable> {
        Err((self.0)())
    }
}

#[tokio::test]
async fn a_directory_that_fails_is_no_refusal_and_its_cause_is_in_the_event() {
    let outage: fn() -> Unavailable = || Unavailable::new("connection refused");
    let damage: fn() -> Unavailable = || StoreError::corrupt("a row without metadata").into();
    for (failure, status, kind, cause) in [
        (outage, 503, EventKind::Unavailable, "connection refused"),
        (damage, 500, EventKind::Rejected, "a row without metadata"),
    ] {
        let host = host_with(DirectoryAuthenticator::new(Failing(failure)), MemoryClients::new());
        let error = host.service.authenticate(&credentials(APP)).await.unwrap_err();
        assert_eq!(error.code().status(), status);
        let error = host.service.delete_client(&Failing(failure), &id("app")).await.unwrap_err();
        assert_eq!(error.code().status(), status);
        let events = host.events.take();
        assert_eq!(events.len(), 2);
        for event in events {
            assert_eq!(event.kind, kind);
            let failure = event.failure.unwrap();
            assert_eq!(failure.port, Port::Authenticator);
            assert!(failure.chain.iter().any(|text| text == cause), "{failure:?}");
        }
    }
}

/// Counts the comparisons. Every secret is right that equals `secret`.
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

#[tokio::test]
async fn an_unknown_client_of_a_directory_takes_as_many_comparisons_as_a_known_one() {
    let asked = Arc::new(AtomicUsize::new(0));
    let hash = |secret| SecretHash::custom(Arc::new(Counting { secret, asked: Arc::clone(&asked) }));
    let clients = MemoryClients::new();
    let authenticator = DirectoryAuthenticator::new(clients.clone()).with_decoy(hash("never"));
    let host = host_with(authenticator, clients);
    host.put(&RegisteredClient::new(fixtures::client(APP), [hash("right")]).unwrap()).await;
    host.put(&registered(SPA)).await;
    for (auth, is_accepted) in [
        (Auth::Basic("app", "right"), true),
        (Auth::Basic("app", "wrong"), false),
        (Auth::Basic("app", "never"), false),
        (Auth::Basic("nobody", "right"), false),
        (Auth::Basic("nobody", "never"), false),
        (Auth::Basic("spa", "right"), false),
        (Auth::Post("app", "right"), false),
    ] {
        asked.store(0, Ordering::SeqCst);
        assert_eq!(host.authenticate(auth).await.is_ok(), is_accepted, "{auth:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{auth:?}");
    }
}

/// A verifier for all clients of a directory: the certificate must be the registered name.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl VerifyCredentials for Names {
    async fn verify(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError> {
        self.0.lock().unwrap().push(client.id.to_string());
        let ClientCredentials::Certificate(_, shown) = credentials else {
            return Err(CredentialRefusal::Other("wrong_kind").into());
        };
        match &client.tls_subject {
            Some(TlsSubject::SanDns(name)) if shown.as_der() == name.as_bytes() => Ok(()),
            _ => Err(CredentialRefusal::Other("wrong_name").into()),
        }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["ES256"]
    }
}

fn certified(name: &str) -> RegisteredClient {
    let client = Client::new(id(name))
        .with_authentication_methods(ClientAuthenticationMethod::TlsClientAuth)
        .with_tls_subject(TlsSubject::SanDns(format!("{name}.example")));
    RegisteredClient::new(client, []).unwrap()
}

#[tokio::test]
async fn one_verifier_serves_all_clients_by_their_registered_keys_and_works_for_unknown_ones_too() {
    let (clients, names) = (MemoryClients::new(), Names::default());
    let authenticator = DirectoryAuthenticator::new(clients.clone()).with_verifier(names.clone());
    let host = host_with(authenticator, clients);
    host.put(&certified("one")).await;
    host.put(&certified("two")).await;
    let show = async |name: &str, certificate: &str| {
        names.0.lock().unwrap().clear();
        let certificate = ClientCertificate::from_der(certificate.as_bytes().to_vec());
        let result = host.service.authenticate(&ClientCredentials::Certificate(id(name), certificate)).await;
        (result.is_ok(), names.0.lock().unwrap().clone())
    };
    assert_eq!(show("one", "one.example").await, (true, vec!["one".to_owned()]));
    assert_eq!(show("two", "two.example").await, (true, vec!["two".to_owned()]));
    assert_eq!(show("two", "one.example").await, (false, vec!["two".to_owned()]));
    let (is_accepted, asked) = show("nobody", "one.example").await;
    assert!(!is_accepted && asked.len() == 1, "{asked:?}");
    let assertion = ClientCredentials::Assertion(id("nobody"), "a.b.c".into());
    names.0.lock().unwrap().clear();
    assert!(host.service.authenticate(&assertion).await.is_err());
    assert_eq!(names.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_needs_a_verifier_is_refused_without_one() {
    let host = host();
    host.put(&certified("one")).await;
    let certificate = ClientCertificate::from_der(b"one.example".to_vec());
    let refused = host.service.authenticate(&ClientCredentials::Certificate(id("one"), certificate)).await;
    assert!(refused.is_err());
    let reason = Refusal::ClientAuthenticationFailed(CredentialRefusal::Other("no_verifier"));
    assert_eq!(host.events.kinds(), [EventKind::Refused(reason)]);
}

#[tokio::test]
async fn the_metadata_follow_the_directory() {
    let clients = MemoryClients::new();
    let authenticator = DirectoryAuthenticator::new(clients.clone()).with_verifier(Names::default());
    let host = host_with(authenticator, clients);
    let endpoints = Endpoints::new(host.service.clone(), Issuer::from_static(ISSUER)).unwrap();
    let document = async || -> Value {
        let request = Request::new("GET", "/.well-known/oauth-authorization-server", &[], b"");
        serde_json::from_slice(&endpoints.handle(Endpoint::Metadata, &request).await.body).unwrap()
    };
    let before = document().await;
    // The next client may be registered for them.
    let methods = json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]);
    assert_eq!(before["token_endpoint_auth_methods_supported"], methods);
    assert_eq!(before["scopes_supported"], Value::Null);
    let certified = Client::clone(certified("one").client()).with_scope(fixtures::scope("read"));
    host.put(&RegisteredClient::new(certified, []).unwrap()).await;
    let after = document().await;
    assert_eq!(
        after["token_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "none"])
    );
    assert_eq!(after["token_endpoint_auth_signing_alg_values_supported"], json!(["ES256"]));
    assert_eq!(after["scopes_supported"], json!(["read"]));
}

#[tokio::test]
async fn a_token_request_of_a_client_in_a_directory_is_answered() {
    let host = host();
    host.put(&registered(APP)).await;
    let endpoints = Endpoints::new(host.service.clone(), Issuer::from_static(ISSUER)).unwrap();
    let header = basic("app", APP.secret().unwrap());
    let parameters: Form<'_> = &[("grant_type", "client_credentials")];
    let body = form(parameters);
    let headers: [(&str, &[u8]); 2] =
        [("content-type", b"application/x-www-form-urlencoded"), ("authorization", header.as_bytes())];
    let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
    assert_eq!(endpoints.handle(Endpoint::Token, &request).await.status, 200);
}

#[test]
fn a_registered_client_has_what_its_method_needs() {
    use ClientAuthenticationMethod as Method;
    let of = |method: Method| Client::new(id("app")).with_authentication_methods(method);
    let keys = || ClientKeys::published("https://app.example/jwks").unwrap();
    let count = || Err(RegistryError::SecretCount(id("app")));
    let missing = || Err(RegistryError::Keys(id("app")));
    for (client, secrets, expected) in [
        (Client::new(id("app")), 0, count()),
        (Client::new(id("app")), 1, Ok(())),
        (Client::new(id("app")), 2, Ok(())),
        (Client::new(id("app")), 3, count()),
        (Client::public(id("app")), 0, Ok(())),
        (Client::public(id("app")), 1, count()),
        (of(Method::PrivateKeyJwt), 0, missing()),
        (of(Method::PrivateKeyJwt).with_keys(keys()), 0, Ok(())),
        (of(Method::PrivateKeyJwt).with_keys(keys()), 1, count()),
        (of(Method::SelfSignedTlsClientAuth), 0, missing()),
        (of(Method::SelfSignedTlsClientAuth).with_keys(keys()), 0, Ok(())),
        (of(Method::TlsClientAuth).with_keys(keys()), 0, missing()),
        (of(Method::TlsClientAuth).with_tls_subject(TlsSubject::SanDns("a".to_owned())), 0, Ok(())),
        // A MAC needs the secret itself.
        (of(Method::ClientSecretJwt), 0, missing()),
    ] {
        let shown = format!("{client:?}");
        let made = RegisteredClient::new(client, (0..secrets).map(|_| hash("secret")));
        assert_eq!(made.map(drop), expected, "{secrets} {shown}");
    }
    let custom = SecretHash::custom(Arc::new(Counting { secret: "a", asked: Arc::default() }));
    let unstorable = RegisteredClient::new(Client::new(id("app")), [custom]).unwrap();
    assert_eq!(unstorable.to_stored().map(drop), Err(RegistryError::NoText(id("app"))));
    let verified = RegisteredClient::with_verifier(of(Method::PrivateKeyJwt), Arc::new(Names::default())).unwrap();
    assert_eq!(verified.to_stored().map(drop), Err(RegistryError::NoText(id("app"))));
}

// Databases hold this text: a name that changes loses clients.
#[test]
fn the_json_of_a_client_is_stable_and_complete() {
    let expected = r#"{"client_id":"app","registration":7,"client_name":"Orders – the app","token_endpoint_auth_method":"client_secret_post","token_endpoint_auth_signing_alg":"ES256","jwks_uri":"https://app.example/jwks.json","tls_client_auth_subject_dn":"CN=app,O=Example","redirect_uris":["https://app.example/cb"],"any_localhost_port":true,"grant_types":["authorization_code","refresh_token","client_credentials"],"scope":"read write","default_scope":"","resources":["https://api.example/billing","https://api.example/orders"],"default_audience":"https://api.example/orders","accepts_audience":true,"introspection":["https://api.example/orders"],"post_logout_redirect_uris":["https://app.example/bye"],"userinfo_signed_response":true,"policy":{"refresh_token_lifetime":"never","grant_types":{"client_credentials":{"access_token_lifetime":"1m"}}}}"#;
    let text = serde_json::to_string(&full_client("app")).unwrap();
    assert_eq!(text, expected);
    let read: Client = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(format!("{read:?}"), format!("{:?}", full_client("app")));
    let plain = serde_json::to_string(&Client::new(id("app"))).unwrap();
    assert_eq!(plain, r#"{"client_id":"app","grant_types":["authorization_code"]}"#);
    for subject in [
        json!({ "tls_client_auth_san_dns": "a.example" }),
        json!({ "tls_client_auth_san_uri": "spiffe://a" }),
        json!({ "tls_client_auth_san_ip": "::1" }),
        json!({ "tls_client_auth_san_email": "a@a.example" }),
    ] {
        let mut value = subject.clone();
        value["client_id"] = "app".into();
        value["grant_types"] = json!([]);
        value["introspection"] = "any".into();
        let client: Client = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&client).unwrap(), value);
    }
}

#[test]
fn the_json_of_a_client_has_no_unknown_member_and_no_private_key() {
    let read = |more: Value| {
        let mut value = json!({ "client_id": "app" });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value::<Client>(value).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(read(json!({})), Ok(()));
    for wrong in [
        json!({ "client_secret": "secret" }),
        json!({ "scopes": "read" }),
        json!({ "policy": { "access_token_life": "1m" } }),
        json!({ "redirect_uris": ["/cb"] }),
        json!({ "jwks": { "keys": [] }, "jwks_uri": "https://app.example/jwks" }),
        json!({ "jwks_uri": "http://app.example/jwks" }),
        json!({ "jwks": { "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "x", "d": "private" }] } }),
        json!({ "jwks": { "keys": [{ "kty": "oct", "k": "private" }] } }),
        json!({ "jwks": [] }),
        json!({ "tls_client_auth_san_dns": "a", "tls_client_auth_san_email": "b" }),
        json!({ "introspection": "all" }),
    ] {
        let error = read(wrong.clone()).unwrap_err();
        assert!(!error.contains("private"), "{error}");
    }
}

#[test]
fn a_hash_is_read_back_from_its_text_and_a_damaged_text_is_not() {
    let text = hash("hD3kq0vX7ZrYc2LmN8sTpW").expose().unwrap();
    assert_eq!(text.len(), "sha256:".len() + 43);
    let read: SecretHash = text.parse().unwrap();
    assert!(fixtures::ready(read.verify(&"hD3kq0vX7ZrYc2LmN8sTpW".into())));
    assert!(!fixtures::ready(read.verify(&"another".into())));
    for damaged in [&text[..text.len() - 1], &format!("{text}A"), &text["sha256:".len()..], "", "sha256:", "plain"] {
        let error = damaged.parse::<SecretHash>().unwrap_err().to_string();
        assert!(damaged.is_empty() || !error.contains(damaged) || damaged == "sha256:", "{error}");
    }
    assert_eq!(
        REDIRECT.parse::<SecretHash>().map(drop).map_err(|error| error.to_string()).unwrap_err(),
        "invalid secret hash: must begin with sha256: or $argon2"
    );
}

#[test]
fn a_stored_client_and_a_registered_one_show_no_hash() {
    let app = registered(APP);
    let stored = app.to_stored().unwrap();
    let text = app.secrets()[0].expose().unwrap();
    assert!(stored.secrets.contains(&text));
    for shown in [format!("{app:?}"), format!("{stored:?}"), format!("{:?}", app.secrets())] {
        assert!(!shown.contains(&text["sha256:".len()..]), "{shown}");
    }
}
