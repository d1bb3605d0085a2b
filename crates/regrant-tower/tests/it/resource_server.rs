//! The layer without a framework. `crates/regrant-axum/tests/it/resource_server.rs` tests its rules.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use regrant::SystemEntropy;
use regrant::clock::{Clock as _, SystemClock};
use regrant_jose::resource_server::ResourceMetadata;
use regrant_jose::{Algorithm, JwtVerifier, KeySet, PrivateKey, ResourceServer};
use regrant_tower::RequireToken;
use tower::{Layer as _, ServiceExt as _, service_fn};

const RESOURCE: &str = "https://api.example";

async fn ask(with_metadata: bool, method: &str, path: &str) -> (u16, Option<String>, String) {
    let key = PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy).unwrap();
    let keys = KeySet::new(key, Duration::from_secs(3600)).unwrap();
    let tokens = JwtVerifier::new("https://as.example", RESOURCE, keys.public_keys(SystemClock.now()));
    let server = ResourceServer::new(RESOURCE, tokens, Arc::new(SystemClock));
    let metadata = ResourceMetadata::new(&RESOURCE.parse().unwrap()).unwrap();
    let server = if with_metadata { server.with_metadata(metadata) } else { server };
    let orders =
        service_fn(async |_: Request<Full<Bytes>>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("served"))));
    let api = RequireToken::new(Arc::new(server)).layer(orders);
    let request = Request::builder().method(method).uri(path).body(Full::<Bytes>::default()).unwrap();
    let (parts, body) = api.oneshot(request).await.unwrap().into_parts();
    let length = parts.headers.get("content-length").map(|length| length.to_str().unwrap().to_owned());
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), length, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_layer_serves_the_metadata_and_nothing_else_without_a_token() {
    let document = "/.well-known/oauth-protected-resource";
    let (status, length, body) = ask(true, "GET", document).await;
    assert_eq!((status, length), (200, None));
    assert!(body.contains(r#""resource":"https://api.example""#), "{body}");
    assert_eq!(ask(true, "HEAD", document).await, (200, Some(body.len().to_string()), String::new()));
    for (with_metadata, path) in
        [(true, "/orders"), (true, "/.well-known/oauth-protected-resource/"), (false, document)]
    {
        let (status, _, body) = ask(with_metadata, "GET", path).await;
        assert_eq!((status, body.contains("served")), (401, false), "{path}");
    }
}
