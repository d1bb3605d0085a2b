//! The reason for each fault of a proof, as the host gets it.

use regrant::AccessToken;
use regrant::proof::{ProofError, ProofFault, ProofVerifier as _};
use regrant_jose::{Algorithm, Signer as _};
use serde_json::{Value, json};

use super::{Fixture, at_token_endpoint, claims};
use crate::support::{NOW, at, encoded, key, sign, with};

/// The fault of a proof with these claims. The token endpoint and a resource server must agree.
async fn fault(fixture: &Fixture, claims: &Value) -> Option<ProofFault> {
    let token = AccessToken::new("at_one");
    let jkt = fixture.key.public_key().thumbprint();
    let mut faults = Vec::new();
    for is_resource in [false, true] {
        // base64url of SHA-256 of the token.
        let ath = is_resource.then(|| json!(ath()));
        let jti = format!("{is_resource} {claims}").chars().take(200).collect::<String>();
        let jwt = fixture.signed(&with(&with(claims, "ath", ath), "jti", Some(json!(jti)))).await;
        let (proof, before) = (at_token_endpoint(&jwt), fixture.used.calls());
        let outcome = if is_resource {
            fixture.verifier.verify_at_resource(&proof, &token, &jkt, at(NOW)).await
        } else {
            fixture.verifier.verify(&proof, at(NOW)).await.map(drop)
        };
        assert_eq!(fixture.used.calls() - before, usize::from(outcome.is_ok()), "a refused proof is not used up");
        faults.push(of(outcome));
    }
    assert_eq!(faults[0], faults[1], "{claims}");
    faults[0]
}

fn ath() -> String {
    use sha2::{Digest as _, Sha256};
    encoded(Sha256::digest("at_one"))
}

fn of<T>(outcome: Result<T, ProofError>) -> Option<ProofFault> {
    let error = outcome.err()?;
    assert!(matches!(error, ProofError::Invalid(_)), "{error}");
    let ProofError::Invalid(fault) = error else { return None };
    Some(fault)
}

// RFC 7519 sections 4.1.4 and 4.1.5.
#[tokio::test]
async fn exp_and_nbf_of_a_proof_are_enforced() {
    use ProofFault::{Expired, Malformed, NotYetValid};
    #[expect(clippy::cast_precision_loss, reason = "it is far from 2^52")]
    let now = NOW as f64;
    let mut cases = vec![
        ("exp", json!(NOW - 3600), Some(Expired)),
        ("exp", json!(NOW - 10), Some(Expired)),
        ("exp", json!(now - 10.0), Some(Expired)),
        ("exp", json!(0), Some(Expired)),
        ("exp", json!(now - 9.5), None),
        ("exp", json!(NOW - 9), None),
        ("exp", json!(NOW + 60), None),
        ("nbf", json!(NOW + 3600), Some(NotYetValid)),
        ("nbf", json!(NOW + 11), Some(NotYetValid)),
        ("nbf", json!(now + 10.5), Some(NotYetValid)),
        ("nbf", json!(now + 10.0), None),
        ("nbf", json!(NOW), None),
        ("nbf", json!(0), None),
    ];
    for name in ["exp", "nbf"] {
        let mistyped = [json!("soon"), json!([1]), json!(null), json!(true), json!({}), json!(-1), json!(1e300)];
        cases.extend(mistyped.map(|value| (name, value, Some(Malformed))));
        cases.push((name, json!((NOW + 5).to_string()), Some(Malformed)));
    }
    for fixture in [Fixture::new(), Fixture::with_nonces()] {
        let nonce = fixture.verifier.nonce(at(NOW)).map(Into::into);
        for (name, value, expected) in &cases {
            let claims = with(&with(&claims(), name, Some(value.clone())), "nonce", nonce.clone());
            assert_eq!(fault(&fixture, &claims).await, *expected, "{name}: {value}, {nonce:?}");
        }
    }
    let wide = Fixture::of(Algorithm::EdDsa, |verifier| verifier.with_leeway(std::time::Duration::from_secs(60)));
    assert_eq!(fault(&wide, &with(&claims(), "exp", Some(json!(NOW - 59)))).await, None);
    assert_eq!(fault(&wide, &with(&claims(), "nbf", Some(json!(NOW + 60)))).await, None);
}

