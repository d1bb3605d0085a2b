//! The host of `examples/host.rs`, as a browser reaches it.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use regrant::{KeyRing, SystemEntropy};
use tower::ServiceExt as _;

use crate::host::{Answer, ORIGIN, file};

#[expect(dead_code, reason = "the main function of the example is not called")]
#[path = "../../examples/host.rs"]
mod example;

pub(crate) struct Site(Router);

impl Site {
    pub(crate) async fn open(name: &str) -> Self {
        let keys = KeyRing::generate(&SystemEntropy);
        Self(example::app(example::Host::open(ORIGIN, &file(name), keys).await.unwrap()))
    }

    pub(crate) async fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)], form: String) -> Answer {
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = self.0.clone().oneshot(request.body(Body::from(form)).unwrap()).await.unwrap();
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = response.status().as_u16();
        Answer { status, headers, body: crate::adapter::body(response).await }
    }
}
