//! Metadata of clients from strangers. The first byte chooses: a registration (RFC 7591), a client id metadata document
//! at a usual URL, or one at the URL in the first line. The rest is JSON, in which `@id` stands for the URL.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fixtures::{CHALLENGE, Events, ISSUER, Reply, START, WatchedStore, form, ready, scope};
use regrant::authenticator::{
    ClientAuthenticator as _, ClientStore as _, DirectoryAuthenticator, FetchClientMetadata, MemoryClients,
    MetadataDocuments,
};
use regrant::client::{ClientAuthenticationMethod, IntrospectionAccess, RegistrationRules};
use regrant::clock::ManualClock;
use regrant::host::Unavailable;
use regrant::wire::{AuthorizationRequest, ClientRegistration, Endpoint, Endpoints, Request};
use regrant::{Client, ClientId, GrantType, Issuer, RedirectUri, TokenService};
use serde_json::Value;

use super::authorization_details::names_each_member_once;
use super::ring;
use crate::product;

const URL: &str = "https://app.example/client.json";

pub(crate) fn run(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    if first % 3 == 0 {
        return register(rest);
    }
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let (url, json) = if first % 3 == 1 { (URL, text) } else { text.split_once('\n').unwrap_or((text, "{}")) };
    document(url, &json.replace("@id", url));
}

fn most() -> Client {
    Client::new(ClientId::from_static("most"))
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials])
        .with_scope(scope("openid read write"))
        .with_default_scope(scope("read"))
}

fn rules() -> RegistrationRules {
    use ClientAuthenticationMethod as Method;
    RegistrationRules::within(most())
        .with_methods([Method::ClientSecretBasic, Method::ClientSecretPost, Method::None, Method::PrivateKeyJwt])
        .with_uri_schemes(["cursor"])
}

fn register(body: &[u8]) {
    let (clients, store, events) = (MemoryClients::new(), WatchedStore::default(), Events::default());
    let service = TokenService::builder(store.clone(), DirectoryAuthenticator::new(clients.clone()), ring());
    let service = service.clock(ManualClock::starting_at(START)).events(events.clone()).build().expect("a policy");
    let endpoints = Endpoints::new(service, Issuer::from_static(ISSUER))
        .expect("one issuer")
        .with_registration(ClientRegistration::new(clients.clone(), rules()));
    let headers = [("Content-Type", &b"application/json"[..])];
    let request = Request::new("POST", "/oauth2/register", &headers, body);
    let response = product(body.len(), || ready(endpoints.handle(Endpoint::Registration, &request)));
    let reply = Reply::checked(Endpoint::Registration, &request, response);
    assert!([201, 400, 413].contains(&reply.status()), "{reply:?}");
    assert_eq!((store.calls(), events.take().len()), (0, 1), "{reply:?}");
    let stored = ready(clients.page(None, 2)).expect("in memory");
    assert_eq!(stored.len(), usize::from(reply.status() == 201), "{reply:?}");
    let Some(registered) = stored.first() else { return };
    let client = registered.client();
    check(client, &rules());
    let text = std::str::from_utf8(body).expect("JSON is UTF-8");
    assert!(names_each_member_once(text, &serde_json::from_str(text).expect("JSON")), "{text}");
    let has_secret = !registered.secrets().is_empty();
    assert!(has_secret == reply.json["client_secret"].is_string() && has_secret == holds_secret(client), "{reply:?}");
    // The answer is metadata too. One method stands there for both of a client that may use either.
    let told = reply.json.as_object().expect("an object");
    assert_eq!(told["client_id"], client.id.as_str());
    let mut again = rules().judge(client.id.clone(), told).expect("what was registered");
    assert!(again.authentication_methods == client.authentication_methods || has_secret);
    again.authentication_methods = client.authentication_methods;
    assert_eq!(json(&again), json(client));
    for uri in &client.redirect_uris {
        authorize(&endpoints, client, uri);
    }
}

