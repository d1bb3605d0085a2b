//! Clients that authenticate with a JWT: RFC 7523 sections 2.2 and 3, OpenID Connect Core section 9, FAPI 2.0.

use std::sync::Arc;
use std::time::Duration;

use regrant::authenticator::{
    AuthenticateError, ClientAssertion, ClientAuthenticator as _, CredentialError, CredentialRefusal, VerifyCredentials,
};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::ManualClock;
use regrant::store::PurgeExpired as _;
use regrant::token::Realm;
use regrant::{ClientCredentials, ClientRegistry, ClientSecret, Issuer};
use regrant_jose::client_assertion::{AssertionVerifier, ClientAssertions};
use regrant_jose::{Algorithm, JwkSet, PrivateKey, Signer as _};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{
    ISSUER, NOW, TOKEN_ENDPOINT, WatchedUse, at, client, client_id, clock, jwks, key, mac, mutations, public_bytes,
    sign, sign_text, with,
};

const APP: &str = "app";
const SECRET: &str = "a secret that is long enough for the longest MAC: 64 bytes or more";

/// A `private_key_jwt` client, its key, and the uses that its assertions leave in the store.
struct Fixture {
    clock: ManualClock,
    used: WatchedUse,
    key: PrivateKey,
    assertions: ClientAssertions,
}

impl Fixture {
    fn new() -> Self {
        let (clock, used) = (clock(), WatchedUse::default());
        let assertions =
            ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(used.clone()))
                .with_audiences([TOKEN_ENDPOINT]);
        Self { clock, used, key: key(Algorithm::EdDsa), assertions }
    }

    fn verifier(&self) -> AssertionVerifier {
        self.assertions.private_key_jwt(jwks([&self.key]))
    }

    /// Returns true if the assertion is accepted. Only an accepted one may be used up.
    async fn accepts(&self, verifier: &AssertionVerifier, assertion: &str) -> bool {
        let before = self.used.calls();
        let accepted = shown(verifier, APP, ClientAuthenticationMethod::PrivateKeyJwt, assertion).await.unwrap();
        assert_eq!(self.used.calls() - before, usize::from(accepted), "a refused assertion is not used up");
        accepted
    }

    async fn signed(&self, claims: &Value) -> String {
        sign(&self.key, &header(), claims).await
    }
}

async fn shown(
    verifier: &dyn VerifyCredentials,
    id: &str,
    method: ClientAuthenticationMethod,
    assertion: &str,
) -> Result<bool, CredentialError> {
    let credentials = ClientCredentials::Assertion(client_id(id), ClientAssertion::new(assertion));
    match verifier.verify(&client(id, method), &credentials).await {
        Ok(()) => Ok(true),
        Err(CredentialError::Refused(_)) => Ok(false),
        Err(outage) => Err(outage),
    }
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "typ": "JWT" })
}

fn claims() -> Value {
    json!({ "iss": APP, "sub": APP, "aud": ISSUER, "jti": "8f0c", "iat": NOW, "exp": NOW + 60 })
}

#[tokio::test]
async fn a_client_authenticates_with_its_own_key_only() {
    let (clock, used) = (clock(), WatchedUse::default());
    let assertions = ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock), Arc::new(used));
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let (own, other) = (key(algorithm), key(algorithm));
        let method = ClientAuthenticationMethod::PrivateKeyJwt;
        let clients = ClientRegistry::new()
            .register_with_verifier(client(APP, method), Arc::new(assertions.private_key_jwt(jwks([&own]))))
            .unwrap()
            .register_with_verifier(client("other", method), Arc::new(assertions.private_key_jwt(jwks([&other]))))
            .unwrap();
        let header = json!({ "alg": algorithm.as_str() });
        let claims = with(&claims(), "jti", Some(algorithm.as_str().into()));
        for (signer, id, is_right) in [(&other, APP, false), (&own, "other", false), (&own, APP, true)] {
            let assertion = ClientAssertion::new(sign(signer, &header, &claims).await);
            let outcome = clients.authenticate(&ClientCredentials::Assertion(client_id(id), assertion)).await;
            match outcome {
                Ok(authenticated) => assert!(is_right && authenticated.id.as_str() == id, "{algorithm} {id}"),
                Err(error) => assert!(!is_right && error.is_refused(), "{algorithm} {id}: {error}"),
            }
        }
        let supported = clients.supported().await.unwrap();
        assert!(supported.assertion_algorithms.contains(&algorithm.as_str()));
    }
}

