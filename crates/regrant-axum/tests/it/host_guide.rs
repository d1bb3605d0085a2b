//! The host of `examples/host.rs`, and docs/host-guide.md about it.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use regrant::{KeyRing, SystemEntropy};
use tower::ServiceExt as _;

use crate::adapter::{FORM, body, header};

#[expect(dead_code, reason = "the main function of the example is not called")]
#[path = "../../examples/host.rs"]
mod host;

const REQUEST: &str = "/authorize?client_id=spa&response_type=code&scope=read&state=xyz\
     &redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback\
     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A browser with one cookie.
struct Browser {
    app: Router,
    cookie: String,
}

impl Browser {
    async fn open(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!("regrant-host-{name}-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let app = host::app(file.to_str().unwrap(), KeyRing::generate(&SystemEntropy)).await.unwrap();
        Self { app, cookie: String::new() }
    }

    async fn get(&self, uri: &str) -> Response {
        let request = Request::get(uri).header("cookie", &self.cookie);
        self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn post(&self, uri: &str, origin: &str, form: &str) -> Response {
        let request = Request::post(uri).header("cookie", &self.cookie).header("origin", origin);
        let request = request.header("content-type", FORM).body(Body::from(form.to_owned())).unwrap();
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// Signs in at the page with this address, and returns the target of the redirection.
    async fn sign_in(&mut self, page: &str) -> String {
        let form = "user=demo&password=changeit";
        let response = self.post(page, host::ISSUER, form).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        header(&response, "set-cookie").split(';').next().unwrap().clone_into(&mut self.cookie);
        header(&response, "location").to_owned()
    }

    /// Signs in, consents, and returns the first refresh token.
    async fn log_in(&mut self) -> String {
        let page = location(&self.get(REQUEST).await);
        let target = self.sign_in(&page).await;
        assert!(body(self.get(&target).await).await.contains("wants to act for"));
        let response = self.post(&target, host::ISSUER, "decision=allow").await;
        let location = location(&response);
        let code = location.split_once("?code=").unwrap().1.split('&').next().unwrap();
        let tokens = self
            .post(
                "/oauth2/token",
                "https://spa.example",
                &format!(
                    "client_id=spa&grant_type=authorization_code&code={code}&code_verifier={VERIFIER}\
                     &redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback"
                ),
            )
            .await;
        assert_eq!(tokens.status(), StatusCode::OK);
        let json = body(tokens).await;
        json.split_once("\"refresh_token\":\"").unwrap().1.split('"').next().unwrap().to_owned()
    }

    async fn refresh(&self, token: &str) -> Response {
        let form = format!("client_id=spa&grant_type=refresh_token&refresh_token={token}");
        self.post("/oauth2/token", "https://spa.example", &form).await
    }
}

fn location(response: &Response) -> String {
    header(response, "location").to_owned()
}

#[tokio::test]
async fn the_host_signs_in_asks_issues_lists_and_ends() {
    let mut browser = Browser::open("life").await;
    let token = browser.log_in().await;
    let (first, again) = (browser.refresh(&token).await, browser.refresh(&token).await);
    let tokens = async |response| {
        body(response).await.split(',').filter(|part| part.contains("token\"")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(tokens(first).await, tokens(again).await, "a retry gets the same tokens");

    let page = body(browser.get("/sessions").await).await;
    assert!(page.contains("<b>spa</b>: read, last used "), "{page}");
    let grant = page.split_once("name=\"grant\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    browser.post("/sessions", host::ISSUER, &format!("grant={grant}")).await;
    assert!(!body(browser.get("/sessions").await).await.contains("spa"));
    assert_eq!(browser.refresh(&token).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn forms_of_another_site_do_nothing() {
    let mut browser = Browser::open("forgery").await;
    let token = browser.log_in().await;
    for origin in ["https://evil.example", "null"] {
        let page = browser.post(REQUEST, origin, "decision=allow").await;
        assert_eq!(page.status(), StatusCode::OK, "the page asks again");
        browser.post("/sessions", origin, "grant=all").await;
        let signed_in = browser.post("/sign-in", origin, "user=demo&password=changeit").await;
        assert_eq!(signed_in.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(browser.refresh(&token).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_password_and_another_target_lead_nowhere() {
    let browser = Browser::open("password").await;
    let wrong = browser.post("/sign-in", host::ISSUER, "user=demo&password=guess").await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    let query = "/sign-in?then=https%3A%2F%2Fevil.example";
    let response = browser.post(query, host::ISSUER, "user=demo&password=changeit").await;
    assert_eq!(header(&response, "location"), "/sessions");
}

#[tokio::test]
async fn prompt_login_asks_once_and_prompt_none_never() {
    let mut browser = Browser::open("prompt").await;
    browser.log_in().await;
    let silent = browser.get(&format!("{REQUEST}&prompt=none")).await;
    assert!(header(&silent, "location").contains("error=consent_required"), "{silent:?}");
    let login = location(&browser.get(&format!("{REQUEST}&prompt=login")).await);
    assert!(login.starts_with("/sign-in?"), "{login}");
    let target = browser.sign_in(&login).await;
    assert_eq!(browser.get(&target).await.status(), StatusCode::OK, "the user has just signed in");
}

#[test]
fn the_guide_shows_the_code_of_the_example() {
    let guide = include_str!("../../../../docs/host-guide.md");
    let example = include_str!("../../examples/host.rs");
    let blocks: Vec<&str> = guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 5);
    for block in blocks {
        assert!(example.contains(block), "the example has no such lines:\n{block}");
    }
}

#[test]
fn the_example_has_at_most_200_lines() {
    let lines = include_str!("../../examples/host.rs").lines().count();
    assert!(lines <= 200, "{lines} lines");
}
