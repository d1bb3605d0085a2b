//! CORS, as the Fetch standard has it: which web pages may call which endpoints.

use fixtures::{APP, Config, ISSUER, SPA, Server, StubIssuer, StubVerifier};
use regrant::wire::{Cors, Endpoint, Endpoints, Paths};

const PAGE: &str = "https://app.example";
const OPEN: [Endpoint; 6] = [
    Endpoint::Token,
    Endpoint::Revocation,
    Endpoint::DeviceAuthorization,
    Endpoint::Jwks,
    Endpoint::Metadata,
    Endpoint::OpenIdConfiguration,
];

fn with_page(endpoints: Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore> {
    endpoints.with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
}

fn start(shape: fn(Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore>) -> (Server, StubVerifier) {
    let verifier = StubVerifier::default();
    let config = Config {
        endpoints: shape,
        jwt_issuer: Some(StubIssuer::default()),
        proof_verifier: Some(verifier.clone()),
        ..Config::default()
    };
    (config.start(), verifier)
}

fn one() -> (Server, StubVerifier) {
    start(|endpoints| with_page(endpoints).with_cors(Cors::origins([PAGE, "https://other.example"])))
}

fn any() -> (Server, StubVerifier) {
    start(|endpoints| with_page(endpoints).with_cors(Cors::any_origin()))
}

/// The headers of CORS in an answer.
fn permission(reply: &fixtures::Reply) -> Vec<(&str, &str)> {
    let is_of_cors = |name: &str| name.starts_with("access-control-") || name == "vary";
    reply
        .response
        .headers
        .iter()
        .filter(|(name, _)| is_of_cors(name))
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

fn preflight<'a>(origin: &'a str, method: &'a str) -> [(&'a str, &'a [u8]); 3] {
    [
        ("Origin", origin.as_bytes()),
        ("Access-Control-Request-Method", method.as_bytes()),
        ("Access-Control-Request-Headers", b"authorization,content-type,dpop"),
    ]
}

// C174.
#[tokio::test]
async fn a_preflight_is_answered_with_what_a_page_may_send() {
    let (server, _) = one();
    for endpoint in OPEN {
        let reply = server.raw(endpoint, "OPTIONS", &preflight(PAGE, "POST"), "").await;
        assert_eq!(reply.status(), 204, "{endpoint:?}");
        let methods = if matches!(endpoint, Endpoint::Token | Endpoint::Revocation | Endpoint::DeviceAuthorization) {
            "POST"
        } else {
            "GET, HEAD"
        };
        let expected = [
            ("access-control-allow-methods", methods),
            ("access-control-allow-headers", "authorization, content-type, dpop"),
            ("access-control-max-age", "7200"),
            ("vary", "origin"),
            ("access-control-allow-origin", PAGE),
            ("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate"),
        ];
        assert_eq!(permission(&reply), expected, "{endpoint:?}");
    }
    assert_eq!(server.store().calls(), 0);
}

#[tokio::test]
async fn a_page_may_read_answers_and_errors_alike() {
    let (server, verifier) = one();
    verifier.require(Some("n1"));
    let origin = [("origin", PAGE.as_bytes())];
    let good = server.post_with(Endpoint::Token, APP, &[("grant_type", "client_credentials")], &origin, None).await;
    let bad = server.post_with(Endpoint::Token, SPA, &[], &origin, None).await;
    let proof = StubVerifier::proof("A");
    let headers = [("origin", PAGE.as_bytes()), ("dpop", proof.as_bytes())];
    let nonce = server.post_with(Endpoint::Token, APP, &[("grant_type", "client_credentials")], &headers, None).await;
    let not_allowed = server.raw(Endpoint::Token, "GET", &origin, "").await;
    let metadata = server.raw(Endpoint::Metadata, "GET", &origin, "").await;
    assert_eq!(nonce.header("dpop-nonce"), Some("n1"));
    for (reply, status) in [(&good, 200), (&bad, 400), (&nonce, 400), (&not_allowed, 405), (&metadata, 200)] {
        assert_eq!(reply.status(), status);
        let expected = [
            ("vary", "origin"),
            ("access-control-allow-origin", PAGE),
            ("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate"),
        ];
        assert_eq!(permission(reply), expected, "{reply:?}");
    }
}

#[tokio::test]
async fn other_pages_are_told_nothing() {
    let (server, _) = one();
    for origin in [
        "https://evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.example",
        "https://APP.example",
        "https://app.example/",
        "null",
        "",
        "https://app.example, https://evil.example",
    ] {
        let reply = server.raw(Endpoint::Token, "OPTIONS", &preflight(origin, "POST"), "").await;
        assert_eq!((reply.status(), permission(&reply)), (405, vec![("vary", "origin")]), "{origin}");
        let headers = [("origin", origin.as_bytes())];
        let reply = server.raw(Endpoint::Metadata, "GET", &headers, "").await;
        assert_eq!((reply.status(), permission(&reply)), (200, vec![("vary", "origin")]), "{origin}");
    }
    let twice = [("origin", PAGE.as_bytes()), ("origin", PAGE.as_bytes())];
    assert_eq!(permission(&server.raw(Endpoint::Metadata, "GET", &twice, "").await), [("vary", "origin")]);
    let bytes: [(&str, &[u8]); 1] = [("origin", b"https://\xff")];
    assert_eq!(permission(&server.raw(Endpoint::Metadata, "GET", &bytes, "").await), [("vary", "origin")]);
    // No origin: a program, not a page. The answer still differs by origin, which a cache has to know.
    assert_eq!(permission(&server.raw(Endpoint::Metadata, "GET", &[], "").await), [("vary", "origin")]);
}

#[tokio::test]
async fn any_origin_means_any_and_needs_no_vary() {
    let (server, _) = any();
    for origin in [PAGE, "https://evil.example", "null"] {
        let reply = server.raw(Endpoint::Token, "OPTIONS", &preflight(origin, "POST"), "").await;
        assert_eq!((reply.status(), reply.header("access-control-allow-origin")), (204, Some("*")), "{origin}");
        assert_eq!(reply.header("vary"), None);
        // With `*` browsers send no cookies, and nothing here would read them.
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
    // Said also to who names no origin: a cache may hand that answer to a page.
    let expected = [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate"),
    ];
    assert_eq!(permission(&server.raw(Endpoint::Metadata, "GET", &[], "").await), expected);
}

#[tokio::test]
async fn introspection_is_for_servers() {
    for (server, _) in [one(), any()] {
        let reply = server.raw(Endpoint::Introspection, "OPTIONS", &preflight(PAGE, "POST"), "").await;
        assert_eq!((reply.status(), reply.header("access-control-allow-origin")), (405, None));
        let origin = [("origin", PAGE.as_bytes())];
        let reply = server.post_with(Endpoint::Introspection, APP, &[("token", "x")], &origin, None).await;
        assert_eq!((reply.status(), reply.header("access-control-allow-origin")), (200, None));
    }
}

#[tokio::test]
async fn without_cors_nobody_is_told_anything() {
    let server = Server::start();
    let reply = server.raw(Endpoint::Token, "OPTIONS", &preflight(PAGE, "POST"), "").await;
    assert_eq!((reply.status(), permission(&reply)), (405, vec![]));
    let reply = server.raw(Endpoint::Metadata, "GET", &[("origin", PAGE.as_bytes())], "").await;
    assert_eq!((permission(&reply), reply.json["issuer"].as_str()), (vec![], Some(ISSUER)));
}

#[tokio::test]
async fn options_that_is_no_preflight_is_a_method_that_is_not_served() {
    let (server, _) = one();
    let reply = server.raw(Endpoint::Token, "OPTIONS", &[("origin", PAGE.as_bytes())], "").await;
    assert_eq!((reply.status(), reply.header("allow")), (405, Some("POST")));
}
