//! The reason for each failed authentication, as the host gets it: each fault of an assertion and of a certificate.

use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use regrant::authenticator::{
    AssertionFault, CertificateFault, ClientAssertion, ClientAuthenticator as _, CredentialRefusal,
};
use regrant::client::ClientAuthenticationMethod;
use regrant::event::{Event, EventKind, EventSink};
use regrant::proof::ClientCertificate;
use regrant::wire::Endpoint;
use regrant::{ClientCredentials, ClientRegistry, Issuer, KeyRing, MemoryStore, Refusal, SystemEntropy, TokenService};
use regrant_jose::certificate::{CertificateSubject, SelfSignedTlsClientAuth, TlsClientAuth};
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::{Algorithm, JwkSet};
use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, WatchedUse, client, client_id, clock, encoded, jwks, key, mac, sign, with};

const SECRET: &[u8] = b"a secret of the attacker that is long enough";

fn claims() -> Value {
    json!({ "iss": "app", "sub": "app", "aud": ISSUER, "jti": "8f0c", "iat": NOW, "exp": NOW + 60 })
}

#[tokio::test]
async fn each_fault_of_an_assertion_has_its_own_reason() {
    use AssertionFault as Fault;
    let (own, other, used) = (key(Algorithm::EdDsa), key(Algorithm::EdDsa), WatchedUse::default());
    let assertions = ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock()), Arc::new(used.clone()));
    let method = ClientAuthenticationMethod::PrivateKeyJwt;
    let verifier = || Arc::new(assertions.private_key_jwt(jwks([&own])));
    let clients = ClientRegistry::new().register_with_verifier(client("app", method), verifier()).unwrap();
    let clients = clients.register_with_verifier(client("other", method), verifier()).unwrap();
    let header = json!({ "alg": "EdDSA", "typ": "JWT" });
    let of_header = async |name, value: Value| sign(&own, &with(&header, name, Some(value)), &claims()).await;
    let of_claim = async |name, value: Option<Value>| sign(&own, &header, &with(&claims(), name, value)).await;
    let good = sign(&own, &header, &claims()).await;
    let table = [
        ("app", "garbage".to_owned(), Fault::Malformed),
        ("app", format!("{good}."), Fault::Malformed),
        ("app", of_claim("exp", None).await, Fault::Malformed),
        ("app", of_claim("exp", Some(json!("soon"))).await, Fault::Malformed),
        ("app", of_claim("jti", None).await, Fault::Malformed),
        ("app", of_header("typ", json!("at+jwt")).await, Fault::Type),
        ("app", of_header("alg", json!("none")).await, Fault::Algorithm),
        ("app", mac(SECRET, Algorithm::Hs256, &json!({ "alg": "HS256" }), &claims()), Fault::Algorithm),
        ("app", of_header("kid", json!("unknown")).await, Fault::Key),
        ("app", of_header("alg", json!("ES256")).await, Fault::Key),
        ("app", sign(&other, &header, &claims()).await, Fault::Signature),
        ("app", of_claim("iss", Some(json!("other"))).await, Fault::Issuer),
        ("app", of_claim("sub", Some(json!("other"))).await, Fault::Issuer),
        ("other", good.clone(), Fault::Issuer),
        ("app", of_claim("aud", Some(json!("https://other.example"))).await, Fault::Audience),
        ("app", of_claim("exp", Some(json!(NOW - 10))).await, Fault::Expired),
        ("app", of_claim("nbf", Some(json!(NOW + 11))).await, Fault::NotYetValid),
        ("app", of_claim("iat", Some(json!(NOW + 11))).await, Fault::NotYetValid),
        ("app", of_claim("exp", Some(json!(NOW + 3611))).await, Fault::Lifetime),
    ];
    let reason = async |name: &str, assertion: &str| {
        let shown = ClientCredentials::Assertion(client_id(name), ClientAssertion::new(assertion));
        let error = clients.authenticate(&shown).await.err()?;
        let text = format!("{error} {error:?}");
        assert!(assertion.split('.').filter(|part| part.len() > 8).all(|part| !text.contains(part)), "{text}");
        error.refusal()
    };
    for (name, assertion, fault) in table {
        assert_eq!(reason(name, &assertion).await, Some(CredentialRefusal::Assertion(fault)), "{assertion}");
    }
    assert_eq!(reason("unknown", &good).await, Some(CredentialRefusal::UnknownClient));
    assert_eq!(used.calls(), 0, "neither a refused assertion nor one of an unknown client is used up");
    assert_eq!(reason("app", &good).await, None);
    assert_eq!(reason("app", &good).await, Some(CredentialRefusal::Assertion(Fault::Used)));
}

