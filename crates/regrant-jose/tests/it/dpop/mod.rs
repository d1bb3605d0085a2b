//! DPoP proofs: RFC 9449.

mod faults;
mod nonces;
mod target;

use std::sync::Arc;
use std::time::Duration;

use regrant::grant::Confirmation;
use regrant::proof::{DpopProof, ProofError, ProofVerifier as _};
use regrant::store::PurgeExpired as _;
use regrant::token::Realm;
use regrant::{AccessToken, SystemEntropy};
use regrant_jose::dpop::{DpopKey, DpopNonces, ReplayCache};
use regrant_jose::{Algorithm, DpopVerifier, PrivateKey, Signer as _};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{
    NOW, TOKEN_ENDPOINT, WatchedUse, at, clock, encoded, key, mac, mutations, public_bytes, sign, sign_text, with,
};

const NONCE_KEY: [u8; 32] = [7; 32];

/// The key of a client, a verifier, and the uses that proofs leave in the store.
struct Fixture {
    key: PrivateKey,
    used: WatchedUse,
    verifier: DpopVerifier,
}

impl Fixture {
    fn new() -> Self {
        Self::of(Algorithm::EdDsa, |verifier| verifier)
    }

    fn with_nonces() -> Self {
        Self::of(Algorithm::EdDsa, |verifier| verifier.with_nonces(DpopNonces::new(&NONCE_KEY)))
    }

    fn of(algorithm: Algorithm, configure: impl FnOnce(DpopVerifier) -> DpopVerifier) -> Self {
        let used = WatchedUse::default();
        let verifier = configure(DpopVerifier::new(Arc::new(used.clone())));
        Self { key: key(algorithm), used, verifier }
    }

    fn header(&self) -> Value {
        let public = self.key.public_key();
        json!({ "typ": "dpop+jwt", "alg": public.algorithm().as_str(), "jwk": public.to_value() })
    }

    async fn signed(&self, claims: &Value) -> String {
        sign(&self.key, &self.header(), claims).await
    }

    /// The answer to a proof with a token request, `now` seconds after [`NOW`]. A refused proof must not be used up.
    async fn answer(&self, jwt: &str, now: i64) -> Answer {
        let before = self.used.calls();
        let answer = self.verifier.verify(&at_token_endpoint(jwt), at(NOW + now)).await.into();
        assert!(answer == Answer::Accepted || self.used.calls() == before, "{answer:?} uses nothing up");
        answer
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    Invalid,
    NonceRequired,
    Unavailable,
}

impl<T> From<Result<T, ProofError>> for Answer {
    fn from(outcome: Result<T, ProofError>) -> Self {
        match outcome {
            Ok(_) => Self::Accepted,
            Err(ProofError::NonceRequired) => Self::NonceRequired,
            Err(ProofError::Unavailable(_)) => Self::Unavailable,
            Err(_) => Self::Invalid,
        }
    }
}

fn at_token_endpoint(jwt: &str) -> DpopProof {
    DpopProof { jwt: jwt.to_owned(), method: "POST".to_owned(), url: TOKEN_ENDPOINT.to_owned() }
}

fn claims() -> Value {
    json!({ "jti": "8f0c", "htm": "POST", "htu": TOKEN_ENDPOINT, "iat": NOW })
}

fn with_jti(jti: &dyn ToString) -> Value {
    with(&claims(), "jti", Some(jti.to_string().into()))
}

#[tokio::test]
async fn a_valid_proof_yields_the_thumbprint_of_its_key() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let fixture = Fixture::of(algorithm, |verifier| verifier);
        let jwt = fixture.signed(&claims()).await;
        let shown = fixture.verifier.verify(&at_token_endpoint(&jwt), at(NOW)).await.unwrap();
        assert_eq!(shown, Confirmation::DpopKey(fixture.key.public_key().thumbprint()), "{algorithm}");
        assert!(fixture.verifier.algorithms().contains(&algorithm.as_str()));
    }
}

