//! Userinfo and logout, at AM's paths.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::both_libraries::behind_both;
use crate::browser::Browser;
use crate::helper::{Answer, CALLBACK, Server, encoded};

const CONFIG: &str = r#"
[[clients]]
client_id = "app"
client_name = "Shop <b>"
client_secret = "forgerock"
redirect_uris = ["https://www.example.com:443/callback"]
post_logout_redirect_uris = ["https://www.example.com/signed-out?from=as"]
scope = "openid profile email read"

[[clients]]
client_id = "signed"
client_secret = "forgerock"
redirect_uris = ["https://www.example.com:443/callback"]
scope = "openid email"
id_token_signed_response_alg = "ES256"
userinfo_signed_response_alg = "ES256"

[[users]]
username = "demo"
password = "changeit"
claims = { name = "Demo User", email = "demo@example.com", email_verified = true, roles = ["admin"], phone_number = "1" }
"#;

const DONE: &str = "https://www.example.com/signed-out?from=as";

/// The tokens that a client gets in the session of the cookie.
fn tokens(server: &Server, session: &str, client_id: &str, scope: &str) -> Answer {
    let code = server.authorize(session, &[("client_id", client_id), ("scope", scope)]).redirected("code");
    let credentials = [("client_id", client_id), ("client_secret", "forgerock")];
    let redemption = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    let tokens = server.token(&credentials, &redemption);
    assert_eq!(tokens.status, 200, "{tokens:?}");
    tokens
}

fn user_info(server: &Server, access_token: &str) -> Answer {
    server.get_with("/oauth2/userinfo", &[("authorization", format!("Bearer {access_token}"))])
}

fn is_alive(server: &Server, refresh_token: &str) -> bool {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    server.token(&[("client_id", "app"), ("client_secret", "forgerock")], &refresh).status == 200
}

fn link(parameters: &[(&str, &str)]) -> String {
    format!("/oauth2/connect/endSession?{}", encoded(parameters))
}

#[test]
fn userinfo_has_the_claims_of_the_granted_scope() {
    behind_both(CONFIG, |server| {
        let session = server.sign_in();
        for (scope, expected) in [
            ("openid", json!({ "sub": "demo" })),
            ("openid email", json!({ "sub": "demo", "email": "demo@example.com", "email_verified": true })),
            ("openid profile", json!({ "sub": "demo", "name": "Demo User", "roles": ["admin"] })),
        ] {
            let token = tokens(server, &session, "app", scope).text("access_token");
            assert_eq!(user_info(server, &token).json(), expected, "{scope}");
            let posted = server.form("/oauth2/realms/root/userinfo", &[("access_token", &token)]);
            assert_eq!(posted.json(), expected, "{scope}");
        }
        let token = tokens(server, &session, "app", "email").text("access_token");
        assert_eq!(user_info(server, &token).refusal(), (403, "insufficient_scope".to_owned()));
        let refused = user_info(server, "garbage");
        assert_eq!(refused.refusal(), (401, "invalid_token".to_owned()));
        assert!(refused.header("www-authenticate").starts_with("Bearer "), "{refused:?}");
        let document = server.get("/.well-known/openid-configuration").json();
        assert_eq!(document["userinfo_endpoint"], format!("{}/oauth2/userinfo", server.url));
        assert_eq!(document["end_session_endpoint"], format!("{}/oauth2/connect/endSession", server.url));
        let claims = document["claims_supported"].as_array().unwrap();
        assert!(["sub", "email", "name", "roles"].iter().all(|name| claims.contains(&json!(name))), "{claims:?}");
    });
}

