//! The pages for people: sign-in, consent, devices.

use crate::both_libraries::behind_both;
use crate::browser::{Browser, action, field};
use crate::helper::{Answer, CHALLENGE, Server, VERIFIER, encoded};

const CONFIG: &str = r#"
[scopes]
read = "Read your <b>orders</b>"

[[clients]]
client_id = "app"
client_name = "Shop <script>alert(1)</script> & \"Co\""
redirect_uris = ["https://app.example/cb?tenant=a%20b", "https://app.example/other"]
scope = "openid read write"
resources = ["https://api.example"]

[[clients]]
client_id = "native"
redirect_uris = ["com.example.app:/cb"]
scope = "read"

[[clients]]
client_id = "machine"
client_secret = "machine-secret"
redirect_uris = ["https://machine.example/cb"]
grant_types = ["client_credentials"]

[[clients]]
client_id = "tv"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
scope = "read"

[[users]]
username = "demo"
password = "changeit"

[[users]]
username = "<img src=x onerror=alert(1)>"
password = "changeit"

[[users]]
username = "gone"
password = "changeit"
disabled = true
"#;

const PKCE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

/// The link of the client `app`, with these parameters instead of the usual ones.
fn link(own: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "app"),
        ("redirect_uri", "https://app.example/cb?tenant=a%20b"),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a&b=\"c d"),
        ("nonce", "n-0S6"),
    ];
    let usual = usual.into_iter().filter(|(name, _)| own.iter().all(|(replaced, _)| replaced != name));
    format!("/oauth2/authorize?{}", encoded(&usual.chain(own.iter().copied()).collect::<Vec<_>>()))
}

fn is_sign_in(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("id=\"password\"")
}

fn is_consent(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("id=\"allow\"") && page.body.contains("id=\"deny\"")
}

#[test]
fn a_user_signs_in_and_allows_on_the_pages() {
    behind_both(CONFIG, |server| {
        let mut browser = Browser::new(server);
        let page = browser.get(&link(&[("scope", "openid read"), ("resource", "https://api.example")]));
        assert!(is_sign_in(&page), "{page:?}");
        let cookie = page.header("set-cookie");
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");

        let page = browser.sign_in(&page, "demo", "changeit");
        assert!(is_consent(&page), "{page:?}");
        for shown in ["Know who you are", "<code>read</code>", "https://api.example", "<strong>demo</strong>"] {
            assert!(page.body.contains(shown), "{shown}: {}", page.body);
        }
        assert!(!page.body.contains("<code>write</code>"), "not asked for");

        let answer = browser.submit(&page, &[("decision", "allow")]);
        assert!(answer.header("location").starts_with("https://app.example/cb?tenant=a%20b&code=ac_"), "{answer:?}");
        assert_eq!(answer.redirected("state"), "a&b=\"c d");
        assert_eq!(answer.redirected("iss"), server.url);
        let redemption = [
            ("client_id", "app"),
            ("grant_type", "authorization_code"),
            ("code", &answer.redirected("code")),
            ("redirect_uri", "https://app.example/cb?tenant=a%20b"),
            ("code_verifier", VERIFIER),
        ];
        let tokens = server.form("/oauth2/access_token", &redemption);
        assert_eq!(tokens.text("scope"), "openid read");
        assert!(tokens.text("id_token").starts_with("eyJ"));
    });
}

#[test]
fn a_user_denies_or_signs_in_as_another_one() {
    let server = Server::with_config(CONFIG);
    let mut browser = Browser::signed_in(&server);
    let page = browser.get(&link(&[]));
    let denied = browser.submit(&page, &[("decision", "deny")]);
    assert_eq!((denied.redirected("error"), denied.redirected("state")), ("access_denied".into(), "a&b=\"c d".into()));

    let (_, behind) = page.body.split_once("id=\"another-user\" href=\"").unwrap();
    let again = behind.split_once('"').unwrap().0.replace("&amp;", "&");
    let page = browser.get(&again);
    assert!(is_sign_in(&page), "{page:?}");
    let before = browser.cookie.clone().unwrap();
    let page = browser.sign_in(&page, "<img src=x onerror=alert(1)>", "changeit");
    assert!(is_consent(&page) && page.body.contains("&lt;img src=x onerror=alert(1)&gt;"), "{page:?}");
    let native = [("client_id", "native"), ("redirect_uri", "com.example.app:/cb")];
    let old = server.authorize(&before, &[&native[..], &PKCE].concat());
    assert_eq!(old.refusal(), (401, "access_denied".to_owned()), "the former session has ended");
}

