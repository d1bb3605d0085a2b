//! A handler that parses the form and answers with fixed bytes: the cost of HTTP alone.
//!
//! The bytes are an answer of regrant, so size and headers are the same.

use axum::body::Bytes;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::routing::post;
use axum::{Form, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regrant::MemoryStore;
use regrant::wire::{Endpoint, Endpoints, Request};
use serde::Deserialize;

use crate::seed::{API, APP, SECRET};
use crate::{Size, serve_axum, service};

#[derive(Deserialize)]
struct Refresh {
    #[expect(dead_code, reason = "parsed, as every server does")]
    grant_type: String,
    refresh_token: String,
    client_id: String,
}

#[derive(Deserialize)]
struct Introspection {
    token: String,
}

type Answer = ([(HeaderName, &'static str); 3], Bytes);

pub(crate) fn serve(size: Size) {
    crate::runtime(size).block_on(async {
        let (endpoints, mut seed) = service::endpoints(Size { grants: 1, ..size }).await;
        let form = format!("grant_type=refresh_token&client_id={APP}&refresh_token={}", seed.refresh[0]);
        let tokens = answer(&endpoints, Endpoint::Token, "/token", &form).await;
        let form = format!("token={}", seed.introspect[0]);
        let active = answer(&endpoints, Endpoint::Introspection, "/introspect", &form).await;
        let refresh = move |Form(form): Form<Refresh>| async move {
            assert!(form.client_id == APP && !form.refresh_token.is_empty());
            fixed(tokens)
        };
        let introspect = move |Form(form): Form<Introspection>| async move {
            assert!(!form.token.is_empty());
            fixed(active)
        };
        seed.refresh = vec![seed.refresh[0].clone(); size.grants];
        seed.introspect = vec![seed.introspect[0].clone(); size.grants];
        serve_axum(Router::new().route("/token", post(refresh)).route("/introspect", post(introspect)), &seed).await;
    });
}

fn fixed(body: Bytes) -> Answer {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], body)
}

/// Returns what regrant answers, and checks that [`fixed`] has its headers.
async fn answer(endpoints: &Endpoints<MemoryStore>, endpoint: Endpoint, path: &str, form: &str) -> Bytes {
    let authorization = format!("Basic {}", STANDARD.encode(format!("{API}:{SECRET}")));
    let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
    if endpoint == Endpoint::Introspection {
        headers.push(("authorization", authorization.as_bytes()));
    }
    let request = Request::new("POST", path, &headers, form.as_bytes());
    let answer = endpoints.handle(endpoint, &request).await;
    let body = Bytes::from(answer.body);
    assert_eq!(answer.status, 200, "{body:?}");
    let names = |name: &str| fixed(Bytes::new()).0.iter().any(|(fixed, _)| fixed.as_str() == name);
    assert!(answer.headers.len() == 3 && answer.headers.iter().all(|header| names(header.0)));
    body
}
