//! The adapter passes on all bytes of a request to regrant, and all bytes of the answer to the client.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use regrant::host::{AttemptLimit, Peer};
use regrant::policy::SenderConstraint;
use regrant::proof::ClientCertificate;
use regrant::wire::{self, Endpoint, Endpoints, Handler};
use regrant::{
    Client, ClientId, ClientRegistry, ClientSecret, GrantType, Issuer, KeyRing, MemoryStore, Policy, SecretHash,
    SystemEntropy, TokenService, TokenServiceBuilder,
};
use regrant_tower::{OAuth, Serve};
use tower::{Layer as _, Service, ServiceExt as _};

const FORM: &str = "application/x-www-form-urlencoded";

/// `service:s3cret`
const BASIC: &str = "Basic c2VydmljZTpzM2NyZXQ=";

const CLIENT_CREDENTIALS: &str = "grant_type=client_credentials";

fn endpoints() -> Endpoints<MemoryStore> {
    endpoints_under(Policy::default())
}

fn endpoints_under(policy: Policy) -> Endpoints<MemoryStore> {
    endpoints_of(|service| service.policy(policy))
}

fn endpoints_of(
    change: impl FnOnce(TokenServiceBuilder<MemoryStore>) -> TokenServiceBuilder<MemoryStore>,
) -> Endpoints<MemoryStore> {
    let client = Client::new(ClientId::new("service").unwrap())
        .with_grant_types([GrantType::ClientCredentials])
        .with_scope("read".parse().unwrap());
    let secret = SecretHash::sha256(&ClientSecret::new("s3cret"));
    let clients = ClientRegistry::new().register(client, [secret]).unwrap();
    let keys = KeyRing::generate(&SystemEntropy);
    let service = change(TokenService::builder(MemoryStore::new(), clients, keys)).build().unwrap();
    Endpoints::new(service, Issuer::from_static("https://as.example")).unwrap()
}

fn app() -> OAuth<MemoryStore> {
    OAuth::new(Arc::new(endpoints()))
}

fn post(path: &str, body: &'static str) -> Request<Full<Bytes>> {
    post_body(path, body.into())
}

fn post_body<B>(path: &str, body: B) -> Request<B> {
    Request::post(path).header("authorization", BASIC).header("content-type", FORM).body(body).unwrap()
}

fn ask(method: &str, path: &str) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(path).body(Full::default()).unwrap()
}

type Answer = Response<Full<Bytes>>;

