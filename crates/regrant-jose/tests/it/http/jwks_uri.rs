//! Keys that are fetched from a `jwks_uri`.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use regrant::clock::Clock as _;
use regrant::{AccessToken, SystemEntropy};
use regrant_jose::http::{HttpClient, HttpError, HttpSetupError, JwksUri};
use regrant_jose::key::{KeyError, PublishedKeys, ResolveKeys as _};
use regrant_jose::resource_server::{VerifyAccessToken as _, VerifyError};
use regrant_jose::{Algorithm, JwkSet, JwtVerifier, KeySource, PrivateKey, Signer as _};
use serde_json::json;

use super::server::{Answer, TestServer, answer, certificate};
use super::{chain, client};
use crate::support::{ISSUER, NOW, clock, sign};

const RESOURCE: &str = "https://api.example";

fn key(kid: &str) -> PrivateKey {
    PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy).unwrap().with_kid(kid)
}

fn document(key: &PrivateKey) -> String {
    json!({ "keys": [key.public_key().to_value()] }).to_string()
}

async fn fetch(server: &TestServer, http: &HttpClient) -> Result<PublishedKeys, HttpError> {
    let fetched = JwksUri::new(&server.url("/jwks?v=1"), http).unwrap().resolve().await;
    fetched.map_err(|error| *error.downcast().unwrap())
}

async fn token(key: &PrivateKey, lives_until: i64) -> AccessToken {
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": key.public_key().kid() });
    let claims = json!({
        "iss": ISSUER, "sub": "demo", "aud": RESOURCE, "client_id": "app", "jti": "8f0c", "iat": NOW, "exp": lives_until,
    });
    AccessToken::new(sign(key, &header, &claims).await)
}

#[tokio::test]
async fn keys_are_fetched_by_a_get_over_one_connection() {
    let published = document(&key("one"));
    let server = TestServer::start(move |_| {
        let published = published.clone();
        async move { answer(200, &[("content-type", "application/jwk-set+json")], published) }
    })
    .await;
    let http = client();
    for _ in 0..3 {
        let keys = fetch(&server, &http.clone()).await.unwrap();
        assert_eq!(keys.keys.iter().map(|key| key.kid()).collect::<Vec<_>>(), [Some("one")]);
        assert_eq!(keys.max_age, None);
    }
    let received = server.received();
    assert_eq!((received.len(), server.connections()), (3, 1));
    let first = &received[0];
    assert_eq!((first.method.as_str(), first.path.as_str(), first.body.as_str()), ("GET", "/jwks?v=1", ""));
    assert_eq!(first.headers["host"], format!("127.0.0.1:{}", server.port));
    assert_eq!(first.headers["accept"], "application/jwk-set+json, application/json");
    assert!(first.headers["user-agent"].to_str().unwrap().starts_with("regrant-jose/"));
}

// RFC 9111 section 5.2.2.
#[tokio::test]
async fn the_answer_says_for_how_long_its_keys_may_be_kept() {
    let body = document(&key("one"));
    for (cache_control, seconds) in [
        (&[][..], None),
        (&["public, max-age=300"][..], Some(300)),
        (&["Max-Age=60"][..], Some(60)),
        (&["max-age=\"60\""][..], Some(60)),
        (&["public", "max-age=7"][..], Some(7)),
        (&["max-age=300, max-age=20"][..], Some(20)),
        (&["max-age=300, no-cache"][..], Some(0)),
        (&["no-store"][..], Some(0)),
        (&["max-age=-1"][..], None),
        (&["max-age=forever, must-revalidate"][..], None),
        (&["s-maxage=5"][..], None),
    ] {
        let body = body.clone();
        let server = TestServer::start(move |_| {
            let headers: Vec<_> = cache_control.iter().map(|value| ("cache-control", *value)).collect();
            let answer = answer(200, &headers, body.clone());
            async move { answer }
        })
        .await;
        let keys = fetch(&server, &client()).await.unwrap();
        assert_eq!(keys.max_age, seconds.map(Duration::from_secs), "{cache_control:?}");
    }
}

