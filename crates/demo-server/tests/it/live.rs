//! The live page: its parts, who sees what, and the store that can be taken down. dev/interop presses its buttons in a
//! browser.

use std::thread;

use serde_json::Value;

use crate::both_libraries::behind_both;
use crate::browser::Browser;
use crate::helper::{Answer, CHALLENGE, Server, VERIFIER, encoded};

const CONFIG: &str = r#"
[[clients]]
client_id = "live-page"
redirect_uris = ["http://127.0.0.1/"]
scope = "read write"

[[clients]]
client_id = "app"
grant_types = ["password", "refresh_token"]
scope = "read"

[[users]]
username = "demo"
password = "changeit"

[[users]]
username = "alice"
password = "changeit"
"#;

const PAGE: [(&str, &str); 1] = [("client_id", "live-page")];

/// The first tokens of the page, for `demo`.
fn allow(server: &Server) -> Answer {
    let callback = format!("{}/", server.url);
    let asked = [
        PAGE[0],
        ("redirect_uri", &*callback),
        ("scope", "read write"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let code = server.authorize(&server.sign_in(), &asked).redirected("code");
    let redemption = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", &*callback),
        ("code_verifier", VERIFIER),
    ];
    let tokens = server.token(&PAGE, &redemption);
    assert_eq!(tokens.status, 200, "{tokens:?}");
    tokens
}

fn refresh(server: &Server, token: &str) -> Answer {
    server.token(&PAGE, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn inspect_with(server: &Server, cookie: &str, form: &[(&str, &str)]) -> Answer {
    let cookie = format!("iPlanetDirectoryPro={cookie}");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-live", "1"), ("cookie", cookie.as_str())];
    server.post("/live/inspect", &headers, &encoded(form))
}

fn inspect(server: &Server, token: &str) -> Value {
    let answer = inspect_with(server, "", &[("token", token)]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn events(server: &Server, explained: &Value, last: &str) -> Answer {
    let text = |name: &str| explained[name].as_str().unwrap();
    let query = encoded(&[("grant", text("grant_id")), ("watch", text("watch"))]);
    server.get_with(&format!("/live/events?{query}"), &[("last-event-id", last.to_owned())])
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_cannot_be_framed() {
    behind_both(CONFIG, |server| {
        let page = server.get("/");
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let policy = page.header("content-security-policy");
        for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert!(!page.body.contains("{{") && !page.body.contains("<style") && !page.body.contains(" style="));
        for (path, content_type) in
            [("/live/live.js", "text/javascript; charset=utf-8"), ("/live/live.css", "text/css; charset=utf-8")]
        {
            assert!(page.body.contains(path));
            let file = server.get(path);
            assert_eq!((file.status, file.header("content-type")), (200, content_type));
            assert_eq!(server.send("POST", path).status, 405);
        }
        assert_eq!(server.get("/live/other").status, 404);
    });
}

#[test]
fn a_server_without_the_client_has_no_page() {
    let server = Server::with_config(&CONFIG.replace("live-page", "another"));
    for path in ["/", "/live/live.js", "/live/sign-in"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_user_sees_the_own_grants_without_a_script_and_no_others() {
    behind_both(CONFIG, |server| {
        let id = inspect(server, &allow(server).text("refresh_token"))["grant_id"].as_str().unwrap().to_owned();
        let mut stranger = Browser::new(server);
        assert!(!stranger.get("/").body.contains(&id));
        let form = stranger.get("/live/sign-in");
        let page = stranger.sign_in(&form, "alice", "changeit");
        assert!(page.body.contains("alice") && !page.body.contains(&id), "{page:?}");
        let mut owner = Browser::new(server);
        let form = owner.get("/live/sign-in");
        let page = owner.sign_in(&form, "demo", "changeit");
        assert!(page.body.contains(&id), "{page:?}");
    });
}

#[test]
fn a_token_is_explained_to_its_holder_and_says_what_a_refresh_then_does() {
    behind_both(CONFIG, |server| {
        let first = allow(server).text("refresh_token");
        let explained = inspect(server, &first);
        assert_eq!(explained["token"]["refresh"]["answer"], "rotated");
        assert_eq!(explained["grant"]["head"]["generation"], 0);
        assert_eq!(explained["grant"]["access_tokens"].as_array().unwrap().len(), 1);
        assert!(explained["grant"]["record_bytes"].as_u64().unwrap() > 0);
        let second = refresh(server, &first).text("refresh_token");
        assert_eq!(inspect(server, &first)["token"]["refresh"]["answer"], "replayed");
        assert_eq!(refresh(server, &first).text("refresh_token"), second);
        server.advance("1h");
        let spent = inspect(server, &first);
        assert_eq!(spent["token"]["refresh"]["refusal"], "refresh_token_reused");
        assert_eq!(spent["token"]["refresh"]["revokes"], true);
        assert_eq!(spent["token"]["refresh"]["check"]["name"], "generation");
        assert_eq!(inspect(server, &second)["grant"]["phase"], "active", "an explanation ends nothing");
        assert_eq!(refresh(server, &first).refusal(), (400, "invalid_grant".to_owned()));
        assert_eq!(inspect(server, &second)["grant"]["revoked"]["reason"], "refresh_token_reuse");
        let shown = inspect(server, &second).to_string();
        assert!(!shown.contains(&first) && !shown.contains(&second));
    });
}

#[test]
fn nothing_is_explained_to_a_stranger() {
    behind_both(CONFIG, |server| {
        let token = allow(server).text("refresh_token");
        let id = inspect(server, &token)["grant_id"].as_str().unwrap().to_owned();
        let by_id = [("grant", id.as_str())];
        let alice = server.authenticate("alice", "changeit").text("tokenId");
        let unknown = [("grant", "AAAAAAAAAAAAAAAAAAAAAA")];
        let expected = inspect_with(server, &server.sign_in(), &unknown);
        assert_eq!(expected.status, 404);
        for answer in [inspect_with(server, "", &by_id), inspect_with(server, &alice, &by_id)] {
            assert_eq!((answer.status, &answer.body), (404, &expected.body));
        }
        assert_eq!(inspect_with(server, &server.sign_in(), &by_id).status, 200);

        // The token of another client: its resource servers hold it too.
        let other = server.token(
            &[("client_id", "app")],
            &[("grant_type", "password"), ("username", "demo"), ("password", "changeit")],
        );
        for token in [&*other.text("access_token"), &*other.text("refresh_token"), "garbage"] {
            assert_eq!(inspect_with(server, "", &[("token", token)]).status, 404);
        }
        // A form of another site has no header of its own.
        assert_eq!(server.form("/live/inspect", &[("token", &token)]).status, 400);
        assert_eq!(inspect_with(server, "", &[]).status, 400);
        assert_eq!(server.get("/live/inspect").status, 405);
    });
}

#[test]
fn the_events_of_a_grant_go_to_those_who_were_shown_the_grant() {
    behind_both(CONFIG, |server| {
        let first = allow(server).text("refresh_token");
        let explained = inspect(server, &first);
        let all = events(server, &explained, "0");
        assert_eq!((all.status, all.header("content-type")), (200, "text/event-stream"));
        for kind in ["code_issued", "redeemed"] {
            assert!(all.body.contains(kind), "{}", all.body);
        }
        assert!(all.body.contains("ARCHITECTURE.md#order-of-checks"));
        let last = all.body.rsplit_once("id: ").and_then(|(_, rest)| rest.split_once('\n')).unwrap().0.to_owned();
        let next = thread::scope(|scope| {
            let waiting = scope.spawn(|| events(server, &explained, &last));
            refresh(server, &first);
            waiting.join().unwrap()
        });
        assert!(next.body.contains("rotated") && !next.body.contains("redeemed"), "{}", next.body);
        assert!(!next.body.contains(&first), "an event has no token");

        let mut other = explained.clone();
        other["watch"] = "AAAA".into();
        assert_eq!(events(server, &other, "0").status, 404);
        assert_eq!(server.get("/live/events").status, 404);
    });
}

#[test]
fn a_store_that_is_down_ends_no_session_and_one_that_is_rolled_back_heals() {
    behind_both(CONFIG, |server| {
        let first = allow(server).text("refresh_token");
        let id = inspect(server, &first)["grant_id"].as_str().unwrap().to_owned();
        assert_eq!(server.form("/dev/store", &[("state", "down")]).status, 200);
        assert_eq!(refresh(server, &first).status, 503);
        assert_eq!(inspect_with(server, "", &[("token", &first)]).status, 503);
        assert_eq!(server.form("/dev/store", &[("state", "up")]).status, 200);
        let second = refresh(server, &first).text("refresh_token");
        assert_eq!(server.form("/dev/rollback", &[("grant", &id)]).status, 200);
        assert_eq!(inspect(server, &second)["token"]["refresh"]["answer"], "healed");
        assert_eq!(refresh(server, &second).status, 200);
        assert!(events(server, &inspect(server, &second), "0").body.contains("healed"));
        assert_eq!(server.form("/dev/rollback", &[("grant", "AAAAAAAAAAAAAAAAAAAAAA")]).status, 400);
        assert_eq!(server.form("/dev/rollback", &[("grant", "no id")]).status, 400);
        assert_eq!(server.form("/dev/store", &[("state", "sideways")]).status, 400);
    });
}

#[test]
fn without_a_manual_clock_nobody_takes_the_store_down() {
    let server = Server::start(&[]);
    assert!(server.get("/").body.contains("data-clock=\"system\""), "the built-in configuration has the page");
    for path in ["/dev/store", "/dev/rollback", "/dev/clock"] {
        assert_eq!(server.form(path, &[("state", "down")]).status, 404, "{path}");
    }
}

#[test]
fn a_server_that_can_open_no_browser_goes_on() {
    let server = Server::start(&["--open"]);
    assert_eq!(server.get("/").status, 200);
    assert!(server.log().contains("--open: cannot start"), "{}", server.log());
}
