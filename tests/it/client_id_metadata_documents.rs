//! Clients whose id is the URL of their metadata (draft-ietf-oauth-client-id-metadata-document).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fixtures::{Events, ISSUER, START, seconds};
use regrant::authenticator::{
    ClientAuthenticator as _, ClientStore as _, CredentialRefusal, DirectoryAuthenticator, FetchClientMetadata,
    MemoryClients, MetadataDocuments, RegisteredClient,
};
use regrant::client::{ClientAuthenticationMethod, RegistrationRules};
use regrant::clock::ManualClock;
use regrant::event::EventKind;
use regrant::host::Unavailable;
use regrant::wire::{AuthorizationRequest, Endpoint, Endpoints, Request};
use regrant::{
    Client, ClientCredentials, ClientId, GrantType, Issuer, Key, KeyRing, MemoryStore, Refusal, TokenError,
    TokenService,
};
use serde_json::{Value, json};

const URL: &str = "https://app.example/oauth/client.json";

/// The answer to a fetch: a document, or an outage.
type Fetched = Result<Vec<u8>, &'static str>;

/// The web of the test: documents by URL, and all URLs that were fetched.
#[derive(Clone, Default)]
struct Web {
    documents: Arc<Mutex<HashMap<String, Fetched>>>,
    fetched: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn publish(&self, url: &str, document: &Value) {
        self.documents.lock().unwrap().insert(url.to_owned(), Ok(document.to_string().into_bytes()));
    }

    fn fetched(&self) -> Vec<String> {
        std::mem::take(&mut self.fetched.lock().unwrap())
    }
}

#[async_trait]
impl FetchClientMetadata for Web {
    async fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.fetched.lock().unwrap().push(url.to_owned());
        match self.documents.lock().unwrap().get(url) {
            Some(Ok(document)) => Ok(Some(document.clone())),
            Some(Err(outage)) => Err(Unavailable::new(*outage)),
            None => Ok(None),
        }
    }
}

fn most() -> Client {
    Client::new(ClientId::from_static("most"))
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
        .with_scope(fixtures::scope("tools"))
}

struct Host {
    web: Web,
    clock: ManualClock,
    clients: MemoryClients,
    authenticator: Arc<DirectoryAuthenticator<MemoryClients>>,
}

fn host() -> Host {
    host_with(|documents| documents)
}

fn host_with(configure: impl FnOnce(MetadataDocuments) -> MetadataDocuments) -> Host {
    let (web, clock, clients) = (Web::default(), ManualClock::starting_at(START), MemoryClients::new());
    let rules = RegistrationRules::within(most()).with_methods([
        ClientAuthenticationMethod::ClientSecretBasic,
        ClientAuthenticationMethod::None,
        ClientAuthenticationMethod::PrivateKeyJwt,
    ]);
    let documents = configure(MetadataDocuments::new(web.clone(), rules, Arc::new(clock.clone())));
    let authenticator = DirectoryAuthenticator::new(clients.clone()).with_metadata_documents(documents);
    Host { web, clock, clients, authenticator: Arc::new(authenticator) }
}

impl Host {
    async fn find(&self, id: &str) -> Option<Arc<Client>> {
        self.authenticator.find_client(&ClientId::new(id).unwrap()).await.unwrap()
    }
}