fn certificate(name: &str, until: i32) -> ClientCertificate {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
    ClientCertificate::from_der(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec())
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_own_reason() {
    use CertificateFault as Fault;
    let clock = Arc::new(clock());
    let subject = CertificateSubject::Dn("CN=app".parse().unwrap());
    let by_authority = client("by-authority", ClientAuthenticationMethod::TlsClientAuth);
    let by_itself = client("by-itself", ClientAuthenticationMethod::SelfSignedTlsClientAuth);
    let clients = ClientRegistry::new()
        .register_with_verifier(by_authority, Arc::new(TlsClientAuth::new(subject, clock.clone())))
        .unwrap()
        .register_with_verifier(by_itself, Arc::new(SelfSignedTlsClientAuth::new(JwkSet::default(), clock)))
        .unwrap();
    let reason = async |name: &str, certificate: ClientCertificate| {
        let outcome = clients.authenticate(&ClientCredentials::Certificate(client_id(name), certificate)).await;
        outcome.err()?.refusal()
    };
    let fault = |fault| Some(CredentialRefusal::Certificate(fault));
    for name in ["by-authority", "by-itself"] {
        let malformed = ClientCertificate::from_der(&b"\x30\x00"[..]);
        assert_eq!(reason(name, malformed).await, fault(Fault::Malformed));
        assert_eq!(reason(name, certificate("app", 2021)).await, fault(Fault::Validity));
    }
    assert_eq!(reason("by-authority", certificate("other", 2040)).await, fault(Fault::Subject));
    assert_eq!(reason("by-itself", certificate("app", 2040)).await, fault(Fault::Unregistered));
    assert_eq!(reason("unknown", certificate("app", 2040)).await, Some(CredentialRefusal::UnknownClient));
    assert_eq!(reason("by-authority", certificate("app", 2040)).await, None);
}

/// Records the reasons of events, and their debug output.
#[derive(Clone, Default)]
struct RecordedReasons(Arc<Mutex<Vec<(CredentialRefusal, String)>>>);

impl EventSink for RecordedReasons {
    fn record(&self, event: &Event<'_>) {
        if let EventKind::Refused(Refusal::ClientAuthenticationFailed(reason)) = event.kind {
            self.0.lock().unwrap().push((reason, format!("{event:?} {reason} {}", reason.as_str())));
        }
    }
}

// The reason reaches the event, and no part of the assertion does.
#[tokio::test]
async fn the_event_has_the_fault_of_an_assertion_and_no_part_of_it() {
    let (own, recorded) = (key(Algorithm::EdDsa), RecordedReasons::default());
    let assertions =
        ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock()), Arc::new(MemoryStore::new()));
    let app = client("app", ClientAuthenticationMethod::PrivateKeyJwt);
    let clients =
        ClientRegistry::new().register_with_verifier(app, Arc::new(assertions.private_key_jwt(jwks([&own])))).unwrap();
    let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
        .clock(clock())
        .events(recorded.clone())
        .build()
        .unwrap();
    let endpoints =
        crate::support::server::Server(regrant::wire::Endpoints::new(service, Issuer::from_static(ISSUER)).unwrap());
    let canary = "canary-of-the-assertion";
    let claims = with(&with(&claims(), "aud", Some(json!(canary))), "jti", Some(json!(canary)));
    let assertion = sign(&own, &json!({ "alg": "EdDSA" }), &claims).await;
    let assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let form = [("token", "x"), ("client_assertion_type", assertion_type), ("client_assertion", &assertion)];
    let reply = endpoints.post(Endpoint::Introspection, &form, crate::support::server::With::default()).await;
    assert_eq!(reply.json["error"], "invalid_client");
    assert!(!reply.json.to_string().contains("audience"), "nothing to the client");
    let recorded = recorded.0.lock().unwrap();
    let [(reason, text)] = &recorded[..] else { panic!("{recorded:?}") };
    assert_eq!(*reason, CredentialRefusal::Assertion(AssertionFault::Audience));
    assert!(text.contains("assertion_audience"));
    let parts = assertion.split('.').chain([canary]).map(str::to_owned).chain([encoded(canary)]);
    assert!(parts.into_iter().all(|part| !text.contains(&part)), "{text}");
}