#[tokio::test]
async fn each_fault_of_a_proof_has_its_own_reason() {
    let fixture = Fixture::new();
    let (own, good) = (fixture.header(), fixture.signed(&claims()).await);
    let of_header = async |header: Value| sign(&fixture.key, &header, &claims()).await;
    let of_claim = async |name, value: Value| fixture.signed(&with(&claims(), name, Some(value))).await;
    let other = key(Algorithm::EdDsa);
    let mut private = own["jwk"].clone();
    private["d"] = json!(encoded([7; 32]));
    let table = [
        (String::new(), ProofFault::Malformed),
        ("a.b.c".to_owned(), ProofFault::Malformed),
        ("x".repeat(4097), ProofFault::Malformed),
        (of_header(with(&own, "typ", Some(json!("JWT")))).await, ProofFault::Malformed),
        (of_header(with(&own, "alg", Some(json!("none")))).await, ProofFault::Algorithm),
        (of_header(with(&own, "alg", Some(json!("HS256")))).await, ProofFault::Algorithm),
        (of_header(with(&own, "jwk", None)).await, ProofFault::Key),
        (of_header(with(&own, "jwk", Some(private))).await, ProofFault::Key),
        (sign(&other, &own, &claims()).await, ProofFault::Signature),
        (of_claim("htm", json!("GET")).await, ProofFault::Method),
        (of_claim("htm", json!(1)).await, ProofFault::Malformed),
        (of_claim("htu", json!("https://as.example/other")).await, ProofFault::Url),
        (of_claim("jti", json!("")).await, ProofFault::Malformed),
        (of_claim("iat", json!("now")).await, ProofFault::Malformed),
        (of_claim("iat", json!(NOW - 60)).await, ProofFault::Expired),
        (of_claim("iat", json!(NOW + 11)).await, ProofFault::NotYetValid),
    ];
    for (jwt, expected) in table {
        let outcome = fixture.verifier.verify(&at_token_endpoint(&jwt), at(NOW)).await;
        assert_eq!(of(outcome), Some(expected), "{jwt:.60}");
    }
    let proof = at_token_endpoint(&good);
    let token = AccessToken::new("at_one");
    let jkt = fixture.key.public_key().thumbprint();
    let at_resource = async |jkt| of(fixture.verifier.verify_at_resource(&proof, &token, jkt, at(NOW)).await);
    assert_eq!(at_resource(&jkt).await, Some(ProofFault::AccessToken));
    assert_eq!(at_resource(&[7; 32]).await, Some(ProofFault::OtherKey));
    assert!(fixture.verifier.verify(&proof, at(NOW)).await.is_ok());
    assert_eq!(of(fixture.verifier.verify(&proof, at(NOW)).await), Some(ProofFault::Used));
}

// The sender chooses the key, and verification with 8192 bits costs several times as much as with any other.
#[cfg(feature = "aws-lc-rs")]
#[tokio::test]
async fn an_rsa_key_longer_than_4096_bits_is_refused_before_verification() {
    let fixture = Fixture::new();
    for (bytes, expected) in [(512, ProofFault::Signature), (513, ProofFault::Key), (1024, ProofFault::Key)] {
        let jwk = json!({ "kty": "RSA", "n": encoded(vec![0xff; bytes]), "e": "AQAB" });
        let header = json!({ "typ": "dpop+jwt", "alg": "PS256", "jwk": jwk });
        let input = format!("{}.{}", encoded(header.to_string()), encoded(claims().to_string()));
        let jwt = format!("{input}.{}", encoded(vec![7; bytes]));
        let outcome = fixture.verifier.verify(&at_token_endpoint(&jwt), at(NOW)).await;
        assert_eq!(of(outcome), Some(expected), "{bytes} bytes");
    }
}
