//! `--am-config`: a realm of AM, served from its export.

use std::path::PathBuf;

use serde_json::Value;

use crate::helper::{Answer, Server, config_file, operate, run};

const SECRET: &str = "hD3kq0vX7ZrYc2LmN8sTpW";

const USERS: &str = "[[users]]\nusername = \"demo\"\npassword = \"changeit\"\n";

const WEB: [(&str, &str); 2] = [("redirect_uri", "https://app.example/cb"), ("client_id", "orders-web")];

/// A document of the fixtures of `regrant-am`.
fn export(name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../crates/regrant-am/tests/exports").join(name);
    file.to_str().unwrap().to_owned()
}

fn config(secrets: &str) -> String {
    config_file(&format!("{USERS}\n[am_secrets]\n{secrets}\n")).to_str().unwrap().to_owned()
}

fn basic(id: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{id}:{SECRET}")))
}

impl Server {
    fn as_web(&self, body: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", &basic("orders-web"))];
        self.post("/oauth2/access_token", &headers, body)
    }
}

#[test]
fn a_realm_of_am_is_served_as_exported() {
    let (provider, web, apps) =
        (export("provider.json"), export("rest-confidential.json"), export("frodo-applications.json"));
    let config = config(&format!("orders-web = \"{SECRET}\""));
    let server = Server::start(&["--manual-clock", "--config", &config, "--am-config", &provider, &web, &apps]);

    let code = server.authorize(&server.sign_in(), &WEB).redirected("code");
    let first = server
        .as_web(&format!("grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"));
    assert_eq!(first.json()["expires_in"], 300, "{first:?}");
    let refresh = |token: &str| server.as_web(&format!("grant_type=refresh_token&refresh_token={token}"));
    let second = refresh(&first.text("refresh_token"));
    assert_ne!(second.text("refresh_token"), first.text("refresh_token"));
    server.advance("29s");
    assert_eq!(refresh(&first.text("refresh_token")).text("refresh_token"), second.text("refresh_token"));
    server.advance("1s");
    assert_eq!(refresh(&first.text("refresh_token")).refusal(), (400, "invalid_grant".to_owned()));

    let log = server.log();
    assert!(log.contains("WARN") && log.contains("old-portal.status = \"Inactive\": left out"), "{log}");
    assert!(log.contains("orders-web.coreOAuth2ClientConfig.agentgroup"), "{log}");
    for secret in [SECRET, "hunter2", "n0tF0rAnyLog"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_client_with_a_key_or_a_certificate_is_verified_by_the_export() {
    let (job, bank) = (export("amster-private-key-jwt.json"), export("amster-mtls.json"));
    let server = Server::start(&["--config", &config(""), "--am-config", &job, &bank]);
    let metadata = server.get("/.well-known/oauth-authorization-server").json();
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&"private_key_jwt".into()) && methods.contains(&"tls_client_auth".into()), "{methods:?}");
    for client_id in ["bank", "batch-job"] {
        let answer =
            server.form("/oauth2/access_token", &[("grant_type", "client_credentials"), ("client_id", client_id)]);
        assert_eq!(answer.refusal(), (400, "invalid_client".to_owned()), "{client_id} shows neither");
    }
}

#[test]
fn a_client_without_keys_in_the_export_is_left_out_and_reported() {
    let exported = std::fs::read_to_string(export("amster-private-key-jwt.json")).unwrap();
    let elsewhere = config_file(&exported.replace("\"jwks\"", "\"jwks_uri\""));
    let server = Server::start(&["--config", &config(""), "--am-config", elsewhere.to_str().unwrap()]);
    assert!(server.log().contains("batch-job is left out"), "{}", server.log());
}

#[test]
fn a_large_export_shows_its_progress_in_the_log() {
    let client: Value = serde_json::from_str(&std::fs::read_to_string(export("flat-client.json")).unwrap()).unwrap();
    let numbered = |number: usize| {
        let mut client = client.clone();
        client["_id"] = format!("client-{number}").into();
        client
    };
    let clients: Vec<Value> = (0..10_001).map(numbered).collect();
    let file = config_file(&Value::from(clients).to_string());
    let output = operate(&["check", "--config", &config(""), "--am-config", file.to_str().unwrap()], "");
    let log = String::from_utf8(output.stderr).unwrap();
    let last = log.lines().last().unwrap_or_default();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"the configuration has no fault\n"[..]), "{last}");
    assert!(log.contains(" of 10001 clients of AM registered"), "{last}");
    assert!(!log.contains(client["userpassword"].as_str().unwrap()));
}

/// Fails unless the server refuses to start with an error that contains `words` and no secret.
fn is_refused(arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.status.code(), Some(0), "{message}");
    assert!(words.iter().all(|word| message.contains(word)), "{words:?}: {message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_realm_that_cannot_be_served_as_configured_is_refused() {
    let (web, list) = (export("rest-confidential.json"), export("rest-list.json"));
    is_refused(&["--am-config", &web], &["--config"]);
    is_refused(&["--config", &config(""), "--am-config", &web, &list], &["am_secrets", "orders-web, tv"]);
    let secrets = config("orders-web = \"x\"\nordes-web = \"hunter2\"");
    is_refused(&["--config", &secrets, "--am-config", &web], &["line 7", "no such client"]);
    is_refused(&["--config", &config("orders-web = \"\""), "--am-config", &web], &["line 6", "must not be empty"]);
    is_refused(&["--config", &config("orders-web = \"hunter2\"")], &["line 6", "--am-config"]);
    is_refused(&["--config", &config(""), "--am-config", "/no/such.json"], &["/no/such.json"]);
    let toml = config_file("[provider]\naccess_token_lifetime = \"1h\"\n");
    is_refused(&["--config", toml.to_str().unwrap(), "--am-config", &web], &["--am-config has the provider"]);
    let apps = export("frodo-applications.json");
    let public = config("orders-spa = \"hunter2\"");
    is_refused(&["--config", &public, "--am-config", &apps], &["line 6", "the client has no secret"]);
    let both = config("orders-web = \"x\"\n[[clients]]\nclient_id = \"orders-web\"");
    is_refused(&["--config", &both, "--am-config", &web], &["orders-web is registered twice"]);
    let broken = config_file("{ \"codeLifetime\": \"hunter2\" }");
    is_refused(&["--config", &config(""), "--am-config", broken.to_str().unwrap()], &["codeLifetime: must be"]);
}
