//! One verifier for all clients of a directory, each with the keys of its registration.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rcgen::{CertificateParams, DnType, KeyPair};
use regrant::authenticator::{
    AssertionFault, CertificateFault, ClientAuthenticator as _, ClientStore as _, CredentialRefusal,
    DirectoryAuthenticator, MemoryClients, RegisteredClient, VerifyRequestObject as _,
};
use regrant::client::{ClientAuthenticationMethod as Method, ClientKeys, TlsSubject};
use regrant::clock::ManualClock;
use regrant::proof::ClientCertificate;
use regrant::{Client, ClientCredentials, Issuer, SystemEntropy};
use regrant_jose::client_assertion::{ClientAssertions, ClientKey};
use regrant_jose::key::{PublishedKeys, ResolveKeys};
use regrant_jose::request_object::RequestObjects;
use regrant_jose::{Algorithm, JwkSet, PrivateKey, RegisteredKeys, Signer as _};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::{ISSUER, NOW, WatchedUse, at, client, client_id, clock, encoded, jwks, key, sign};

struct Host {
    clients: MemoryClients,
    authenticator: DirectoryAuthenticator<MemoryClients>,
    next: AtomicUsize,
}

fn verifier(clock: &ManualClock) -> RegisteredKeys {
    let assertions =
        ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(WatchedUse::default()));
    RegisteredKeys::new(assertions, Arc::new(clock.clone()))
}

fn host(verifier: RegisteredKeys) -> Host {
    let clients = MemoryClients::new();
    let authenticator = DirectoryAuthenticator::new(clients.clone()).with_verifier(verifier);
    Host { clients, authenticator, next: AtomicUsize::new(0) }
}

fn registered(key: &PrivateKey) -> ClientKeys {
    ClientKeys::registered(json!({ "keys": [key.public_key().to_value()] })).unwrap()
}

fn signing(id: &str) -> Client {
    client(id, Method::PrivateKeyJwt)
}

impl Host {
    async fn put(&self, client: Client) {
        self.clients.put(&RegisteredClient::new(client, []).unwrap()).await.unwrap();
    }

    async fn authenticate(&self, credentials: ClientCredentials) -> Result<(), Option<CredentialRefusal>> {
        self.authenticator.authenticate(&credentials).await.map(drop).map_err(|error| error.refusal())
    }

    /// Shows an assertion of the client `id`, signed by `key`.
    async fn assert(&self, id: &str, key: &PrivateKey, alg: &str) -> Result<(), Option<CredentialRefusal>> {
        let jti = self.next.fetch_add(1, Ordering::SeqCst).to_string();
        let claims = json!({ "iss": id, "sub": id, "aud": ISSUER, "jti": jti, "iat": NOW, "exp": NOW + 60 });
        let assertion = sign(key, &json!({ "alg": alg }), &claims).await;
        self.authenticate(ClientCredentials::Assertion(client_id(id), assertion.as_str().into())).await
    }

    async fn show(&self, id: &str, certificate: &ClientCertificate) -> Result<(), Option<CredentialRefusal>> {
        self.authenticate(ClientCredentials::Certificate(client_id(id), certificate.clone())).await
    }
}

fn fault(fault: AssertionFault) -> Result<(), Option<CredentialRefusal>> {
    Err(Some(CredentialRefusal::Assertion(fault)))
}

#[tokio::test]
async fn each_client_authenticates_with_its_registered_key_and_a_change_counts_at_once() {
    let host = host(verifier(&clock()));
    let (one, two) = (key(Algorithm::EdDsa), key(Algorithm::Es256));
    host.put(signing("one").with_keys(registered(&one))).await;
    host.put(signing("two").with_keys(registered(&two))).await;
    assert_eq!(host.assert("one", &one, "EdDSA").await, Ok(()));
    assert_eq!(host.assert("two", &two, "ES256").await, Ok(()));
    assert_eq!(host.assert("two", &one, "EdDSA").await, fault(AssertionFault::Key));
    assert_eq!(host.assert("nobody", &one, "EdDSA").await, Err(Some(CredentialRefusal::UnknownClient)));
    let next = key(Algorithm::EdDsa);
    host.put(signing("one").with_keys(registered(&next))).await;
    assert_eq!(host.assert("one", &one, "EdDSA").await, fault(AssertionFault::Signature));
    assert_eq!(host.assert("one", &next, "EdDSA").await, Ok(()));
    let supported = host.authenticator.supported().await.unwrap();
    assert!(supported.methods.contains(&Method::PrivateKeyJwt));
    assert!(supported.assertion_algorithms.contains(&"ES256"));
}

#[tokio::test]
async fn a_registered_algorithm_is_the_only_one() {
    let host = host(verifier(&clock()));
    let (first, second) = (key(Algorithm::EdDsa), key(Algorithm::Es256));
    let both: Vec<Value> = [&first, &second].iter().map(|key| key.public_key().to_value()).collect();
    let keys = ClientKeys::registered(json!({ "keys": both })).unwrap();
    let app = signing("app").with_keys(keys);
    host.put(app.clone().with_assertion_algorithm("ES256".to_owned())).await;
    assert_eq!(host.assert("app", &first, "EdDSA").await, fault(AssertionFault::Algorithm));
    assert_eq!(host.assert("app", &second, "ES256").await, Ok(()));
    host.put(app.with_assertion_algorithm("HS256".to_owned())).await;
    assert_eq!(host.assert("app", &second, "ES256").await, fault(AssertionFault::Algorithm));
}

/// Keys by address, and all addresses that were asked.
#[derive(Default)]
struct Publisher {
    keys: Mutex<JwkSet>,
    asked: Mutex<Vec<String>>,
}

