//! Dynamic client registration (RFC 7591).

use std::sync::Arc;
use std::time::Duration;

use fixtures::{Auth, Events, Form, ISSUER, Reply, START, basic, form};
use proptest::prelude::*;
use regrant::authenticator::{
    ClientDirectory as _, ClientStore, DirectoryAuthenticator, MemoryClients, RegisteredClient,
};
use regrant::client::{ClientAuthenticationMethod, IntrospectionAccess, Registration, RegistrationRules, TlsSubject};
use regrant::clock::ManualClock;
use regrant::event::{EventKind, Operation, Port};
use regrant::host::AttemptLimit;
use regrant::wire::{ClientRegistration, Endpoint, Endpoints, MalformedRequest, Request};
use regrant::{
    Client, ClientId, ClientSecret, GrantType, Issuer, Key, KeyRing, MemoryStore, Refusal, SecretHash, TokenService,
};
use serde_json::{Value, json};

type Header = (&'static str, &'static [u8]);

const JSON: Header = ("content-type", b"application/json");
const CALLBACK: &str = "https://app.example/cb";

struct Host {
    endpoints: Endpoints<MemoryStore>,
    clients: MemoryClients,
    clock: ManualClock,
    events: Events,
}

fn most() -> Client {
    Client::new(ClientId::from_static("most"))
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials])
        .with_scope(fixtures::scope("read write"))
        .with_default_scope(fixtures::scope("read"))
        .with_resources(fixtures::resources(&[fixtures::ORDERS]))
}

fn host() -> Host {
    host_with(RegistrationRules::within(most()), |registration| registration)
}

fn host_with(rules: RegistrationRules, configure: impl FnOnce(ClientRegistration) -> ClientRegistration) -> Host {
    let (clients, clock, events) = (MemoryClients::new(), ManualClock::starting_at(START), Events::default());
    let registration = configure(ClientRegistration::new(clients.clone(), rules));
    let endpoints = endpoints(&clients, &clock, &events).with_registration(registration);
    Host { endpoints, clients, clock, events }
}

fn endpoints(clients: &MemoryClients, clock: &ManualClock, events: &Events) -> Endpoints<MemoryStore> {
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let service = TokenService::builder(MemoryStore::new(), DirectoryAuthenticator::new(clients.clone()), keys)
        .clock(clock.clone())
        .rate_limit(AttemptLimit::new(3, Duration::from_secs(60)))
        .events(events.clone());
    Endpoints::new(service.build().unwrap(), Issuer::from_static(ISSUER)).unwrap()
}

