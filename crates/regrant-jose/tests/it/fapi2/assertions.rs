//! Client assertions at the pushed authorization request endpoint and at the token endpoint.

use regrant::SystemEntropy;
use regrant::clock::Clock as _;
use regrant_jose::Algorithm;
use regrant_jose::client_assertion::ClientKey;
use serde_json::{Value, json};

use super::{ASKED, PAR, Plan, TOKEN, credentials, error, redemption};
use crate::support::{ISSUER, NOW, client_id, key, sign, with};

fn claims(jti: &str) -> Value {
    json!({ "iss": "first", "sub": "first", "aud": ISSUER, "jti": jti, "iat": NOW, "exp": NOW + 60 })
}

/// The answers of both endpoints to an assertion with these claims.
async fn shown(plan: &Plan, claims: &Value) -> [(u16, String); 2] {
    let header = json!({ "alg": "ES256", "kid": "first-1" });
    let mut answers = Vec::new();
    for path in [PAR, TOKEN] {
        let code = plan.code(&plan.first, &ASKED).await;
        let claims = with(claims, "jti", Some(json!(format!("{}{path}", claims["jti"]))));
        let assertion = sign(&plan.first.signer, &header, &claims).await;
        let proof = plan.proof(&plan.first.dpop, path).await;
        let form =
            if path == PAR { [&ASKED[..], &[("client_id", "first")]].concat() } else { redemption(&code).to_vec() };
        let answer = plan.post(path, &[&form[..], &credentials(&assertion)].concat(), Some(&proof)).await;
        answers.push((answer.0, error(&answer).1.to_owned()));
    }
    answers.try_into().unwrap()
}

// ensure-client-assertion-with-exp-is-5-minutes-in-past-fails, -with-wrong-aud-fails, -with-no-sub-fails,
// ensure-invalid-client-assertions-fail, par-test-array-as-audience-fails, par-test-par-endpoint-url-as-audience-fails,
// par-test-token-endpoint-url-as-audience-fails,
// par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails
#[tokio::test]
async fn an_assertion_with_one_wrong_claim_is_refused_at_both_endpoints() {
    let plan = Plan::start();
    for (number, (name, value)) in [
        ("exp", Some(json!(NOW - 300))),
        ("exp", None),
        ("aud", Some(json!("https://other.example"))),
        ("aud", Some(json!([ISSUER]))),
        ("aud", Some(json!(format!("{ISSUER}{PAR}")))),
        ("aud", Some(json!(format!("{ISSUER}{TOKEN}")))),
        ("sub", None),
        ("sub", Some(json!("second"))),
        ("iss", None),
        ("nbf", Some(json!(NOW + 61))),
        ("iat", Some(json!(NOW + 61))),
    ]
    .into_iter()
    .enumerate()
    {
        let wrong = with(&claims(&format!("n{number}")), name, value.clone());
        for answer in shown(&plan, &wrong).await {
            assert_eq!(answer, (400, "invalid_client".to_owned()), "{name}: {value:?}");
        }
    }
}

// par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted
#[tokio::test]
async fn an_assertion_of_a_clock_that_is_eight_seconds_ahead_is_accepted() {
    let plan = Plan::start();
    for name in ["nbf", "iat"] {
        let [pushed, redeemed] = shown(&plan, &with(&claims(name), name, Some(json!(NOW + 8)))).await;
        assert_eq!((pushed.0, redeemed.0), (201, 200), "{name}: {pushed:?} {redeemed:?}");
    }
}

// ensure-client-assertion-in-token-endpoint, ensure-client-id-in-token-endpoint
#[tokio::test]
async fn a_client_authenticates_at_both_endpoints_and_as_itself() {
    let plan = Plan::start();
    let code = plan.code(&plan.first, &ASKED).await;
    let proof = plan.proof(&plan.first.dpop, TOKEN).await;
    for (path, form, proof) in [(PAR, &ASKED[..], None), (TOKEN, &redemption(&code)[..], Some(&*proof))] {
        let named = [form, &[("client_id", "first")]].concat();
        let answer = plan.post(path, &named, proof).await;
        assert_eq!(error(&answer), (400, "invalid_client"), "{path}: without an assertion");
        let other = [form, &[("client_id", "second")]].concat();
        let answer = plan.post_as(&plan.first, path, &other, proof).await;
        assert_eq!(error(&answer), (400, "invalid_client"), "{path}: client_id of another client");
    }
    assert_eq!(plan.redeem(&plan.first, &code).await.0, 200, "nothing was consumed");
}

// ensure-signed-client-assertion-with-RS256-fails: an algorithm that the profile or the registration leaves out
#[tokio::test]
async fn an_assertion_of_an_algorithm_that_is_left_out_is_refused() {
    let plan = Plan::start();
    let key = ClientKey::new(client_id("first"), key(Algorithm::EdDsa).with_kid("first-1")).unwrap();
    let assertion = key.assertion(ISSUER).sign(plan.clock.now(), &SystemEntropy).await.unwrap();
    let form = [&ASKED[..], &[("client_id", "first")], &credentials(assertion.expose())].concat();
    assert_eq!(error(&plan.post(PAR, &form, None).await), (400, "invalid_client"));
}
