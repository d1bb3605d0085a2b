//! The protocol endpoints, as clients see them.

use serde_json::json;

use crate::helper::{Answer, Server};

const CLIENTS: &str = r#"
issuer = "https://as.example"
keys = ["3VTm5yOAsNeXosYX81EqrTjZznvuvuH4W1gGOd1008Y", "KzXduS97U3BMlT5mtzvLY7Dy7UKzwwA83VXpNQoqZuI"]

[provider]
access_token_lifetime = "10m"

[[clients]]
client_id = "rotating"
client_secrets = ["the-old-secret", "the-new-secret"]
grant_types = ["client_credentials"]
scope = "read"
resources = ["https://api.example"]

[[clients]]
client_id = "trusted"
client_secret = "trusted-secret"
token_endpoint_auth_method = "client_secret_post"
registration = 7
grant_types = ["password", "refresh_token"]
scope = "read"

[clients.policy]
access_token_lifetime = "5m"

[[clients]]
client_id = "modern"
client_secret = "modern-secret"
token_endpoint_auth_method = "client_secret_post"
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["https://modern.example/cb"]

[[clients]]
client_id = "api"
client_secret = "api-secret"
token_endpoint_auth_method = "client_secret_post"
introspection = ["https://api.example"]

[[clients]]
client_id = "auditor"
client_secret = "auditor-secret"
token_endpoint_auth_method = "client_secret_post"
introspection = "any"

[[users]]
username = "demo"
password = "changeit"
"#;

const TRUSTED: [(&str, &str); 2] = [("client_id", "trusted"), ("client_secret", "trusted-secret")];
const MODERN: [(&str, &str); 2] = [("client_id", "modern"), ("client_secret", "modern-secret")];
const API: [(&str, &str); 2] = [("client_id", "api"), ("client_secret", "api-secret")];
const AUDITOR: [(&str, &str); 2] = [("client_id", "auditor"), ("client_secret", "auditor-secret")];

const PASSWORD: [(&str, &str); 3] = [("grant_type", "password"), ("username", "demo"), ("password", "changeit")];

/// `rotating:` with the old secret, the new one, and a wrong one.
const OLD: &str = "Basic cm90YXRpbmc6dGhlLW9sZC1zZWNyZXQ=";
const NEW: &str = "Basic cm90YXRpbmc6dGhlLW5ldy1zZWNyZXQ=";
const WRONG: &str = "Basic cm90YXRpbmc6d3Jvbmc=";

fn client_credentials(server: &Server, authorization: &str, parameters: &str) -> Answer {
    let headers = [("authorization", authorization), ("content-type", "application/x-www-form-urlencoded")];
    server.post("/oauth2/access_token", &headers, &format!("grant_type=client_credentials{parameters}"))
}

#[test]
fn both_secrets_of_a_client_are_accepted_and_no_other() {
    let server = Server::with_config(CLIENTS);
    assert_eq!(client_credentials(&server, OLD, "").status, 200);
    assert_eq!(client_credentials(&server, NEW, "").status, 200);
    let refusal = client_credentials(&server, WRONG, "");
    assert_eq!(refusal.refusal(), (401, "invalid_client".to_owned()));
    assert!(refusal.header("www-authenticate").starts_with("Basic "));
}

