//! An issuer with a path: the path of a request is what follows the host, whatever a proxy has removed.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use regrant::wire::Endpoints;
use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
use regrant_tower::OAuth;
use tower::{Layer as _, ServiceExt as _, service_fn};

const METADATA: &str = "/.well-known/oauth-authorization-server/tenant";

fn oauth() -> OAuth<MemoryStore> {
    oauth_of("https://as.example/tenant")
}

fn oauth_of(issuer: &str) -> OAuth<MemoryStore> {
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build().unwrap();
    OAuth::new(Arc::new(Endpoints::new(service, Issuer::new(issuer).unwrap()).unwrap()))
}

async fn status(oauth: &OAuth<MemoryStore>, path: &str) -> u16 {
    let request = Request::get(path).body(Full::<Bytes>::default()).unwrap();
    oauth.clone().oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_endpoints_lie_below_the_path_of_the_issuer_and_the_metadata_beside_it() {
    let oauth = oauth();
    assert_eq!(status(&oauth, "/tenant/oauth2/token").await, 405);
    assert_eq!(status(&oauth, METADATA).await, 200);
    for other in ["/oauth2/token", "/tenant", "/tenant/tenant/oauth2/token", "/.well-known/oauth-authorization-server"]
    {
        assert_eq!(status(&oauth, other).await, 404, "{other}");
    }
}

#[tokio::test]
async fn a_prefix_that_was_removed_is_restored_once() {
    let oauth = oauth().with_prefix("/tenant");
    for path in ["/oauth2/token", "/tenant/oauth2/token"] {
        assert_eq!(status(&oauth, path).await, 405, "{path}");
    }
    assert_eq!(status(&oauth, METADATA).await, 200);
    for other in ["/token", "/tenant/tenant/oauth2/token", "/other/oauth2/token", "/oauth2/token/", "/tenant", "/"] {
        assert_eq!(status(&oauth, other).await, 404, "{other}");
    }
    let paths: Vec<&str> = oauth.paths().collect();
    assert!(paths.contains(&"/oauth2/token") && paths.contains(&METADATA), "{paths:?}");
}

#[tokio::test]
async fn the_servers_of_several_issuers_are_layers() {
    let pages =
        service_fn(async |_: Request<Full<Bytes>>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("a page"))));
    let app = oauth().layer(oauth_of("https://as.example/other").layer(pages));
    for (path, expected) in [
        (METADATA, "https://as.example/tenant/oauth2/token"),
        ("/.well-known/oauth-authorization-server/other", "https://as.example/other/oauth2/token"),
        ("/welcome", "a page"),
    ] {
        let answer = app.clone().oneshot(Request::get(path).body(Full::default()).unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains(expected), "{path}");
    }
}
