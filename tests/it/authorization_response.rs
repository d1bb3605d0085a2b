//! The authorization response (RFC 6749 section 4.1.2): its place, its parameters, and the one URI that it may go to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixtures::{CHALLENGE, Config, REDIRECT, SPA, Seeded, Server, WatchedStore, encode};
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use regrant::event::{EventKind, Operation};
use regrant::wire::{Ask, AuthorizationError, Response, ResponseMode};
use regrant::{Entropy as _, RedirectUri, Refusal};
use sha2::{Digest as _, Sha256};

use crate::authorization_request::{ask, ask_raw, demo, header, parameters, value, with};

#[tokio::test]
async fn a_response_has_its_parameters_where_the_client_wants_them() {
    let server = Server::start();
    for (name, mode, mark) in [
        ("", ResponseMode::Query, "?code=ac_"),
        ("query", ResponseMode::Query, "?code=ac_"),
        ("fragment", ResponseMode::Fragment, "#code=ac_"),
    ] {
        let ask = ask(&server, &with(&[("response_mode", name)])).await.unwrap();
        assert_eq!(ask.response_mode(), mode);
        let response = ask.approve(demo()).await.unwrap();
        assert!(header(&response, "location").unwrap().starts_with(&format!("{REDIRECT}{mark}")), "{response:?}");
        assert_eq!(value(&response, "state"), "x y");
    }
    let error = ask(&server, &with(&[("response_mode", "fragment"), ("scope", "admin")])).await.unwrap_err();
    assert!(header(&error.response(), "location").unwrap().starts_with(&format!("{REDIRECT}#error=invalid_scope&")));
    // The query that a redirect URI has stays as it is (RFC 6749 section 3.1.2).
    let uri = "https://app.example/cb?tenant=a%20b";
    let server = Config::default().with_client(SPA, |client| client.with_redirect_uris([uri.parse().unwrap()])).start();
    let response = ask(&server, &with(&[("redirect_uri", uri)])).await.unwrap().approve(demo()).await.unwrap();
    assert!(header(&response, "location").unwrap().starts_with(&format!("{uri}&code=ac_")), "{response:?}");
}

// OAuth 2.0 Form Post Response Mode section 2.
#[tokio::test]
async fn a_form_post_is_a_page_that_submits_itself_and_runs_nothing_else() {
    let server = Server::start();
    let hostile = "\"><script>alert(1)</script>&amp;'\r\n\u{e9}";
    let own = [("response_mode", "form_post"), ("state", hostile)];
    let response = ask(&server, &with(&own)).await.unwrap().approve(demo()).await.unwrap();
    assert_eq!((response.status, header(&response, "location")), (200, None));
    let html = String::from_utf8(response.body.clone()).unwrap();
    assert!(html.contains(&format!("<form method=\"post\" action=\"{REDIRECT}\">")), "{html}");
    assert!(html.contains("<input type=\"hidden\" name=\"code\" value=\"ac_"), "{html}");
    assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;'\r\n\u{e9}\""), "{html}");
    assert!(html.contains("<noscript><button>Continue</button></noscript>"), "works without scripts: {html}");
    let scripts: Vec<&str> =
        html.split("<script>").skip(1).map(|rest| rest.split_once("</script>").unwrap().0).collect();
    let [script] = scripts[..] else { panic!("one script: {html}") };
    let policy = header(&response, "content-security-policy").unwrap();
    let hash = STANDARD.encode(Sha256::digest(script));
    let expected = format!("default-src 'none'; script-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'");
    assert_eq!(policy, expected);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(header(&response, name), Some(value));
    }
    let refused =
        ask(&server, &with(&[("response_mode", "form_post"), ("scope", "admin")])).await.unwrap_err().response();
    let html = String::from_utf8(refused.body).unwrap();
    assert!(html.contains("name=\"error\" value=\"invalid_scope\"") && html.contains("name=\"iss\""), "{html}");

    // Nothing can be posted to a native app.
    let native = [RedirectUri::from_static("com.example.app:/cb")];
    let server = Config::default().with_client(SPA, |client| client.with_redirect_uris(native.clone())).start();
    let own = [("response_mode", "form_post"), ("redirect_uri", "com.example.app:/cb")];
    let location = ask(&server, &with(&own)).await.unwrap_err().response();
    let location = header(&location, "location").unwrap().to_owned();
    assert!(location.starts_with("com.example.app:/cb?error=invalid_request&"), "{location}");
}