impl Host {
    async fn send(&self, method: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Reply {
        let request = Request::new(method, "/oauth2/register", headers, body);
        Reply::checked(Endpoint::Registration, &request, self.endpoints.handle(Endpoint::Registration, &request).await)
    }

    async fn register(&self, document: &Value) -> Reply {
        self.send("POST", &[JSON], document.to_string().as_bytes()).await
    }

    /// The token request of a client with these credentials.
    async fn client_credentials(&self, auth: Auth<'_>) -> u16 {
        let parameters: Form<'_> = &[("grant_type", "client_credentials")];
        let (header, body) = match auth {
            Auth::Basic(id, secret) => (basic(id, secret), form(parameters)),
            Auth::Post(id, secret) => {
                (String::new(), form(&[parameters, &[("client_id", id), ("client_secret", secret)]].concat()))
            }
            _ => panic!("no secret"),
        };
        let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
        if !header.is_empty() {
            headers.push(("authorization", header.as_bytes()));
        }
        let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
        self.endpoints.handle(Endpoint::Token, &request).await.status
    }

    async fn count(&self) -> usize {
        self.clients.page(None, 1000).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_public_client_gets_an_id_and_no_secret() {
    let host = host();
    let reply = host
        .register(&json!({
            "client_name": "A tool",
            "redirect_uris": ["http://127.0.0.1/cb", "com.example.tool:/cb", CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "read admin",
            "logo_uri": "https://app.example/logo.png",
            "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        }))
        .await;
    assert_eq!(reply.status(), 201, "{reply:?}");
    let id = reply.text("client_id").to_owned();
    assert_eq!(
        reply.json,
        json!({
            "client_id": id,
            "client_id_issued_at": START.as_secs(),
            "client_name": "A tool",
            "token_endpoint_auth_method": "none",
            "redirect_uris": ["http://127.0.0.1/cb", "com.example.tool:/cb", CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "read",
        })
    );
    assert_eq!(id.len(), 22);
    let registered = host.clients.find(&ClientId::new(&id).unwrap()).await.unwrap().unwrap();
    let client = registered.client();
    assert!(!client.is_confidential() && registered.secrets().is_empty());
    assert_eq!(client.name.as_deref(), Some("A tool"));
    assert_eq!(client.resources, most().resources);
    let events = host.events.take();
    assert_eq!((events[0].operation, events[0].kind), (Operation::RegisterClient, EventKind::ClientRegistered));
    assert_eq!(events[0].client_id.as_ref().map(ClientId::as_str), Some(id.as_str()));
}

// RFC 7591 section 2: the default method is client_secret_basic, and the default grant type authorization_code.
#[tokio::test]
async fn a_client_that_names_no_method_gets_a_secret_that_works_either_way() {
    let host = host();
    let reply = host.register(&json!({ "redirect_uris": [CALLBACK] })).await;
    assert_eq!(reply.text("token_endpoint_auth_method"), "client_secret_basic");
    assert_eq!(reply.json["grant_types"], json!(["authorization_code"]));
    assert_eq!(reply.json["client_secret_expires_at"], 0);
    assert_eq!(reply.text("scope"), "read", "the default scope of the rules");
    let (id, secret) = (reply.text("client_id"), reply.text("client_secret"));
    assert_eq!(secret.len(), 43);
    assert_eq!(host.client_credentials(Auth::Basic(id, secret)).await, 400, "unauthorized_client: it may not");

    let reply = host.register(&json!({ "grant_types": ["client_credentials"] })).await;
    assert_eq!((reply.status(), &reply.json["response_types"]), (201, &json!([])));
    let (id, secret) = (reply.text("client_id"), reply.text("client_secret"));
    assert_eq!(host.client_credentials(Auth::Basic(id, secret)).await, 200);
    assert_eq!(host.client_credentials(Auth::Post(id, secret)).await, 200);
    assert_eq!(host.client_credentials(Auth::Basic(id, "guess")).await, 401);
    let registered = host.clients.find(&ClientId::new(id).unwrap()).await.unwrap().unwrap();
    let stored = registered.to_stored().unwrap();
    assert!(!format!("{stored:?}{}{}", stored.metadata, stored.secrets).contains(secret), "only its hash is kept");
    let shown = format!("{:?} {:?}", reply.response, host.events.take());
    assert!(!shown.contains(secret), "{shown}");
}

#[tokio::test]
async fn two_clients_never_get_one_id_or_one_secret() {
    let host = host();
    let first = host.register(&json!({ "redirect_uris": [CALLBACK] })).await;
    let second = host.register(&json!({ "redirect_uris": [CALLBACK] })).await;
    assert_ne!(first.text("client_id"), second.text("client_id"));
    assert_ne!(first.text("client_secret"), second.text("client_secret"));
}

#[tokio::test]
async fn a_redirection_uri_is_one_to_which_a_browser_may_carry_a_code() {
    let host = host();
    let many: Vec<String> = (0..17).map(|number| format!("https://app.example/{number}")).collect();
    for refused in [
        json!([]),
        json!(["http://app.example/cb"]),
        json!(["http://127.0.0.1:80@evil.example/cb"]),
        json!(["http://localhost.evil.example/cb"]),
        json!(["https://user@app.example/cb"]),
        json!(["https:/cb"]),
        json!(["https:///cb"]),
        json!(["https://app.example/cb#fragment"]),
        json!(["HTTPS://app.example/cb"]),
        json!(["javascript:alert(1)"]),
        json!(["data:text/html,hello"]),
        json!(["myapp:/cb"]),
        json!(["/cb"]),
        json!([7]),
        json!("https://app.example/cb"),
        json!([CALLBACK, "http://app.example/cb"]),
        json!(many),
        json!([format!("https://app.example/{}", "a".repeat(2048))]),
    ] {
        let reply = host.register(&json!({ "redirect_uris": refused })).await;
        assert_eq!(reply.outcome(), (400, "invalid_redirect_uri"), "{refused}");
        assert_eq!(host.events.kinds(), [EventKind::Malformed(MalformedRequest::RedirectUris)]);
        let logout = json!({ "redirect_uris": [CALLBACK], "post_logout_redirect_uris": refused });
        if refused != json!([]) {
            assert_eq!(host.register(&logout).await.outcome(), (400, "invalid_redirect_uri"), "{refused}");
            host.events.take();
        }
    }
    assert_eq!(host.register(&json!({})).await.outcome(), (400, "invalid_redirect_uri"));
    assert_eq!(host.count().await, 0);
    for accepted in [
        CALLBACK,
        "https://app.example:8443/cb?x=1",
        "http://127.0.0.1:8080/cb",
        "http://[::1]/cb",
        "http://localhost/cb",
        "com.example.app:/cb",
        "com.example.app://host/cb",
    ] {
        assert_eq!(host.register(&json!({ "redirect_uris": [accepted] })).await.status(), 201, "{accepted}");
    }
    let rules = RegistrationRules::within(most()).with_uri_schemes(["cursor"]);
    let host = host_with(rules, |registration| registration);
    assert_eq!(host.register(&json!({ "redirect_uris": ["cursor://anysphere/cb"] })).await.status(), 201);
    assert_eq!(host.register(&json!({ "redirect_uris": ["vscode://x/cb"] })).await.status(), 400);
}

#[tokio::test]
async fn other_metadata_are_narrowed_or_refused() {
    let host = host();
    for (name, value) in [
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("magic")),
        ("token_endpoint_auth_method", json!(7)),
        ("grant_types", json!(["password"])),
        ("grant_types", json!([])),
        ("grant_types", json!("authorization_code")),
        ("response_types", json!(["token"])),
        ("scope", json!("admin")),
        ("scope", json!("a  b")),
        ("client_name", json!("")),
        ("client_name", json!("a\nb")),
        ("client_name", json!("Bank\u{202e}elpmaxe")),
        ("client_name", json!("a".repeat(129))),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })),
        ("jwks_uri", json!("http://app.example/jwks")),
        ("token_endpoint_auth_signing_alg", json!("a b")),
    ] {
        let mut document = json!({ "redirect_uris": [CALLBACK] });
        document[name] = value.clone();
        let reply = host.register(&document).await;
        assert_eq!(reply.outcome(), (400, "invalid_client_metadata"), "{name} {value}");
        let named = if name == "jwks_uri" { "jwks" } else { name };
        assert!(reply.text("error_description").contains(named), "{reply:?}");
        assert_eq!(host.events.kinds(), [EventKind::Malformed(MalformedRequest::ClientMetadata(named))]);
    }
    let both = json!({ "redirect_uris": [CALLBACK], "jwks": { "keys": [] }, "jwks_uri": "https://app.example/j" });
    assert_eq!(host.register(&both).await.outcome(), (400, "invalid_client_metadata"));
    assert_eq!(host.count().await, 0);

    // Anyone can use the id of a public client.
    let public = json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "client_credentials", "urn:example:unknown", "a new word"],
    });
    assert_eq!(host.register(&public).await.json["grant_types"], json!(["authorization_code"]));
}

#[tokio::test]
async fn a_client_with_a_key_registers_where_the_host_accepts_it() {
    let methods = [ClientAuthenticationMethod::None, ClientAuthenticationMethod::PrivateKeyJwt];
    let host = host_with(RegistrationRules::within(most()).with_methods(methods), |registration| registration);
    let mut document = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
    });
    assert_eq!(host.register(&document).await.outcome(), (400, "invalid_client_metadata"), "without a key");
    document["jwks_uri"] = "https://app.example/jwks".into();
    let reply = host.register(&document).await;
    assert_eq!(reply.status(), 201, "{reply:?}");
    assert_eq!(reply.text("jwks_uri"), "https://app.example/jwks");
    assert_eq!(reply.json["client_secret"], Value::Null);
    let plain = host.register(&json!({ "redirect_uris": [CALLBACK] })).await;
    assert_eq!(plain.text("token_endpoint_auth_method"), "none", "the first method of the rules");
}