/// A client that is registered for codes can ask for one at each of its URIs.
fn authorize(endpoints: &Endpoints<WatchedStore>, client: &Client, uri: &RedirectUri) {
    let query = form(&[
        ("client_id", client.id.as_str()),
        ("redirect_uri", uri.as_str()),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let request = Request::new("GET", "/authorize", &[], b"").with_query(query.as_str());
    let asked = ready(endpoints.ask(&AuthorizationRequest::read(&request, 0)));
    assert_eq!(asked.is_ok(), client.may_use(&GrantType::AuthorizationCode), "{asked:?}");
}

fn document(url: &str, json: &str) {
    let Ok(id) = ClientId::new(url) else { return };
    let web = Web { document: json.as_bytes().into(), fetched: Arc::default() };
    let clock = Arc::new(ManualClock::starting_at(START));
    let documents = MetadataDocuments::new(web.clone(), rules(), clock);
    let authenticator = DirectoryAuthenticator::new(MemoryClients::new()).with_metadata_documents(documents);
    let find = || product(url.len() + json.len(), || ready(authenticator.find_client(&id))).expect("no outage");
    let found = find();
    let fetched = web.fetched();
    assert!(fetched.iter().all(|fetched| fetched == url && is_public(url)) && fetched.len() <= 1, "{fetched:?}");
    let again = find();
    assert_eq!(again.is_some(), found.is_some());
    let Some(client) = found else {
        assert_eq!(web.fetched().len(), fetched.len(), "a document that is not accepted is fetched again");
        return;
    };
    assert_eq!((fetched.len(), web.fetched().len()), (1, 0), "an accepted document is kept");
    assert!(json.len() <= 5 * 1024);
    let read: Value = serde_json::from_str(json).expect("JSON");
    assert!(names_each_member_once(json, &read), "{json}");
    assert!(read["client_id"] == url && client.id == id && read.get("client_secret").is_none(), "{json}");
    assert!(!holds_secret(&client), "{json}");
    check(&client, &rules());
}

/// Checks the promises of the rules, which hold whatever a client asked for.
fn check(client: &Client, rules: &RegistrationRules) {
    let most = most();
    assert!(client.scope.is_subset_of(&most.scope) && !client.scope.is_empty(), "{client:?}");
    assert!(client.grant_types.iter().all(|own| most.may_use(own)) && !client.grant_types.is_empty(), "{client:?}");
    let is_public = client.authentication_methods.contains(ClientAuthenticationMethod::None);
    assert!(!(is_public && client.may_use(&GrantType::ClientCredentials)), "{client:?}");
    assert!(client.introspection == IntrospectionAccess::Own && client.policy == most.policy, "{client:?}");
    for uris in [&client.redirect_uris, &client.post_logout_redirect_uris] {
        assert!(uris.len() <= 16 && uris.iter().all(|uri| is_safe(uri.as_str())), "{client:?}");
    }
    assert!(!client.may_use(&GrantType::AuthorizationCode) || !client.redirect_uris.is_empty(), "{client:?}");
    let turns = |letter: char| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter);
    assert!(client.name.as_ref().is_none_or(|name| {
        let length = name.chars().count();
        (1..=128).contains(&length) && !name.chars().any(turns) && name.trim() == name
    }));
    // Its own JSON form is metadata that the same rules accept, and nothing is lost on the way.
    let form = json(client);
    let again = rules.judge(client.id.clone(), form.as_object().expect("an object")).expect("a registered client");
    assert_eq!(json(&again), form);
}

fn json(client: &Client) -> Value {
    serde_json::to_value(client).expect("a client is JSON")
}

fn holds_secret(client: &Client) -> bool {
    use ClientAuthenticationMethod::{ClientSecretBasic, ClientSecretJwt, ClientSecretPost};
    [ClientSecretBasic, ClientSecretPost, ClientSecretJwt]
        .iter()
        .any(|method| client.authentication_methods.contains(*method))
}

/// RFC 8252 section 7, read from the text alone.
fn is_safe(uri: &str) -> bool {
    let (scheme, rest) = uri.split_once(':').expect("an absolute URI");
    let authority = rest.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    match scheme {
        "https" => rest.starts_with("//") && !authority.is_empty() && !authority.contains('@'),
        "http" => ["127.0.0.1", "[::1]", "localhost"].contains(&host(authority)),
        "cursor" => true,
        scheme => scheme.contains('.'),
    }
}

/// draft-ietf-oauth-client-id-metadata-document: no address of an own network, read from the text alone.
fn is_public(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host(authority);
    let is_address = host.parse::<IpAddr>().is_ok() || host.starts_with('[');
    !authority.contains('@') && !url.contains('#') && host.contains('.') && !is_address
}

fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Every URL has the same document.
#[derive(Clone)]
struct Web {
    document: Arc<[u8]>,
    fetched: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn fetched(&self) -> Vec<String> {
        std::mem::take(&mut self.fetched.lock().expect("no panic under the lock"))
    }
}

#[async_trait]
impl FetchClientMetadata for Web {
    async fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.fetched.lock().expect("no panic under the lock").push(url.to_owned());
        Ok(Some(self.document.to_vec()))
    }
}
