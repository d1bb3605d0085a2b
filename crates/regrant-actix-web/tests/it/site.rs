//! The host of `examples/host.rs`, as a browser reaches it.

use std::sync::Arc;

use actix_web::App;
use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use regrant::{KeyRing, SystemEntropy};

use crate::host::{Answer, ORIGIN, file};

#[expect(dead_code, reason = "the main function of the example is not called")]
#[path = "../../examples/host.rs"]
mod example;

pub(crate) struct Site(Arc<example::Host>);

impl Site {
    pub(crate) async fn open(name: &str) -> Self {
        let keys = KeyRing::generate(&SystemEntropy);
        Self(example::Host::open(ORIGIN, &file(name), keys).await.unwrap())
    }

    pub(crate) async fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)], form: String) -> Answer {
        let app = init_service(App::new().configure(example::configure(Arc::clone(&self.0)))).await;
        let request = TestRequest::with_uri(uri).method(Method::from_bytes(method.as_bytes()).unwrap());
        let request = headers.iter().fold(request, |request, header| request.insert_header(*header)).set_payload(form);
        let response = call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().iter());
        let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = to_bytes(response.into_body()).await.unwrap();
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}