#[tokio::test]
async fn a_client_authenticates_with_a_mac_under_its_secret() {
    let fixture = Fixture::new();
    let method = ClientAuthenticationMethod::ClientSecretJwt;
    let secret = ClientSecret::new(SECRET);
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        let verifier = fixture.assertions.client_secret_jwt(&secret, algorithm).unwrap();
        assert_eq!(verifier.algorithms(), [algorithm.as_str()]);
        let claims = with(&claims(), "jti", Some(algorithm.as_str().into()));
        let assertion =
            |secret: &str, alg: Algorithm| mac(secret.as_bytes(), alg, &json!({ "alg": alg.as_str() }), &claims);
        for other in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let accepted = shown(&verifier, APP, method, &assertion(SECRET, other)).await.unwrap();
            assert_eq!(accepted, other == algorithm, "{other} where {algorithm} is registered");
        }
        let wrong = assertion("another secret that is long enough for the longest MAC: 64 bytes!", algorithm);
        assert!(!shown(&verifier, APP, method, &wrong).await.unwrap());
    }
    assert!(!format!("{:?}", fixture.assertions.client_secret_jwt(&secret, Algorithm::Hs256)).contains("secret that"));
}

#[test]
fn a_secret_shorter_than_its_mac_is_refused_at_registration() {
    let fixture = Fixture::new();
    for (algorithm, least) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        let secret = |length: usize| ClientSecret::new(&SECRET[..length]);
        assert!(fixture.assertions.client_secret_jwt(&secret(least - 1), algorithm).is_err(), "{algorithm}");
        assert!(fixture.assertions.client_secret_jwt(&secret(least), algorithm).is_ok(), "{algorithm}");
    }
    assert!(fixture.assertions.client_secret_jwt(&ClientSecret::new(SECRET), Algorithm::Es256).is_err());
}

// RFC 7523 section 3. Each case differs from an accepted assertion in one point.
#[tokio::test]
async fn an_assertion_with_one_wrong_claim_is_refused_and_not_used_up() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    let long = "j".repeat(257);
    let mut cases = vec![
        ("iss", json!("other")),
        ("iss", json!("")),
        ("sub", json!("other")),
        ("sub", json!("APP")),
        ("aud", json!("https://other.example")),
        ("aud", json!("https://as.example/")),
        ("aud", json!([])),
        ("aud", json!(["https://other.example"])),
        ("aud", json!([ISSUER, 1])),
        ("aud", json!([ISSUER, null])),
        ("aud", json!([[ISSUER]])),
        ("aud", json!({ "0": ISSUER })),
        ("exp", json!(NOW - 10)),
        ("exp", json!(NOW + 3611)),
        ("exp", json!((NOW + 60).to_string())),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("exp", json!(0)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(true)),
        ("exp", json!([NOW + 60])),
        ("nbf", json!(NOW + 11)),
        ("nbf", json!(NOW.to_string())),
        ("iat", json!(NOW + 11)),
        ("iat", json!(NOW + 60)),
        ("iat", json!(NOW.to_string())),
        ("jti", json!("")),
        ("jti", json!(long)),
        ("jti", json!(["8f0c"])),
    ];
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        let refused = fixture.signed(&with(&claims(), name, None)).await;
        assert!(!fixture.accepts(&verifier, &refused).await, "without {name}");
        cases.extend([(name, Value::Null), (name, json!(7)), (name, json!({}))]);
    }
    for name in ["nbf", "iat"] {
        cases.extend([(name, Value::Null), (name, json!({}))]);
    }
    for (name, value) in cases {
        let refused = fixture.signed(&with(&claims(), name, Some(value.clone()))).await;
        assert!(!fixture.accepts(&verifier, &refused).await, "{name}: {value}");
    }
    let accepted = fixture.signed(&claims()).await;
    assert!(fixture.accepts(&verifier, &accepted).await, "none of them used its jti up");
}