struct At(String, Arc<Publisher>);

#[async_trait]
impl ResolveKeys for At {
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>> {
        self.1.asked.lock().unwrap().push(self.0.clone());
        Ok(self.1.keys.lock().unwrap().clone().into())
    }
}

#[tokio::test]
async fn published_keys_are_fetched_from_the_registered_address_and_kept() {
    let (own, publisher) = (key(Algorithm::EdDsa), Arc::new(Publisher::default()));
    *publisher.keys.lock().unwrap() = jwks([&own]);
    let resolver = {
        let publisher = Arc::clone(&publisher);
        move |url: &str| Arc::new(At(url.to_owned(), Arc::clone(&publisher))) as Arc<dyn ResolveKeys>
    };
    let host = host(verifier(&clock()).with_resolver(resolver));
    let at = |path: &str| ClientKeys::published(format!("https://app.example/{path}")).unwrap();
    host.put(signing("app").with_keys(at("jwks"))).await;
    for _ in 0..3 {
        assert_eq!(host.assert("app", &own, "EdDSA").await, Ok(()));
    }
    assert_eq!(*publisher.asked.lock().unwrap(), ["https://app.example/jwks"]);
    host.put(signing("app").with_keys(at("moved"))).await;
    assert_eq!(host.assert("app", &own, "EdDSA").await, Ok(()));
    assert_eq!(publisher.asked.lock().unwrap().last().map(String::as_str), Some("https://app.example/moved"));
}

// RFC 9101 section 6.1: a client signs its requests with the keys of its registration.
#[tokio::test]
async fn assertions_and_request_objects_share_the_fetched_keys() {
    let publisher = Arc::new(Publisher::default());
    let own = ClientKey::new(client_id("app"), key(Algorithm::EdDsa)).unwrap();
    *publisher.keys.lock().unwrap() = JwkSet::from_iter([own.public_key()]);
    let asked = Arc::clone(&publisher);
    let resolver = move |url: &str| Arc::new(At(url.to_owned(), Arc::clone(&asked))) as Arc<dyn ResolveKeys>;
    let keys = verifier(&clock()).with_resolver(resolver);
    let objects = RequestObjects::new(Issuer::from_static(ISSUER), Arc::new(clock()), keys.clone());
    let host = host(keys);
    let app = signing("app").with_keys(ClientKeys::published("https://app.example/jwks").unwrap());
    host.put(app.clone()).await;
    let assertion = own.assertion(ISSUER).sign(at(NOW), &SystemEntropy).await.unwrap();
    assert_eq!(host.authenticate(ClientCredentials::Assertion(client_id("app"), assertion)).await, Ok(()));
    let object =
        own.request_object(ISSUER).with_parameter("scope", "read").sign(at(NOW), &SystemEntropy).await.unwrap();
    assert_eq!(objects.verify(&app, &object).await.unwrap()["scope"], "read");
    assert_eq!(publisher.asked.lock().unwrap().len(), 1);
    assert!(objects.verify(&signing("app"), &object).await.is_err(), "a client without keys signs nothing");
}

#[tokio::test]
async fn published_keys_are_of_no_use_without_a_resolver() {
    let (host, own) = (host(verifier(&clock())), key(Algorithm::EdDsa));
    host.put(signing("app").with_keys(ClientKeys::published("https://app.example/jwks").unwrap())).await;
    assert_eq!(host.assert("app", &own, "EdDSA").await, fault(AssertionFault::Key));
}

fn certificate(name: &str) -> ClientCertificate {
    let mut params = CertificateParams::new([format!("{name}.example")]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
    params.not_after = OffsetDateTime::from_unix_timestamp(NOW + 3600).unwrap();
    ClientCertificate::from_der(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec())
}

#[tokio::test]
async fn certificates_are_compared_with_the_registered_subject() {
    let host = host(verifier(&clock()));
    let (one, two) = (certificate("one"), certificate("two"));
    for (id, subject) in
        [("dn", TlsSubject::Dn("CN=one".to_owned())), ("dns", TlsSubject::SanDns("one.example".to_owned()))]
    {
        host.put(client(id, Method::TlsClientAuth).with_tls_subject(subject)).await;
        assert_eq!(host.show(id, &one).await, Ok(()), "{id}");
        assert_eq!(host.show(id, &two).await, Err(Some(CredentialRefusal::Certificate(CertificateFault::Subject))));
    }
    let malformed = TlsSubject::Dn("no name".to_owned());
    host.put(client("malformed", Method::TlsClientAuth).with_tls_subject(malformed)).await;
    assert!(host.show("malformed", &one).await.is_err());
    assert_eq!(host.show("nobody", &one).await, Err(Some(CredentialRefusal::UnknownClient)));
}

#[tokio::test]
async fn a_self_signed_certificate_is_one_of_the_registered_ones() {
    use regrant::grant::Confirmation;
    let host = host(verifier(&clock()));
    let (own, other) = (certificate("own"), certificate("other"));
    let Confirmation::Certificate(thumbprint) = own.confirmation() else { panic!("a certificate") };
    let mut jwk = key(Algorithm::Es256).public_key().to_value();
    jwk["x5t#S256"] = encoded(thumbprint).into();
    let keys = ClientKeys::registered(json!({ "keys": [jwk] })).unwrap();
    host.put(client("app", Method::SelfSignedTlsClientAuth).with_keys(keys)).await;
    assert_eq!(host.show("app", &own).await, Ok(()));
    let refused = Err(Some(CredentialRefusal::Certificate(CertificateFault::Unregistered)));
    assert_eq!(host.show("app", &other).await, refused);
}
