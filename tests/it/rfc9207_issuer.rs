//! RFC 9207: every authorization response names the server that gives it, so that an attacker's server cannot make a
//! client send it the code of another one (mix-up, RFC 9700 section 4.4).

use fixtures::{Config, ISSUER, Server};
use regrant::wire::{Endpoint, Endpoints, Paths};
use serde_json::json;

use crate::authorization_request::{ask, demo, value, with};

// Section 2.
#[tokio::test]
async fn a_code_and_an_error_come_with_the_issuer() {
    let server = Server::start();
    for mode in ["query", "fragment"] {
        let own = [("response_mode", mode)];
        let code = ask(&server, &with(&own)).await.unwrap().approve(demo()).await.unwrap();
        let denied = ask(&server, &with(&own)).await.unwrap().deny();
        let refused = ask(&server, &with(&[own[0], ("scope", "admin")])).await.unwrap_err().response();
        for response in [code, denied, refused] {
            assert_eq!(value(&response, "iss"), ISSUER);
        }
    }
    let own = [("response_mode", "form_post")];
    let page = ask(&server, &with(&own)).await.unwrap().approve(demo()).await.unwrap();
    let html = String::from_utf8(page.body).unwrap();
    assert!(html.contains(&format!("name=\"iss\" value=\"{ISSUER}\"")), "{html}");
}

// Section 3, and OpenID Connect Discovery 1.0 section 3.
#[tokio::test]
async fn the_metadata_of_a_host_with_an_authorization_path_are_complete() {
    let with_page = |endpoints: Endpoints<_>| {
        endpoints.with_paths(Paths { authorization: Some("/authorize".to_owned()), ..Paths::default() })
    };
    let server = Config { endpoints: with_page, ..Config::default() }.start();
    let document = server.document(Endpoint::Metadata).await.json;
    for (member, expected) in [
        ("authorization_endpoint", json!("https://as.example/authorize")),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query", "fragment", "form_post"])),
        ("prompt_values_supported", json!(["none", "login", "consent", "select_account"])),
        ("pushed_authorization_request_endpoint", json!("https://as.example/oauth2/par")),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
        ("claims_parameter_supported", json!(false)),
    ] {
        assert_eq!(document[member], expected, "{member}");
    }
    let without = Server::start().document(Endpoint::Metadata).await.json;
    for member in [
        "authorization_endpoint",
        "authorization_response_iss_parameter_supported",
        "response_modes_supported",
        "prompt_values_supported",
        "pushed_authorization_request_endpoint",
        "require_pushed_authorization_requests",
    ] {
        assert!(without.get(member).is_none(), "{member}");
    }
}
