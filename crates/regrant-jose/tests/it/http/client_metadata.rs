//! Metadata documents of clients.

use std::future::pending;
use std::time::Duration;

use regrant::authenticator::FetchClientMetadata as _;
use regrant_jose::http::{ClientMetadata, HttpClient};

use super::client;
use super::server::{Answer, TestServer, answer, certificate};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// The document, or `None`; an outage is an error.
async fn fetched(server: &TestServer, http: &HttpClient) -> Result<Option<String>, String> {
    let fetched = ClientMetadata::from_any_address(http).fetch(&server.url("/client")).await;
    fetched.map(|document| document.map(|body| String::from_utf8(body).unwrap())).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_document_is_json_of_at_most_five_kibibytes() {
    let long = "x".repeat(5 * 1024);
    for (status, headers, body, expected) in [
        (200, JSON, "{}", Some("{}")),
        (200, &[("content-type", "application/JSON; charset=utf-8")][..], "{}", Some("{}")),
        (200, &[("content-type", "application/client-metadata+json")][..], "{}", Some("{}")),
        (200, JSON, &*long, Some(&*long)),
        (200, &[("content-type", "text/html")][..], "{}", None),
        (200, &[][..], "{}", None),
        (201, JSON, "{}", None),
        (404, JSON, "{}", None),
        (302, &[("location", "/other"), ("content-type", "application/json")][..], "{}", None),
        (200, JSON, &*format!("{long}x"), None),
    ] {
        let body = body.to_owned();
        let server = TestServer::start(move |_| {
            let answer = answer(status, headers, body.clone());
            async move { answer }
        })
        .await;
        let document = fetched(&server, &client()).await.unwrap();
        assert_eq!(document.as_deref(), expected, "{status} {headers:?}");
        let received = server.received();
        assert_eq!(received.len(), 1, "a redirection is not followed");
        assert!(!received[0].headers.contains_key("cookie") && !received[0].headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn a_server_that_fails_or_hangs_is_an_outage() {
    let failing = TestServer::start(|_| async { answer(502, JSON, "{}") }).await;
    assert!(fetched(&failing, &client()).await.unwrap_err().contains("502"));
    let silent = TestServer::start(|_| pending::<Answer>()).await;
    let http = client().with_timeout(Duration::from_millis(50));
    assert!(fetched(&silent, &http).await.unwrap_err().starts_with("no complete answer"));
}

#[tokio::test]
async fn no_document_comes_from_a_private_address() {
    let certified = certificate("localhost");
    let server = TestServer::start_tls(&certified, |_| async { answer(200, JSON, "{}") }).await;
    let http = HttpClient::trusting(certified.cert.pem().as_bytes()).unwrap();
    let named = |host: &str| format!("https://{host}:{}/client", server.port);
    let any = ClientMetadata::from_any_address(&http).fetch(&named("localhost")).await;
    assert_eq!(any.unwrap(), Some(b"{}".to_vec()));
    let guarded = ClientMetadata::new(&http);
    for host in ["localhost", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"] {
        assert_eq!(guarded.fetch(&named(host)).await.unwrap(), None, "{host}");
    }
    assert!(guarded.fetch(&named("LOCALHOST")).await.is_err(), "found out when it is resolved");
    assert_eq!(server.received().len(), 1);
}