#[tokio::test]
async fn a_malformed_registration_is_refused_before_anything_else() {
    let host = host();
    let valid = json!({ "redirect_uris": [CALLBACK] }).to_string();
    let padded = |length: usize| format!("{valid:<length$}");
    let long = padded(16 * 1024 + 1);
    let twice = r#"{ "redirect_uris": ["https://app.example/cb"], "redirect_uris": ["https://evil.example/cb"] }"#;
    let form: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded");
    let latin: (&str, &[u8]) = ("content-type", b"application/jsonx");
    let cases: [(&str, &[Header], &str, u16, MalformedRequest); 11] = [
        ("GET", &[JSON], &valid, 405, MalformedRequest::Method("POST")),
        ("PUT", &[JSON], &valid, 405, MalformedRequest::Method("POST")),
        ("POST", &[], &valid, 400, MalformedRequest::JsonContentType),
        ("POST", &[form], &valid, 400, MalformedRequest::JsonContentType),
        ("POST", &[latin], &valid, 400, MalformedRequest::JsonContentType),
        ("POST", &[JSON, JSON], &valid, 400, MalformedRequest::JsonContentType),
        ("POST", &[JSON], &long, 413, MalformedRequest::TooLarge),
        ("POST", &[JSON], twice, 400, MalformedRequest::Json),
        ("POST", &[JSON], "[]", 400, MalformedRequest::Json),
        ("POST", &[JSON], "{} {}", 400, MalformedRequest::Json),
        ("POST", &[JSON], "", 400, MalformedRequest::Json),
    ];
    for (method, headers, body, status, malformed) in cases {
        let reply = host.send(method, headers, body.as_bytes()).await;
        assert_eq!(reply.status(), status, "{malformed:?} {reply:?}");
        assert_eq!(host.events.kinds(), [EventKind::Malformed(malformed)]);
    }
    assert_eq!(host.send("POST", &[JSON], b"\"\xff\"").await.outcome(), (400, "invalid_client_metadata"));
    assert_eq!(host.count().await, 0);
    let charset: (&str, &[u8]) = ("Content-Type", b"Application/JSON; charset=utf-8");
    assert_eq!(host.send("POST", &[charset], valid.as_bytes()).await.status(), 201);
    assert_eq!(host.send("POST", &[JSON], padded(16 * 1024).as_bytes()).await.status(), 201, "the longest");
}