// RFC 9449 section 4.3: each check fails by itself.
#[tokio::test]
async fn a_proof_with_one_wrong_claim_is_invalid() {
    let fixture = Fixture::new();
    let mut cases = vec![
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htm", json!("POST ")),
        ("htu", json!("https://as.example/oauth2/revoke")),
        ("iat", json!(NOW - 60)),
        ("iat", json!(NOW + 11)),
        ("iat", json!(NOW.to_string())),
        ("iat", json!(-1)),
        ("iat", json!(1e300)),
        ("jti", json!("")),
        ("jti", json!("j".repeat(257))),
    ];
    for name in ["jti", "htm", "htu", "iat"] {
        let refused = fixture.signed(&with(&claims(), name, None)).await;
        assert_eq!(fixture.answer(&refused, 0).await, Answer::Invalid, "without {name}");
        cases.extend([(name, Value::Null), (name, json!(true)), (name, json!([claims()[name].clone()]))]);
    }
    for (name, value) in cases {
        let refused = fixture.signed(&with(&claims(), name, Some(value.clone()))).await;
        assert_eq!(fixture.answer(&refused, 0).await, Answer::Invalid, "{name}: {value}");
    }
    assert_eq!(fixture.answer(&fixture.signed(&claims()).await, 0).await, Answer::Accepted);
}

#[tokio::test]
async fn a_proof_with_another_header_is_invalid() {
    let fixture = Fixture::new();
    let own = fixture.header();
    let other = key(Algorithm::EdDsa).public_key().to_value();
    let mut private = own["jwk"].clone();
    private["d"] = json!(encoded([7; 32]));
    let mut for_encryption = own["jwk"].clone();
    for_encryption["use"] = json!("enc");
    let cases = [
        with(&own, "typ", None),
        with(&own, "typ", Some(json!("JWT"))),
        with(&own, "typ", Some(json!("at+jwt"))),
        with(&own, "typ", Some(json!("dpop"))),
        with(&own, "typ", Some(Value::Null)),
        with(&own, "alg", None),
        with(&own, "alg", Some(json!("none"))),
        with(&own, "alg", Some(json!("ES256"))),
        with(&own, "alg", Some(json!("HS256"))),
        with(&own, "jwk", None),
        with(&own, "jwk", Some(Value::Null)),
        with(&own, "jwk", Some(json!({}))),
        with(&own, "jwk", Some(json!([own["jwk"]]))),
        with(&own, "jwk", Some(json!(own["jwk"].to_string()))),
        with(&own, "jwk", Some(other)),
        with(&own, "jwk", Some(private)),
        with(&own, "jwk", Some(for_encryption)),
        with(&own, "jwk", Some(json!({ "kty": "oct", "k": encoded([7; 32]) }))),
        with(&own, "crit", Some(json!(["jwk"]))),
    ];
    for header in cases {
        let refused = sign(&fixture.key, &header, &claims()).await;
        assert_eq!(fixture.answer(&refused, 0).await, Answer::Invalid, "{header}");
    }
    // A secret proves nothing: neither one in the proof, nor the public key used as one.
    for bytes in public_bytes(&fixture.key.public_key()) {
        for jwk in [own["jwk"].clone(), json!({ "kty": "oct", "alg": "HS256", "k": encoded(&bytes) })] {
            let header = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": jwk });
            let refused = mac(&bytes, Algorithm::Hs256, &header, &claims());
            assert_eq!(fixture.answer(&refused, 0).await, Answer::Invalid, "{header}");
        }
    }
    let spelled = with(&own, "typ", Some(json!("application/DPoP+jwt")));
    assert_eq!(fixture.answer(&sign(&fixture.key, &spelled, &claims()).await, 0).await, Answer::Accepted);
}

#[tokio::test]
async fn anything_but_a_proof_is_invalid() {
    let fixture = Fixture::new();
    let good = fixture.signed(&claims()).await;
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let large = with(&claims(), "padding", Some(json!("x".repeat(4096))));
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for refused in [
        String::new(),
        "..".to_owned(),
        format!("{unsigned}."),
        format!("{good}="),
        // RFC 9449 section 4.3: there is exactly one proof. The wire layer refuses two header lines; a proxy may join
        // them to this.
        format!("{good},{good}"),
        format!("{good}, {good}"),
        fixture.signed(&large).await,
        "x".repeat(1 << 20),
        sign_text(&fixture.key, &fixture.header().to_string(), &deep).await,
        sign_text(&fixture.key, "null", &claims().to_string()).await,
    ] {
        assert_eq!(fixture.answer(&refused, 0).await, Answer::Invalid, "{refused:.60}");
    }
    assert_eq!(fixture.answer(&good, 0).await, Answer::Accepted);
}

#[tokio::test]
async fn a_proof_with_any_changed_character_is_invalid() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let fixture = Fixture::of(algorithm, |verifier| verifier);
        let good = fixture.signed(&claims()).await;
        for changed in mutations(&good) {
            assert_eq!(fixture.answer(&changed, 0).await, Answer::Invalid, "{changed}");
        }
        assert_eq!(fixture.answer(&good, 0).await, Answer::Accepted);
    }
}