/// A server that gives this answer to each request.
async fn with(status: u16, headers: &'static [(&str, &str)], body: impl Into<Bytes>) -> TestServer {
    let body = body.into();
    TestServer::start(move |_| {
        let answer = answer(status, headers, body.clone());
        async move { answer }
    })
    .await
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_an_error_that_names_the_mend() {
    let server = with(404, &[], "").await;
    let error = fetch(&server, &client()).await.unwrap_err();
    assert_eq!(chain(&error), "the server answered with status 404, and 200 was expected");

    let private = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA" }] }).to_string();
    for (body, expected) in [
        ("<html>", KeyError::Malformed),
        ("", KeyError::Malformed),
        ("{}", KeyError::Malformed),
        ("[]", KeyError::Malformed),
        (r#"{"keys":[],"keys":[]}"#, KeyError::Malformed),
        (private.as_str(), KeyError::Private),
    ] {
        let server = with(200, &[], body.to_owned()).await;
        let error = fetch(&server, &client()).await.unwrap_err();
        assert!(matches!(&error, HttpError::Keys(cause) if *cause == expected), "{body}: {error:?}");
        assert!(error.to_string().contains("check that the URL is the `jwks_uri`"));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = with(200, &[], r#"{"keys":[]}"#).await;
    let location: &'static str = Box::leak(elsewhere.url("/jwks").into_boxed_str());
    for status in [301, 302, 303, 307, 308] {
        let server = TestServer::start(move |_| async move { answer(status, &[("location", location)], "") }).await;
        let error = fetch(&server, &client()).await.unwrap_err();
        assert!(error.to_string().ends_with("configure the URL that it redirects to"), "{error}");
    }
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_bound_whether_it_tells_its_length_or_not() {
    let padded = |length: usize| {
        let frame = r#"{"keys":[],"x":""}"#.len();
        format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(length - frame))
    };
    let limit = JwkSet::MAX_LENGTH;
    assert!(fetch(&with(200, &[], padded(limit)).await, &client()).await.is_ok());
    let error = fetch(&with(200, &[], padded(limit + 1)).await, &client()).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is longer than 65536 bytes");
    let endless = TestServer::start(|_| async {
        let frames = stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[b' '; 1024]))));
        Answer::new(StreamBody::new(frames).boxed_unsync())
    })
    .await;
    assert!(matches!(fetch(&endless, &client()).await, Err(HttpError::TooLarge(65_536))));
}

