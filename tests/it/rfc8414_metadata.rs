//! RFC 8414: authorization server metadata, compared with the behaviour of the server.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fixtures::{APP, Config, Events, POSTER, Passwords, Reply, SPA, Server, StubIssuer};
use regrant::authenticator::{AuthenticateError, ClientAuthenticator, Supported};
use regrant::client::ClientAuthenticationMethod;
use regrant::event::{EventKind, Operation, Port};
use regrant::host::Unavailable;
use regrant::policy::{ClientPolicy, SenderConstraint};
use regrant::wire::{Endpoint, Endpoints, Paths, Request};
use regrant::{
    AuthenticatedClient, ClientCredentials, GrantType, Issuer, Key, KeyRing, MemoryStore, Policy, TokenService,
};
use serde_json::{Value, json};

async fn document(endpoints: &Endpoints<fixtures::WatchedStore>) -> Reply {
    let request = Request::new("GET", "/oauth2/token", &[], b"");
    Reply::checked(Endpoint::Metadata, &request, endpoints.handle(Endpoint::Metadata, &request).await)
}

fn words(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

// Section 2: the lists are what is really accepted.
#[tokio::test]
async fn the_grant_types_listed_are_those_that_are_served() {
    let server = Server::start();
    let metadata = document(&server.endpoints).await;
    let listed = words(&metadata.json["grant_types_supported"]);
    assert_eq!(listed.len(), metadata.json["grant_types_supported"].as_array().unwrap().len(), "one is there twice");
    for grant_type in [
        "authorization_code",
        "implicit",
        "password",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:uma-ticket",
        "urn:example:vending-machine",
    ] {
        let reply = server.token(APP, &[("grant_type", grant_type)]).await;
        let is_served = reply.outcome() != (400, "unsupported_grant_type");
        assert_eq!(is_served, listed.contains(grant_type), "{grant_type}: {reply:?}");
    }
}

#[tokio::test]
async fn an_approver_puts_its_flow_on_the_list() {
    let service = Server::start().service().clone();
    let extension: GrantType = "urn:example:vending-machine".parse().unwrap();
    let endpoints = Endpoints::new(service, Issuer::from_static(fixtures::ISSUER)).unwrap();
    let own = ["authorization_code", "client_credentials", "refresh_token"];
    assert_eq!(document(&endpoints).await.json["grant_types_supported"], json!(own));
    let endpoints = endpoints.with_approver(extension, Passwords).with_approver(GrantType::RefreshToken, Passwords);
    let all = [&own[..], &["urn:example:vending-machine"]].concat();
    assert_eq!(document(&endpoints).await.json["grant_types_supported"], json!(all));
}

// Section 2: token_endpoint_auth_methods_supported and its like at the other two.
#[tokio::test]
async fn the_authentication_methods_listed_are_those_that_are_accepted() {
    let server = Server::start();
    let metadata = document(&server.endpoints).await.json;
    let tokens = server.sign_in(SPA).await;
    for (list, endpoint) in [
        ("token_endpoint_auth_methods_supported", Endpoint::Token),
        ("revocation_endpoint_auth_methods_supported", Endpoint::Revocation),
        ("introspection_endpoint_auth_methods_supported", Endpoint::Introspection),
    ] {
        let listed = words(&metadata[list]);
        assert!(listed.is_subset(&["client_secret_basic", "client_secret_post", "none"].into()), "{listed:?}");
        for (method, auth) in [("client_secret_basic", APP), ("client_secret_post", POSTER), ("none", SPA)] {
            let parameters: &[_] = match endpoint {
                Endpoint::Token if auth.secret().is_none() => {
                    &[("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())]
                }
                Endpoint::Token => &[("grant_type", "client_credentials")],
                _ => &[("token", "garbage")],
            };
            let is_accepted = server.post(endpoint, auth, parameters).await.status() == 200;
            assert_eq!(is_accepted, listed.contains(method), "{list}: {method}");
        }
    }
}

/// Scheme, host and port.
fn origin(issuer: &str) -> &str {
    let host = issuer.find("://").unwrap() + 3;
    &issuer[..issuer[host..].find('/').map_or(issuer.len(), |at| host + at)]
}

#[tokio::test]
async fn the_paths_of_the_document_are_those_that_are_routed() {
    for (paths, issuer) in [
        (Paths::default(), "https://as.example"),
        (Paths::am_7_5().under(&Issuer::from_static("https://am.example/am")), "https://am.example/am"),
        (Paths::default().under(&Issuer::from_static("https://as.example:8443/a/b")), "https://as.example:8443/a/b"),
        (Paths { token: "/t".into(), authorization: Some("/a".into()), ..Paths::default() }, "https://as.example"),
    ] {
        let service = Server::start().service().clone();
        let endpoints = Endpoints::new(service, Issuer::from_static(issuer)).unwrap().with_paths(paths.clone());
        let metadata = document(&endpoints).await.json;
        assert_eq!(metadata["issuer"], issuer);
        for (member, endpoint) in [
            ("token_endpoint", Endpoint::Token),
            ("revocation_endpoint", Endpoint::Revocation),
            ("introspection_endpoint", Endpoint::Introspection),
        ] {
            let url = metadata[member].as_str().unwrap();
            let path = url.strip_prefix(origin(issuer)).unwrap();
            assert!(path.starts_with('/') && !path.starts_with("//"), "{url}");
            assert_eq!(endpoints.paths().endpoint(path), Some(endpoint), "{url}");
        }
        assert_eq!(paths.endpoint(&paths.metadata), Some(Endpoint::Metadata));
        assert_eq!(paths.iter().count(), 11);
        assert!(paths.iter().all(|(endpoint, path)| paths.endpoint(path) == Some(endpoint)));
        assert!(paths.endpoint("/").is_none() && paths.endpoint("").is_none());
        let code = if paths.authorization.is_some() { json!(["code"]) } else { json!([]) };
        assert_eq!(metadata["response_types_supported"], code);
        let authorization = paths.authorization.map(|path| format!("{}{path}", origin(issuer)));
        assert_eq!(metadata.get("authorization_endpoint").and_then(Value::as_str), authorization.as_deref());
    }
}

// RFC 8414 section 3.1: the document is between host and path. OpenID Connect Discovery 1.0 section 4.1: behind both.
#[test]
fn an_issuer_with_a_path_has_its_documents_where_clients_look() {
    for (issuer, token, metadata, discovery) in [
        ("https://as.example", "/oauth2/token", "", ""),
        ("https://as.example:8443/tenant", "/tenant/oauth2/token", "/tenant", "/tenant"),
        ("https://as.example/a/b", "/a/b/oauth2/token", "/a/b", "/a/b"),
        // The first segment of the endpoints is there already.
        ("https://as.example/oauth2", "/oauth2/token", "/oauth2", "/oauth2"),
        (
            "https://am.example/am/oauth2/realms/root",
            "/am/oauth2/realms/root/token",
            "/am/oauth2/realms/root",
            "/am/oauth2/realms/root",
        ),
        // A part of a segment is no segment.
        ("https://as.example/oauth", "/oauth/oauth2/token", "/oauth", "/oauth"),
    ] {
        let issuer = Issuer::from_static(issuer);
        let paths = Paths::default().under(&issuer);
        assert_eq!(paths.token, token);
        assert_eq!(paths.metadata, format!("/.well-known/oauth-authorization-server{metadata}"));
        assert_eq!(paths.openid_configuration, format!("{discovery}/.well-known/openid-configuration"));
        assert_eq!(Endpoints::new(Server::start().service().clone(), issuer).unwrap().paths(), &paths, "the default");
    }
    let short =
        Paths { authorization: Some("/a".into()), device_verification: Some("/oauth2".into()), ..Paths::default() };
    let short = short.under(&Issuer::from_static("https://as.example/oauth2"));
    assert_eq!(short.authorization.as_deref(), Some("/oauth2/a"));
    assert_eq!(short.device_verification.as_deref(), Some("/oauth2/oauth2"), "a segment alone is a name");
}

// Section 2: the host adds what it serves besides, and contradicts nothing.
#[tokio::test]
async fn a_host_adds_members_but_cannot_change_those_of_the_library() {
    let server = Server::start();
    let own = document(&server.endpoints).await.json;
    let endpoints = Endpoints::new(server.service().clone(), Issuer::from_static(fixtures::ISSUER))
        .unwrap()
        .with_metadata("scopes_supported", json!(["read"]))
        .with_metadata("issuer", "https://evil.example")
        .with_metadata("code_challenge_methods_supported", json!(["plain"]))
        .with_approver(GrantType::Password, Passwords);
    let mut expected = own.clone();
    expected["scopes_supported"] = json!(["read"]);
    assert_eq!(document(&endpoints).await.json, expected);
}

// AM 7.5: /oauth2/access_token, /oauth2/token/revoke, /oauth2/introspect, /oauth2/authorize, /oauth2/device/code and
// user, /oauth2/userinfo, /oauth2/connect/endSession, /oauth2/connect/jwk_uri.
#[test]
fn the_paths_of_am_are_the_documented_ones() {
    let paths = Paths::am_7_5();
    assert_eq!(paths.endpoint("/oauth2/access_token"), Some(Endpoint::Token));
    assert_eq!(paths.endpoint("/oauth2/token/revoke"), Some(Endpoint::Revocation));
    assert_eq!(paths.endpoint("/oauth2/introspect"), Some(Endpoint::Introspection));
    assert_eq!(paths.endpoint("/oauth2/device/code"), Some(Endpoint::DeviceAuthorization));
    assert_eq!(paths.endpoint("/oauth2/userinfo"), Some(Endpoint::UserInfo));
    assert_eq!(paths.endpoint("/oauth2/connect/endSession"), Some(Endpoint::EndSession));
    assert_eq!(paths.endpoint("/oauth2/connect/jwk_uri"), Some(Endpoint::Jwks));
    assert_eq!(paths.endpoint("/.well-known/openid-configuration"), Some(Endpoint::OpenIdConfiguration));
    assert_eq!(paths.authorization.as_deref(), Some("/oauth2/authorize"));
    assert_eq!(paths.device_verification.as_deref(), Some("/oauth2/device/user"));
}

// RFC 8705 section 3.3.
#[tokio::test]
async fn tokens_bound_to_certificates_are_announced_where_some_client_gets_them() {
    let announced = |config: Config| async {
        let json = config.start().document(Endpoint::Metadata).await.json;
        json.get("tls_client_certificate_bound_access_tokens").cloned()
    };
    assert_eq!(announced(Config::default()).await, None);
    for (constraint, expected) in [
        (SenderConstraint::Certificate, Some(json!(true))),
        (SenderConstraint::Either, Some(json!(true))),
        (SenderConstraint::Optional, None),
    ] {
        let provider = Policy::default().with_sender_constraint(constraint);
        assert_eq!(announced(Config::default().policy(provider)).await, expected, "{constraint:?}");
        let of_client = ClientPolicy::default().with_sender_constraint(constraint);
        let mut of_flow = ClientPolicy::default();
        of_flow.grant_types.insert(GrantType::ClientCredentials, of_client.clone());
        for policy in [of_client, of_flow] {
            let config = Config::default().with_client(APP, |client| client.with_policy(policy.clone()));
            assert_eq!(announced(config).await, expected, "{constraint:?}");
        }
    }
}

// RFC 8414 section 2, OpenID Connect Discovery section 3: absent, `request_uri_parameter_supported` would mean true,
// and `response_modes_supported` would promise `fragment`.
#[tokio::test]
async fn both_documents_say_what_an_absent_member_would_say_wrongly() {
    let endpoints = |endpoints: Endpoints<_>| endpoints.with_paths(Paths::am_7_5());
    let server = Config { endpoints, jwt_issuer: Some(StubIssuer::default()), ..Config::default() }.start();
    for endpoint in [Endpoint::Metadata, Endpoint::OpenIdConfiguration] {
        let json = server.document(endpoint).await.json;
        assert_eq!(json["response_modes_supported"], json!(["query", "fragment", "form_post"]), "{endpoint:?}");
        for member in ["request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported"] {
            assert_eq!(json[member], json!(false), "{endpoint:?} {member}");
        }
        assert_eq!(json["scopes_supported"], json!(["openid", "read", "write"]), "{endpoint:?}");
    }
    let without_page = Server::start().document(Endpoint::Metadata).await.json;
    assert_eq!(without_page.get("response_modes_supported"), None);
}

#[tokio::test]
async fn a_host_describes_its_own_authorization_endpoint() {
    let members = [
        ("authorization_endpoint", json!("https://login.example/authorize")),
        ("response_modes_supported", json!(["query", "form_post"])),
        ("request_parameter_supported", json!(true)),
        ("request_uri_parameter_supported", json!(true)),
        ("claims_parameter_supported", json!(true)),
        ("scopes_supported", json!(["openid"])),
        ("prompt_values_supported", json!(["none", "login"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("mtls_endpoint_aliases", json!({ "token_endpoint": "https://mtls.as.example/oauth2/token" })),
    ];
    let service = Server::start().service().clone();
    let endpoints = Endpoints::new(service, Issuer::from_static(fixtures::ISSUER)).unwrap();
    let endpoints =
        members.iter().fold(endpoints, |endpoints, (name, value)| endpoints.with_metadata(*name, value.clone()));
    let json = document(&endpoints).await.json;
    for (name, value) in members {
        assert_eq!(json[name], value, "{name}");
    }
}

/// A directory whose rows change while the service runs.
#[derive(Clone)]
struct Directory(Arc<Mutex<Option<Supported>>>);

#[async_trait]
impl ClientAuthenticator for Directory {
    async fn authenticate(&self, _: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        Err(AuthenticateError::unavailable("no row is asked for"))
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        self.0.lock().unwrap().clone().ok_or_else(|| Unavailable::new("no route to the directory"))
    }
}

fn over(directory: &Directory, events: &Events) -> Endpoints<MemoryStore> {
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let service = TokenService::builder(MemoryStore::new(), directory.clone(), keys)
        .jwt_issuer(StubIssuer::default())
        .events(events.clone())
        .build();
    Endpoints::new(service.unwrap(), Issuer::from_static(fixtures::ISSUER)).unwrap()
}

async fn asked(endpoints: &Endpoints<MemoryStore>, endpoint: Endpoint, method: &str) -> Reply {
    let request = Request::new(method, "/document", &[], b"");
    Reply::checked(endpoint, &request, endpoints.handle(endpoint, &request).await)
}

#[tokio::test]
async fn the_documents_follow_the_directory_of_clients_while_the_service_runs() {
    let directory = Directory(Arc::new(Mutex::new(Some(Supported::default()))));
    let endpoints = over(&directory, &Events::default());
    let before = asked(&endpoints, Endpoint::Metadata, "GET").await.json;
    assert_eq!(before.get("scopes_supported"), None, "a directory that tells no scopes promises none");
    assert_eq!(before.get("token_endpoint_auth_signing_alg_values_supported"), None);
    let supported = Supported::default()
        .with_methods([ClientAuthenticationMethod::PrivateKeyJwt])
        .with_assertion_algorithms(["ES256"])
        .with_scope(fixtures::scope("write read"));
    *directory.0.lock().unwrap() = Some(supported);
    for endpoint in [Endpoint::Metadata, Endpoint::OpenIdConfiguration] {
        let json = asked(&endpoints, endpoint, "GET").await.json;
        // A server with id_tokens supports `openid`.
        assert_eq!(json["scopes_supported"], json!(["openid", "read", "write"]), "{endpoint:?}");
        assert_eq!(json["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]), "{endpoint:?}");
        assert_eq!(json["token_endpoint_auth_signing_alg_values_supported"], json!(["ES256"]), "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_an_outage_with_its_cause_in_the_event() {
    let directory = Directory(Arc::new(Mutex::new(None)));
    let events = Events::default();
    let endpoints = over(&directory, &events);
    for endpoint in [Endpoint::Metadata, Endpoint::OpenIdConfiguration] {
        for method in ["GET", "HEAD"] {
            let reply = asked(&endpoints, endpoint, method).await;
            assert_eq!((reply.status(), reply.header("retry-after")), (503, Some("1")), "{endpoint:?} {method}");
            let event = events.take().pop().unwrap();
            assert_eq!((event.operation, event.kind), (Operation::Publish, EventKind::Unavailable));
            let failure = event.failure.unwrap();
            assert_eq!(failure.port, Port::Authenticator);
            assert!(format!("{failure:?}").contains("no route to the directory"), "{failure:?}");
        }
        assert_eq!(asked(&endpoints, endpoint, "POST").await.status(), 405, "the method is read first");
    }
    assert_eq!(asked(&endpoints, Endpoint::Jwks, "GET").await.status(), 200, "the keys need no directory");
}
