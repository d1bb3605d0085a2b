//! Published keys (`jwks_uri`): changed, withdrawn, unreachable, and requested by invalid tokens.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use regrant::authenticator::{ClientAssertion, CredentialError, VerifyCredentials as _};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::{Clock as _, ManualClock};
use regrant::{ClientCredentials, Issuer, SystemEntropy};
use regrant_jose::client_assertion::{AssertionVerifier, ClientAssertions, ClientKey};
use regrant_jose::key::{PublishedKeys, ResolveKeys};
use regrant_jose::{Algorithm, JwkSet, KeySource};
use tokio::sync::{Mutex, Notify, Semaphore};

use crate::support::{ISSUER, NOW, WatchedUse, at, client, client_id, clock, key};

const APP: &str = "app";

/// The published keys of a client: a test changes them, removes them, or delays them.
#[derive(Default)]
struct Publisher {
    keys: Mutex<Option<PublishedKeys>>,
    asked: AtomicUsize,
    /// When closed, fetches wait until it is opened.
    gate: Option<Semaphore>,
    began: Notify,
}

impl Publisher {
    fn of(keys: JwkSet) -> Self {
        Self { keys: Mutex::new(Some(keys.into())), ..Self::default() }
    }

    async fn publish(&self, keys: impl Into<Option<JwkSet>>) {
        *self.keys.lock().await = keys.into().map(PublishedKeys::from);
    }

    async fn publish_for(&self, keys: JwkSet, max_age: u64) {
        *self.keys.lock().await = Some(PublishedKeys::from(keys).with_max_age(Duration::from_secs(max_age)));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ResolveKeys for Publisher {
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.began.notify_one();
        if let Some(gate) = &self.gate {
            let _open = gate.acquire().await?;
        }
        self.keys.lock().await.clone().ok_or_else(|| "502 Bad Gateway".into())
    }
}

/// A client that publishes its keys.
struct Publishing {
    clock: ManualClock,
    used: WatchedUse,
    publisher: Arc<Publisher>,
    verifier: Arc<AssertionVerifier>,
}

impl Publishing {
    fn new(publisher: Publisher) -> Self {
        let publisher = Arc::new(publisher);
        let keys = KeySource::resolved_by(Arc::clone(&publisher) as Arc<dyn ResolveKeys>);
        Self::with(publisher, keys)
    }

    fn with(publisher: Arc<Publisher>, keys: KeySource) -> Self {
        let (clock, used) = (clock(), WatchedUse::default());
        let assertions =
            ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(used.clone()));
        let verifier = Arc::new(assertions.private_key_jwt(keys));
        Self { clock, used, publisher, verifier }
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn assertion(&self, key: &ClientKey) -> ClientAssertion {
        key.assertion(ISSUER).sign(self.clock.now(), &SystemEntropy).await.unwrap()
    }

    /// `None` is an outage.
    async fn answer(&self, key: &ClientKey) -> Option<bool> {
        shown(&self.verifier, self.assertion(key).await).await
    }
}

async fn shown(verifier: &AssertionVerifier, assertion: ClientAssertion) -> Option<bool> {
    let client = client(APP, ClientAuthenticationMethod::PrivateKeyJwt);
    let credentials = ClientCredentials::Assertion(client_id(APP), assertion);
    match verifier.verify(&client, &credentials).await {
        Ok(()) => Some(true),
        Err(CredentialError::Refused(_)) => Some(false),
        Err(_) => None,
    }
}

fn named_key(kid: &str) -> ClientKey {
    ClientKey::new(client_id(APP), key(Algorithm::EdDsa).with_kid(kid)).unwrap()
}

fn jwks<const N: usize>(keys: [&ClientKey; N]) -> JwkSet {
    keys.into_iter().map(ClientKey::public_key).collect()
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

// RFC 9111 section 5.2.2.1.
#[tokio::test]
async fn the_owner_may_state_a_shorter_age_of_its_keys_and_no_longer_one() {
    for (stated, kept) in [(60, 60), (30, 30), (0, 30), (599, 599), (86_400, 600)] {
        let (old, new) = (named_key("old"), named_key("new"));
        let client = Publishing::new(Publisher::default());
        client.publisher.publish_for(jwks([&old]), stated).await;
        assert_eq!(client.answer(&old).await, Some(true));
        client.publisher.publish(jwks([&new])).await;
        client.pass(kept - 1);
        assert_eq!(client.answer(&old).await, Some(true), "{stated} s are stated, {kept} s count");
        assert_eq!(client.publisher.asked(), 1);
        client.pass(1);
        assert_eq!(client.answer(&old).await, Some(false), "{stated} s are stated, {kept} s count");
        assert_eq!(client.publisher.asked(), 2);
    }
}

#[tokio::test]
async fn clones_of_a_source_share_the_fetched_keys() {
    let own = named_key("own");
    let publisher = Arc::new(Publisher::of(jwks([&own])));
    let source = KeySource::resolved_by(Arc::clone(&publisher) as Arc<dyn ResolveKeys>);
    for _ in 0..3 {
        let client = Publishing::with(Arc::clone(&publisher), source.clone());
        assert_eq!(client.answer(&own).await, Some(true));
    }
    assert_eq!(publisher.asked(), 1);
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
        requests.push(tokio::spawn(async move { shown(&verifier, assertion).await }));
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
