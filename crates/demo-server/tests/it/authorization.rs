//! The endpoints of the host: signing in, and the decision of the user.

use fixtures::ready;
use regrant::clock::{Clock as _, SystemClock};
use regrant::{ClientId, SystemEntropy};
use regrant_jose::client_assertion::ClientKey;
use regrant_jose::{Algorithm, PrivateKey};

use crate::helper::{CALLBACK, CHALLENGE, MY_CLIENT, Server, VERIFIER, config_file, encoded};

const CLIENTS: &str = r#"
[[clients]]
client_id = "app"
redirect_uris = ["https://app.example/cb?tenant=a%20b", "https://app.example/other"]
scope = "read write"
resources = ["https://api.example", "https://mail.example"]

[[clients]]
client_id = "machine"
client_secret = "machine-secret"
redirect_uris = ["https://machine.example/cb"]
grant_types = ["client_credentials"]

[[users]]
username = "demo"
password = "changeit"

[[users]]
username = "zo\u00eb"
password = "caf\u00e9"

[[users]]
username = "gone"
password = "changeit"
disabled = true
"#;

const PKCE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

fn app(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let usual = [("client_id", "app"), ("redirect_uri", "https://app.example/cb?tenant=a%20b")];
    [&usual[..], &PKCE, more].concat()
}

#[test]
fn signing_in_gives_a_session_in_the_format_of_am() {
    let server = Server::start(&[]);
    let answer = server.authenticate("demo", "changeit");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.text("successUrl"), "/openam/console");
    assert_eq!(answer.text("realm"), "/");
    assert_ne!(answer.text("tokenId"), server.sign_in());

    let headers = [("x-openam-username", "demo"), ("x-openam-password", "changeit")];
    assert_eq!(server.post("/json/realms/root/authenticate", &headers, "{}").status, 200);
}

#[test]
fn a_name_and_a_password_may_be_any_utf_8() {
    assert_eq!(Server::with_config(CLIENTS).authenticate("zo\u{eb}", "caf\u{e9}").status, 200);
}

