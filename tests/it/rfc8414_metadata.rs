//! RFC 8414: authorization server metadata, compared with the behaviour of the server.

use std::collections::BTreeSet;

use fixtures::{APP, POSTER, Passwords, Reply, SPA, Server};
use regrant::GrantType;
use regrant::wire::{Endpoint, Endpoints, Paths, Request};
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
    let endpoints = Endpoints::new(service, fixtures::ISSUER);
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
        (Paths::am_7_5().under("https://am.example/am"), "https://am.example/am"),
        (Paths::default().under("https://as.example:8443/a/b"), "https://as.example:8443/a/b"),
        (Paths { token: "/t".into(), authorization: Some("/a".into()), ..Paths::default() }, "https://as.example/"),
    ] {
        let service = Server::start().service().clone();
        let endpoints = Endpoints::new(service, issuer).with_paths(paths.clone());
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
        assert_eq!(paths.iter().count(), 9);
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
        ("https://as.example/", "/oauth2/token", "", ""),
        ("https://as.example:8443/tenant", "/tenant/oauth2/token", "/tenant", "/tenant"),
        ("https://as.example/a/b/", "/a/b/oauth2/token", "/a/b", "/a/b"),
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
        let paths = Paths::default().under(issuer);
        assert_eq!(paths.token, token);
        assert_eq!(paths.metadata, format!("/.well-known/oauth-authorization-server{metadata}"));
        assert_eq!(paths.openid_configuration, format!("{discovery}/.well-known/openid-configuration"));
        assert_eq!(Endpoints::new(Server::start().service().clone(), issuer).paths(), &paths, "the default");
    }
    let short =
        Paths { authorization: Some("/a".into()), device_verification: Some("/oauth2".into()), ..Paths::default() };
    let short = short.under("https://as.example/oauth2");
    assert_eq!(short.authorization.as_deref(), Some("/oauth2/a"));
    assert_eq!(short.device_verification.as_deref(), Some("/oauth2/oauth2"), "a segment alone is a name");
}

// Section 2: the host adds what it serves besides, and contradicts nothing.
#[tokio::test]
async fn a_host_adds_members_but_cannot_change_those_of_the_library() {
    let server = Server::start();
    let own = document(&server.endpoints).await.json;
    let endpoints = Endpoints::new(server.service().clone(), fixtures::ISSUER)
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
