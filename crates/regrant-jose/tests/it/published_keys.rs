//! Published keys (`jwks_uri`): changed, withdrawn, unreachable, and requested by invalid tokens.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use regrant::authenticator::{ClientAssertion, CredentialError, VerifyCredentials as _};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::{Clock as _, ManualClock};
use regrant::{ClientCredentials, Issuer};
use regrant_jose::client_assertion::{AssertionVerifier, ClientAssertions};
use regrant_jose::key::ResolveKeys;
use regrant_jose::{Algorithm, JwkSet, KeySource, PrivateKey, Signer as _};
use serde_json::json;
use tokio::sync::{Mutex, Notify, Semaphore};

use crate::support::{ISSUER, NOW, WatchedUse, at, client, client_id, clock, jwks, key, sign};

const APP: &str = "app";

/// The published keys of a client: a test changes them, removes them, or delays them.
#[derive(Default)]
struct Publisher {
    keys: Mutex<Option<JwkSet>>,
    asked: AtomicUsize,
    /// When closed, fetches wait until it is opened.
    gate: Option<Semaphore>,
    began: Notify,
}

impl Publisher {
    fn of(keys: JwkSet) -> Self {
        Self { keys: Mutex::new(Some(keys)), ..Self::default() }
    }

    async fn publish(&self, keys: impl Into<Option<JwkSet>>) {
        *self.keys.lock().await = keys.into();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ResolveKeys for Publisher {
    async fn resolve(&self) -> Result<JwkSet, Box<dyn Error + Send + Sync>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.began.notify_one();
        if let Some(gate) = &self.gate {
            let _open = gate.acquire().await?;
        }
        self.keys.lock().await.clone().ok_or_else(|| "502 Bad Gateway".into())
    }
}

/// A client that publishes its keys, and makes assertions with a new `jti` each.
struct Publishing {
    clock: ManualClock,
    used: WatchedUse,
    publisher: Arc<Publisher>,
    verifier: Arc<AssertionVerifier>,
    count: AtomicUsize,
}

impl Publishing {
    fn new(publisher: Publisher) -> Self {
        let (clock, used, publisher) = (clock(), WatchedUse::default(), Arc::new(publisher));
        let keys = KeySource::resolved_by(Arc::clone(&publisher) as Arc<dyn ResolveKeys>);
        let assertions =
            ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(used.clone()));
        let verifier = Arc::new(assertions.private_key_jwt(keys));
        Self { clock, used, publisher, verifier, count: AtomicUsize::new(0) }
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn assertion(&self, key: &PrivateKey) -> String {
        let jti = self.count.fetch_add(1, Ordering::SeqCst).to_string();
        let exp = self.clock.now().as_secs() + 60;
        let header = json!({ "alg": "EdDSA", "kid": key.public_key().kid() });
        sign(key, &header, &json!({ "iss": APP, "sub": APP, "aud": ISSUER, "jti": jti, "exp": exp })).await
    }

