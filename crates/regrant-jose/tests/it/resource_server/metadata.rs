//! RFC 9728: metadata of protected resources, and the challenges that name them.

use std::sync::Arc;

use regrant::clock::{ManualClock, SystemClock};
use regrant::wire::{Request, Response};
use regrant::{Resource, Scope};
use regrant_jose::dpop::ReplayCache;
use regrant_jose::resource_server::{NoDocumentUrl, ResourceMetadata};
use regrant_jose::{Algorithm, DpopVerifier, JwkSet, JwtVerifier, ResourceServer};
use serde_json::{Value, json};

const API: &str = "https://api.example/orders";
const DOCUMENT: &str = "https://api.example/.well-known/oauth-protected-resource/orders";

fn server() -> ResourceServer {
    let tokens = JwtVerifier::new("https://as.example", API, JwkSet::default());
    ResourceServer::new("https://api.example", tokens, Arc::new(SystemClock))
}

fn metadata() -> ResourceMetadata {
    ResourceMetadata::new(&Resource::from_static(API))
        .unwrap()
        .with_authorization_servers(["https://as.example"])
        .with_scope(&Scope::from_static("write read"))
        .with_member("resource_name", "Orders")
        .with_member("resource", "https://evil.example")
}

fn with_dpop(server: ResourceServer) -> ResourceServer {
    let cache = ReplayCache::new(1, Arc::new(ManualClock::default()));
    server.with_dpop(DpopVerifier::new(Arc::new(cache)).with_algorithms([Algorithm::Es256]))
}

fn ask(server: &ResourceServer, method: &str, headers: &[(&str, &[u8])]) -> Response {
    server.metadata(&Request::new(method, "/.well-known/oauth-protected-resource/orders", headers, b""))
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| &**value)
}

#[test]
fn the_document_says_what_the_server_accepts() {
    let mut expected = json!({
        "resource": API, "authorization_servers": ["https://as.example"], "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"], "resource_name": "Orders",
    });
    let plain = ask(&server().with_metadata(metadata()), "GET", &[]);
    assert_eq!(plain.status, 200);
    assert_eq!(serde_json::from_slice::<Value>(&plain.body).unwrap(), expected);
    assert_eq!(header(&plain, "content-type"), Some("application/json"));
    expected["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    let proofs = with_dpop(server()).with_metadata(metadata());
    assert_eq!(serde_json::from_slice::<Value>(&ask(&proofs, "HEAD", &[]).body).unwrap(), expected);
}

// Section 3.1: the well-known part stands between the host and the path.
#[test]
fn the_url_of_the_document_follows_from_the_resource() {
    let well_known = "/.well-known/oauth-protected-resource";
    for (resource, url) in [
        ("https://api.example", format!("https://api.example{well_known}")),
        ("https://api.example/", format!("https://api.example{well_known}")),
        ("https://api.example:8443/v1/orders", format!("https://api.example:8443{well_known}/v1/orders")),
        ("https://api.example/v1/", format!("https://api.example{well_known}/v1/")),
        ("https://api.example?x=1", format!("https://api.example{well_known}?x=1")),
        ("http://localhost:3000/mcp", format!("http://localhost:3000{well_known}/mcp")),
    ] {
        let metadata = ResourceMetadata::new(&Resource::from_static(resource)).unwrap();
        assert_eq!(metadata.url(), url);
        assert!(url.contains(metadata.path()));
    }
    for no_url in ["urn:example:orders", "orders:api", "https:///orders", "https://?x"] {
        assert_eq!(ResourceMetadata::new(&Resource::from_static(no_url)).err(), Some(NoDocumentUrl), "{no_url}");
    }
}

// Section 5.1, in every challenge: a client reads the one of the scheme that it knows.
#[tokio::test]
async fn each_challenge_names_the_document() {
    let request = Request::new("GET", "/orders", &[], b"");
    let named = format!(r#", resource_metadata="{DOCUMENT}""#);
    for server in [server().with_metadata(metadata()), with_dpop(server()).with_metadata(metadata())] {
        let denial = server.authenticate(&request).await.unwrap_err();
        let challenges: Vec<_> =
            denial.response().headers.iter().filter(|(name, _)| *name == "www-authenticate").collect();
        assert!(!challenges.is_empty());
        assert!(challenges.iter().all(|(_, value)| value.contains(&named)), "{challenges:?}");
    }
    let headers: [(&str, &[u8]); 1] = [("authorization", b"Bearer garbage")];
    let denial = server().with_metadata(metadata()).authenticate(&Request::new("GET", "/orders", &headers, b"")).await;
    let value = header(denial.unwrap_err().response(), "www-authenticate").unwrap().to_owned();
    assert!(value.starts_with(r#"Bearer realm="https://api.example", resource_metadata="#), "{value}");
    assert!(value.contains(r#"error="invalid_token""#), "{value}");
    let without = server().authenticate(&request).await.unwrap_err();
    assert_eq!(header(without.response(), "www-authenticate"), Some(r#"Bearer realm="https://api.example""#));
}

#[test]
fn pages_of_every_origin_may_read_the_document_with_any_header() {
    let server = server().with_metadata(metadata());
    assert_eq!(header(&ask(&server, "GET", &[]), "access-control-allow-origin"), Some("*"));
    let preflight = ask(
        &server,
        "OPTIONS",
        &[
            ("origin", b"https://app.example"),
            ("access-control-request-method", b"GET"),
            ("access-control-request-headers", b"mcp-protocol-version"),
        ],
    );
    assert_eq!((preflight.status, preflight.body.len()), (204, 0));
    assert_eq!(header(&preflight, "access-control-allow-headers"), Some("*, authorization"));
    for method in ["POST", "PUT", "OPTIONS", "get"] {
        let refused = ask(&server, method, &[]);
        assert_eq!((refused.status, header(&refused, "allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn a_server_without_metadata_has_no_document() {
    let server = server();
    assert_eq!(server.metadata_path(), None);
    assert_eq!(ask(&server, "GET", &[]).status, 404);
}