#[tokio::test]
async fn the_endpoint_is_absent_unless_the_host_opens_it() {
    let (clients, clock, events) = (MemoryClients::new(), ManualClock::starting_at(START), Events::default());
    let closed = endpoints(&clients, &clock, &events);
    let metadata = async |endpoints: &Endpoints<MemoryStore>| -> Value {
        let request = Request::new("GET", "/.well-known/oauth-authorization-server", &[], b"");
        serde_json::from_slice(&endpoints.handle(Endpoint::Metadata, &request).await.body).unwrap()
    };
    assert_eq!(metadata(&closed).await["registration_endpoint"], Value::Null);
    let headers = [JSON];
    let request = Request::new("POST", "/oauth2/register", &headers, b"{}");
    assert_eq!(closed.handle(Endpoint::Registration, &request).await.status, 404);
    let open = host();
    let metadata = metadata(&open.endpoints).await;
    assert_eq!(metadata["registration_endpoint"], "https://as.example/oauth2/register");
    assert_eq!(metadata["scopes_supported"], json!(["read", "write"]));
}

#[tokio::test]
async fn an_initial_access_token_is_demanded_before_the_body_is_read() {
    let hash = SecretHash::sha256(&ClientSecret::new("let-me-in"));
    let host =
        host_with(RegistrationRules::within(most()), |registration| registration.with_initial_access_token(hash));
    let body = json!({ "redirect_uris": [CALLBACK] }).to_string();
    let missing = host.send("POST", &[JSON], b"no JSON").await;
    assert_eq!(missing.outcome(), (401, "invalid_token"));
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"oauth2\""));
    assert_eq!(host.events.kinds(), [EventKind::Malformed(MalformedRequest::NoAccessToken)]);
    let wrong: [(&str, &[u8]); 2] = [JSON, ("authorization", b"Bearer a-guess")];
    let refused = host.send("POST", &wrong, b"no JSON").await;
    assert_eq!(refused.outcome(), (401, "invalid_token"));
    assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    assert_eq!(host.events.kinds(), [EventKind::Refused(Refusal::TokenUnrecognized)]);
    let basic: [(&str, &[u8]); 2] = [JSON, ("authorization", b"Basic bGV0LW1lLWlu")];
    assert_eq!(host.send("POST", &basic, body.as_bytes()).await.outcome(), (401, "invalid_token"));
    assert_eq!(host.count().await, 0);
    let right: [(&str, &[u8]); 2] = [JSON, ("authorization", b"Bearer let-me-in")];
    assert_eq!(host.send("POST", &right, body.as_bytes()).await.status(), 201);
}