#[cfg(feature = "aws-lc-rs")]
#[tokio::test]
async fn an_rsa_key_serves_both_of_its_algorithms_unless_it_names_one() {
    let fixture = Fixture::new();
    for (alg, other) in [(Algorithm::Rs256, "PS256"), (Algorithm::Ps256, "RS256")] {
        let key = PrivateKey::from_pem(include_str!("../keys/rsa2048.pem")).unwrap().with_algorithm(alg).unwrap();
        let own = key.public_key().to_value();
        for (named, expected) in [
            (Some(json!(other)), Answer::Invalid),
            (Some(json!(alg.as_str())), Answer::Accepted),
            (None, Answer::Accepted),
        ] {
            let jwk = with(&own, "alg", named.clone());
            let header = json!({ "typ": "dpop+jwt", "alg": alg.as_str(), "jwk": jwk });
            let jwt = sign(&key, &header, &with_jti(&format!("{alg} {named:?}"))).await;
            assert_eq!(fixture.answer(&jwt, 0).await, expected, "{header}");
        }
    }
}

#[tokio::test]
async fn a_verifier_for_one_algorithm_accepts_no_other() {
    let fixture =
        Fixture::of(Algorithm::EdDsa, |verifier| verifier.with_algorithms([Algorithm::Es256, Algorithm::Hs256]));
    assert_eq!(fixture.verifier.algorithms(), ["ES256"]);
    assert_eq!(fixture.answer(&fixture.signed(&claims()).await, 0).await, Answer::Invalid);
}

// RFC 9449 section 11.1.
#[tokio::test]
async fn a_proof_is_accepted_once_while_it_is_fresh() {
    let fixture = Fixture::new();
    let jwt = fixture.signed(&claims()).await;
    let answer =
        async |second: i64| Answer::from(fixture.verifier.verify(&at_token_endpoint(&jwt), at(NOW + second)).await);
    assert_eq!(answer(0).await, Answer::Accepted);
    for (second, forgets) in [(0, 0), (59, 0), (89, 0), (90, 1), (600, 0)] {
        assert_eq!(fixture.used.store.purge_expired(at(NOW + second), 10).await.unwrap(), forgets, "{second} s");
        assert_eq!(answer(second).await, Answer::Invalid, "{second} s");
    }
}

#[tokio::test]
async fn a_proof_is_fresh_for_a_minute_after_its_iat() {
    let fixture = Fixture::new();
    let cases = [(-11, Answer::Invalid), (-10, Answer::Accepted), (59, Answer::Accepted), (60, Answer::Invalid)];
    for (second, expected) in cases {
        let jwt = fixture.signed(&with_jti(&second)).await;
        assert_eq!(fixture.answer(&jwt, second).await, expected, "{second} s");
    }
    let strict = Fixture::of(Algorithm::EdDsa, |verifier| {
        verifier.with_max_age(Duration::from_secs(5)).with_leeway(Duration::ZERO)
    });
    for (second, expected) in
        [(-1, Answer::Invalid), (0, Answer::Accepted), (4, Answer::Accepted), (5, Answer::Invalid)]
    {
        let jwt = strict.signed(&with_jti(&second)).await;
        assert_eq!(strict.answer(&jwt, second).await, expected, "{second} s");
    }
}

#[tokio::test]
async fn the_same_jti_of_another_key_target_or_realm_is_accepted() {
    let fixture = Fixture::new();
    let jwt = fixture.signed(&claims()).await;
    assert_eq!(fixture.answer(&jwt, 0).await, Answer::Accepted);
    let other = Fixture { key: key(Algorithm::EdDsa), ..fixture };
    assert_eq!(other.answer(&other.signed(&claims()).await, 0).await, Answer::Accepted);
    let url = "https://as.example/oauth2/other";
    let elsewhere = other.signed(&with(&claims(), "htu", Some(url.into()))).await;
    let proof = DpopProof { url: url.to_owned(), ..at_token_endpoint(&elsewhere) };
    assert!(other.verifier.verify(&proof, at(NOW)).await.is_ok());
    let realm = DpopVerifier::new(Arc::new(other.used.clone())).with_realm(Realm::new("/alpha").unwrap());
    assert!(realm.verify(&at_token_endpoint(&jwt), at(NOW)).await.is_ok());
}

