//! Behavior outside of the kit: certificates of the connection, forms of the host, custom paths.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::{App, HttpMessage as _, HttpResponse, HttpServer, web};
use async_trait::async_trait;
use regrant::host::{AttemptLimit, Peer};
use regrant::policy::SenderConstraint;
use regrant::proof::ClientCertificate;
use regrant::wire::{self, Endpoint, Endpoints, Handler, Paths};
use regrant::{
    Client, ClientId, ClientRegistry, ClientSecret, GrantType, Issuer, KeyRing, MemoryStore, Policy, SecretHash,
    SystemEntropy, TokenService,
};
use regrant_actix_web::Form;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const FORM: &str = "application/x-www-form-urlencoded";
/// `service:s3cret`
const BASIC: &str = "Basic c2VydmljZTpzM2NyZXQ=";
const CLIENT_CREDENTIALS: &str = "grant_type=client_credentials";

/// Endpoints that issue tokens under this sender constraint.
fn endpoints(constraint: SenderConstraint) -> Endpoints<MemoryStore> {
    let client = Client::new(ClientId::new("service").unwrap()).with_grant_types([GrantType::ClientCredentials]);
    let secret = SecretHash::sha256(&ClientSecret::new("s3cret"));
    let clients = ClientRegistry::new().register(client, [secret]).unwrap();
    let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
        .rate_limit(AttemptLimit::new(1, Duration::from_secs(60)))
        .policy(Policy::default().with_sender_constraint(constraint));
    Endpoints::new(service.build().unwrap(), Issuer::from_static("https://as.example")).unwrap()
}

fn token_request(path: &str) -> TestRequest {
    let request = TestRequest::post().uri(path).insert_header((CONTENT_TYPE, FORM));
    request.insert_header(("authorization", BASIC)).set_payload(CLIENT_CREDENTIALS)
}

async fn error_of(response: ServiceResponse) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = read_body_json(response).await;
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[actix_web::test]
async fn a_certificate_in_the_extensions_of_the_request_reaches_regrant() {
    let endpoints = Arc::new(endpoints(SenderConstraint::Certificate));
    let app = App::new()
        .wrap_fn(|request, next| {
            if request.headers().contains_key("x-shows-certificate") {
                request.extensions_mut().insert(ClientCertificate::from_der(*b"certificate"));
            }
            next.call(request)
        })
        .configure(regrant_actix_web::configure(endpoints));
    let app = init_service(app).await;

    let without = call_service(&app, token_request("/oauth2/token").to_request()).await;
    assert_eq!(error_of(without).await, (400, "invalid_request".to_owned()));
    let with = token_request("/oauth2/token").insert_header(("x-shows-certificate", "1"));
    assert_eq!(call_service(&app, with.to_request()).await.status(), 200);
}

#[actix_web::test]
async fn the_sender_in_the_extensions_of_the_request_reaches_regrant() {
    let app = App::new()
        .wrap_fn(|request, next| {
            let peer = request.headers().get("x-peer").and_then(|peer| Peer::new(peer.to_str().unwrap()).ok());
            peer.map(|peer| request.extensions_mut().insert(peer));
            next.call(request)
        })
        .configure(regrant_actix_web::configure(Arc::new(endpoints(SenderConstraint::Optional))));
    let app = init_service(app).await;
    let from = |peer: &'static str| token_request("/oauth2/token").insert_header(("x-peer", peer));
    let wrong = from("one").insert_header(("authorization", "Basic c2VydmljZTp3cm9uZw=="));

    assert_eq!(call_service(&app, wrong.to_request()).await.status(), 401);
    assert_eq!(call_service(&app, from("one").to_request()).await.status(), 429);
    assert_eq!(call_service(&app, from("two").to_request()).await.status(), 200);
}