#[tokio::test]
async fn guesses_of_the_initial_access_token_are_limited() {
    let hash = SecretHash::sha256(&ClientSecret::new("let-me-in"));
    let host =
        host_with(RegistrationRules::within(most()), |registration| registration.with_initial_access_token(hash));
    let wrong: [(&str, &[u8]); 2] = [JSON, ("authorization", b"Bearer a-guess")];
    for _ in 0..3 {
        assert_eq!(host.send("POST", &wrong, b"{}").await.status(), 401);
    }
    let right: [(&str, &[u8]); 2] = [JSON, ("authorization", b"Bearer let-me-in")];
    let body = json!({ "redirect_uris": [CALLBACK] }).to_string();
    assert_eq!(host.send("POST", &right, body.as_bytes()).await.status(), 429);
    assert_eq!(host.count().await, 0);
    host.clock.advance(Duration::from_secs(60));
    assert_eq!(host.send("POST", &right, body.as_bytes()).await.status(), 201);
}

#[test]
fn the_default_scope_of_the_rules_is_narrowed_to_the_scope_of_the_client() {
    for (scope, default) in [("write", "write"), ("read write", "read"), ("read", "read")] {
        let document = json!({ "redirect_uris": [CALLBACK], "scope": scope });
        let client =
            RegistrationRules::within(most()).judge(ClientId::from_static("new"), document.as_object().unwrap());
        let client = client.unwrap();
        assert_eq!(client.scope_of(None), Some(fixtures::scope(default)), "{scope}");
    }
    let rules = RegistrationRules::within(most().with_default_scope(fixtures::scope("")));
    let document = json!({ "redirect_uris": [CALLBACK], "scope": "read" });
    let client = rules.judge(ClientId::from_static("new"), document.as_object().unwrap()).unwrap();
    assert_eq!(client.scope_of(None), None, "each request names its scope");
}

// The rules may be the registration of a resource server that the operator knows.
#[test]
fn a_client_inherits_no_right_to_introspect_no_subject_of_certificates_and_no_number_from_the_rules() {
    let most = most()
        .with_introspection(IntrospectionAccess::Any)
        .with_tls_subject(TlsSubject::SanDns("known.example".to_owned()))
        .with_registration(Registration(7));
    let document = json!({ "redirect_uris": [CALLBACK] });
    let id = ClientId::from_static("new");
    let client = RegistrationRules::within(most).judge(id, document.as_object().unwrap()).unwrap();
    assert_eq!(client.introspection, IntrospectionAccess::Own);
    assert_eq!((client.tls_subject, client.registration), (None, Registration::default()));
}

