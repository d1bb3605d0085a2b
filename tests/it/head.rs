//! RFC 9110 section 9.3.2: `HEAD` gets the response of `GET` without the content.

use fixtures::{APP, Config, StubIssuer};
use regrant::wire::{Cors, Endpoint, Handler as _, Request};

#[tokio::test]
async fn a_head_request_gets_the_headers_of_get_and_the_length_of_its_content() {
    let server = Config { jwt_issuer: Some(StubIssuer::default()), ..Config::default() }.start();
    let authorization = format!("Bearer {}", server.sign_in(APP).await.access);
    let headers: [(&str, &[u8]); 1] = [("authorization", authorization.as_bytes())];
    for (endpoint, status) in [
        (Endpoint::Jwks, 200),
        (Endpoint::Metadata, 200),
        (Endpoint::OpenIdConfiguration, 200),
        (Endpoint::UserInfo, 200),
        (Endpoint::Token, 405),
        (Endpoint::Introspection, 405),
    ] {
        let get = server.raw(endpoint, "GET", &headers, "").await.response;
        let head = server.raw(endpoint, "HEAD", &headers, "").await.response;
        assert_eq!((head.status, get.status, &*head.body), (status, status, &b""[..]), "{endpoint:?}");
        let mut expected = get.headers;
        expected.push(("content-length", get.body.len().to_string().into()));
        assert_eq!(head.headers, expected, "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_head_request_for_nothing_has_no_content_and_for_no_content_has_no_length() {
    let server = Config::default().start();
    let head = server.endpoints.respond(&Request::new("HEAD", "/nothing", &[], b"")).await;
    assert_eq!((head.status, &*head.body), (404, &b""[..]));
    assert_eq!(head.clone().for_method("HEAD"), head, "once is enough");
    // RFC 6750 section 3.1: no error in the response to a request without a token.
    let head = server.raw(Endpoint::UserInfo, "HEAD", &[], "").await;
    assert_eq!((head.status(), head.header("content-length")), (401, None));
}

#[tokio::test]
async fn a_page_may_read_the_response_to_head() {
    let config = Config { endpoints: |endpoints| endpoints.with_cors(Cors::any_origin()), ..Config::default() };
    let request = Request::new("HEAD", "/.well-known/oauth-authorization-server", &[], b"");
    let response = config.start().endpoints.respond(&request).await;
    assert!(response.headers.contains(&("access-control-allow-origin", "*".into())));
    assert!(response.body.is_empty());
}