#[test]
fn a_secret_comes_in_the_header_or_in_the_body_unless_the_file_has_one_method() {
    let server = Server::with_config(CLIENTS);
    let grant_type = ("grant_type", "client_credentials");
    let posted = [("client_id", "rotating"), ("client_secret", "the-new-secret"), grant_type];
    assert_eq!(server.form("/oauth2/access_token", &posted).status, 200);
    assert_eq!(client_credentials(&server, NEW, "&client_id=rotating").status, 200);
    let twice = client_credentials(&server, NEW, "&client_id=rotating&client_secret=the-new-secret");
    assert_eq!(twice.refusal(), (400, "invalid_request".to_owned()));

    // `trusted` is registered for the body. `trusted:trusted-secret`
    let refusal = client_credentials(&server, "Basic dHJ1c3RlZDp0cnVzdGVkLXNlY3JldA==", "");
    assert_eq!(refusal.refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(server.token(&TRUSTED, &PASSWORD).status, 200);
}

// RFC 9110 section 15.5.2, RFC 7662 section 2.3.
#[test]
fn failed_credentials_in_the_body_are_a_401_only_at_introspection() {
    let server = Server::with_config(CLIENTS);
    let wrong =
        [("client_id", "rotating"), ("client_secret", "wrong"), ("grant_type", "client_credentials"), ("token", "x")];
    for (path, status) in [
        ("/oauth2/access_token", 400),
        ("/oauth2/token/revoke", 400),
        ("/oauth2/device/code", 400),
        ("/oauth2/introspect", 401),
    ] {
        let refusal = server.form(path, &wrong);
        assert_eq!(refusal.refusal(), (status, "invalid_client".to_owned()), "{path}");
        assert_eq!(refusal.header("www-authenticate").starts_with("Basic "), status == 401, "{path}");
    }
}

#[test]
fn the_discovery_document_is_at_the_paths_of_am_too() {
    let server = Server::start(&[]);
    let document = server.get("/.well-known/openid-configuration");
    assert_eq!(document.status, 200);
    assert_eq!(document.json()["issuer"], server.url);
    // OpenID Connect Prompt Create 1.0 section 4.1: the values that tests/it/pages.rs tries.
    assert_eq!(document.json()["prompt_values_supported"], json!(["none", "login", "consent", "select_account"]));
    for path in ["/oauth2/.well-known/openid-configuration", "/oauth2/realms/root/.well-known/openid-configuration"] {
        assert_eq!(server.get(path).body, document.body, "{path}");
    }
}

#[test]
fn the_password_flow_is_for_clients_that_list_it() {
    let server = Server::with_config(CLIENTS);
    let tokens = server.token(&TRUSTED, &PASSWORD);
    assert_eq!(tokens.status, 200, "{tokens:?}");
    // The policy of the client, not of the provider.
    assert_eq!(tokens.json()["expires_in"], 300);
    assert!(tokens.text("refresh_token").starts_with("rt_"));

    assert_eq!(server.token(&MODERN, &PASSWORD).refusal(), (400, "unauthorized_client".to_owned()));
}

#[test]
fn a_wrong_or_missing_password_gives_no_tokens() {
    let server = Server::with_config(CLIENTS);
    for (username, password, error) in [
        ("demo", "wrong", "invalid_grant"),
        ("nobody", "changeit", "invalid_grant"),
        ("demo", "", "invalid_request"),
        ("", "changeit", "invalid_request"),
    ] {
        let parameters = [("grant_type", "password"), ("username", username), ("password", password)];
        assert_eq!(server.token(&TRUSTED, &parameters).refusal(), (400, error.to_owned()), "{username} {password}");
    }
    assert_eq!(server.form("/dev/users", &[("username", "demo"), ("disabled", "true")]).status, 200);
    assert_eq!(server.token(&TRUSTED, &PASSWORD).refusal(), (400, "invalid_grant".to_owned()));
}

#[test]
fn a_resource_server_introspects_only_tokens_for_its_audience() {
    let server = Server::with_config(CLIENTS);
    let for_api = client_credentials(&server, NEW, "&resource=https://api.example");
    let by_default = client_credentials(&server, NEW, "");
    let for_nobody = server.token(&TRUSTED, &PASSWORD);
    assert_eq!(for_api.json()["expires_in"], 600);

    let is_active = |credentials: &[(&str, &str)], token: &Answer| {
        let token = token.text("access_token");
        server.form("/oauth2/introspect", &[credentials, &[("token", &token)]].concat()).json()["active"].clone()
    };
    assert_eq!(is_active(&API, &for_api), true);
    assert_eq!(is_active(&API, &by_default), true);
    assert_eq!(is_active(&API, &for_nobody), false);
    assert_eq!(is_active(&AUDITOR, &for_nobody), true);
    assert_eq!(is_active(&MODERN, &for_api), false);
}

#[test]
fn the_file_sets_default_audiences_and_accepts_audience_as_a_synonym() {
    let config = CLIENTS.replacen("[provider]\n", "default_audience = \"https://api.example/v2\"\n\n[provider]\n", 1);
    let synonym = "resources = [\"https://api.example\", \"https://other.example\"]\naccepts_audience = true\n";
    let config = config.replacen("resources = [\"https://api.example\"]\n", synonym, 1);
    let server = Server::with_config(&config);
    let audience = |token: &Answer| {
        let token = token.text("access_token");
        let form = [&AUDITOR[..], &[("token", &token)]].concat();
        server.form("/oauth2/introspect", &form).json()["aud"].clone()
    };
    assert_eq!(audience(&server.token(&TRUSTED, &PASSWORD)), "https://api.example/v2");
    let named = client_credentials(&server, NEW, "&audience=https://OTHER.example:443/");
    assert_eq!(audience(&named), "https://other.example");
    let refused = client_credentials(&server, NEW, "&audience=https://api.example/v2");
    assert_eq!(refused.refusal(), (400, "invalid_target".to_owned()));
}

#[test]
fn configured_keys_open_the_tokens_of_an_earlier_process() {
    let tokens = Server::with_config(CLIENTS).token(&TRUSTED, &PASSWORD);
    let server = Server::with_config(CLIENTS);
    assert!(!server.log().contains("no keys configured"));

    // The memory store has lost the grant. The token was still recognized, since the store was asked for it.
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &tokens.text("refresh_token"))];
    assert_eq!(server.token(&TRUSTED, &refresh).refusal(), (400, "invalid_grant".to_owned()));
    assert!(server.log().contains("grant_unknown"), "{}", server.log());
}