#[tokio::test]
async fn insignificant_differences_of_an_assertion_are_accepted() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    let cases = [
        ("aud", json!(TOKEN_ENDPOINT)),
        ("aud", json!([ISSUER])),
        ("aud", json!(["https://other.example", TOKEN_ENDPOINT])),
        ("exp", json!(NOW - 9)),
        ("exp", json!(NOW + 3600)),
        #[expect(clippy::cast_precision_loss, reason = "it is far from 2^52")]
        ("exp", json!(NOW as f64 + 0.5)),
        ("nbf", json!(NOW + 10)),
        ("iat", json!(NOW + 10)),
        ("iat", json!(NOW - 86_400)),
        ("unknown", json!({ "a": [1, 2, 3] })),
    ];
    for (number, (name, value)) in cases.into_iter().enumerate() {
        let claims = with(&claims(), "jti", Some(json!(format!("n{number}"))));
        let accepted = fixture.signed(&with(&claims, name, Some(value.clone()))).await;
        assert!(fixture.accepts(&verifier, &accepted).await, "{name}: {value}");
    }
    let headers = [json!({ "alg": "EdDSA" }), json!({ "alg": "EdDSA", "typ": "client-authentication+jwt" })];
    for (number, header) in headers.iter().enumerate() {
        let claims = with(&claims(), "jti", Some(json!(format!("h{number}"))));
        assert!(fixture.accepts(&verifier, &sign(&fixture.key, header, &claims).await).await, "{header}");
    }
}

// RFC 7515 section 4.1, RFC 8725 sections 3.1 and 3.11.
#[tokio::test]
async fn an_assertion_with_another_header_is_refused() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    let attacker = key(Algorithm::EdDsa);
    let own = json!({ "alg": "EdDSA", "typ": "JWT" });
    let cases = [
        with(&own, "alg", None),
        with(&own, "alg", Some(Value::Null)),
        with(&own, "alg", Some(json!("none"))),
        with(&own, "alg", Some(json!("None"))),
        with(&own, "alg", Some(json!("ES256"))),
        with(&own, "alg", Some(json!("HS256"))),
        with(&own, "alg", Some(json!("RS512"))),
        with(&own, "alg", Some(json!(["EdDSA"]))),
        with(&own, "typ", Some(json!("at+jwt"))),
        with(&own, "typ", Some(json!("dpop+jwt"))),
        with(&own, "typ", Some(json!("logout+jwt"))),
        with(&own, "typ", Some(json!(""))),
        with(&own, "typ", Some(Value::Null)),
        with(&own, "kid", Some(json!("unknown"))),
        with(&own, "kid", Some(json!(1))),
        with(&own, "crit", Some(json!(["exp"]))),
        with(&own, "b64", Some(json!(false))),
    ];
    for header in cases {
        let refused = sign(&fixture.key, &header, &claims()).await;
        assert!(!fixture.accepts(&verifier, &refused).await, "{header}");
    }
    // A key in the token is the attacker's (CVE-2026-27962), and so are URLs of keys.
    for (name, value) in [
        ("jwk", attacker.public_key().to_value()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/certificate")),
    ] {
        let refused = sign(&attacker, &with(&own, name, Some(value)), &claims()).await;
        assert!(!fixture.accepts(&verifier, &refused).await, "{name}");
    }
    // The public key used as a secret (CVE-2024-37568).
    for bytes in public_bytes(&fixture.key.public_key()) {
        let refused = mac(&bytes, Algorithm::Hs256, &json!({ "alg": "HS256" }), &claims());
        assert!(!fixture.accepts(&verifier, &refused).await);
    }
    assert!(fixture.accepts(&verifier, &fixture.signed(&claims()).await).await);
}