// OpenID Connect Core section 3.1.2.1.
#[test]
fn prompt_and_max_age_decide_whether_the_user_is_asked() {
    let server = Server::with_config(CONFIG);
    let error = |answer: &Answer| answer.redirected("error");
    assert_eq!(error(&Browser::new(&server).get(&link(&[("prompt", "none")]))), "login_required");
    let mut browser = Browser::signed_in(&server);
    assert_eq!(error(&browser.get(&link(&[("prompt", "none")]))), "consent_required");
    assert!(is_consent(&browser.get(&link(&[("prompt", "consent")]))));
    assert!(is_consent(&browser.get(&link(&[("prompt", "create")]))), "an unknown value is ignored");
    for again in [("prompt", "login"), ("prompt", "select_account consent"), ("max_age", "0"), ("max_age", "00")] {
        server.advance("1s");
        let page = browser.get(&link(&[again]));
        assert!(is_sign_in(&page), "{again:?}: {page:?}");
        server.advance("1ms");
        let page = browser.sign_in(&page, "demo", "changeit");
        assert!(is_consent(&page), "the user is asked once: {again:?}: {page:?}");
    }
    // As the server writes it.
    let same = format!(
        "/oauth2/authorize?client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fother&response_type=code\
         &code_challenge={CHALLENGE}&code_challenge_method=S256&max_age=0"
    );
    server.advance("1s");
    let page = browser.get(&same);
    assert!(is_consent(&browser.sign_in(&page, "demo", "changeit")));
    server.advance("4m");
    assert!(is_consent(&browser.get(&same)), "the user may take some time to decide");
    server.advance("1m");
    assert!(is_sign_in(&browser.get(&same)), "the same request again is not exempt for ever");
    let page = browser.get(&link(&[]));
    assert!(is_consent(&page), "{page:?}");
    let page = browser.get(&link(&[("prompt", "login")]));
    browser.sign_in(&page, "demo", "changeit");
    server.advance("60s");
    assert!(is_consent(&browser.get(&link(&[("max_age", "61")]))));
    assert!(is_sign_in(&browser.get(&link(&[("max_age", "59")]))));
    assert_eq!(error(&browser.get(&link(&[("max_age", "59"), ("prompt", "none")]))), "login_required");
    server.advance("2h");
    assert!(is_sign_in(&browser.get(&link(&[]))), "the session has ended");
}

