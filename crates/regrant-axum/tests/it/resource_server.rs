//! The layer passes on requests with a valid token, answers all others, and follows tower's contract.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::http::{Request, Response};
use axum::routing::{get, post};
use regrant::clock::{Clock as _, ManualClock, Timestamp};
use regrant::grant::Confirmation;
use regrant::policy::AccessTokenFormat;
use regrant::proof::ClientCertificate;
use regrant::{
    AccessToken, Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, Issuer,
    KeyRing, MemoryStore, Policy, Subject, SystemEntropy, TokenService,
};
use regrant_axum::{RequireToken, Verified, resource_metadata};
use regrant_jose::dpop::{DpopKey, DpopNonces, ReplayCache};
use regrant_jose::resource_server::{DenialReason, ResourceMetadata, VerifiedToken};
use regrant_jose::{Algorithm, DpopVerifier, JwtTokens, JwtVerifier, KeySet, PrivateKey, ResourceServer};
use tower::{Layer as _, Service, ServiceExt as _};

const ISSUER: &str = "https://as.example";
const RESOURCE: &str = "https://api.example";

/// An authorization server that issues JWTs, and a resource server that reads them.
struct Fixture {
    clock: ManualClock,
    service: TokenService<MemoryStore>,
    server: Arc<ResourceServer>,
    key: DpopKey,
}

impl Fixture {
    fn new() -> Self {
        Self::with(|server| server)
    }

    fn with(configure: impl FnOnce(ResourceServer) -> ResourceServer) -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_millis(1_800_000_000_000));
        let private_key = || PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy).unwrap();
        let keys = KeySet::new(private_key(), Duration::from_secs(3600)).unwrap();
        let service =
            TokenService::builder(MemoryStore::new(), ClientRegistry::new(), KeyRing::generate(&SystemEntropy))
                .clock(clock.clone())
                .policy(Policy::default().with_access_token_format(AccessTokenFormat::Jwt))
                .jwt_issuer(JwtTokens::new(Issuer::from_static(ISSUER), keys.clone()))
                .build()
                .unwrap();
        let verifier = JwtVerifier::new(ISSUER, RESOURCE, keys.public_keys(clock.now()));
        let dpop = DpopVerifier::new(Arc::new(ReplayCache::new(100, Arc::new(clock.clone()))))
            .with_nonces(DpopNonces::new(&[7; 32]));
        let server = ResourceServer::new(RESOURCE, verifier, Arc::new(clock.clone())).with_dpop(dpop);
        Self { clock, service, server: Arc::new(configure(server)), key: DpopKey::new(private_key()).unwrap() }
    }

    async fn token(&self, scope: &str, bound: Option<Confirmation>) -> AccessToken {
        self.token_of(Approval::of(Subject::new("demo").unwrap()).with_scope(scope.parse().unwrap()), bound).await
    }

    async fn token_of(&self, approval: Approval, bound: Option<Confirmation>) -> AccessToken {
        let client = Client::new(ClientId::new("app").unwrap())
            .with_grant_types([GrantType::Password])
            .with_scope("read write".parse().unwrap())
            .with_resources([RESOURCE.parse().unwrap()].into_iter().collect());
        let approval = approval.with_resources([RESOURCE.parse().unwrap()].into_iter().collect());
        let request = IssueRequest::new(GrantType::Password, approval).with_presented_keys(bound);
        let client = AuthenticatedClient::assertion(client.into());
        self.service.issue(&client, request).await.unwrap().access_token
    }

    async fn bound(&self, scope: &str) -> AccessToken {
        self.token(scope, Some(Confirmation::DpopKey(self.key.thumbprint()))).await
    }

    async fn with_proof(&self, path: &str, token: &AccessToken, nonce: Option<&str>) -> Request<Body> {
        let url = format!("{RESOURCE}{path}");
        let proof = self.key.proof("GET", &url).with_access_token(Some(token)).with_nonce(nonce);
        let proof = proof.sign(self.clock.now(), &SystemEntropy).await.unwrap();
        let authorization = format!("DPoP {}", token.expose());
        Request::get(path).header("authorization", authorization).header("dpop", proof).body(Body::empty()).unwrap()
    }

    fn layer(&self, scope: &str) -> RequireToken {
        RequireToken::new(Arc::clone(&self.server)).with_scope(scope.parse().unwrap())
    }

    /// `/orders` has the layer twice: on its route, and on the router into which it is nested.
    fn app(&self) -> Router {
        let orders = get(orders).layer(self.layer("read")).merge(post(orders).layer(self.layer("read write")));
        let inner = Router::new().route("/orders", orders).layer(self.layer(""));
        Router::new().nest("/v1", inner).route("/health", get(|| async { "ok" }))
    }
}

