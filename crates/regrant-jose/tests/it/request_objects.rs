//! Signed authorization requests: RFC 9101, FAPI 2.0 Message Signing section 5.3.1.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fixtures::jwt::{claims as claims_of, header as header_of};
use regrant::authenticator::{AssertionFault, CredentialError, CredentialRefusal, VerifyRequestObject as _};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::ManualClock;
use regrant::host::Unavailable;
use regrant::{Client, Issuer, SystemEntropy};
use regrant_jose::client_assertion::ClientKey;
use regrant_jose::key::{PublishedKeys, ResolveKeys};
use regrant_jose::request_object::{FindClientKeys, RequestObjects};
use regrant_jose::{Algorithm, JwkSet, KeySource, PrivateKey, Signer as _};
use serde_json::{Map, Value, json};

use crate::support::{
    ISSUER, NOW, at, client, client_id, clock, jwks, key, mac, mutations, public_bytes, sign, sign_text, with,
};

const APP: &str = "app";

/// Two clients with a key each.
struct Fixture {
    clock: ManualClock,
    key: PrivateKey,
    other: PrivateKey,
}

impl Fixture {
    fn new() -> Self {
        Self { clock: clock(), key: key(Algorithm::EdDsa), other: key(Algorithm::EdDsa) }
    }

    fn verifier(&self) -> RequestObjects {
        let keys = [(APP, &self.key), ("other", &self.other)];
        let keys: HashMap<_, _> = keys.map(|(id, key)| (client_id(id), jwks([key]).into())).into();
        RequestObjects::new(Issuer::from_static(ISSUER), Arc::new(self.clock.clone()), keys)
    }

    async fn signed(&self, claims: &Value) -> String {
        sign(&self.key, &header(), claims).await
    }
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" })
}

fn claims() -> Value {
    json!({
        "iss": APP, "aud": ISSUER, "client_id": APP, "exp": NOW + 60, "nbf": NOW, "response_type": "code",
        "scope": "payments", "max_age": 600, "claims": { "userinfo": { "email": null } },
    })
}

fn registered(id: &str) -> Client {
    client(id, ClientAuthenticationMethod::PrivateKeyJwt)
}