#[tokio::test]
async fn a_server_that_does_not_end_its_answer_is_given_up() {
    let silent = TestServer::start(|_| pending::<Answer>()).await;
    let slow = TestServer::start(|_| async {
        Response::new(StreamBody::new(stream::pending::<Result<Frame<Bytes>, _>>()).boxed_unsync())
    })
    .await;
    let http = client().with_timeout(Duration::from_millis(50));
    for server in [silent, slow] {
        let error = fetch(&server, &http).await.unwrap_err();
        assert!(error.to_string().starts_with("no complete answer within 50ms"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable_and_says_what_to_check() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    drop(listener);
    let error = JwksUri::new(&url, &client()).unwrap().resolve().await.unwrap_err();
    let text = chain(&*error);
    assert!(text.starts_with("the server cannot be reached: check the URL, the network and the certificate"), "{text}");
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_the_host() {
    let body = document(&key("one"));
    let start = async |name: &str| {
        let (certified, body) = (certificate(name), body.clone());
        let server = TestServer::start_tls(&certified, move |_| {
            let answer = answer(200, &[], body.clone());
            async move { answer }
        })
        .await;
        (certified, server)
    };
    let fetch = async |server: &TestServer, http: &HttpClient| {
        let url = format!("https://localhost:{}/jwks", server.port);
        JwksUri::new(&url, http).unwrap().resolve().await.map(|keys| keys.keys.iter().len()).map_err(|e| chain(&*e))
    };
    let (certified, server) = start("localhost").await;
    let trusting = HttpClient::trusting(certified.cert.pem().as_bytes()).unwrap();
    assert_eq!(fetch(&server, &trusting).await, Ok(1));
    let untrusted = fetch(&server, &client()).await.unwrap_err();
    assert!(untrusted.contains("certificate"), "{untrusted}");
    assert_eq!(server.received().len(), 1, "nothing is sent to a server that is not trusted");

    let (certified, server) = start("other.example").await;
    let trusting = HttpClient::trusting(certified.cert.pem().as_bytes()).unwrap();
    assert!(fetch(&server, &trusting).await.unwrap_err().contains("certificate"));
    assert!(server.received().is_empty());

    for pem in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(matches!(HttpClient::trusting(pem.as_bytes()), Err(HttpSetupError::InvalidRoots)), "{pem}");
    }
}

#[tokio::test]
async fn a_url_is_https_or_of_this_machine() {
    let (any, public) = (client(), client().with_public_addresses_only());
    for url in ["https://as.example/jwks", "https://as.example:8443", "https://1.1.1.1/", "https://[2606:4700::1]/x?y"]
    {
        assert!(JwksUri::new(url, &any).is_ok() && JwksUri::new(url, &public).is_ok(), "{url}");
    }
    for url in [
        "http://localhost/jwks",
        "http://127.0.0.1:8080/jwks",
        "http://[::1]/",
        "https://10.0.0.1/",
        "https://localhost/",
    ] {
        assert!(JwksUri::new(url, &any).is_ok(), "{url}");
        assert!(JwksUri::new(url, &public).is_err(), "{url}");
    }
    for (url, why) in [
        ("", "is not a URL"),
        ("https://", "is not a URL"),
        ("/jwks", "must begin with https://host"),
        ("http://as.example/jwks", "must be https, or http to localhost"),
        ("http://127.0.0.1.example/", "must be https, or http to localhost"),
        ("http://10.0.0.1/", "must be https, or http to localhost"),
        ("ftp://localhost/", "must be https, or http to localhost"),
        ("https://user:secret@as.example/", "must have no user name, password or fragment"),
        ("https://as.example/#fragment", "must have no user name, password or fragment"),
    ] {
        let error = JwksUri::new(url, &any).unwrap_err();
        assert_eq!(error.to_string(), format!("the URL {why}"), "{url}");
    }
}

// RFC 7591 section 5: a client that registers itself chooses the URL.
#[tokio::test]
async fn a_name_of_a_private_address_is_refused_when_it_is_resolved() {
    let (certified, body) = (certificate("localhost"), document(&key("one")));
    let server = TestServer::start_tls(&certified, move |_| {
        let answer = answer(200, &[], body.clone());
        async move { answer }
    })
    .await;
    let http = HttpClient::trusting(certified.cert.pem().as_bytes()).unwrap();
    // In this spelling the name alone does not say where it leads.
    let url = format!("https://LOCALHOST:{}/jwks", server.port);
    assert!(JwksUri::new(&url, &http).unwrap().resolve().await.is_ok());
    let refused = JwksUri::new(&url, &http.with_public_addresses_only()).unwrap().resolve().await.unwrap_err();
    assert!(chain(&*refused).ends_with("the name has no address that may be connected to"), "{}", chain(&*refused));
    assert_eq!((server.received().len(), server.connections()), (1, 1));
}

#[tokio::test]
async fn tokens_are_verified_across_a_rotation_and_an_outage_of_the_issuer() {
    let (old, new, clock) = (key("old"), key("new"), clock());
    let published = Arc::new(Mutex::new((200, document(&old))));
    let document_now = Arc::clone(&published);
    let server = TestServer::start(move |_| {
        let (status, body) = document_now.lock().unwrap().clone();
        async move { answer(status, &[("cache-control", "max-age=300")], body) }
    })
    .await;
    let source = KeySource::from(JwksUri::new(&server.url("/jwks"), &client()).unwrap());
    let verifier = JwtVerifier::new(ISSUER, RESOURCE, source.with_outage_grace(Duration::from_secs(3600)));
    let verdict = async |key: &PrivateKey| match verifier.verify(&token(key, NOW + 86_400).await, clock.now()).await {
        Ok(_) => Some(true),
        Err(VerifyError::Invalid(_)) => Some(false),
        Err(_) => None,
    };
    assert_eq!(verdict(&old).await, Some(true));
    assert_eq!(verdict(&old).await, Some(true));
    assert_eq!(server.received().len(), 1);

    *published.lock().unwrap() = (200, document(&new));
    clock.advance(Duration::from_secs(30));
    assert_eq!(verdict(&new).await, Some(true), "an unknown key is asked for");
    assert_eq!(verdict(&old).await, Some(false), "withdrawn");
    assert_eq!(server.received().len(), 2, "once in thirty seconds");

    *published.lock().unwrap() = (500, String::new());
    clock.advance(Duration::from_secs(299));
    assert_eq!(verdict(&new).await, Some(true));
    assert_eq!(server.received().len(), 2);
    clock.advance(Duration::from_secs(1));
    assert_eq!(verdict(&new).await, Some(true), "the former keys serve in an outage");
    assert_eq!(server.received().len(), 3);
    assert_eq!(verdict(&old).await, None, "nobody knows whether there is such a key");
    clock.advance(Duration::from_secs(3600));
    assert_eq!(verdict(&new).await, None);
}
