//! The authorization request of a host.

use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use regrant::wire::Endpoints;
use regrant::{
    Approval, Client, ClientId, ClientRegistry, Issuer, KeyRing, MemoryStore, RedirectUri, Subject, SystemEntropy,
    TokenService,
};
use regrant_actix_web::{Answer, AuthorizationRequest};

const FORM: &str = "application/x-www-form-urlencoded";
const CHALLENGE: &str = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

async fn authorize(
    server: web::Data<Endpoints<MemoryStore>>,
    AuthorizationRequest(request): AuthorizationRequest,
) -> Result<Answer, Answer> {
    let ask = server.ask(&request).await?;
    match request.form().and_then(|form| form.get("decision")) {
        Some("allow") => Ok(ask.approve(Approval::of(Subject::from_static("demo"))).await?.into()),
        _ => Ok(ask.deny().into()),
    }
}

fn endpoints() -> Endpoints<MemoryStore> {
    let spa = Client::public(ClientId::from_static("spa"))
        .with_redirect_uris([RedirectUri::from_static("https://spa.example/cb")])
        .with_scope("read".parse().unwrap());
    let clients = ClientRegistry::new().register(spa, []).unwrap();
    let service =
        TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy)).build().unwrap();
    Endpoints::new(service, Issuer::from_static("https://as.example")).unwrap()
}

async fn call(request: TestRequest) -> (u16, String, String) {
    let server = web::Data::from(Arc::new(endpoints()));
    let app = init_service(App::new().app_data(server).service(web::resource("/authorize").to(authorize))).await;
    let response = call_service(&app, request.to_request()).await;
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body()).await.unwrap();
    (status, location.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}

#[actix_web::test]
async fn the_request_and_the_form_of_a_page_reach_the_host() {
    let uri = format!("/authorize?client_id=spa&response_type=code&{CHALLENGE}");
    let post = |uri: &str, form: &str| {
        TestRequest::post().uri(uri).insert_header((CONTENT_TYPE, FORM)).set_payload(form.to_owned())
    };
    let (status, location, _) = call(post(&uri, "decision=allow&client_id=other")).await;
    assert!(status == 303 && location.starts_with("https://spa.example/cb?code=ac_"), "{location}");
    let (status, location, _) = call(TestRequest::get().uri(&uri)).await;
    assert!(status == 303 && location.contains("?error=access_denied&"), "{location}");
    let whole = format!("decision=allow&client_id=spa&response_type=code&{CHALLENGE}");
    assert_eq!(call(post("/authorize", &whole)).await.0, 303);
}

#[actix_web::test]
async fn errors_reach_the_client_or_the_user() {
    let (status, location, text) = call(TestRequest::get().uri("/authorize?state=a&state=b")).await;
    assert_eq!((status, location, text), (400, String::new(), "A parameter is repeated.\n".to_owned()));
    assert_eq!(call(TestRequest::put().uri("/authorize")).await.0, 405);
    let large = TestRequest::post().uri("/authorize").insert_header((CONTENT_TYPE, FORM));
    assert_eq!(call(large.set_payload("a".repeat(65 * 1024))).await.0, 413);
    let (status, location, _) = call(TestRequest::get().uri("/authorize?client_id=spa&response_type=token")).await;
    assert!(status == 303 && location.contains("?error=unsupported_response_type&"), "{location}");
}