#[tokio::test]
async fn anything_but_a_jwt_is_refused() {
    let fixture = Fixture::new();
    let verifier = fixture.verifier();
    let good = fixture.signed(&claims()).await;
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let huge = with(&claims(), "padding", Some(json!("x".repeat(1 << 20))));
    let cases = [
        String::new(),
        "..".to_owned(),
        "null.null.null".to_owned(),
        unsigned.to_owned(),
        format!("{unsigned}."),
        format!("{good}."),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        "\u{e9}.\u{e9}.\u{e9}".to_owned(),
        sign_text(&fixture.key, "null", &claims().to_string()).await,
        sign_text(&fixture.key, "[]", &claims().to_string()).await,
        sign_text(&fixture.key, &header().to_string(), "null").await,
        sign_text(&fixture.key, &header().to_string(), "\"app\"").await,
        sign_text(&fixture.key, &header().to_string(), &claims().to_string().replace("1800000060", "1e999")).await,
        sign_text(&fixture.key, &header().to_string(), &claims().to_string().replace("1800000060", "Infinity")).await,
        // Another reader might use the other one of the two.
        sign_text(&fixture.key, &header().to_string(), &claims().to_string().replace('{', "{\"iss\":\"other\",")).await,
        fixture.signed(&huge).await,
    ];
    for refused in cases {
        assert!(!fixture.accepts(&verifier, &refused).await, "{refused:.80}");
    }
    assert!(fixture.accepts(&verifier, &good).await);
}

#[tokio::test]
async fn an_assertion_with_any_changed_character_is_refused() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let fixture = Fixture { key: key(algorithm), ..Fixture::new() };
        let verifier = fixture.verifier();
        let good = sign(&fixture.key, &json!({ "alg": algorithm.as_str() }), &claims()).await;
        for changed in mutations(&good) {
            assert!(!fixture.accepts(&verifier, &changed).await, "{changed}");
        }
        assert!(fixture.accepts(&verifier, &good).await);
    }
}

// FAPI 2.0 section 5.3.2.1: `aud` must be the issuer as a single string.
#[tokio::test]
async fn a_strict_server_accepts_only_its_issuer_as_audience() {
    let fixture = Fixture::new();
    let verifier = fixture.assertions.clone().with_issuer_as_only_audience().private_key_jwt(jwks([&fixture.key]));
    for audience in [json!(TOKEN_ENDPOINT), json!([ISSUER]), json!([ISSUER, TOKEN_ENDPOINT]), json!("")] {
        let refused = fixture.signed(&with(&claims(), "aud", Some(audience.clone()))).await;
        assert!(!fixture.accepts(&verifier, &refused).await, "{audience}");
    }
    assert!(fixture.accepts(&verifier, &fixture.signed(&claims()).await).await);
}

#[tokio::test]
async fn the_host_chooses_the_longest_lifetime_up_to_a_day() {
    let fixture = Fixture::new();
    let day = 86_400;
    for (asked, longest) in [(60, 60), (u64::MAX, day)] {
        let verifier = fixture
            .assertions
            .clone()
            .with_max_lifetime(Duration::from_secs(asked))
            .with_leeway(Duration::ZERO)
            .private_key_jwt(jwks([&fixture.key]));
        let lives = |seconds: i64| {
            let claims = with(&claims(), "jti", Some(json!(format!("{asked} {seconds}"))));
            with(&claims, "exp", Some(json!(NOW + seconds)))
        };
        assert!(!fixture.accepts(&verifier, &fixture.signed(&lives(longest + 1)).await).await);
        assert!(fixture.accepts(&verifier, &fixture.signed(&lives(longest)).await).await);
    }
}