#[tokio::test]
async fn registrations_beyond_the_limit_wait_for_the_next_minute() {
    let host = host_with(RegistrationRules::within(most()), |registration| registration.with_most_per_minute(2));
    let document = json!({ "redirect_uris": [CALLBACK] });
    assert_eq!(host.register(&json!({})).await.status(), 400, "a refused one does not count");
    assert_eq!(host.register(&document).await.status(), 201);
    assert_eq!(host.register(&document).await.status(), 201);
    host.events.take();
    host.clock.advance(fixtures::seconds(20));
    let limited = host.register(&document).await;
    assert_eq!(limited.outcome(), (429, "temporarily_unavailable"));
    assert_eq!(limited.header("retry-after"), Some("40"));
    let events = host.events.take();
    assert_eq!((events[0].operation, events[0].kind), (Operation::RegisterClient, EventKind::RateLimited));
    assert_eq!(host.count().await, 2);
    host.clock.advance(fixtures::seconds(40));
    assert_eq!(host.register(&document).await.status(), 201);
}

#[tokio::test]
async fn a_directory_that_fails_gives_no_id() {
    use regrant::authenticator::{ClientDirectory, Supported};
    use regrant::client::Registration;
    use regrant::host::Unavailable;

    struct Down;

    #[async_trait::async_trait]
    impl ClientDirectory for Down {
        async fn find(&self, _: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
            Ok(None)
        }

        async fn supported(&self) -> Result<Supported, Unavailable> {
            Ok(Supported::default())
        }
    }

    #[async_trait::async_trait]
    impl ClientStore for Down {
        async fn put(&self, _: &RegisteredClient) -> Result<Registration, Unavailable> {
            Err(Unavailable::new("connection refused"))
        }

        async fn delete(&self, _: &ClientId) -> Result<bool, Unavailable> {
            Ok(false)
        }

        async fn page(&self, _: Option<&ClientId>, _: usize) -> Result<Vec<RegisteredClient>, Unavailable> {
            Ok(Vec::new())
        }
    }

    let (clients, clock, events) = (MemoryClients::new(), ManualClock::starting_at(START), Events::default());
    let down: Arc<dyn ClientStore> = Arc::new(Down);
    let registration = ClientRegistration::new(down, RegistrationRules::within(most()));
    let endpoints = endpoints(&clients, &clock, &events).with_registration(registration);
    let host = Host { endpoints, clients, clock, events };
    let reply = host.register(&json!({ "redirect_uris": [CALLBACK] })).await;
    assert_eq!(reply.outcome(), (503, "temporarily_unavailable"));
    let events = host.events.take();
    assert_eq!(events.len(), 1, "no client was registered");
    let failure = events[0].failure.as_ref().unwrap();
    assert_eq!(failure.port, Port::Authenticator);
    assert!(failure.chain.iter().any(|text| text == "connection refused"), "{failure:?}");
}

/// Any JSON, with names and values that the endpoint knows among others.
fn json_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        prop::sample::select(vec![
            CALLBACK,
            "http://127.0.0.1:",
            "http://[::1]/cb",
            "https://",
            "a.b:",
            "none",
            "private_key_jwt",
            "authorization_code",
            "read",
            "code",
        ])
        .prop_map(str::to_owned),
        ".{0,20}",
    ];
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from)]
        .boxed()
        .prop_union(text.prop_map(Value::from).boxed());
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((member_name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn member_name() -> impl Strategy<Value = String> {
    let known = vec![
        "redirect_uris",
        "post_logout_redirect_uris",
        "token_endpoint_auth_method",
        "token_endpoint_auth_signing_alg",
        "grant_types",
        "response_types",
        "scope",
        "client_name",
        "jwks",
        "jwks_uri",
        "keys",
        "d",
    ];
    prop_oneof![9 => prop::sample::select(known).prop_map(str::to_owned), 1 => ".{0,8}"]
}

proptest! {
    #[test]
    fn any_registration_has_an_answer_and_only_a_created_client_is_stored(document in json_value()) {
        let host = host();
        let reply = fixtures::ready(host.register(&document));
        let stored = fixtures::ready(host.count());
        match reply.outcome() {
            (201, _) => prop_assert_eq!(stored, 1),
            (400, "invalid_redirect_uri" | "invalid_client_metadata") => prop_assert_eq!(stored, 0),
            other => prop_assert!(false, "{other:?} {document}"),
        }
    }
}