    /// `None` is an outage.
    async fn answer(&self, key: &PrivateKey) -> Option<bool> {
        shown(&self.verifier, &self.assertion(key).await).await
    }
}

async fn shown(verifier: &AssertionVerifier, assertion: &str) -> Option<bool> {
    let client = client(APP, ClientAuthenticationMethod::PrivateKeyJwt);
    let credentials = ClientCredentials::Assertion(client_id(APP), ClientAssertion::new(assertion));
    match verifier.verify(&client, &credentials).await {
        Ok(()) => Some(true),
        Err(CredentialError::Refused(_)) => Some(false),
        Err(_) => None,
    }
}

fn named_key(kid: &str) -> PrivateKey {
    key(Algorithm::EdDsa).with_kid(kid)
}

// OpenID Connect Core section 10.1.1: a key rotated at `jwks_uri` is accepted.
#[tokio::test]
async fn a_new_key_is_found_and_a_withdrawn_one_is_dropped() {
    let (old, new) = (named_key("old"), named_key("new"));
    let client = Publishing::new(Publisher::of(jwks([&old])));
    assert_eq!(client.answer(&old).await, Some(true));
    assert_eq!(client.answer(&old).await, Some(true));
    assert_eq!(client.publisher.asked(), 1, "keys that were read serve again");

    client.pass(30);
    client.publisher.publish(jwks([&new])).await;
    assert_eq!(client.answer(&new).await, Some(true), "an unknown kid asks again");
    assert_eq!(client.publisher.asked(), 2);
    assert_eq!(client.answer(&old).await, Some(false), "withdrawn");

    client.publisher.publish(jwks([&old])).await;
    client.pass(599);
    assert_eq!(client.answer(&new).await, Some(true), "read less than ten minutes ago");
    assert_eq!(client.publisher.asked(), 2);
    client.pass(1);
    assert_eq!(client.answer(&new).await, Some(false), "withdrawn, and the old reading is too old");
    assert_eq!(client.publisher.asked(), 3);
}

#[tokio::test]
async fn a_key_replaced_under_the_same_kid_is_found() {
    let (old, new) = (named_key("only"), named_key("only"));
    let client = Publishing::new(Publisher::of(jwks([&old])));
    assert_eq!(client.answer(&old).await, Some(true));
    client.publisher.publish(jwks([&new])).await;
    assert_eq!(client.answer(&new).await, Some(false), "not within the cooldown");
    client.pass(30);
    assert_eq!(client.answer(&new).await, Some(true));
}

#[tokio::test]
async fn garbage_does_not_drive_requests_to_the_client_s_server() {
    let (own, stranger) = (named_key("own"), named_key("stranger"));
    let client = Publishing::new(Publisher::of(jwks([&own])));
    for second in 0..90 {
        for _ in 0..5 {
            assert_eq!(client.answer(&stranger).await, Some(false));
        }
        assert_eq!(client.answer(&own).await, Some(true), "after {second} s");
        client.pass(1);
    }
    assert_eq!(client.publisher.asked(), 3, "once in 30 seconds");
}

#[tokio::test]
async fn a_clock_that_steps_back_neither_drives_requests_nor_stops_them() {
    let (own, stranger) = (named_key("own"), named_key("stranger"));
    let client = Publishing::new(Publisher::of(jwks([&own])));
    assert_eq!(client.answer(&own).await, Some(true));
    client.clock.set(at(NOW - 1));
    assert_eq!(client.answer(&stranger).await, Some(false));
    assert_eq!(client.publisher.asked(), 1, "the request before may have read the clock later");
    client.clock.set(at(NOW - 3600));
    assert_eq!(client.answer(&stranger).await, Some(false));
    assert_eq!(client.answer(&own).await, Some(true));
    assert_eq!(client.publisher.asked(), 2);
}

#[tokio::test]
async fn unreachable_keys_are_an_outage_and_not_a_refusal() {
    let (own, new) = (named_key("own"), named_key("new"));
    let client = Publishing::new(Publisher::default());
    for _ in 0..5 {
        assert_eq!(client.answer(&own).await, None);
    }
    assert_eq!(client.publisher.asked(), 1, "a failure is not asked about again at once");
    client.publisher.publish(jwks([&own])).await;
    client.pass(29);
    assert_eq!(client.answer(&own).await, None);
    client.pass(1);
    assert_eq!(client.answer(&own).await, Some(true));

    client.publisher.publish(None).await;
    client.pass(300);
    assert_eq!(client.answer(&own).await, Some(true), "a known key needs no fetch");
    assert_eq!(client.answer(&new).await, None, "whether there is such a key is unknown");
    assert_eq!(client.answer(&own).await, Some(true));
    client.pass(300);
    assert_eq!(client.answer(&own).await, None, "it may have been withdrawn");
    assert_eq!(client.used.calls(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_share_one_fetch() {
    let own = named_key("own");
    let publisher = Publisher { gate: Some(Semaphore::new(0)), ..Publisher::of(jwks([&own])) };
    let client = Arc::new(Publishing::new(publisher));
    let mut requests = Vec::new();
    for _ in 0..32 {
        let assertion = client.assertion(&own).await;
        let verifier = Arc::clone(&client.verifier);
        requests.push(tokio::spawn(async move { shown(&verifier, &assertion).await }));
    }
    client.publisher.began.notified().await;
    client.publisher.gate.as_ref().unwrap().add_permits(1);
    for request in requests {
        assert_eq!(request.await.unwrap(), Some(true));
    }
    assert_eq!(client.publisher.asked(), 1);
}

#[tokio::test]
async fn a_cancelled_request_starts_no_second_fetch() {
    let own = named_key("own");
    let publisher = Publisher { gate: Some(Semaphore::new(0)), ..Publisher::of(jwks([&own])) };
    let client = Publishing::new(publisher);
    for _ in 0..10 {
        tokio::select! {
            biased;
            answer = client.answer(&own) => panic!("the gate is closed: {answer:?}"),
            () = std::future::ready(()) => {}
        }
    }
    assert_eq!(client.publisher.asked(), 1);
    client.publisher.gate.as_ref().unwrap().add_permits(1);
    assert_eq!(client.answer(&own).await, Some(true), "the next request carries it on");
    assert_eq!(client.publisher.asked(), 1);
}