#[test]
fn a_client_that_is_registered_for_a_jwt_gets_one() {
    behind_both(CONFIG, |server| {
        let token = tokens(server, &server.sign_in(), "signed", "openid email").text("access_token");
        let answer = user_info(server, &token);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
        let part = |index| -> Value {
            let part = answer.body.split('.').nth(index).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(part(0)["alg"], "ES256");
        assert_eq!((&part(1)["aud"], &part(1)["email"]), (&json!("signed"), &json!("demo@example.com")));
    });
}

#[test]
fn a_logout_ends_the_session_of_the_browser_and_its_grants_and_leads_back() {
    behind_both(CONFIG, |server| {
        let mut browser = Browser::signed_in(server);
        let session = browser.cookie.clone().unwrap();
        let first = tokens(server, &session, "app", "openid");
        let of_another = tokens(server, &server.sign_in(), "app", "openid");
        let hint = first.text("id_token");
        let asked = [("id_token_hint", &*hint), ("post_logout_redirect_uri", DONE), ("state", "a b&c")];
        let answer = browser.get(&link(&asked));
        assert_eq!((answer.status, answer.header("location")), (303, &*format!("{DONE}&state=a%20b%26c")));
        assert!(answer.header("set-cookie").ends_with("SameSite=Lax; Max-Age=0"), "{answer:?}");
        assert!(!is_alive(server, &first.text("refresh_token")));
        assert!(is_alive(server, &of_another.text("refresh_token")));
        // The cookie is worth nothing, even where the browser kept it.
        let mut kept = Browser::new(server);
        kept.cookie = Some(session);
        let page = kept.get("/oauth2/device/user");
        assert!(page.body.contains("id=\"password\""), "{page:?}");
        // Again: the session has ended, and the client gets its user back all the same.
        assert_eq!(browser.get(&link(&asked)).status, 303);
    });
}

#[test]
fn a_user_is_asked_unless_the_hint_is_of_the_session_in_the_browser() {
    behind_both(CONFIG, |server| {
        let mut browser = Browser::signed_in(server);
        let session = browser.cookie.clone().unwrap();
        let first = tokens(server, &session, "app", "openid").text("refresh_token");
        let other_hint = tokens(server, &server.sign_in(), "app", "openid").text("id_token");
        let uri = ("post_logout_redirect_uri", DONE);
        for asked in [
            vec![],
            vec![("client_id", "app"), uri],
            vec![("id_token_hint", other_hint.as_str()), uri],
            vec![("id_token_hint", "garbage"), uri],
            // Another site knows no token for the form.
            vec![("client_id", "app"), uri, ("decision", "sign-out"), ("csrf", "x")],
        ] {
            let page = browser.get(&link(&asked));
            assert!(page.status == 200 && page.body.contains("id=\"sign-out\""), "{page:?}");
            assert!(!page.body.contains("Shop <b>"), "{page:?}");
        }
        let forged = [("decision", "sign-out"), ("csrf", "x"), ("client_id", "app"), uri];
        let page = browser.post("/oauth2/connect/endSession", &forged);
        assert!(page.body.contains("id=\"sign-out\"") && is_alive(server, &first), "{page:?}");

        let page = browser.get(&link(&[("client_id", "app"), uri, ("state", "1")]));
        assert!(page.header("content-security-policy").contains("form-action 'self' https:;"), "{page:?}");
        let answer = browser.submit(&page, &[("decision", "sign-out")]);
        assert_eq!((answer.status, answer.header("location")), (303, &*format!("{DONE}&state=1")));
        assert!(!is_alive(server, &first));
        let page = browser.get(&link(&[("client_id", "app"), uri]));
        assert!(page.status == 200 && page.body.contains("You are signed out"), "{page:?}");
        assert_eq!(page.header("location"), "");
    });
}

#[test]
fn no_unregistered_address_is_redirected_to() {
    behind_both(CONFIG, |server| {
        for uri in ["https://evil.example/", "https://www.example.com/signed-out", "//evil.example", "javascript:x"] {
            let mut browser = Browser::signed_in(server);
            let hint = tokens(server, browser.cookie.as_deref().unwrap(), "app", "openid").text("id_token");
            let answer = browser.get(&link(&[("id_token_hint", &hint), ("post_logout_redirect_uri", uri)]));
            assert_eq!((answer.status, answer.header("location")), (200, ""), "{uri}");
            assert!(answer.body.contains("You are signed out"), "{answer:?}");
        }
    });
}