#[actix_web::test]
async fn a_certificate_in_the_data_of_the_connection_reaches_regrant() {
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nhost: as.example\r\nconnection: close\r\nauthorization: {BASIC}\r\n\
         content-type: {FORM}\r\ncontent-length: {}\r\n\r\n{CLIENT_CREDENTIALS}",
        CLIENT_CREDENTIALS.len()
    );
    let answer = answer_of_a_server(&request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[actix_web::test]
async fn a_head_request_has_the_length_of_the_document() {
    let request = |method| {
        let path = "/.well-known/oauth-authorization-server";
        format!("{method} {path} HTTP/1.1\r\nhost: as.example\r\nconnection: close\r\n\r\n")
    };
    let get = answer_of_a_server(&request("GET")).await;
    let (_, document) = get.split_once("\r\n\r\n").unwrap();
    let head = answer_of_a_server(&request("HEAD")).await;
    assert!(head.contains(&format!("content-length: {}\r\n", document.len())), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

/// The answer to these bytes from a server whose connections all have a certificate.
async fn answer_of_a_server(request: &str) -> String {
    let endpoints = Arc::new(endpoints(SenderConstraint::Certificate));
    let app = move || App::new().configure(regrant_actix_web::configure(Arc::clone(&endpoints)));
    let server = HttpServer::new(app)
        .on_connect(|_, data| {
            data.insert(ClientCertificate::from_der(*b"certificate"));
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);

    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    handle.stop(false).await;
    answer
}

#[actix_web::test]
async fn an_endpoint_can_have_a_second_path_even_in_a_scope() {
    let endpoints = Arc::new(endpoints(SenderConstraint::Optional).with_paths(Paths::am_7_5()));
    let second = regrant_actix_web::endpoint(Arc::clone(&endpoints), Endpoint::Token, "/token");
    let app = App::new().service(web::scope("/v1").service(second)).configure(regrant_actix_web::configure(endpoints));
    let app = init_service(app).await;
    for path in ["/oauth2/access_token", "/v1/token"] {
        assert_eq!(call_service(&app, token_request(path).to_request()).await.status(), 200, "{path}");
    }
}

#[actix_web::test]
async fn the_limit_of_the_framework_does_not_apply() {
    let endpoints = Arc::new(endpoints(SenderConstraint::Optional).with_body_limit(4 << 20));
    let app = App::new()
        .app_data(web::PayloadConfig::new(16))
        .app_data(web::FormConfig::default().limit(16))
        .configure(regrant_actix_web::configure(endpoints));
    let app = init_service(app).await;
    let padded = format!("{CLIENT_CREDENTIALS}&padding={}", "x".repeat(3 << 20));
    let request = token_request("/oauth2/token").set_payload(padded);
    assert_eq!(call_service(&app, request.to_request()).await.status(), 200);
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

#[actix_web::test]
async fn a_handler_of_the_host_gets_every_request_and_its_own_limit() {
    let endpoints = Arc::new(endpoints(SenderConstraint::Optional));
    let app =
        App::new().configure(regrant_actix_web::configure(endpoints)).default_service(regrant_actix_web::handler(Echo));
    let app = init_service(app).await;
    let ask = |method: &str, body: &'static str| {
        let request = TestRequest::with_uri("/anything?x=y").method(method.parse().unwrap());
        call_service(&app, request.set_payload(body).to_request())
    };

    let answer = ask("PURGE", "body").await;
    assert_eq!(answer.status(), 418);
    assert_eq!(to_bytes(answer.into_body()).await.unwrap(), "PURGE /anything?x=y body");
    assert_eq!(error_of(ask("POST", "a body").await).await, (413, "invalid_request".to_owned()));
    assert_eq!(call_service(&app, token_request("/oauth2/token").to_request()).await.status(), 200);
}

/// An endpoint of the host.
async fn consent(Form(parameters): Form) -> HttpResponse {
    HttpResponse::Ok().body(parameters.get("decision").unwrap_or_default().to_owned())
}

#[actix_web::test]
async fn a_form_of_the_host_is_read_strictly_and_refused_in_json() {
    let app = init_service(App::new().route("/consent", web::route().to(consent))).await;
    let form = |body: &[u8]| {
        TestRequest::post().uri("/consent").insert_header((CONTENT_TYPE, FORM)).set_payload(body.to_vec())
    };

    let good = call_service(&app, form(b"decision=allow").to_request()).await;
    assert_eq!(to_bytes(good.into_body()).await.unwrap(), "allow");
    let too_long = format!("decision={}", "x".repeat(64 * 1024));
    for (name, request, status) in [
        ("repeated", form(b"decision=allow&decision=deny"), 400),
        ("not UTF-8", form(b"decision=\xff"), 400),
        ("too long", form(too_long.as_bytes()), 413),
        ("another type", TestRequest::post().uri("/consent").set_payload("decision=allow"), 400),
        ("another method", TestRequest::put().uri("/consent").insert_header((CONTENT_TYPE, FORM)), 405),
    ] {
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(error_of(response).await, (status, "invalid_request".to_owned()), "{name}");
    }
}