#[test]
fn a_wrong_password_an_unknown_user_and_a_disabled_one_get_the_same_answer() {
    let server = Server::with_config(CLIENTS);
    for (username, password) in
        [("demo", "wrong"), ("nobody", "changeit"), ("gone", "changeit"), ("", ""), ("demo", "")]
    {
        let answer = server.authenticate(username, password);
        assert_eq!(answer.status, 401, "{username}");
        assert!(answer.header("www-authenticate").starts_with("X-OpenAM "), "RFC 9110 section 15.5.2: {answer:?}");
        assert_eq!(answer.body, r#"{"code":401,"message":"Authentication Failed","reason":"Unauthorized"}"#);
    }
    assert_eq!(server.post("/json/authenticate", &[], "").status, 401);
}

#[test]
fn a_public_client_gets_its_tokens_with_pkce() {
    let server = Server::with_config(CLIENTS);
    let session = server.sign_in();
    let parameters = app(&[
        ("state", "a&b=c d"),
        ("nonce", "n-0S6"),
        ("resource", "https://api.example"),
        ("resource", "https://mail.example"),
    ]);
    let answer = server.authorize(&session, &parameters);

    assert!(answer.header("location").starts_with("https://app.example/cb?tenant=a%20b&code=ac_"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.redirected("iss"), server.url);
    assert_eq!(answer.redirected("state"), "a&b=c d");
    assert_eq!(answer.redirected("client_id"), "app");

    let code = answer.redirected("code");
    let redemption = [
        ("client_id", "app"),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "https://app.example/cb?tenant=a%20b"),
    ];
    let without_verifier = server.form("/oauth2/token", &redemption);
    assert_eq!(without_verifier.refusal(), (400, "invalid_grant".to_owned()));
    let tokens = server.form("/oauth2/token", &[&redemption[..], &[("code_verifier", VERIFIER)]].concat());
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(tokens.text("scope"), "read write");

    let refresh = [("client_id", "app"), ("grant_type", "refresh_token")];
    let refresh_token = tokens.text("refresh_token");
    let refreshed = server.form("/oauth2/token", &[&refresh[..], &[("refresh_token", &refresh_token)]].concat());
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
}

// OAuth 2.0 Form Post Response Mode, OAuth 2.0 Multiple Response Type Encoding Practices section 2.1.
#[test]
fn the_client_chooses_where_the_code_is() {
    let server = Server::with_config(CLIENTS);
    let session = server.sign_in();
    let fragment = server.authorize(&session, &app(&[("response_mode", "fragment")]));
    assert!(fragment.header("location").starts_with("https://app.example/cb?tenant=a%20b#code=ac_"), "{fragment:?}");
    let page = server.authorize(&session, &app(&[("response_mode", "form_post"), ("state", "\"><b>")]));
    assert_eq!((page.status, page.header("location")), (200, ""), "{page:?}");
    assert!(page.body.contains("action=\"https://app.example/cb?tenant=a%20b\""), "{page:?}");
    assert!(page.body.contains("name=\"code\" value=\"ac_") && page.body.contains("value=\"&quot;&gt;&lt;b&gt;\""));
}

#[test]
fn a_request_with_an_untrusted_redirect_uri_is_never_redirected() {
    let server = Server::with_config(CLIENTS);
    let session = server.sign_in();
    for parameters in [
        &[("client_id", "unknown")][..],
        &[("client_id", "")],
        &[("client_id", "app"), ("redirect_uri", "https://evil.example/cb")],
        &[("client_id", "app"), ("redirect_uri", "https://app.example/cb?tenant=a+b")],
        &[("client_id", "app"), ("redirect_uri", "not a uri")],
        // With two registered URIs, the request must name one.
        &[("client_id", "app"), ("redirect_uri", "")],
    ] {
        let answer = server.authorize(&session, parameters);
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{parameters:?}");
        assert_eq!(answer.header("location"), "");
    }
}

#[test]
fn the_client_gets_the_error_of_a_bad_request() {
    let server = Server::with_config(CLIENTS);
    let session = server.sign_in();
    let public = [("client_id", "app"), ("redirect_uri", "https://app.example/other")];
    let machine = vec![("client_id", "machine"), ("redirect_uri", "https://machine.example/cb")];
    let long: &str = "n".repeat(256).leak();
    for (parameters, error) in [
        (app(&[("decision", "deny")]), "access_denied"),
        (app(&[("decision", "")]), "access_denied"),
        (app(&[("response_type", "token")]), "unsupported_response_type"),
        (app(&[("response_type", "")]), "invalid_request"),
        (app(&[("response_mode", "web_message")]), "invalid_request"),
        (app(&[("request", "e30.e30.")]), "request_not_supported"),
        (app(&[("request_uri", "https://app.example/request")]), "request_uri_not_supported"),
        (app(&[("prompt", "none login")]), "invalid_request"),
        (app(&[("max_age", "soon")]), "invalid_request"),
        (app(&[("scope", "read admin")]), "invalid_scope"),
        (app(&[("scope", "read  write")]), "invalid_scope"),
        (app(&[("resource", "https://other.example")]), "invalid_target"),
        (app(&[("resource", "https://api.example"), ("resource", "nonsense")]), "invalid_target"),
        (app(&[("nonce", long)]), "invalid_request"),
        (public.into(), "invalid_request"),
        ([&public[..], &[("code_challenge", VERIFIER)]].concat(), "invalid_request"),
        (
            [&public[..], &[("code_challenge", CHALLENGE), ("code_challenge_method", "plain")]].concat(),
            "invalid_request",
        ),
        ([&public[..], &[("code_challenge", "short"), ("code_challenge_method", "S256")]].concat(), "invalid_request"),
        ([&public[..], &[("code_challenge_method", "S256")]].concat(), "invalid_request"),
        (machine, "unauthorized_client"),
    ] {
        let answer = server.authorize(&session, &[&parameters[..], &[("state", "xyz")]].concat());
        assert_eq!(answer.redirected("error"), error, "{parameters:?}");
        assert_eq!(answer.redirected("state"), "xyz");
        assert_eq!(answer.redirected("iss"), server.url);
        assert!(answer.location().iter().all(|(name, _)| name != "code"));
    }
}

#[test]
fn a_request_without_a_live_session_is_refused() {
    let server = Server::with_manual_clock();
    let refused = server.authorize("made-up", &[]);
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with("X-OpenAM "), "RFC 9110 section 15.5.2: {refused:?}");

    let session = server.sign_in();
    server.advance("1h 59m 59s");
    assert_eq!(server.authorize(&session, &[]).status, 303);
    server.advance("1s");
    assert_eq!(server.authorize(&session, &[]).status, 401);

    let session = server.sign_in();
    assert_eq!(server.form("/dev/users", &[("username", "demo"), ("disabled", "true")]).status, 200);
    assert_eq!(server.authorize(&session, &[]).status, 401);
}