// RFC 9126 section 4.
#[test]
fn a_pushed_request_is_shown_signed_in_for_and_decided_once() {
    behind_both(CONFIG, |server| {
        let pushed = server.form(
            "/oauth2/par",
            &[
                ("client_id", "app"),
                ("redirect_uri", "https://app.example/other"),
                ("response_type", "code"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
                ("state", "s t"),
                ("prompt", "login"),
            ],
        );
        assert_eq!(pushed.status, 201, "{pushed:?}");
        let reference = [("client_id", "app"), ("request_uri", &*pushed.text("request_uri"))];
        let link = format!("/oauth2/authorize?{}", encoded(&reference));
        let mut browser = Browser::signed_in(server);
        let page = browser.get(&link);
        assert!(is_sign_in(&page), "{page:?}");
        let page = browser.sign_in(&page, "demo", "changeit");
        assert!(is_consent(&page), "the user is asked once: {page:?}");
        let (_, behind) = page.body.split_once("id=\"another-user\" href=\"").unwrap();
        let again = behind.split_once('"').unwrap().0.replace("&amp;", "&");
        assert!(is_sign_in(&browser.get(&again)));
        let allowed = browser.submit(&page, &[("decision", "allow")]);
        assert!(allowed.redirected("code").starts_with("ac_"));
        assert_eq!(allowed.redirected("state"), "s t");
        let used = browser.get(&link);
        assert_eq!((used.status, used.header("location")), (400, ""), "{used:?}");
    });
}

// RFC 6749 section 4.1.2.1, RFC 9700 section 4.11.
#[test]
fn a_page_never_leads_to_an_address_that_is_not_registered() {
    behind_both(CONFIG, |server| {
        for path in [
            link(&[("client_id", "nobody")]),
            link(&[("client_id", "")]),
            link(&[("redirect_uri", "https://evil.example/cb")]),
            link(&[("redirect_uri", "https://app.example/cb?tenant=a+b")]),
            link(&[("redirect_uri", "https://app.example.evil.example/cb")]),
            link(&[("redirect_uri", "javascript:alert(1)")]),
            link(&[("redirect_uri", "//evil.example")]),
            link(&[("redirect_uri", "")]),
            format!("{}&state=b", link(&[])),
            format!("{}&redirect_uri=https://evil.example/cb", link(&[])),
            format!("{}&x=%zz", link(&[])),
            "/oauth2/authorize".to_owned(),
        ] {
            for mut browser in [Browser::new(server), Browser::signed_in(server)] {
                let answer = browser.get(&path);
                assert_eq!((answer.status, answer.header("location")), (400, ""), "{path}");
                assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
                assert!(!answer.body.contains("evil"), "nothing of the request is repeated: {answer:?}");
            }
        }
    });
}

#[test]
fn the_client_learns_of_its_mistake_before_the_user_is_asked() {
    let server = Server::with_config(CONFIG);
    let long = "n".repeat(256);
    let machine = [("client_id", "machine"), ("redirect_uri", "https://machine.example/cb")];
    for (own, error, named) in [
        (&[("response_type", "")][..], "invalid_request", "response_type"),
        (&[("response_type", "token")], "unsupported_response_type", "response_type"),
        (&[("response_mode", "web_message")], "invalid_request", "response_mode"),
        (&[("request", "e30.e30.")], "request_not_supported", ""),
        (&[("request_uri", "https://app.example/r")], "request_uri_not_supported", ""),
        (&[("registration", "{}")], "registration_not_supported", ""),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request", "code_challenge"),
        (&[("code_challenge", "")], "invalid_request", "code_challenge"),
        (&[("code_challenge_method", "plain")], "invalid_request", "S256"),
        (&[("code_challenge", "short")], "invalid_request", "code_challenge"),
        (&[("scope", "read  write")], "invalid_scope", ""),
        (&[("scope", "admin")], "invalid_scope", ""),
        (&[("resource", "https://other.example")], "invalid_target", ""),
        (&[("resource", "nonsense")], "invalid_target", ""),
        (&[("nonce", long.as_str())], "invalid_request", "nonce"),
        (&[("dpop_jkt", "short")], "invalid_request", "dpop_jkt"),
        (&[("prompt", "none login")], "invalid_request", "prompt"),
        (&[("max_age", "-1")], "invalid_request", "max_age"),
        (&machine, "unauthorized_client", ""),
    ] {
        let answer = Browser::new(&server).get(&link(own));
        assert_eq!(answer.redirected("error"), error, "{own:?}");
        assert!(answer.redirected("error_description").contains(named), "{own:?}: {answer:?}");
        assert_eq!((answer.redirected("state"), answer.redirected("iss")), ("a&b=\"c d".into(), server.url.clone()));
    }
    assert!(server.log().contains("code_challenge_required"), "{}", server.log());
}

#[test]
fn no_text_of_a_stranger_becomes_part_of_a_page() {
    let server = Server::with_config(CONFIG);
    let hostile = "\"><script>alert(1)</script>";
    let mut browser = Browser::new(&server);
    let own = [("state", hostile), ("login_hint", hostile), ("nonce", hostile), ("x", hostile), (hostile, "x")];
    let sign_in = browser.get(&link(&own));
    assert!(is_sign_in(&sign_in));
    let wrong = browser.submit(&sign_in, &[("username", hostile), ("password", hostile)]);
    let consent = browser.sign_in(&sign_in, "<img src=x onerror=alert(1)>", "changeit");
    let error = browser.get(&format!("{}&state=b", link(&own)));
    for page in [&sign_in, &wrong, &consent, &error] {
        assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{page:?}");
        assert!(!page.body.contains("<b>"), "the words of the configuration are text too");
        let policy = page.header("content-security-policy");
        for directive in ["default-src 'none'", "style-src 'sha256-", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        for (header, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(page.header(header), value);
        }
        assert!(page.body.starts_with("<!doctype html>\n<html lang=\"en\">"), "{page:?}");
    }
    assert!(sign_in.header("content-security-policy").contains("form-action 'self';"), "the password stays here");
    assert!(consent.header("content-security-policy").contains("form-action 'self' https:;"));
    let query = action(&consent);
    let sent = form_urlencoded::parse(query.split_once('?').unwrap().1.as_bytes());
    let sent: Vec<_> = sent.filter(|(name, _)| name == "state").map(|(_, value)| value.into_owned()).collect();
    assert_eq!(sent, [hostile], "the client gets back what it sent");
    let native = [("client_id", "native"), ("redirect_uri", "com.example.app:/cb"), ("nonce", "")];
    let policy = browser.get(&link(&native)).header("content-security-policy").to_owned();
    assert!(policy.contains("form-action 'self' com.example.app:;"), "{policy}");
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    let server = Server::with_config(CONFIG);
    let mut attacker = Browser::new(&server);
    let foreign = field(&attacker.get(&link(&[])), "csrf");
    let credentials = [("username", "demo"), ("password", "changeit"), ("page", "authorize"), ("query", "")];

    // Login CSRF: the token must be that of the cookie of this browser.
    let mut victim = Browser::new(&server);
    let page = victim.get(&link(&[]));
    for csrf in ["", "x", foreign.as_str()] {
        let answer = victim.post("/oauth2/sign-in", &[&credentials[..], &[("csrf", csrf)]].concat());
        assert_eq!((answer.status, answer.header("location")), (403, ""), "{answer:?}");
    }
    let mut without_cookie = Browser::new(&server);
    let answer = without_cookie.post("/oauth2/sign-in", &[&credentials[..], &[("csrf", &foreign)]].concat());
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.body.matches("id=\"password\"").count(), 1, "the user can try again");

    // Consent: the token of another session, or of the sign-in form, is worth nothing.
    let before = field(&page, "csrf");
    let consent = victim.sign_in(&page, "demo", "changeit");
    let path = action(&consent);
    let asked = [("client_id", "app"), ("redirect_uri", "https://app.example/other"), ("decision", "allow")];
    let parameters = [&asked[..], &PKCE].concat();
    for csrf in ["", foreign.as_str(), before.as_str()] {
        let answer = victim.post(&path, &[&parameters[..], &[("csrf", csrf)]].concat());
        assert_eq!(answer.status, 303, "{answer:?}");
        assert!(answer.header("location").starts_with("/oauth2/authorize?client_id=app&"), "the user is asked again");
        let program = server.authorize(victim.cookie.as_ref().unwrap(), &[&parameters[..], &[("csrf", csrf)]].concat());
        assert_eq!(program.refusal(), (400, "access_denied".to_owned()));
    }
    assert!(victim.submit(&consent, &[("decision", "allow")]).redirected("code").starts_with("ac_"));
    assert_ne!(field(&consent, "csrf"), victim.cookie.unwrap(), "the page does not reveal the cookie");
}

#[test]
fn signing_in_leads_to_a_page_of_this_server_only() {
    let server = Server::with_config(CONFIG);
    for (page, query) in [
        ("authorize", "//evil.example/?x"),
        ("authorize", "a=b\r\nset-cookie: x=y"),
        ("authorize", "https://evil.example"),
        ("device", "user_code=\u{e9}#@evil.example"),
    ] {
        let mut browser = Browser::new(&server);
        let csrf = field(&browser.get(&link(&[])), "csrf");
        let form = [("csrf", &*csrf), ("page", page), ("query", query), ("username", "demo"), ("password", "changeit")];
        let answer = browser.post("/oauth2/sign-in", &form);
        let (location, start) = (answer.header("location"), if page == "device" { "device/user" } else { page });
        assert!(location.starts_with(&format!("/oauth2/{start}?")), "{location}");
        assert!(!location.contains("evil.example/") && !location.contains(['\r', '\n', ' ', '#']), "{location}");
    }
    let mut browser = Browser::new(&server);
    let csrf = field(&browser.get(&link(&[])), "csrf");
    for page in ["", "https://evil.example", "/oauth2/authorize"] {
        let form = [("csrf", &*csrf), ("page", page), ("username", "demo"), ("password", "changeit")];
        assert_eq!(browser.post("/oauth2/sign-in", &form).status, 400);
    }
}

#[test]
fn every_failed_sign_in_has_the_same_answer() {
    let server = Server::with_config(CONFIG);
    let mut browser = Browser::new(&server);
    let page = browser.get(&link(&[]));
    let cookie = browser.cookie.clone();
    let mut answers = Vec::new();
    for (username, password) in
        [("demo", "wrong"), ("nobody", "changeit"), ("gone", "changeit"), ("demo", ""), ("", "changeit")]
    {
        let answer = browser.submit(&page, &[("username", username), ("password", password)]);
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("role=\"alert\""));
        answers.push(answer.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(browser.cookie, cookie);
    let page = browser.sign_in(&page, "demo", "changeit");
    assert!(is_consent(&page));
    assert_ne!(browser.cookie, cookie, "a session never has an id that was known before");
}

// RFC 8628 section 3.3.
#[test]
fn a_user_connects_a_device_on_the_pages() {
    behind_both(CONFIG, |server| {
        let device = server.form("/oauth2/device/code", &[("client_id", "tv")]);
        let code = device.text("user_code");
        let mut browser = Browser::new(server);
        let page = browser.get(&format!("/oauth2/device/user?user_code={code}"));
        assert!(is_sign_in(&page), "strangers cannot try codes: {page:?}");
        let page = browser.sign_in(&page, "demo", "changeit");
        assert!(is_consent(&page) && page.body.contains(&code), "{page:?}");

        let form = browser.get("/oauth2/device/user");
        assert!(form.body.contains("id=\"user_code\""), "{form:?}");
        for guess in ["BBBB-BBBB", "%3Cscript%3E"] {
            let unknown = browser.get(&format!("/oauth2/device/user?user_code={guess}"));
            assert_eq!(unknown.status, 400);
            assert!(unknown.body.contains("role=\"alert\"") && !unknown.body.contains("<script"), "{unknown:?}");
        }
        let done = browser.submit(&page, &[("decision", "allow")]);
        assert!(done.status == 200 && done.body.contains("connected"), "{done:?}");
        let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
        let poll = [("grant_type", grant_type), ("device_code", &*device.text("device_code"))];
        assert_eq!(server.token(&[("client_id", "tv")], &poll).status, 200);
        assert_eq!(browser.submit(&page, &[("decision", "allow")]).status, 400, "decided already");
    });
}

#[test]
fn head_gets_the_headers_of_a_page() {
    behind_both(CONFIG, |server| {
        let head = server.send("HEAD", &link(&[]));
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert!(head.header("content-type").starts_with("text/html"));
        assert_eq!(server.send("HEAD", "/oauth2/authorize").status, 400);
    });
}