async fn call<S, B>(app: S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Answer, Error = Infallible>,
{
    app.oneshot(request).await.unwrap()
}

async fn body(response: Answer) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn header<'a>(response: &'a Answer, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn tokens_and_their_headers_pass_through() {
    let response = call(app(), post("/oauth2/token", CLIENT_CREDENTIALS)).await;

    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(header(&response, "pragma"), "no-cache");
    assert!(body(response).await.starts_with(r#"{"access_token":"at_"#));
}

#[tokio::test]
async fn a_refusal_and_its_headers_pass_through() {
    let mut request = post("/oauth2/token", CLIENT_CREDENTIALS);
    request.headers_mut().insert("authorization", "Basic c2VydmljZTp3cm9uZw==".parse().unwrap());
    let response = call(app(), request).await;

    assert_eq!(response.status(), 401);
    assert!(header(&response, "www-authenticate").starts_with("Basic realm="));
    assert!(body(response).await.contains(r#""error":"invalid_client""#));
}

#[tokio::test]
async fn a_method_that_an_endpoint_lacks_is_refused_in_json_with_allow() {
    for path in ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"] {
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "PURGE"] {
            let response = call(app(), ask(method, path)).await;
            assert_eq!(response.status(), 405, "{method} {path}");
            assert_eq!(header(&response, "allow"), "POST", "{method} {path}");
            assert!(body(response).await.contains(r#""error":"invalid_request""#), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_head_request_for_the_metadata_is_answered_without_a_body() {
    let path = "/.well-known/oauth-authorization-server";
    let get = call(app(), ask("GET", path)).await;
    let head = call(app(), ask("HEAD", path)).await;

    assert_eq!(head.status(), 200);
    assert_eq!(header(&head, "content-type"), "application/json");
    let document = body(get).await;
    assert_eq!(header(&head, "content-length"), document.len().to_string());
    assert!(document.contains(r#""token_endpoint":"https://as.example/oauth2/token""#));
    assert_eq!(body(head).await, "");
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let limited = |bytes| OAuth::new(Arc::new(endpoints().with_body_limit(bytes)));

    let at_the_limit = call(limited(CLIENT_CREDENTIALS.len()), post("/oauth2/token", CLIENT_CREDENTIALS)).await;
    assert_eq!(at_the_limit.status(), 200);
    let above = call(limited(CLIENT_CREDENTIALS.len() - 1), post("/oauth2/token", CLIENT_CREDENTIALS)).await;
    is_refused_as_too_large(above).await;
}

#[tokio::test]
async fn the_limit_holds_for_a_streamed_body_without_a_content_length() {
    let limited = |bytes| OAuth::new(Arc::new(endpoints().with_body_limit(bytes)));
    let streamed = || post_body("/oauth2/token", ByteByByte(CLIENT_CREDENTIALS.into()));

    assert_eq!(call(limited(CLIENT_CREDENTIALS.len()), streamed()).await.status(), 200);
    is_refused_as_too_large(call(limited(CLIENT_CREDENTIALS.len() - 1), streamed()).await).await;
}

async fn is_refused_as_too_large(response: Answer) {
    assert_eq!(response.status(), 413);
    assert_eq!(header(&response, "content-type"), "application/json");
    assert!(body(response).await.contains(r#""error":"invalid_request""#));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_though_its_beginning_is_a_valid_request() {
    let response = call(app(), post_body("/oauth2/token", BreaksOff(Some(CLIENT_CREDENTIALS)))).await;
    assert_eq!(response.status(), 400);
    assert_eq!(header(&response, "content-type"), "application/json");
    assert!(body(response).await.contains(r#""error":"invalid_request""#));
}

#[tokio::test]
async fn two_authorization_lines_arrive_as_two() {
    let mut request = post("/oauth2/token", CLIENT_CREDENTIALS);
    request.headers_mut().append("authorization", BASIC.parse().unwrap());
    let response = call(app(), request).await;

    assert_eq!(response.status(), 400);
    assert!(body(response).await.contains("exactly one way"));
}

#[tokio::test]
async fn header_bytes_that_are_not_text_are_refused_in_json() {
    let mut request = post("/oauth2/token", CLIENT_CREDENTIALS);
    let latin_1 = HeaderValue::from_bytes(b"Basic \xe9").unwrap();
    request.headers_mut().insert("authorization", latin_1);
    let response = call(app(), request).await;

    assert_eq!(response.status(), 400);
    assert!(body(response).await.contains(r#""error":"invalid_request""#));
}

#[tokio::test]
async fn a_certificate_in_the_extensions_of_the_request_reaches_regrant() {
    let policy = Policy::default().with_sender_constraint(SenderConstraint::Certificate);
    let app = OAuth::new(Arc::new(endpoints_under(policy)));
    let mut request = post("/oauth2/token", CLIENT_CREDENTIALS);
    request.extensions_mut().insert(ClientCertificate::from_der(*b"certificate"));

    assert_eq!(call(app.clone(), request).await.status(), 200);
    assert_eq!(call(app, post("/oauth2/token", CLIENT_CREDENTIALS)).await.status(), 400);
}

#[tokio::test]
async fn the_sender_in_the_extensions_of_the_request_reaches_regrant() {
    let limit = AttemptLimit::new(1, Duration::from_secs(60));
    let app = OAuth::new(Arc::new(endpoints_of(|service| service.rate_limit(limit))));
    let from = |peer: u8| {
        let mut request = post("/oauth2/token", CLIENT_CREDENTIALS);
        request.extensions_mut().insert(Peer::address([192, 0, 2, peer].into()));
        request
    };
    let mut wrong = from(1);
    wrong.headers_mut().insert("authorization", "Basic c2VydmljZTp3cm9uZw==".parse().unwrap());

    assert_eq!(call(app.clone(), wrong).await.status(), 401);
    let refused = call(app.clone(), from(1)).await;
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after").is_empty()), (429, false));
    assert_eq!(call(app, from(2)).await.status(), 200);
}

#[tokio::test]
async fn an_endpoint_can_have_any_path() {
    let token = OAuth::endpoint(Arc::new(endpoints()), Endpoint::Token);
    assert_eq!(token.paths().count(), 0);
    assert_eq!(call(token, post("/any/path", CLIENT_CREDENTIALS)).await.status(), 200);
}

/// The handler of all other paths.
struct Echo;

#[async_trait]
impl Handler for Echo {
    async fn respond(&self, request: &wire::Request<'_>) -> wire::Response {
        let body = match request.body {
            Ok(body) => String::from_utf8_lossy(body),
            Err(fault) => return fault.response(),
        };
        let told = format!("{} {}?{} {body}", request.method, request.path, request.query.unwrap_or_default());
        wire::Response { status: 418, headers: vec![("content-type", "text/plain".into())], body: told.into_bytes() }
    }

    fn body_limit(&self) -> usize {
        4
    }
}

#[tokio::test]
async fn a_handler_of_the_host_gets_every_request_and_its_own_limit() {
    let request = |method: &str, payload: &'static str| {
        Request::builder().method(method).uri("/anything?x=%20y").body(Full::<Bytes>::from(payload)).unwrap()
    };

    let answer = call(Serve::new(Echo), request("PURGE", "body")).await;
    assert_eq!(answer.status(), 418);
    assert_eq!(body(answer).await, "PURGE /anything?x=%20y body");
    is_refused_as_too_large(call(Serve::new(Echo), request("POST", "a body")).await).await;
}

// RFC 9110 section 9.3.2. Over HTTP/2 a body would break the connection.
#[tokio::test]
async fn the_answer_of_a_handler_to_head_has_no_content() {
    let answer = call(Serve::new(Echo), ask("HEAD", "/")).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-length")), (418, "8"));
    assert_eq!(body(answer).await, "");
}

/// A service that is ready once, and answers with the path.
#[derive(Clone, Default)]
struct Pages {
    is_ready: bool,
}

impl Service<Request<Full<Bytes>>> for Pages {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        assert!(self.is_ready, "called without having been found ready");
        ready(Ok(Response::new(request.uri().path().to_owned().into())))
    }
}

#[tokio::test]
async fn a_layer_passes_on_what_is_no_endpoint() {
    let app = app().layer(Pages::default());
    assert_eq!(body(call(app.clone(), ask("POST", "/oauth2/token/")).await).await, "/oauth2/token/");
    assert_eq!(call(app, post("/oauth2/token", CLIENT_CREDENTIALS)).await.status(), 200);
    let alone = call(self::app(), ask("POST", "/oauth2/token/")).await;
    assert_eq!((alone.status().as_u16(), header(&alone, "content-type")), (404, "application/json"));
}

/// The demands of frameworks: poem and salvo want a body that is `Sync`.
#[test]
fn the_service_is_shared_and_its_future_and_body_move_between_threads() {
    fn is_fit<S: Service<Request<ByteByByte>, Response = Answer, Future: Send> + Clone + Send + Sync + 'static>(_: S) {}
    fn is_shared<T: Send + Sync + 'static>() {}
    is_fit(app());
    is_fit(Serve::new(Echo));
    is_shared::<Full<Bytes>>();
}

/// A body that arrives one byte at a time, without a length.
struct ByteByByte(Bytes);

impl Body for ByteByByte {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = (!self.0.is_empty()).then(|| self.0.split_to(1));
        Poll::Ready(next.map(|byte| Ok(Frame::data(byte))))
    }
}

/// A body that is cut off after one chunk.
struct BreaksOff(Option<&'static str>);

impl Body for BreaksOff {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let lost = || std::io::ErrorKind::ConnectionReset.into();
        Poll::Ready(Some(self.0.take().map(|chunk| Frame::data(chunk.into())).ok_or_else(lost)))
    }
}