#[test]
fn the_paths_in_the_metadata_exist() {
    let server = Server::start(&[]);
    let answer = server.get("/.well-known/oauth-authorization-server");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], server.url.as_str());

    for (endpoint, error) in [
        ("token_endpoint", "invalid_request"),
        ("revocation_endpoint", "invalid_request"),
        ("introspection_endpoint", "invalid_client"),
        ("authorization_endpoint", "invalid_request"),
    ] {
        let path = metadata[endpoint].as_str().unwrap().strip_prefix(&server.url).unwrap();
        assert_eq!(server.form(path, &[]).refusal().1, error, "{path}");
    }
    let flows = metadata["grant_types_supported"].as_array().unwrap();
    for flow in ["authorization_code", "client_credentials", "password", "refresh_token"] {
        assert!(flows.iter().any(|own| own == flow), "{flow}");
    }
    let head = server.send("HEAD", "/.well-known/oauth-authorization-server");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), answer.body.len().to_string());
}

#[test]
fn a_configured_issuer_is_the_one_in_the_metadata() {
    let server = Server::with_config(CLIENTS);
    let metadata = server.get("/.well-known/oauth-authorization-server").json();
    assert_eq!(metadata["issuer"], "https://as.example");
    assert_eq!(metadata["token_endpoint"], "https://as.example/oauth2/access_token");
}

#[test]
fn a_method_that_an_endpoint_lacks_is_refused_in_json_with_allow() {
    let server = Server::start(&[]);
    for path in [
        "/oauth2/access_token",
        "/oauth2/token",
        "/oauth2/token/revoke",
        "/oauth2/introspect",
        "/oauth2/realms/root/access_token",
        "/oauth2/realms/root/token/revoke",
        "/oauth2/realms/root/introspect",
        "/oauth2/sign-in",
        "/json/authenticate",
    ] {
        let get = server.get(path);
        assert_eq!(get.refusal(), (405, "invalid_request".to_owned()), "{path}");
        assert_eq!(get.header("allow"), "POST", "{path}");
        let head = server.send("HEAD", path);
        assert_eq!((head.status, head.header("allow"), head.body.as_str()), (405, "POST", ""), "{path}");
    }
    for path in ["/oauth2/authorize", "/oauth2/device/user"] {
        let put = server.send("PUT", path);
        assert_eq!((put.refusal(), put.header("allow")), ((405, "invalid_request".to_owned()), "GET, HEAD, POST"));
    }
    assert_eq!(server.get("/no/such/path").refusal(), (404, "not_found".to_owned()));
}

#[test]
fn a_body_above_the_limit_is_refused_in_json() {
    let server = Server::start(&[]);
    let long = "x".repeat(65 * 1024);
    for path in ["/oauth2/token", "/oauth2/authorize", "/oauth2/sign-in"] {
        assert_eq!(server.form(path, &[("padding", &long)]).refusal(), (413, "invalid_request".to_owned()), "{path}");
    }
}
