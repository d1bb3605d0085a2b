//! CORS. The conformance kit judges the usual pages; these origins are the unusual ones.

use fixtures::{Config, Reply};
use regrant::wire::{Cors, CorsError, Endpoint};

const PAGE: &str = "https://app.example";

/// Returns the CORS headers of an answer.
fn permission(reply: &Reply) -> Vec<(&str, &str)> {
    let is_of_cors = |name: &str| name.starts_with("access-control-") || name == "vary";
    reply.response.headers.iter().filter(|(name, _)| is_of_cors(name)).map(|(name, value)| (*name, &**value)).collect()
}

fn preflight(origin: &str) -> [(&str, &[u8]); 3] {
    [
        ("Origin", origin.as_bytes()),
        ("Access-Control-Request-Method", b"POST"),
        ("Access-Control-Request-Headers", b"authorization,content-type,dpop"),
    ]
}

#[tokio::test]
async fn an_origin_that_is_not_exactly_a_known_one_gets_no_permission() {
    let endpoints = |endpoints: regrant::wire::Endpoints<_>| endpoints.with_cors(Cors::origins([PAGE]).unwrap());
    let server = Config { endpoints, ..Config::default() }.start();
    for origin in ["https://app.example/", "", "https://app.example, https://evil.example"] {
        let reply = server.raw(Endpoint::Token, "OPTIONS", &preflight(origin), "").await;
        assert_eq!((reply.status(), permission(&reply)), (405, vec![("vary", "origin")]), "{origin}");
        let headers = [("origin", origin.as_bytes())];
        let reply = server.raw(Endpoint::Metadata, "GET", &headers, "").await;
        assert_eq!((reply.status(), permission(&reply)), (200, vec![("vary", "origin")]), "{origin}");
    }
    let twice = [("origin", PAGE.as_bytes()), ("origin", PAGE.as_bytes())];
    assert_eq!(permission(&server.raw(Endpoint::Metadata, "GET", &twice, "").await), [("vary", "origin")]);
    let bytes: [(&str, &[u8]); 1] = [("origin", b"https://\xff")];
    assert_eq!(permission(&server.raw(Endpoint::Metadata, "GET", &bytes, "").await), [("vary", "origin")]);
}

#[test]
fn an_origin_that_no_browser_sends_is_an_error_that_says_the_right_one() {
    for (given, sent) in [
        ("https://app.example/", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("http://localhost:80/", "http://localhost"),
        ("HTTPS://App.Example", "https://app.example"),
        ("https://app.example/login?x#y", "https://app.example"),
        ("https://app.example:", "https://app.example"),
    ] {
        assert_eq!(Cors::origins([given]).err(), Some(CorsError::Spelling { sent: sent.to_owned() }), "{given}");
    }
    for malformed in
        ["", "*", "app.example", "https://", "://app.example", "https://*.app.example", "https://\u{e4}.example", "a b"]
    {
        assert_eq!(Cors::origins([malformed]).err(), Some(CorsError::Malformed), "{malformed}");
    }
    assert_eq!(Cors::origins(["null"]).err(), Some(CorsError::Null));
    let sent = ["https://app.example", "http://localhost:3000", "https://[::1]:8443", "capacitor://localhost"];
    assert!(Cors::origins(sent).is_ok());
}

#[test]
fn only_names_of_headers_can_be_permitted() {
    for malformed in ["", "*", "X-A, X-B", "X A", "X-A\r\nX-B", "\u{e9}"] {
        assert_eq!(Cors::any_origin().with_headers([malformed]).err(), Some(CorsError::HeaderName), "{malformed:?}");
    }
}

#[tokio::test]
async fn further_headers_are_permitted_by_name_and_a_document_may_be_asked_with_any() {
    let endpoints = |endpoints: regrant::wire::Endpoints<_>| {
        endpoints.with_cors(Cors::any_origin().with_headers(["X-Request-Id", "x_trace~1"]).unwrap())
    };
    let server = Config { endpoints, ..Config::default() }.start();
    for (endpoint, headers) in [
        (Endpoint::Token, "authorization, content-type, dpop, x-request-id, x_trace~1"),
        (Endpoint::Metadata, "*, authorization"),
    ] {
        let reply = server.raw(endpoint, "OPTIONS", &preflight(PAGE), "").await;
        assert!(permission(&reply).contains(&("access-control-allow-headers", headers)), "{:?}", permission(&reply));
    }
}