/// The parameters, or the fault.
async fn judged(verifier: &RequestObjects, id: &str, object: &str) -> Result<Map<String, Value>, AssertionFault> {
    match verifier.verify(&registered(id), object).await {
        Ok(parameters) => Ok(parameters),
        Err(CredentialError::Refused(CredentialRefusal::Assertion(fault))) => Err(fault),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_signed_request_returns_all_its_parameters_as_often_as_it_is_sent() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier().with_nbf_required();
    let object = fixture.signed(&claims()).await;
    for _ in 0..2 {
        assert_eq!(judged(&verifier, APP, &object).await.map(Value::Object), Ok(claims()));
    }
    assert!(verifier.algorithms().contains(&"EdDSA") && !verifier.algorithms().contains(&"HS256"));
}

#[tokio::test]
async fn a_client_signs_its_request_with_the_key_of_its_assertions() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier().with_nbf_required().with_leeway(Duration::ZERO);
    let key = ClientKey::new(client_id(APP), fixture.key).unwrap();
    let request = key
        .request_object(ISSUER)
        .with_parameter("scope", "payments")
        .with_parameter("iss", "other")
        .with_parameter("aud", "https://other.example")
        .with_parameter("client_id", "other")
        .with_lifetime(Duration::from_secs(3600));
    let object = request.sign(at(NOW), &SystemEntropy).await.unwrap();
    assert_eq!(header_of(&object), header());
    let parameters = judged(&verifier, APP, &object).await.unwrap();
    assert_eq!(Value::Object(parameters.clone()), claims_of(&object));
    let expected = json!({ "iss": APP, "aud": ISSUER, "client_id": APP, "scope": "payments" });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&parameters[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_request_with_one_wrong_claim_is_refused_with_its_reason() {
    use AssertionFault::{Audience, Expired, Issuer, Lifetime, Malformed, NotYetValid};
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    let mut cases = vec![
        ("iss", json!("other"), Issuer),
        ("iss", json!(""), Issuer),
        ("aud", json!("https://other.example"), Audience),
        ("aud", json!("https://as.example/"), Audience),
        ("aud", json!([]), Audience),
        ("aud", json!([ISSUER, 1]), Audience),
        ("exp", json!(NOW - 10), Expired),
        ("exp", json!(NOW + 3601), Lifetime),
        ("exp", json!((NOW + 60).to_string()), Malformed),
        ("exp", json!(1e300), Malformed),
        ("nbf", json!(NOW + 11), NotYetValid),
        ("nbf", json!(NOW - 3610), Expired),
        // More than an hour of life, although it ends soon.
        ("nbf", json!(NOW - 3541), Lifetime),
        ("nbf", json!(NOW.to_string()), Malformed),
        ("iat", json!(NOW + 11), NotYetValid),
    ];
    for (name, fault) in [("iss", Malformed), ("aud", Audience), ("exp", Malformed)] {
        let object = fixture.signed(&with(&claims(), name, None)).await;
        assert_eq!(judged(&verifier, APP, &object).await, Err(fault), "without {name}");
        cases.extend([(name, Value::Null, fault), (name, json!({}), fault)]);
    }
    for (name, value, fault) in cases {
        let object = fixture.signed(&with(&claims(), name, Some(value.clone()))).await;
        assert_eq!(judged(&verifier, APP, &object).await, Err(fault), "{name}: {value}");
    }
}

#[tokio::test]
async fn insignificant_differences_of_a_request_are_accepted() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    for (name, value) in [
        ("aud", json!([ISSUER])),
        ("aud", json!(["https://other.example", ISSUER])),
        ("exp", json!(NOW - 9)),
        ("exp", json!(NOW + 3600)),
        ("nbf", json!(NOW + 10)),
        ("nbf", json!(NOW - 3540)),
        ("iat", json!(NOW - 3600)),
        ("jti", json!("8f0c")),
        ("unknown", json!([1, 2])),
    ] {
        let claims = with(&claims(), name, Some(value.clone()));
        assert!(judged(&verifier, APP, &fixture.signed(&claims).await).await.is_ok(), "{name}: {value}");
    }
    for typ in [Some("JWT"), Some("application/oauth-authz-req+jwt"), None] {
        let header = with(&header(), "typ", typ.map(Into::into));
        assert!(judged(&verifier, APP, &sign(&fixture.key, &header, &claims()).await).await.is_ok(), "{typ:?}");
    }
}

// FAPI 2.0 Message Signing section 5.3.1: `nbf` at most 60 minutes in the past, `exp` at most 60 minutes after it.
#[tokio::test]
async fn a_request_without_nbf_is_refused_where_it_is_required() {
    let fixture = Fixture::new();
    let without = fixture.signed(&with(&claims(), "nbf", None)).await;
    assert!(judged(&fixture.verifier(), APP, &without).await.is_ok());
    let strict = fixture.verifier().with_nbf_required();
    assert_eq!(judged(&strict, APP, &without).await, Err(AssertionFault::Malformed));
    let short = fixture.verifier().with_max_lifetime(Duration::from_secs(59));
    assert_eq!(judged(&short, APP, &fixture.signed(&claims()).await).await, Err(AssertionFault::Lifetime));
}

#[tokio::test]
async fn a_request_is_accepted_from_its_own_client_only() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    let own = fixture.signed(&claims()).await;
    assert_eq!(judged(&verifier, "other", &own).await, Err(AssertionFault::Signature));
    assert_eq!(judged(&verifier, "third", &own).await, Err(AssertionFault::Key), "it has registered no key");
    let pretended = sign(&fixture.other, &header(), &claims()).await;
    assert_eq!(judged(&verifier, APP, &pretended).await, Err(AssertionFault::Signature));
    assert_eq!(judged(&verifier, "other", &pretended).await, Err(AssertionFault::Issuer));
}

