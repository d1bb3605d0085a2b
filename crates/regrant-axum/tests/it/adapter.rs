//! The endpoints among the routes of axum. The bytes of requests and answers are the matter of `regrant-tower`.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::DefaultBodyLimit;
use axum::http::{Request, Response};
use regrant::wire::{self, Endpoint, Endpoints, Handler, Paths};
use regrant::{
    Client, ClientId, ClientRegistry, ClientSecret, GrantType, Issuer, KeyRing, MemoryStore, SecretHash, SystemEntropy,
    TokenService,
};
use regrant_axum::OAuth;
use tower::ServiceExt as _;

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// `service:s3cret`
const BASIC: &str = "Basic c2VydmljZTpzM2NyZXQ=";

const CLIENT_CREDENTIALS: &str = "grant_type=client_credentials";

fn endpoints(issuer: &str) -> Endpoints<MemoryStore> {
    let client = Client::new(ClientId::new("service").unwrap())
        .with_grant_types([GrantType::ClientCredentials])
        .with_scope("read".parse().unwrap());
    let secret = SecretHash::sha256(&ClientSecret::new("s3cret"));
    let clients = ClientRegistry::new().register(client, [secret]).unwrap();
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(MemoryStore::new(), clients, keys).build().unwrap();
    Endpoints::new(service, Issuer::new(issuer).unwrap()).unwrap()
}

fn app() -> Router {
    regrant_axum::router(Arc::new(endpoints("https://as.example")))
}

fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path).header("authorization", BASIC).header("content-type", FORM);
    request.body(body.into()).unwrap()
}

async fn call(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn body(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn no_answer_at_the_path_of_an_endpoint_comes_from_axum() {
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "PURGE"] {
        let request = Request::builder().method(method).uri("/oauth2/token").body(Body::empty()).unwrap();
        let response = call(&app(), request).await;
        assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "POST"), "{method}");
        assert!(body(response).await.contains(r#""error":"invalid_request""#), "{method}");
    }
}

#[tokio::test]
async fn axums_own_limit_does_not_apply() {
    let endpoints = endpoints("https://as.example").with_body_limit(4 << 20);
    let app = regrant_axum::router(Arc::new(endpoints)).layer(DefaultBodyLimit::max(16));
    let padded = format!("{CLIENT_CREDENTIALS}&padding={}", "x".repeat(3 << 20));
    assert_eq!(call(&app, post("/oauth2/token", padded)).await.status(), 200);
}

#[tokio::test]
async fn an_endpoint_can_have_a_second_path() {
    let endpoints = Arc::new(endpoints("https://as.example").with_paths(Paths::am_7_5()));
    let app = regrant_axum::router(Arc::clone(&endpoints))
        .route("/oauth2/token", regrant_axum::endpoint(endpoints, Endpoint::Token));

    for path in ["/oauth2/access_token", "/oauth2/token"] {
        assert_eq!(call(&app, post(path, CLIENT_CREDENTIALS)).await.status(), 200, "{path}");
    }
}

/// An issuer with a path: at its paths, nested under the path, and behind a proxy that removes the path.
#[tokio::test]
async fn an_issuer_with_a_path_is_served_as_it_is_nested_and_behind_a_proxy_that_strips() {
    let metadata = "/.well-known/oauth-authorization-server/tenant";
    let endpoints = Arc::new(endpoints("https://as.example/tenant"));
    let oauth = OAuth::new(Arc::clone(&endpoints)).with_prefix("/tenant");
    let merged = regrant_axum::router(endpoints);
    let nested =
        Router::new().nest("/tenant", regrant_axum::router(oauth.clone())).route_service(metadata, oauth.clone());
    let stripped = regrant_axum::router(oauth);

    for (name, app, token) in [
        ("merged", merged, "/tenant/oauth2/token"),
        ("nested", nested, "/tenant/oauth2/token"),
        ("stripped", stripped, "/oauth2/token"),
    ] {
        assert_eq!(call(&app, post(token, CLIENT_CREDENTIALS)).await.status(), 200, "{name}");
        let document = body(call(&app, Request::get(metadata).body(Body::empty()).unwrap()).await).await;
        assert!(document.contains(r#""token_endpoint":"https://as.example/tenant/oauth2/token""#), "{name}");
    }
}

/// The handler of all other paths.
struct Echo;

#[async_trait]
impl Handler for Echo {
    async fn respond(&self, request: &wire::Request<'_>) -> wire::Response {
        let told = format!("{} {}?{}", request.method, request.path, request.query.unwrap_or_default());
        wire::Response { status: 418, headers: vec![("content-type", "text/plain".into())], body: told.into_bytes() }
    }
}

// A DPoP proof must name the path that the client sent.
#[tokio::test]
async fn a_nested_router_strips_nothing_from_the_path_and_the_query() {
    let inner = Router::new().fallback_service(regrant_axum::handler(Echo));
    let request = Request::builder().uri("/tenant/token?a=%20b").body(Body::empty()).unwrap();
    let answer = call(&Router::new().nest("/tenant", inner), request).await;
    assert_eq!(body(answer).await, "GET /tenant/token?a=%20b");
}

#[tokio::test]
async fn a_handler_of_the_host_gets_every_other_request() {
    let app = app().fallback_service(regrant_axum::handler(Echo));
    let request = Request::builder().method("PURGE").uri("/anything?x=y").body(Body::empty()).unwrap();
    let answer = call(&app, request).await;
    assert_eq!((answer.status().as_u16(), body(answer).await), (418, "PURGE /anything?x=y".to_owned()));
    assert_eq!(call(&app, post("/oauth2/token", CLIENT_CREDENTIALS)).await.status(), 200);
}