async fn orders(Verified(token): Verified, Extension(same): Extension<VerifiedToken>) -> String {
    assert_eq!(token.scope(), same.scope());
    format!("{}: {}", token.subject().unwrap(), token.scope())
}

fn bearer(method: &str, token: &AccessToken) -> Request<Body> {
    let authorization = format!("Bearer {}", token.expose());
    Request::builder()
        .method(method)
        .uri("/v1/orders")
        .header("authorization", authorization)
        .body(Body::empty())
        .unwrap()
}

async fn call(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

async fn body(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Vec<&'a str> {
    response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_request_with_a_valid_token_reaches_the_handler_with_its_claims() {
    let fixture = Fixture::new();
    let response = call(&fixture.app(), bearer("GET", &fixture.token("read", None).await)).await;
    assert_eq!(response.status(), 200);
    assert!(header(&response, "dpop-nonce").is_empty() && header(&response, "cache-control").is_empty());
    assert_eq!(body(response).await, "demo: read");
}

#[tokio::test]
async fn each_route_requires_its_scope() {
    let fixture = Fixture::new();
    let (read, both, none) =
        (fixture.token("read", None).await, fixture.token("read write", None).await, fixture.token("", None).await);
    for (method, token, status) in [
        ("GET", &read, 200),
        ("GET", &both, 200),
        ("POST", &both, 200),
        ("POST", &read, 403),
        ("GET", &none, 403),
        ("POST", &none, 403),
    ] {
        let response = call(&fixture.app(), bearer(method, token)).await;
        assert_eq!(response.status(), status, "{method}");
        if status == 403 {
            let needed = if method == "GET" { r#"scope="read""# } else { r#"scope="read write""# };
            assert!(header(&response, "www-authenticate")[0].ends_with(needed));
            assert!(body(response).await.contains(r#""error":"insufficient_scope""#));
        }
    }
}

#[tokio::test]
async fn a_single_layer_requires_its_scope() {
    let fixture = Fixture::new();
    let app = Router::new().route("/v1/orders", get(orders)).layer(fixture.layer("write"));
    for (scope, status) in [("read", 403), ("read write", 200)] {
        assert_eq!(call(&app, bearer("GET", &fixture.token(scope, None).await)).await.status(), status);
    }
}

// RFC 9470 section 3.
#[tokio::test]
async fn a_route_may_demand_how_and_when_the_user_signed_in() {
    let fixture = Fixture::new();
    let strict = fixture.layer("write").with_acr_values(["gold", "silver"]).with_max_age(Duration::from_secs(600));
    // The stricter layer is inside, as on one route of many.
    let app = Router::new().route("/v1/orders", get(orders).layer(strict)).layer(fixture.layer("read"));
    let signed_in = async |scope: &str, acr: &str, seconds_ago: i64| {
        let then = Timestamp::from_millis(1_800_000_000_000 - seconds_ago * 1000);
        let approval = Approval::of(Subject::new("demo").unwrap()).with_scope(scope.parse().unwrap());
        let token = fixture.token_of(approval.with_authentication(then, Some(acr.to_owned()), Vec::new()), None).await;
        call(&app, bearer("GET", &token)).await
    };
    assert_eq!(signed_in("read write", "silver", 599).await.status(), 200);
    for (acr, seconds_ago) in [("bronze", 0), ("silver", 600)] {
        let denied = signed_in("read write", acr, seconds_ago).await;
        assert_eq!(denied.status(), 401);
        let challenge = header(&denied, "www-authenticate")[0];
        assert!(challenge.contains(r#"error="insufficient_user_authentication""#), "{challenge}");
        assert!(challenge.ends_with(r#"acr_values="gold silver", max_age="600", scope="write""#), "{challenge}");
    }
    let unknown = call(&app, bearer("GET", &fixture.token("read write", None).await)).await;
    assert_eq!(unknown.status(), 401, "nothing is known of the authentication");
    assert_eq!(signed_in("read", "gold", 0).await.status(), 403, "the scope is missing");
}

#[tokio::test]
async fn a_request_without_token_is_challenged_only_behind_the_layer() {
    let fixture = Fixture::new();
    let response = call(&fixture.app(), Request::get("/v1/orders").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 401);
    let challenges = header(&response, "www-authenticate");
    assert_eq!(challenges[0], r#"Bearer realm="https://api.example""#);
    assert!(challenges[1].starts_with(r#"DPoP realm="https://api.example", algs=""#), "{challenges:?}");
    assert_eq!(header(&response, "dpop-nonce").len(), 1);
    assert_eq!(body(response).await, "");

    let token = fixture.token("read", None).await;
    for uri in ["/v1/orders?access_token=", "/v1/orders?x=1&access_token="] {
        let request = Request::get(format!("{uri}{}", token.expose())).body(Body::empty()).unwrap();
        assert_eq!(call(&fixture.app(), request).await.status(), 401, "a token in a query is ignored");
    }
    let mut twice = bearer("GET", &token);
    twice.headers_mut().append("authorization", "Bearer other".parse().unwrap());
    assert_eq!(call(&fixture.app(), twice).await.status(), 400);
    let open = call(&fixture.app(), Request::get("/health").body(Body::empty()).unwrap()).await;
    assert_eq!(body(open).await, "ok");
}

#[tokio::test]
async fn nested_layers_share_one_proof_of_the_original_path() {
    let fixture = Fixture::new();
    let (app, token) = (fixture.app(), fixture.bound("read").await);
    let recorded = call(&app, fixture.with_proof("/v1/orders", &token, None).await).await;
    assert_eq!(recorded.status(), 401);
    assert!(
        body(call(&app, fixture.with_proof("/v1/orders", &token, None).await).await).await.contains("use_dpop_nonce")
    );
    let nonce = header(&recorded, "dpop-nonce")[0];

    let cut = fixture.with_proof("/orders", &token, Some(nonce)).await;
    let (mut parts, empty) = cut.into_parts();
    parts.uri = "/v1/orders".parse().unwrap();
    let denied = call(&app, Request::from_parts(parts, empty)).await;
    assert!(body(denied).await.contains("invalid_dpop_proof"), "the path that nesting leaves is not the client's");

    let request = fixture.with_proof("/v1/orders", &token, Some(nonce)).await;
    let (parts, _) = request.into_parts();
    let again = || Request::from_parts(parts.clone(), Body::empty());
    let mut lying = again();
    lying.headers_mut().insert("host", "evil.example".parse().unwrap());
    let served = call(&app, lying).await;
    assert_eq!(served.status(), 200, "the Host header says nothing");
    assert!(header(&served, "dpop-nonce").is_empty());
    assert_eq!(call(&app, again()).await.status(), 401, "a proof is accepted once");

    fixture.clock.advance(Duration::from_secs(300));
    let served = call(&app, fixture.with_proof("/v1/orders", &token, Some(nonce)).await).await;
    assert_eq!(served.status(), 200);
    assert_ne!(header(&served, "dpop-nonce")[0], nonce);
    assert_eq!(header(&served, "cache-control"), ["no-store"]);
}

#[tokio::test]
async fn the_certificate_of_the_connection_comes_from_the_extensions() {
    let fixture = Fixture::new();
    let own = ClientCertificate::from_der(*b"own");
    let token = fixture.token("read", Some(own.confirmation())).await;
    for (certificate, status) in [(Some(own), 200), (Some(ClientCertificate::from_der(*b"other")), 401), (None, 401)] {
        let mut request = bearer("GET", &token);
        if let Some(certificate) = certificate {
            request.extensions_mut().insert(certificate);
        }
        assert_eq!(call(&fixture.app(), request).await.status(), status);
    }
}

#[tokio::test]
async fn a_layer_of_another_server_verifies_again() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    let app = Router::new().route("/v1/orders", get(orders)).layer(other.layer("")).layer(fixture.layer(""));
    assert_eq!(call(&app, bearer("GET", &fixture.token("read", None).await)).await.status(), 401);
}

#[tokio::test]
async fn a_handler_that_needs_a_token_fails_without_the_layer() {
    let app = Router::new().route("/v1/orders", get(orders));
    let fixture = Fixture::new();
    let response = call(&app, bearer("GET", &fixture.token("read", None).await)).await;
    assert_eq!(response.status(), 500);
}

/// A service that must be ready before each call, as tower's contract requires. A clone starts as not ready.
struct Strict {
    is_ready: AtomicBool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { is_ready: AtomicBool::new(false), calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready.store(true, Ordering::SeqCst);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(self.is_ready.swap(false, Ordering::SeqCst), "called without having been found ready");
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(Body::empty())))
    }
}

#[tokio::test]
async fn the_ready_service_is_called_and_not_its_clone() {
    let fixture = Fixture::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let strict = Strict { is_ready: AtomicBool::new(false), calls: Arc::clone(&calls) };
    let mut service = fixture.layer("read").layer(strict);
    let token = fixture.token("read", None).await;
    for _ in 0..3 {
        let (parts, _) = bearer("GET", &token).into_parts();
        let response = service.ready().await.unwrap().call(Request::from_parts(parts, ())).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let denied = service.ready().await.unwrap().call(Request::new(())).await.unwrap();
    assert_eq!((denied.status().as_u16(), calls.load(Ordering::SeqCst)), (401, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_the_challenge_over_a_real_connection() {
    let fixture = Fixture::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(axum::serve(listener, fixture.app()).into_future());
    let token = fixture.token("read", None).await;
    let exchange = move |headers: String| {
        let mut connection = TcpStream::connect(address).unwrap();
        write!(connection, "GET /v1/orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    };
    let authorization = format!("authorization: Bearer {}\r\n", token.expose());
    let (answer, refusal) =
        tokio::task::spawn_blocking(move || (exchange(authorization), exchange(String::new()))).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\ndemo: read"), "{answer}");
    assert!(refusal.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{refusal}");
    assert!(refusal.contains("\r\nwww-authenticate: Bearer realm=\"https://api.example\"\r\n"), "{refusal}");
    assert!(refusal.contains("\r\ncontent-length: 0\r\n"), "{refusal}");
    serving.abort();
}

#[tokio::test]
async fn the_host_gets_the_reason_of_each_refused_request() {
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&recorded);
    let fixture = Fixture::with(|server| {
        server.with_events(move |reason: &DenialReason| note.lock().unwrap().push(reason.as_str()))
    });
    let app = fixture.app();
    let (good, bound) = (fixture.token("read", None).await, fixture.bound("read").await);
    assert_eq!(call(&app, bearer("GET", &good)).await.status(), 200);
    assert!(recorded.lock().unwrap().is_empty(), "a served request has no reason");

    call(&app, Request::get("/v1/orders").body(Body::empty()).unwrap()).await;
    call(&app, bearer("GET", &AccessToken::new("garbage"))).await;
    call(&app, bearer("GET", &bound)).await;
    call(&app, bearer("POST", &good)).await;
    call(&app, fixture.with_proof("/v1/orders", &bound, None).await).await;
    fixture.clock.advance(Duration::from_secs(3610));
    call(&app, bearer("GET", &good)).await;
    let expected =
        ["no_token", "token_malformed", "token_without_proof", "insufficient_scope", "proof_nonce", "token_expired"];
    assert_eq!(*recorded.lock().unwrap(), expected);
}

// RFC 9728: the 401 names the document, and the document needs no token.
#[tokio::test]
async fn a_client_finds_the_authorization_server_by_the_challenge() {
    let metadata = || {
        let metadata = ResourceMetadata::new(&RESOURCE.parse().unwrap()).unwrap();
        metadata.with_authorization_servers([ISSUER])
    };
    let fixture = Fixture::with(|server| server.with_metadata(metadata()));
    let app = fixture.app().merge(resource_metadata(Arc::clone(&fixture.server)));
    let without = Request::get("/v1/orders").body(Body::empty()).unwrap();
    let denied = app.clone().oneshot(without).await.unwrap();
    assert_eq!(denied.status(), 401);
    let challenge = denied.headers()["www-authenticate"].to_str().unwrap();
    let url = challenge.split("resource_metadata=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let path = url.strip_prefix(RESOURCE).unwrap();
    for (method, length) in [("GET", 1), ("HEAD", 0)] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let document = app.clone().oneshot(request).await.unwrap();
        assert_eq!(document.status(), 200, "{method}");
        let body = to_bytes(document.into_body(), 4096).await.unwrap();
        assert!(body.len() >= length);
        if method == "GET" {
            let text = std::str::from_utf8(&body).unwrap();
            assert!(text.contains(r#""authorization_servers":["https://as.example"]"#), "{text}");
            assert!(text.contains(r#""resource":"https://api.example""#), "{text}");
        }
    }
    let none: Router = resource_metadata(Arc::clone(&Fixture::new().server));
    let request = Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(none.oneshot(request).await.unwrap().status(), 404);
}
