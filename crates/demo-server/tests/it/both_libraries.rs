//! The parts of the server for devices, JWTs and pages, with axum and with actix-web.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::helper::{Answer, Server, config_file, form_with_cookie};

const CONFIG: &str = r#"
cors = ["https://app.example"]

[[clients]]
client_id = "tv"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
scope = "openid read"

[[clients]]
client_id = "app"
client_secret = "forgerock"
token_endpoint_auth_method = "client_secret_post"
redirect_uris = ["https://www.example.com:443/callback"]
grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"]
scope = "openid read write"
[clients.policy]
access_token_format = "jwt"

[[users]]
username = "demo"
password = "changeit"
"#;

const APP: [(&str, &str); 2] = [("client_id", "app"), ("client_secret", "forgerock")];

/// Runs `test` on a server of each library.
pub(crate) fn behind_both(config: &str, test: impl Fn(&Server)) {
    for library in ["axum", "actix-web"] {
        let file = config_file(config);
        test(&Server::start(&["--manual-clock", "--http", library, "--config", file.to_str().unwrap()]));
    }
}

fn decide(server: &Server, session: &str, csrf: &str, user_code: &str, decision: &str) -> Answer {
    let form = [("csrf", csrf), ("user_code", user_code), ("decision", decision)];
    form_with_cookie(server, "/oauth2/device/user", session, &form)
}

fn poll(server: &Server, device_code: &str) -> Answer {
    let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
    server.token(&[("client_id", "tv")], &[("grant_type", grant_type), ("device_code", device_code)])
}

/// The claims of a JWT without verification: clients in dev/interop verify.
fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_device_gets_tokens_when_its_user_has_entered_the_code() {
    behind_both(CONFIG, |server| {
        let device = server.form("/oauth2/device/code", &[("client_id", "tv")]);
        let (device_code, user_code) = (device.text("device_code"), device.text("user_code"));
        assert_eq!(device.text("verification_uri"), format!("{}/oauth2/device/user", server.url));
        assert_eq!(poll(server, &device_code).refusal(), (400, "authorization_pending".to_owned()));
        assert_eq!(poll(server, &device_code).refusal(), (400, "slow_down".to_owned()));

        let session = server.sign_in();
        assert_eq!(decide(server, &session, "another", &user_code, "allow").status, 400, "another site's form");
        assert_eq!(decide(server, &session, &session, "BBBB-BBBB", "allow").status, 400, "a guess");
        let shown = decide(server, &session, &session, &user_code.to_lowercase(), "allow");
        assert_eq!((shown.status, shown.text("client_id")), (200, "tv".to_owned()));

        let tokens = poll(server, &device_code);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert_eq!(claims(&tokens.text("id_token"))["sub"], "demo");
        assert!(tokens.text("refresh_token").starts_with("rt_"));
        assert_eq!(poll(server, &device_code).refusal(), (400, "invalid_grant".to_owned()));
    });
}

#[test]
fn a_device_learns_that_its_user_denied_or_did_not_answer() {
    behind_both(CONFIG, |server| {
        let session = server.sign_in();
        let device = server.form("/oauth2/device/code", &[("client_id", "tv")]);
        assert_eq!(decide(server, &session, &session, &device.text("user_code"), "deny").status, 200);
        assert_eq!(poll(server, &device.text("device_code")).refusal(), (400, "access_denied".to_owned()));

        let device = server.form("/oauth2/device/code", &[("client_id", "tv")]);
        server.advance("300s");
        assert_eq!(poll(server, &device.text("device_code")).refusal(), (400, "expired_token".to_owned()));
    });
}

#[test]
fn a_sign_in_with_openid_gives_an_id_token_of_the_session() {
    behind_both(CONFIG, |server| {
        let session = server.sign_in();
        let asked = [("client_id", "app"), ("scope", "openid read"), ("nonce", "n-0S6")];
        let code = server.authorize(&session, &asked).redirected("code");
        let redemption = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", "https://www.example.com:443/callback"),
        ];
        let tokens = server.token(&APP, &redemption);
        let id_token = claims(&tokens.text("id_token"));
        assert_eq!((&id_token["nonce"], &id_token["aud"]), (&"n-0S6".into(), &"app".into()));
        assert!(!id_token["sid"].as_str().unwrap().is_empty());
        assert_ne!(id_token["sid"], session.as_str(), "the id of the session opens it");

        let refresh_token = tokens.text("refresh_token");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
        let refreshed = server.token(&APP, &refresh);
        let again = claims(&refreshed.text("id_token"));
        assert_eq!(again["sid"], id_token["sid"]);
        assert!(again.get("nonce").is_none());
        // The response is lost, and requested again after a change of the signing key: the same JWT.
        assert_eq!(server.form("/dev/rotate-key", &[]).status, 200);
        let replayed = server.token(&APP, &refresh);
        assert_eq!(replayed.text("access_token"), refreshed.text("access_token"));
        assert_eq!(server.get("/oauth2/connect/jwk_uri").json()["keys"].as_array().unwrap().len(), 8);

        let exchange = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", &*replayed.text("access_token")),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", "read"),
        ];
        let exchanged = server.token(&APP, &exchange);
        assert_eq!(exchanged.text("issued_token_type"), "urn:ietf:params:oauth:token-type:access_token");
        assert_eq!(claims(&exchanged.text("access_token"))["scope"], "read");
    });
}

#[test]
fn a_new_key_seals_and_the_former_ones_open() {
    behind_both(CONFIG, |server| {
        let code = server.authorize(&server.sign_in(), &[("client_id", "app"), ("scope", "read")]).redirected("code");
        let redemption = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", "https://www.example.com:443/callback"),
        ];
        let first = server.token(&APP, &redemption).text("refresh_token");
        let refresh = |token: &str| server.token(&APP, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
        let lost = refresh(&first);
        for keys in 2..=4 {
            assert_eq!(server.form("/dev/rotate-ring", &[]).json()["keys"], keys);
        }
        assert_eq!(refresh(&first).text("refresh_token"), lost.text("refresh_token"));
        let next = refresh(&lost.text("refresh_token")).text("refresh_token");
        assert_ne!(next[3..5], first[3..5], "the id of the key");
        assert_eq!(refresh(&next).status, 200);
    });
}

#[test]
fn only_pages_of_a_configured_origin_may_call() {
    behind_both(CONFIG, |server| {
        let ask = |origin| {
            server.post(
                "/oauth2/access_token",
                &[("origin", origin), ("content-type", "application/x-www-form-urlencoded")],
                "client_id=tv&grant_type=refresh_token&refresh_token=x",
            )
        };
        assert_eq!(ask("https://app.example").header("access-control-allow-origin"), "https://app.example");
        assert_eq!(ask("https://evil.example").header("access-control-allow-origin"), "");
    });
}