#[tokio::test]
async fn a_state_is_repeated_whole_and_ends_no_header() {
    let server = Server::start();
    for state in ["a&b=c d", "\r\nset-cookie: a=b", "\u{e9}\u{1f600}", "#?&=%", "\u{7f}", "\t", "+%2B+"] {
        for mode in ["query", "fragment"] {
            let own = [("response_mode", mode), ("state", state)];
            let response = ask(&server, &with(&own)).await.unwrap().deny();
            assert_eq!(value(&response, "state"), state);
        }
    }
    let without = ask(&server, &with(&[("state", "")])).await.unwrap().deny();
    assert!(parameters(&without).iter().all(|(name, _)| name != "state"));
}

// OpenID Connect Core section 3.1.2.6.
#[tokio::test]
async fn a_host_answers_without_a_code_in_five_ways() {
    type Answer = fn(Ask<WatchedStore>) -> Response;
    let server = Server::start();
    let answers: [(Answer, &str); 5] = [
        (Ask::deny, "access_denied"),
        (Ask::login_required, "login_required"),
        (Ask::consent_required, "consent_required"),
        (Ask::account_selection_required, "account_selection_required"),
        (Ask::interaction_required, "interaction_required"),
    ];
    for (answer, error) in answers {
        let ask = ask(&server, &with(&[])).await.unwrap().with_response_parameter("session_state", "s");
        let response = answer(ask);
        let names: Vec<String> = parameters(&response).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["error", "error_description", "iss", "state"]);
        assert_eq!((value(&response, "error").as_str(), value(&response, "state").as_str()), (error, "x y"));
    }
    let denied = (Operation::Authorize, EventKind::Refused(Refusal::DeniedByOwner));
    assert_eq!(server.config.events.operations(), [denied], "to want no page is no refusal");
    assert_eq!(server.store().calls(), 0);
    let ask = ask(&server, &with(&[])).await.unwrap().with_response_parameter("session_state", "s&t");
    assert_eq!(value(&ask.approve(demo()).await.unwrap(), "session_state"), "s&t");
}

/// Judges a query. Whatever it is, no answer leads to another place than the registered one.
fn judged(server: &Server, query: &str) {
    match fixtures::ready(ask_raw(&server.endpoints, query)) {
        Ok(ask) => assert_eq!(ask.redirect_uri().as_str(), REDIRECT),
        Err(error @ AuthorizationError::Show(_)) => assert!(header(&error.response(), "location").is_none()),
        Err(AuthorizationError::Redirect { response, .. }) => match header(&response, "location") {
            Some(location) => assert!(location.starts_with(REDIRECT), "{location}"),
            None => assert!(String::from_utf8(response.body).unwrap().contains(&format!("action=\"{REDIRECT}\""))),
        },
    }
}

#[test]
fn ten_thousand_random_queries_never_panic_and_never_leave_the_registered_uri() {
    let server = Server::start();
    let names = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "dpop_jkt",
        "prompt",
        "max_age",
        "resource",
        "audience",
        "claims",
        "request",
        "request_uri",
        "authorization_details",
        "registration",
        "x",
    ];
    let values = [
        "",
        "spa",
        REDIRECT,
        "https://evil.example/cb",
        "code",
        "form_post",
        "fragment",
        "read",
        CHALLENGE,
        "S256",
        "none",
        "login none",
        "0",
        "-1",
        "[{\"type\":\"a\"}]",
        "{",
        "urn:ietf:params:oauth:request_uri:x",
        "\r\n",
        "\u{1f600}",
    ];
    let random = Seeded::new(14);
    for _ in 0..10_000 {
        let mut bytes = [0; 64];
        random.fill(&mut bytes);
        let mut query = fixtures::form(if bytes[0] % 2 == 0 { &[] } else { &[("client_id", "spa")] });
        for pair in bytes[2..].chunks_exact(2).take(usize::from(bytes[1] % 20)) {
            let (name, value) =
                (names[usize::from(pair[0]) % names.len()], values[usize::from(pair[1]) % values.len()]);
            query.extend(["&", &encode(name), "=", &encode(value)]);
        }
        judged(&server, &query);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_in_any_parameter_is_judged(query in any::<String>(), state in any::<String>(), own in prop::collection::vec(any::<(String, String)>(), 0..4)) {
        let server = Server::start();
        judged(&server, &query);
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let all = [&with(&[("state", state.as_str())])[..], &own].concat();
        judged(&server, &fixtures::form(&all));
    }
}
