//! The authorization request of a host, and the small server of `examples/small.rs`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use regrant::wire::{self, AuthorizationError, Endpoints};
use regrant::{
    Approval, Client, ClientId, ClientRegistry, Issuer, KeyRing, MemoryStore, RedirectUri, Subject, SystemEntropy,
    TokenService,
};
use regrant_axum::{Answer, AuthorizationRequest};
use tower::ServiceExt as _;

use crate::adapter::{FORM, body, header};

#[expect(dead_code, reason = "the main function of the example is not called")]
#[path = "../../examples/small.rs"]
mod small;

const CHALLENGE: &str = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// `app:hD3kq0vX7ZrYc2LmN8sTpW`
const BASIC: &str = "Basic YXBwOmhEM2txMHZYN1pyWWMyTG1OOHNUcFc=";

fn code_of(response: &Response) -> String {
    let location = header(response, "location");
    let (_, query) = location.split_once("?code=").unwrap();
    query.split('&').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_small_server_issues_and_refreshes_tokens() {
    let app = small::app(Issuer::from_static("http://127.0.0.1:8080")).unwrap();
    let uri = format!("/oauth2/authorize?client_id=app&response_type=code&state=xyz&{CHALLENGE}");
    let response = app.clone().oneshot(Request::get(&uri).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let location = header(&response, "location");
    assert!(location.starts_with("http://127.0.0.1/callback?code=ac_"), "{location}");
    assert!(location.ends_with("&iss=http%3A%2F%2F127.0.0.1%3A8080&state=xyz"), "{location}");

    let token = async |form: String| {
        let request = Request::post("/oauth2/token").header("authorization", BASIC).header("content-type", FORM);
        let response = app.clone().oneshot(request.body(Body::from(form)).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let json = body(response).await;
        let (_, rest) = json.split_once("\"refresh_token\":\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let code = code_of(&response);
    let first = token(format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}")).await;
    let second = token(format!("grant_type=refresh_token&refresh_token={first}")).await;
    assert_ne!(first, second);

    let without_pkce = "/oauth2/authorize?client_id=app&response_type=code";
    let response = app.clone().oneshot(Request::get(without_pkce).body(Body::empty()).unwrap()).await.unwrap();
    assert!(header(&response, "location").contains("error=invalid_request"), "{response:?}");
    let metadata = Request::get("/.well-known/oauth-authorization-server").body(Body::empty()).unwrap();
    let metadata = body(app.oneshot(metadata).await.unwrap()).await;
    assert!(metadata.contains("\"authorization_response_iss_parameter_supported\":true"), "{metadata}");
}

#[test]
fn the_small_server_has_at_most_39_lines() {
    let source = include_str!("../../examples/small.rs");
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    assert!(source.lines().all(|line| line.len() <= 120));
    let lines = source.lines().filter(is_code).count();
    assert!(lines <= 39, "{lines} lines");
}

type Server = Arc<Endpoints<MemoryStore>>;

/// Shows the fields of a form and pages of its own.
async fn authorize(State(server): State<Server>, AuthorizationRequest(request): AuthorizationRequest) -> Response {
    let decision = request.form().and_then(|form| form.get("decision")).map(str::to_owned);
    match (server.ask(&request).await, decision.as_deref()) {
        (Ok(ask), Some("allow")) => {
            Answer::from(ask.approve(Approval::of(Subject::from_static("demo"))).await.unwrap()).into_response()
        }
        (Ok(ask), Some(_)) => Answer(ask.deny()).into_response(),
        (Ok(ask), None) => format!("{} asks", ask.client().id).into_response(),
        (Err(AuthorizationError::Show(fault)), _) if fault.status() == 400 => {
            (StatusCode::BAD_REQUEST, format!("our page: {}", fault.description())).into_response()
        }
        (Err(error), _) => Answer::from(error).into_response(),
    }
}

fn app() -> Router {
    let spa = Client::public(ClientId::from_static("spa"))
        .with_redirect_uris([RedirectUri::from_static("https://spa.example/cb")])
        .with_scope("read".parse().unwrap());
    let clients = ClientRegistry::new().register(spa, []).unwrap();
    let service =
        TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy)).build().unwrap();
    let server = Endpoints::new(service, Issuer::from_static("https://as.example")).unwrap();
    Router::new().route("/authorize", any(authorize)).with_state(Arc::new(server))
}

async fn call(request: Request<Body>) -> (u16, String, String) {
    let response = app().oneshot(request).await.unwrap();
    let (status, location) = (response.status().as_u16(), header(&response, "location").to_owned());
    (status, location, body(response).await)
}

#[tokio::test]
async fn the_request_and_the_form_of_a_page_reach_the_host() {
    let uri = format!("/authorize?client_id=spa&response_type=code&{CHALLENGE}");
    let post = |uri: &str, form: &str| {
        let request = Request::post(uri).header("content-type", FORM);
        request.body(Body::from(form.to_owned())).unwrap()
    };
    assert_eq!(
        call(Request::get(&uri).body(Body::empty()).unwrap()).await,
        (200, String::new(), "spa asks".to_owned())
    );
    let (status, location, _) = call(post(&uri, "decision=allow&client_id=other")).await;
    assert!(status == 303 && location.starts_with("https://spa.example/cb?code=ac_"), "{location}");
    let (status, location, _) = call(post(&uri, "decision=deny")).await;
    assert!(status == 303 && location.contains("?error=access_denied&"), "{location}");
    let whole = format!("decision=allow&client_id=spa&response_type=code&{CHALLENGE}");
    assert_eq!(call(post("/authorize", &whole)).await.0, 303);
}

#[tokio::test]
async fn a_malformed_request_is_answered_by_the_host_or_by_regrant() {
    let (status, location, page) = call(Request::get("/authorize?state=a&state=b").body(Body::empty()).unwrap()).await;
    assert_eq!((status, location, page), (400, String::new(), "our page: A parameter is repeated.".to_owned()));
    let (status, _, text) = call(Request::put("/authorize").body(Body::empty()).unwrap()).await;
    assert_eq!((status, text), (405, "The method must be GET, HEAD, POST.\n".to_owned()));
    let large =
        Request::post("/authorize").header("content-type", FORM).body(Body::from("a".repeat(65 * 1024))).unwrap();
    assert_eq!(call(large).await.0, 413);
    let response = Answer(wire::Response::json(503, &"down")).into_response();
    assert_eq!((response.status(), header(&response, "cache-control")), (StatusCode::SERVICE_UNAVAILABLE, "no-store"));
}
