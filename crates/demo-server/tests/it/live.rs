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

fn try_inspect(server: &Server, token: &str) -> Answer {
    server.form("/live/inspect", &[("token", token)])
}

fn inspect(server: &Server, token: &str) -> Value {
    let answer = try_inspect(server, token);
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
    for path in ["/", "/live/live.js", "/live/live.css", "/live/sign-in", "/live/events"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    assert_eq!(try_inspect(&server, "garbage").status, 404);
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
        assert_eq!(explained["refresh"]["answer"], "rotated");
        assert_eq!(explained["grant"]["head"]["generation"], 0);
        assert_eq!(explained["grant"]["access_tokens"].as_array().unwrap().len(), 1);
        assert!(explained["grant"]["record_bytes"].as_u64().unwrap() > 0);
        let second = refresh(server, &first).text("refresh_token");
        assert_eq!(inspect(server, &first)["refresh"]["answer"], "replayed");
        assert_eq!(refresh(server, &first).text("refresh_token"), second);
        server.advance("1h");
        let spent = inspect(server, &first);
        assert_eq!(spent["refresh"]["refusal"], "refresh_token_reused");
        assert_eq!(spent["refresh"]["revokes"], true);
        assert_eq!(spent["refresh"]["check"]["name"], "generation");
        assert_eq!(inspect(server, &second)["grant"]["phase"], "active", "an explanation ends nothing");
        assert_eq!(refresh(server, &first).refusal(), (400, "invalid_grant".to_owned()));
        assert_eq!(inspect(server, &second)["grant"]["revocation_reason"], "refresh_token_reuse");
        let shown = inspect(server, &second).to_string();
        assert!(!shown.contains(&first) && !shown.contains(&second));
    });
}

#[test]
fn nothing_is_explained_to_a_stranger() {
    behind_both(CONFIG, |server| {
        let token = allow(server).text("refresh_token");
        let expected = try_inspect(server, "garbage");
        assert_eq!(expected.status, 404);
        // The token of another client: its resource servers hold it too.
        let other = server.token(
            &[("client_id", "app")],
            &[("grant_type", "password"), ("username", "demo"), ("password", "changeit")],
        );
        for token in [&*other.text("access_token"), &*other.text("refresh_token"), &token[..token.len() - 1], ""] {
            let answer = try_inspect(server, token);
            assert!(matches!(answer.status, 400 | 404) && !answer.body.contains("grant_id"), "{answer:?}");
        }
        // The id of a grant is in logs, and is no proof of anything.
        let id = inspect(server, &token)["grant_id"].as_str().unwrap().to_owned();
        let cookie = format!("iPlanetDirectoryPro={}", server.sign_in());
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", &*cookie)];
        assert_eq!(server.post("/live/inspect", &headers, &encoded(&[("grant", &*id)])).status, 400);
        assert_eq!(server.get("/live/inspect").status, 405);
    });
}

#[test]
fn no_other_site_reads_the_page_or_its_parts() {
    behind_both(CONFIG, |server| {
        let tokens = allow(server);
        let explained = inspect(server, &tokens.text("refresh_token"));
        let origin = ("origin", "https://evil.example".to_owned());
        let watch = encoded(&[
            ("grant", explained["grant_id"].as_str().unwrap()),
            ("watch", explained["watch"].as_str().unwrap()),
        ]);
        let mut answers: Vec<Answer> = ["/", "/live/sign-in", "/live/live.js", &format!("/live/events?{watch}")]
            .iter()
            .map(|path| server.get_with(path, std::slice::from_ref(&origin)))
            .collect();
        let headers = [("content-type", "application/x-www-form-urlencoded"), (origin.0, &*origin.1)];
        let form = encoded(&[("token", &*tokens.text("refresh_token"))]);
        answers.push(server.post("/live/inspect", &headers, &form));
        for answer in answers {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.header("access-control-allow-origin").is_empty(), "{answer:?}");
        }
        assert_eq!(server.send("OPTIONS", "/live/inspect").status, 405);
    });
}

#[test]
fn a_name_with_markup_is_text() {
    let name = "<img src=x onerror=alert(1)>";
    let config = CONFIG.replace("\"alice\"", &format!("\"{name}\""));
    behind_both(&config, |server| {
        let mut browser = Browser::new(server);
        let form = browser.get("/live/sign-in");
        let page = browser.sign_in(&form, name, "changeit");
        assert!(page.body.contains("signed in as <strong>&lt;img") && !page.body.contains("<img"), "{page:?}");
    });
}

#[test]
fn no_token_is_in_the_page_the_events_or_the_log() {
    let server = Server::with_config(CONFIG);
    let first = allow(&server);
    let second = refresh(&server, &first.text("refresh_token"));
    let explained = inspect(&server, &second.text("refresh_token"));
    server.advance("1h");
    refresh(&server, &first.text("refresh_token"));
    let mut owner = Browser::new(&server);
    let form = owner.get("/live/sign-in");
    let shown = [
        owner.sign_in(&form, "demo", "changeit").body,
        explained.to_string(),
        events(&server, &explained, "0").body,
        server.log(),
    ];
    for tokens in [first, second] {
        for token in [tokens.text("access_token"), tokens.text("refresh_token")] {
            assert!(shown.iter().all(|shown| !shown.contains(&token)), "{shown:?}");
        }
    }
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
        // Many windows wait at once, and each has the event.
        let answers = thread::scope(|scope| {
            let waiting: Vec<_> = (0..32).map(|_| scope.spawn(|| events(server, &explained, &last))).collect();
            refresh(server, &first);
            waiting.into_iter().map(|answer| answer.join().unwrap()).collect::<Vec<_>>()
        });
        for next in answers {
            assert!(next.body.contains("rotated") && !next.body.contains("redeemed"), "{}", next.body);
        }

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
        let mut owner = Browser::new(server);
        let form = owner.get("/live/sign-in");
        owner.sign_in(&form, "demo", "changeit");
        assert_eq!(server.form("/dev/store", &[("state", "down")]).status, 200);
        assert_eq!(refresh(server, &first).status, 503);
        assert_eq!(try_inspect(server, &first).status, 503);
        let page = owner.get("/");
        assert!(page.status == 200 && page.body.contains("cannot be read now"), "{page:?}");
        assert!(page.body.contains("id=\"store-up\""), "the button that ends the outage is there");
        assert_eq!(server.form("/dev/store", &[("state", "up")]).status, 200);
        let second = refresh(server, &first).text("refresh_token");
        assert_eq!(server.form("/dev/rollback", &[("grant", &id)]).status, 200);
        assert_eq!(inspect(server, &second)["refresh"]["answer"], "healed");
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
    for operation in ["clock", "users", "purge", "rotate-ring", "rotate-key", "store", "rollback"] {
        assert_eq!(server.form(&format!("/dev/{operation}"), &[("state", "down")]).status, 404, "{operation}");
    }
}

#[test]
fn a_server_that_can_open_no_browser_goes_on() {
    let server = Server::start(&["--open"]);
    assert_eq!(server.get("/").status, 200);
    assert!(server.log().contains("--open: cannot start"), "{}", server.log());
}
