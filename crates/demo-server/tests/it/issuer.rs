//! Issuers with a path, and the signing keys of the metadata.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::browser::Browser;
use crate::helper::{CALLBACK, MY_CLIENT, Server};

const CLIENT: &str = r#"
[[clients]]
client_id = "myClient"
client_secret = "forgerock"
redirect_uris = ["https://www.example.com:443/callback"]
scope = "openid read"

[[users]]
username = "demo"
password = "changeit"
"#;

fn header(jwt: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap()).unwrap()
}

/// Signs in on the pages of the metadata, and returns the `id_token`.
fn id_token(server: &Server, metadata: &Value, origin: &str) -> String {
    let path = |member: &str| metadata[member].as_str().unwrap().strip_prefix(origin).unwrap().to_owned();
    let link = format!(
        "{}?client_id=myClient&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fwww.example.com%3A443%2Fcallback",
        path("authorization_endpoint")
    );
    let mut browser = Browser::new(server);
    let page = browser.get(&link);
    let page = browser.sign_in(&page, "demo", "changeit");
    let answer = browser.submit(&page, &[("decision", "allow")]);
    assert_eq!(answer.redirected("iss"), metadata["issuer"].as_str().unwrap());
    let code = answer.redirected("code");
    let redemption = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    let tokens = server.form(&path("token_endpoint"), &[&MY_CLIENT[..], &redemption].concat());
    let active = server
        .form(&path("introspection_endpoint"), &[&MY_CLIENT[..], &[("token", &*tokens.text("access_token"))]].concat());
    assert_eq!(active.json()["iss"], metadata["issuer"]);
    tokens.text("id_token")
}

// RFC 8414 section 3.1, OpenID Connect Discovery 1.0 section 4.1.
#[test]
fn an_issuer_may_have_a_path() {
    for (path, token) in [
        ("/tenant", "/tenant/oauth2/access_token"),
        ("/am/oauth2", "/am/oauth2/access_token"),
        ("/oauth2", "/oauth2/access_token"),
        ("/am/oauth2/realms/root/realms/orders", "/am/oauth2/realms/root/realms/orders/access_token"),
    ] {
        let server = Server::with_config(&format!("issuer = \"https://as.example{path}\"\n{CLIENT}"));
        let metadata = server.get(&format!("/.well-known/oauth-authorization-server{path}")).json();
        assert_eq!(metadata["issuer"], format!("https://as.example{path}"));
        assert_eq!(metadata["token_endpoint"], format!("https://as.example{token}"));
        let discovery = server.get(&format!("{path}/.well-known/openid-configuration")).json();
        assert_eq!(discovery["token_endpoint"], metadata["token_endpoint"]);
        assert_eq!(server.get("/.well-known/oauth-authorization-server").status, 404, "another issuer's");
        id_token(&server, &metadata, "https://as.example");
        let jwks = discovery["jwks_uri"].as_str().unwrap().strip_prefix("https://as.example").unwrap();
        assert_eq!(server.get(jwks).status, 200);
    }
}

#[test]
fn the_cookie_of_an_https_issuer_is_secure() {
    let server = Server::with_config(&format!("issuer = \"https://as.example/tenant\"\n{CLIENT}"));
    let page = server.get(
        "/tenant/oauth2/authorize?client_id=myClient&response_type=code&redirect_uri=https://www.example.com:443/callback",
    );
    assert!(page.header("set-cookie").ends_with("; HttpOnly; SameSite=Lax; Secure"), "{page:?}");
}

// OpenID Connect Discovery 1.0 section 3: RS256 must be there. Registration 1.0 section 2: RS256 is the default.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn random_keys_sign_with_rs256_unless_the_client_wants_another_algorithm() {
    let server = Server::with_config(CLIENT);
    let metadata = server.get("/.well-known/openid-configuration").json();
    let listed = ["RS256", "EdDSA", "Ed25519", "ES256"];
    assert_eq!(metadata["id_token_signing_alg_values_supported"], serde_json::json!(listed));
    assert_eq!(header(&id_token(&server, &metadata, &server.url))["alg"], "RS256");

    for alg in listed {
        let client = CLIENT.replace("scope =", &format!("id_token_signed_response_alg = \"{alg}\"\nscope ="));
        let server = Server::with_config(&client);
        let header = header(&id_token(&server, &metadata_of(&server), &server.url));
        assert_eq!(header["alg"], alg);
        let jwks = server.get("/oauth2/connect/jwk_uri").json();
        let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap().clone();
        assert_eq!(key["alg"], alg, "the key names the same algorithm");
    }
}

// RFC 9864: one key under two names, for clients of each.
#[test]
fn a_configured_key_signs_under_the_name_in_its_table() {
    let pem = include_str!("../../../regrant-jose/tests/it/keys/ed25519.pem");
    let keys = format!("[jwt]\nkeys = ['''{pem}''', {{ pem = '''{pem}''', alg = \"Ed25519\", kid = \"new\" }}]\n");
    let client = CLIENT.replace("scope =", "id_token_signed_response_alg = \"Ed25519\"\nscope =");
    let server = Server::with_config(&format!("{keys}{client}"));
    let metadata = metadata_of(&server);
    let header = header(&id_token(&server, &metadata, &server.url));
    assert_eq!((&header["alg"], &header["kid"]), (&"Ed25519".into(), &"new".into()));
    let listed = server.get("/.well-known/openid-configuration").json();
    assert_eq!(listed["id_token_signing_alg_values_supported"], serde_json::json!(["EdDSA", "Ed25519"]));
}

fn metadata_of(server: &Server) -> Value {
    server.get("/.well-known/oauth-authorization-server").json()
}