#[tokio::test]
async fn a_proof_is_used_up_however_the_request_spells_its_target() {
    let fixture = Fixture::new();
    let jwt = fixture.signed(&with(&claims(), "htu", Some("https://as.example/orders/1".into()))).await;
    for (number, path) in ["orders/1", "orders/%31", "x/../orders/1", "./orders/1"].into_iter().enumerate() {
        let proof = DpopProof { url: format!("https://as.example/{path}"), ..at_token_endpoint(&jwt) };
        assert_eq!(fixture.verifier.verify(&proof, at(NOW)).await.is_ok(), number == 0, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_with_one_proof_one_is_served() {
    let on_store = Arc::new(Fixture::new());
    let cached = DpopVerifier::new(Arc::new(ReplayCache::new(100, Arc::new(clock()))));
    let on_cache = Arc::new(Fixture { verifier: cached, ..Fixture::new() });
    for fixture in [on_store, on_cache] {
        for round in 0..8 {
            let proof = at_token_endpoint(&fixture.signed(&with_jti(&round)).await);
            let start = Arc::new(Semaphore::new(0));
            let racers: Vec<_> = (0..16)
                .map(|_| {
                    let (fixture, proof, start) = (Arc::clone(&fixture), proof.clone(), Arc::clone(&start));
                    tokio::spawn(async move {
                        let _go = start.acquire().await.unwrap();
                        fixture.verifier.verify(&proof, at(NOW)).await.is_ok()
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
}

#[tokio::test]
async fn a_store_outage_is_reported_and_the_proof_is_accepted_afterwards() {
    let fixture = Fixture::new();
    let jwt = fixture.signed(&claims()).await;
    fixture.used.set_down(true);
    let outage = fixture.verifier.verify(&at_token_endpoint(&jwt), at(NOW)).await;
    assert_eq!(Answer::from(outage), Answer::Unavailable);
    fixture.used.set_down(false);
    assert_eq!(fixture.answer(&jwt, 0).await, Answer::Accepted);
}

// RFC 9449 sections 4.3 and 7.
#[tokio::test]
async fn at_a_resource_a_proof_must_match_the_token_and_its_key() {
    let used = WatchedUse::default();
    let verifier = DpopVerifier::new(Arc::new(used.clone()));
    let url = "https://api.example/orders";
    let key = DpopKey::new(key(Algorithm::Es256)).unwrap();
    let stranger = DpopKey::new(crate::support::key(Algorithm::Es256)).unwrap();
    let (token, other) = (AccessToken::new("at_one"), AccessToken::new("at_other"));
    let cases = [
        (&key, Some(&token), true),
        (&key, None, false),
        (&key, Some(&other), false),
        (&stranger, Some(&token), false),
    ];
    for (signer, named, is_right) in cases {
        let unsigned = signer.proof("GET", url).with_access_token(named);
        let jwt = unsigned.sign(at(NOW), &SystemEntropy).await.unwrap();
        let proof = DpopProof { jwt, method: "GET".to_owned(), url: url.to_owned() };
        let before = used.calls();
        let outcome = verifier.verify_at_resource(&proof, &token, &key.thumbprint(), at(NOW)).await;
        assert_eq!(outcome.is_ok(), is_right);
        assert_eq!(used.calls() - before, usize::from(is_right));
        let replayed = verifier.verify_at_resource(&proof, &token, &key.thumbprint(), at(NOW)).await;
        assert_eq!(Answer::from(replayed), Answer::Invalid);
    }
}

#[tokio::test]
async fn the_proofs_of_a_client_are_accepted_and_all_different() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let private = key(algorithm);
        let thumbprint = private.public_key().thumbprint();
        let client = DpopKey::new(private).unwrap();
        assert_eq!(client.dpop_jkt(), encoded(thumbprint));
        let fixture = Fixture::with_nonces();
        let unsigned = client.proof("POST", TOKEN_ENDPOINT);
        let first = unsigned.sign(at(NOW), &SystemEntropy).await.unwrap();
        assert_eq!(fixture.answer(&first, 0).await, Answer::NonceRequired);
        let nonce = fixture.verifier.nonce(at(NOW));
        let unsigned = unsigned.with_nonce(nonce.as_deref());
        for _ in 0..3 {
            let jwt = unsigned.sign(at(NOW), &SystemEntropy).await.unwrap();
            let shown = fixture.verifier.verify(&at_token_endpoint(&jwt), at(NOW)).await.unwrap();
            assert_eq!(shown, Confirmation::DpopKey(thumbprint));
        }
    }
}