// RFC 9101 sections 6.1, 10.1 and 10.8, RFC 8725 sections 3.1 and 3.11.
#[tokio::test]
async fn a_request_with_another_header_is_refused() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    let attacker = key(Algorithm::EdDsa);
    for (name, value) in [
        ("alg", None),
        ("alg", Some(json!("none"))),
        ("alg", Some(json!("NONE"))),
        ("alg", Some(json!("ES256"))),
        ("alg", Some(json!("HS256"))),
        ("typ", Some(json!("at+jwt"))),
        ("typ", Some(json!("dpop+jwt"))),
        ("typ", Some(json!("client-authentication+jwt"))),
        ("typ", Some(Value::Null)),
        ("kid", Some(json!("unknown"))),
        ("crit", Some(json!(["exp"]))),
        ("b64", Some(json!(false))),
    ] {
        let object = sign(&fixture.key, &with(&header(), name, value.clone()), &claims()).await;
        assert!(judged(&verifier, APP, &object).await.is_err(), "{name}: {value:?}");
    }
    for (name, value) in [
        ("jwk", attacker.public_key().to_value()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/certificate")),
    ] {
        let object = sign(&attacker, &with(&header(), name, Some(value)), &claims()).await;
        assert_eq!(judged(&verifier, APP, &object).await, Err(AssertionFault::Signature), "{name}");
    }
    for bytes in public_bytes(&fixture.key.public_key()) {
        let object = mac(&bytes, Algorithm::Hs256, &json!({ "alg": "HS256" }), &claims());
        assert_eq!(judged(&verifier, APP, &object).await, Err(AssertionFault::Algorithm));
    }
    let limited = fixture.verifier().with_algorithms([Algorithm::Es256, Algorithm::Hs256]);
    assert_eq!(limited.algorithms(), ["ES256"], "a shared secret is never added");
    assert_eq!(judged(&limited, APP, &fixture.signed(&claims()).await).await, Err(AssertionFault::Algorithm));
}

#[tokio::test]
async fn anything_but_a_signed_request_is_refused() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    let good = fixture.signed(&claims()).await;
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    assert_eq!(judged(&verifier, APP, &format!("{unsigned}.")).await, Err(AssertionFault::Signature));
    let twice = claims().to_string().replace('{', "{\"scope\":\"admin\",");
    for text in [
        String::new(),
        "..".to_owned(),
        unsigned.to_owned(),
        format!("{good} "),
        format!("{good}.e30.e30"),
        "\u{e9}.\u{e9}.\u{e9}".to_owned(),
        sign_text(&fixture.key, &header().to_string(), "[]").await,
        // Another reader might use the other scope.
        sign_text(&fixture.key, &header().to_string(), &twice).await,
        fixture.signed(&with(&claims(), "padding", Some(json!("x".repeat(1 << 20))))).await,
    ] {
        assert_eq!(judged(&verifier, APP, &text).await, Err(AssertionFault::Malformed), "{text:.80}");
    }
    for changed in mutations(&good) {
        assert!(judged(&verifier, APP, &changed).await.is_err(), "{changed}");
    }
}

/// A directory whose clients publish their keys. It is down, or the `jwks_uri` of the client is.
struct Directory {
    is_down: bool,
    keys: Option<JwkSet>,
}

#[async_trait]
impl FindClientKeys for Directory {
    async fn keys_of(&self, _: &Client) -> Result<Option<KeySource>, Unavailable> {
        if self.is_down {
            return Err(Unavailable::new("the directory is down"));
        }
        Ok(Some(KeySource::resolved_by(Arc::new(Uri(self.keys.clone())))))
    }
}

struct Uri(Option<JwkSet>);

#[async_trait]
impl ResolveKeys for Uri {
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>> {
        Ok(self.0.clone().ok_or("502 Bad Gateway")?.into())
    }
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_an_outage_and_not_a_refusal() {
    let fixture = Fixture::new();
    let object = fixture.signed(&claims()).await;
    for (is_down, keys, cause) in [
        (true, None, Some("the directory is down")),
        (false, None, Some("the keys cannot be fetched")),
        (false, Some(jwks([&fixture.key])), None),
    ] {
        let directory = Arc::new(Directory { is_down, keys });
        let verifier = RequestObjects::new(Issuer::from_static(ISSUER), Arc::new(clock()), directory);
        let told = match verifier.verify(&registered(APP), &object).await {
            Ok(_) => None,
            Err(CredentialError::Unavailable(cause)) => Some(cause.to_string()),
            Err(refused) => panic!("{refused}"),
        };
        assert_eq!(told.as_deref(), cause);
    }
}