fn document(url: &str) -> Value {
    json!({
        "client_id": url,
        "client_name": "A tool",
        "client_uri": "https://app.example",
        "redirect_uris": ["https://app.example/cb", "http://127.0.0.1/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

#[tokio::test]
async fn a_published_client_is_known_by_its_url_and_authenticates_as_a_public_one() {
    let host = host();
    host.web.publish(URL, &document(URL));
    let client = host.find(URL).await.unwrap();
    assert_eq!((client.id.as_str(), client.name.as_deref()), (URL, Some("A tool")));
    assert!(!client.is_confidential());
    assert_eq!(client.scope, fixtures::scope("tools"));
    assert_eq!(client.redirect_uris.len(), 2);
    let public = ClientCredentials::Public(ClientId::new(URL).unwrap());
    assert!(host.authenticator.authenticate(&public).await.is_ok());
    let guess = ClientCredentials::Basic(ClientId::new(URL).unwrap(), "guess".into());
    let refused = host.authenticator.authenticate(&guess).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(CredentialRefusal::MethodNotRegistered));
}

#[tokio::test]
async fn a_document_is_fetched_once_until_it_is_too_old() {
    let host = host_with(|documents| documents.with_max_age(seconds(300)));
    host.web.publish(URL, &document(URL));
    for _ in 0..3 {
        assert!(host.find(URL).await.is_some());
    }
    assert_eq!(host.web.fetched(), [URL]);
    let mut changed = document(URL);
    changed["redirect_uris"] = json!(["https://app.example/other"]);
    host.web.publish(URL, &changed);
    host.clock.advance(seconds(299));
    assert_eq!(host.find(URL).await.unwrap().redirect_uris.len(), 2);
    host.clock.advance(seconds(1));
    assert_eq!(host.find(URL).await.unwrap().redirect_uris.len(), 1);
    assert_eq!(host.web.fetched(), [URL]);
    host.web.documents.lock().unwrap().clear();
    host.clock.advance(seconds(300));
    assert!(host.find(URL).await.is_none(), "it was withdrawn");
}

#[tokio::test]
async fn a_document_that_is_not_accepted_makes_the_client_unknown() {
    let host = host();
    let change = |name: &str, value: Value| {
        let mut changed = document(URL);
        changed[name] = value;
        changed
    };
    let long = change("client_uri", "a".repeat(5 * 1024).into());
    for refused in [
        change("client_id", "https://app.example/oauth/other.json".into()),
        change("client_id", Value::Null),
        change("client_secret", "secret".into()),
        change("client_secret_expires_at", 0.into()),
        change("token_endpoint_auth_method", "client_secret_basic".into()),
        change("token_endpoint_auth_method", "client_secret_post".into()),
        change("token_endpoint_auth_method", "client_secret_jwt".into()),
        change("token_endpoint_auth_method", "private_key_jwt".into()),
        change("redirect_uris", json!(["http://app.example/cb"])),
        change("redirect_uris", json!([])),
        change("grant_types", json!(["password"])),
        change("scope", "admin".into()),
        json!([document(URL)]),
        long,
    ] {
        host.web.publish(URL, &refused);
        assert!(host.find(URL).await.is_none(), "{refused}");
    }
    let twice = format!(r#"{{"client_id":"{URL}","client_id":"{URL}","redirect_uris":["https://app.example/cb"]}}"#);
    for text in ["", "no JSON", &twice] {
        host.web.documents.lock().unwrap().insert(URL.to_owned(), Ok(text.into()));
        assert!(host.find(URL).await.is_none(), "{text}");
    }
    let mut keyed = change("token_endpoint_auth_method", "private_key_jwt".into());
    keyed["jwks_uri"] = "https://app.example/jwks".into();
    host.web.publish(URL, &keyed);
    assert!(host.find(URL).await.unwrap().is_confidential());
}

#[tokio::test]
async fn an_id_that_is_no_such_url_is_never_fetched() {
    let host = host();
    for id in [
        "app",
        "http://app.example/client.json",
        "HTTPS://app.example/client.json",
        "https://app.example",
        "https://app.example?client",
        "https://app.example/a/../client.json",
        "https://app.example/./client.json",
        "https://app.example/client.json#top",
        "https://user@app.example/client.json",
        "https://user:pass@app.example/client.json",
        "https://localhost/client.json",
        "https://intranet/client.json",
        "https://127.0.0.1/client.json",
        "https://127.1/client.json",
        "https://10.0.0x7f/client.json",
        "https://[::1]/client.json",
        "https://[::ffff:127.0.0.1]/client.json",
        "https://169.254.169.254/latest/meta-data/",
        "https://app.example:0x50/client.json",
        "https://app.example:99999/client.json",
        "https://app.example./client.json",
        "https://app .example/client.json",
        "https:///client.json",
    ] {
        host.web.publish(id, &document(id));
        assert!(host.find(id).await.is_none(), "{id}");
    }
    assert_eq!(host.web.fetched(), Vec::<String>::new());
    for id in ["https://app.example/", "https://app.example:8443/client.json", "https://app.example/c?version=1"] {
        host.web.publish(id, &document(id));
        assert!(host.find(id).await.is_some(), "{id}");
    }
}

#[tokio::test]
async fn a_client_of_the_directory_comes_first() {
    let host = host();
    host.web.publish(URL, &document(URL));
    let own = Client::public(ClientId::new(URL).unwrap()).with_name("Registered".to_owned());
    host.clients.put(&RegisteredClient::new(own, []).unwrap()).await.unwrap();
    assert_eq!(host.find(URL).await.unwrap().name.as_deref(), Some("Registered"));
    assert_eq!(host.web.fetched(), Vec::<String>::new());
}

#[tokio::test]
async fn an_outage_of_the_publisher_and_too_many_fetches_are_no_refusals() {
    let host = host_with(|documents| documents.with_most_fetches_per_minute(3));
    host.web.documents.lock().unwrap().insert(URL.to_owned(), Err("timed out"));
    let events = Events::default();
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let service = TokenService::builder(MemoryStore::new(), Arc::clone(&host.authenticator), keys)
        .clock(host.clock.clone())
        .events(events.clone())
        .build()
        .unwrap();
    let public = |url: &str| ClientCredentials::Public(ClientId::new(url).unwrap());
    let error = service.authenticate(&public(URL)).await.unwrap_err();
    assert_eq!(error.code().status(), 503);
    assert_eq!(events.kinds(), [EventKind::Unavailable]);

    for other in ["https://a.example/1", "https://a.example/2"] {
        assert_eq!(service.authenticate(&public(other)).await.unwrap_err().code().as_str(), "invalid_client");
    }
    let unknown = EventKind::Refused(Refusal::ClientAuthenticationFailed(CredentialRefusal::UnknownClient));
    assert_eq!(events.kinds(), [unknown; 2]);
    assert_eq!(host.web.fetched().len(), 3);
    let error = service.authenticate(&public("https://a.example/3")).await.unwrap_err();
    assert!(matches!(error, TokenError::RateLimited { retry_after } if retry_after == seconds(60)), "{error:?}");
    assert_eq!((error.code().status(), host.web.fetched().len()), (429, 0));
    assert_eq!(events.kinds(), [EventKind::RateLimited]);

    let endpoints = Endpoints::new(service, Issuer::from_static(ISSUER)).unwrap();
    let http = Request::new("GET", "/authorize", &[], b"").with_query("client_id=https%3A%2F%2Fa.example%2F3");
    let response = endpoints.ask(&AuthorizationRequest::read(&http, 0)).await.unwrap_err().response();
    assert_eq!(response.status, 429, "the user reloads the page");
    assert!(response.headers.contains(&("retry-after", "60".into())), "{response:?}");
    host.clock.advance(seconds(60));
    let service = endpoints.service();
    assert_eq!(service.authenticate(&public("https://a.example/3")).await.unwrap_err().code().status(), 400);
}

#[tokio::test]
async fn the_metadata_announce_the_documents() {
    let keys = || KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let with: Arc<DirectoryAuthenticator<MemoryClients>> = host().authenticator;
    let without = Arc::new(DirectoryAuthenticator::new(MemoryClients::new()));
    for (authenticator, expected) in [(with, json!(true)), (without, Value::Null)] {
        let service = TokenService::builder(MemoryStore::new(), authenticator, keys()).build().unwrap();
        let endpoints = Endpoints::new(service, Issuer::from_static(ISSUER)).unwrap();
        let request = Request::new("GET", "/.well-known/oauth-authorization-server", &[], b"");
        let response = endpoints.handle(Endpoint::Metadata, &request).await;
        let document: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(document["client_id_metadata_document_supported"], expected);
    }
}