// RFC 7523 section 3 (fosite CVE-2020-15222).
#[tokio::test]
async fn an_assertion_is_accepted_once_until_it_expires() {
    let fixture = Fixture::new();
    let assertion = fixture.signed(&claims()).await;
    let method = ClientAuthenticationMethod::PrivateKeyJwt;
    assert!(shown(&fixture.verifier(), APP, method, &assertion).await.unwrap());
    // The assertion expires after 60 seconds plus 10 of leeway. Its use is remembered for longer: across a restart of
    // the server, and when a node whose clock is ahead purges the store.
    for (second, forgets) in [(0, 0), (59, 0), (60, 0), (69, 0), (70, 0), (99, 0), (100, 1), (600, 0)] {
        fixture.clock.set(at(NOW + second));
        assert_eq!(fixture.used.store.purge_expired(at(NOW + second), 10).await.unwrap(), forgets, "{second} s");
        assert!(!shown(&fixture.verifier(), APP, method, &assertion).await.unwrap(), "{second} s");
    }
}

#[tokio::test]
async fn the_same_jti_of_another_client_or_realm_is_accepted() {
    let fixture = Fixture::new();
    let method = ClientAuthenticationMethod::PrivateKeyJwt;
    let elsewhere = fixture.assertions.clone().with_realm(Realm::new("/alpha").unwrap());
    let assertion = fixture.signed(&claims()).await;
    assert!(shown(&fixture.verifier(), APP, method, &assertion).await.unwrap());
    assert!(shown(&elsewhere.private_key_jwt(jwks([&fixture.key])), APP, method, &assertion).await.unwrap());
    let of_other = with(&with(&claims(), "iss", Some(json!("other"))), "sub", Some(json!("other")));
    assert!(shown(&fixture.verifier(), "other", method, &fixture.signed(&of_other).await).await.unwrap());
    assert!(!shown(&fixture.verifier(), APP, method, &assertion).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_with_one_assertion_one_is_served() {
    let fixture = Fixture::new();
    let verifier = Arc::new(fixture.verifier());
    for round in 0..8 {
        let assertion = fixture.signed(&with(&claims(), "jti", Some(json!(format!("round {round}"))))).await;
        let start = Arc::new(Semaphore::new(0));
        let racers: Vec<_> = (0..16)
            .map(|_| {
                let (verifier, assertion, start) = (Arc::clone(&verifier), assertion.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    let _go = start.acquire().await.unwrap();
                    shown(&*verifier, APP, ClientAuthenticationMethod::PrivateKeyJwt, &assertion).await.unwrap()
                })
            })
            .collect();
        start.add_permits(racers.len());
        let mut served = 0;
        for racer in racers {
            served += usize::from(racer.await.unwrap());
        }
        assert_eq!(served, 1, "round {round}");
    }
}

// RFC 8725 section 3.1.
#[tokio::test]
async fn a_secret_never_replaces_a_key_pair_nor_the_reverse() {
    let fixture = Fixture::new();
    let by_key = fixture.verifier();
    let by_secret = fixture.assertions.client_secret_jwt(&ClientSecret::new(SECRET), Algorithm::Hs256).unwrap();
    let signed = fixture.signed(&claims()).await;
    let maced = mac(SECRET.as_bytes(), Algorithm::Hs256, &json!({ "alg": "HS256" }), &claims());
    let (key_method, secret_method) =
        (ClientAuthenticationMethod::PrivateKeyJwt, ClientAuthenticationMethod::ClientSecretJwt);
    for (verifier, method, assertion) in [
        (&by_key, key_method, &maced),
        (&by_key, secret_method, &maced),
        (&by_key, secret_method, &signed),
        (&by_secret, secret_method, &signed),
        (&by_secret, key_method, &signed),
        (&by_secret, key_method, &maced),
    ] {
        assert!(!shown(verifier, APP, method, assertion).await.unwrap(), "{method} {verifier:?}");
    }
    assert_eq!(fixture.used.calls(), 0);
    let oct = json!({ "keys": [{ "kty": "oct", "alg": "HS256", "k": crate::support::encoded(SECRET) }] });
    assert!(JwkSet::from_value(&oct).is_err(), "a published secret is refused");
    let with_secret = JwkSet::from_iter([regrant_jose::Jwk::from_secret(SECRET.as_bytes(), Algorithm::Hs256).unwrap()]);
    let verifier = fixture.assertions.private_key_jwt(with_secret);
    assert!(!shown(&verifier, APP, key_method, &maced).await.unwrap());
    let forced = verifier.with_algorithms([Algorithm::Hs256]);
    assert!(!shown(&forced, APP, key_method, &maced).await.unwrap());
    assert!(forced.algorithms().is_empty());
}

#[tokio::test]
async fn a_client_registered_for_one_algorithm_may_use_no_other() {
    let fixture = Fixture::new();
    let other = key(Algorithm::Es256);
    let verifier = fixture.assertions.private_key_jwt(jwks([&fixture.key, &other])).with_algorithms([Algorithm::EdDsa]);
    assert_eq!(verifier.algorithms(), ["EdDSA"]);
    let refused = sign(&other, &json!({ "alg": "ES256" }), &claims()).await;
    assert!(!fixture.accepts(&verifier, &refused).await);
    assert!(fixture.accepts(&verifier, &fixture.signed(&claims()).await).await);
}

// RFC 9864 section 2.2. Libraries rename the header and the registered key at different times.
#[tokio::test]
async fn an_ed25519_key_verifies_under_both_names_as_far_as_they_are_listed() {
    let fixture = Fixture::new();
    let by_new_name = sign(&fixture.key, &json!({ "alg": "Ed25519" }), &claims()).await;
    let verifier = || fixture.assertions.private_key_jwt(jwks([&fixture.key]));
    let limited = verifier().with_algorithms([Algorithm::EdDsa]);
    assert!(!fixture.accepts(&limited, &by_new_name).await, "the metadata do not list it");
    assert!(verifier().algorithms().starts_with(&["EdDSA", "Ed25519"]));
    assert!(fixture.accepts(&verifier(), &by_new_name).await);
}

#[tokio::test]
async fn other_credentials_are_refused() {
    let fixture = Fixture::new();
    let secret = ClientSecret::new(fixture.signed(&claims()).await);
    let client = client(APP, ClientAuthenticationMethod::PrivateKeyJwt);
    for credentials in [
        ClientCredentials::Public(client_id(APP)),
        ClientCredentials::Basic(client_id(APP), secret.clone()),
        ClientCredentials::Post(client_id(APP), secret),
    ] {
        let refused = fixture.verifier().verify(&client, &credentials).await;
        assert!(matches!(refused, Err(CredentialError::Refused(CredentialRefusal::MethodNotRegistered))));
    }
}

// An outage is never reported as a refusal.
#[tokio::test]
async fn a_store_outage_is_reported_and_the_assertion_is_accepted_afterwards() {
    let fixture = Fixture::new();
    let client = client(APP, ClientAuthenticationMethod::PrivateKeyJwt);
    let clients = ClientRegistry::new().register_with_verifier(client, Arc::new(fixture.verifier())).unwrap();
    let assertion = ClientAssertion::new(fixture.signed(&claims()).await);
    let credentials = ClientCredentials::Assertion(client_id(APP), assertion);
    fixture.used.set_down(true);
    let outage = clients.authenticate(&credentials).await;
    assert!(outage.is_err_and(|error: AuthenticateError| !error.is_refused()));
    fixture.used.set_down(false);
    assert!(clients.authenticate(&credentials).await.is_ok());
}