#[test]
fn a_form_without_the_session_id_is_refused() {
    let server = Server::start(&[]);
    let (session, other) = (server.sign_in(), server.sign_in());
    for csrf in ["", &other, "guess"] {
        let answer = server.authorize(&session, &[("csrf", csrf)]);
        assert_eq!(answer.refusal(), (400, "access_denied".to_owned()), "{csrf}");
    }
}

#[test]
fn a_repeated_or_undecodable_parameter_is_refused() {
    let server = Server::start(&[]);
    let session = server.sign_in();
    let answer = server.authorize(&session, &[("scope", "read"), ("scope", "write")]);
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));

    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("cookie", &format!("iPlanetDirectoryPro={session}"))];
    let form = format!("client_id=myClient&response_type=code&decision=allow&csrf={session}&state=%ff");
    assert_eq!(server.post("/oauth2/authorize", &headers, &form).refusal(), (400, "invalid_request".to_owned()));
    let form = form.replace("%ff", "ok");
    assert_eq!(server.post("/oauth2/authorize", &headers[1..], &form).refusal(), (400, "invalid_request".to_owned()));
    let answer = server.post("/oauth2/realms/root/authorize", &headers, &form);
    assert!(answer.header("location").starts_with(CALLBACK), "{answer:?}");
}

#[test]
fn the_time_of_signing_in_reaches_introspection() {
    let server = Server::with_manual_clock();
    let session = server.sign_in();
    server.advance("10m");
    let code = server.authorize(&session, &[]).redirected("code");
    let redemption = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    let tokens = server.token(&MY_CLIENT, &redemption);

    let token = server.introspect(&tokens.text("access_token"));
    assert_eq!(token["iat"].as_i64().unwrap() - token["auth_time"].as_i64().unwrap(), 600);
    assert_eq!(token["sub"], "demo");
    assert_eq!(token["iss"], server.url.as_str());
}

// RFC 9101 sections 5 and 10.5.
#[test]
fn a_client_with_keys_signs_its_requests() {
    let key = PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy).unwrap();
    let key = ClientKey::new(ClientId::from_static("signer"), key).unwrap();
    let jwk = key.public_key().to_value();
    let members = jwk.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {value}"));
    let members: Vec<String> = members.collect();
    let config = format!(
        "[[clients]]\nclient_id = \"signer\"\nredirect_uris = [\"https://app.example/cb\"]\nscope = \"read\"\n\
         jwks = {{ keys = [{{ {} }}] }}\nrequire_signed_request_object = true\n",
        members.join(", ")
    );
    let server = Server::start(&["--config", config_file(&config).to_str().unwrap()]);
    let asked = [
        ("response_type", "code"),
        ("redirect_uri", "https://app.example/cb"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let object = asked
        .iter()
        .fold(key.request_object(&server.url), |object, (name, value)| object.with_parameter(*name, *value));
    let object = ready(object.sign(SystemClock.now(), &SystemEntropy)).unwrap();
    let get = |parameters: &[(&str, &str)]| server.get(&format!("/oauth2/authorize?{}", encoded(parameters)));
    let page = get(&[("client_id", "signer"), ("request", &object)]);
    assert!(page.status == 200 && page.body.contains("id=\"password\""), "{page:?}");
    let plain = get(&[&[("client_id", "signer")], &asked[..]].concat());
    assert_eq!(plain.redirected("error"), "invalid_request");
}
