//! FAPI 2.0 Message Signing: signed authorization requests (RFC 9101).

use regrant::SystemEntropy;
use regrant::clock::Clock as _;
use regrant_jose::Algorithm;
use serde_json::{Value, json};

use super::{ASKED, Answer, Party, Plan, REDIRECT, error, redirected};
use crate::support::{ISSUER, NOW, encoded, key, sign, with};

fn claims() -> Value {
    let mut claims = json!({ "iss": "first", "aud": ISSUER, "client_id": "first", "nbf": NOW, "exp": NOW + 60 });
    for (name, value) in ASKED {
        claims[name] = value.into();
    }
    claims
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": "first-1" })
}

/// A server that takes signed requests only.
fn plan() -> Plan {
    Plan::with(|client| client.with_require_signed_request_object(true))
}

async fn push(plan: &Plan, party: &Party, object: &str) -> Answer {
    plan.push(party, &[("request", object)]).await
}

// happy-flow with signed requests, ensure-request-object-with-multiple-aud-succeeds,
// ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted
#[tokio::test]
async fn a_signed_request_is_pushed_and_approved() {
    let plan = plan();
    let made = ASKED
        .iter()
        .fold(plan.first.key.request_object(ISSUER), |object, (name, value)| object.with_parameter(*name, *value));
    let made = made.sign(plan.clock.now(), &SystemEntropy).await.unwrap();
    let mut objects = vec![made];
    for (name, value) in [("aud", json!([ISSUER, "https://other.example"])), ("nbf", json!(NOW + 8))] {
        objects.push(sign(&plan.first.signer, &header(), &with(&claims(), name, Some(value))).await);
    }
    for object in objects {
        let (status, answer) = push(&plan, &plan.first, &object).await;
        assert_eq!(status, 201, "{answer}");
        let response = plan.approved(&plan.first, answer["request_uri"].as_str().unwrap()).await;
        assert_eq!(response["state"], "af0ifjsldkj");
        assert_eq!(plan.redeem(&plan.first, &response["code"]).await.0, 200);
    }
}

// ensure-request-object-without-exp-fails, -without-nbf-, ensure-expired-request-object-fails,
// ensure-request-object-with-bad-aud-fails, -with-exp-over-60-, -with-nbf-over-60-fails,
// ensure-signed-request-object-with-RS256-fails, ensure-request-object-signature-algorithm-is-not-none,
// ensure-request-object-with-invalid-signature-fails, ensure-matching-key-in-authorization-request,
// par-authorization-request-containing-request_uri
#[tokio::test]
async fn a_signed_request_with_one_fault_is_refused() {
    let plan = plan();
    let mut objects = Vec::new();
    for (name, value) in [
        ("exp", None),
        ("nbf", None),
        ("exp", Some(json!(NOW - 60))),
        ("aud", Some(json!("https://other.example"))),
        ("aud", None),
        ("iss", Some(json!("second"))),
        ("client_id", Some(json!("second"))),
        ("client_id", None),
        ("exp", Some(json!(NOW + 70 * 60))),
        ("nbf", Some(json!(NOW - 70 * 60))),
        ("request_uri", Some(json!("urn:ietf:params:oauth:request_uri:x"))),
        ("request", Some(json!("a.b.c"))),
    ] {
        let claims = with(&claims(), name, value.clone());
        objects.push((format!("{name}: {value:?}"), sign(&plan.first.signer, &header(), &claims).await));
    }
    let good = sign(&plan.first.signer, &header(), &claims()).await;
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    objects.push(("an invalid signature".to_owned(), format!("{unsigned}.{}", encoded([7; 64]))));
    let none = format!("{}.{}.", encoded(r#"{"alg":"none"}"#), encoded(claims().to_string()));
    objects.push(("no signature".to_owned(), none));
    let eddsa = with(&header(), "alg", Some(json!("EdDSA")));
    objects.push(("another algorithm".to_owned(), sign(&key(Algorithm::EdDsa), &eddsa, &claims()).await));
    objects.push(("the key of another client".to_owned(), sign(&plan.second.signer, &header(), &claims()).await));
    for (fault, object) in objects {
        assert_eq!(error(&push(&plan, &plan.first, &object).await), (400, "invalid_request_object"), "{fault}");
    }
    let redirectless = sign(&plan.first.signer, &header(), &with(&claims(), "redirect_uri", None)).await;
    assert_eq!(push(&plan, &plan.first, &redirectless).await.0, 400);
    assert_eq!(push(&plan, &plan.first, &good).await.0, 201);
}

// ensure-unsigned-request-at-par-endpoint-fails
#[tokio::test]
async fn an_unsigned_request_is_refused_where_signed_ones_are_required() {
    let plan = plan();
    let answer = plan.push(&plan.first, &ASKED).await;
    assert_eq!(error(&answer), (400, "invalid_request"));
    let outside = [("client_id", "first"), ("redirect_uri", REDIRECT), ("response_type", "code")];
    let outcome = plan.visit(&outside).await;
    let parameters = redirected(&outcome.map(|_| ()).unwrap_err().response());
    assert_eq!(parameters["error"], "invalid_request");
}

// RFC 9101 section 6.3: only the object's parameters count.
#[tokio::test]
async fn parameters_beside_a_signed_request_do_not_count() {
    let plan = plan();
    let object = sign(&plan.first.signer, &header(), &with(&claims(), "state", None)).await;
    let form = [("request", &*object), ("scope", "openid payments"), ("state", "outside"), ("nonce", "outside")];
    let (status, answer) = plan.push(&plan.first, &form).await;
    assert_eq!(status, 201, "{answer}");
    let ask = plan.visit_pushed(&plan.first, answer["request_uri"].as_str().unwrap()).await.unwrap();
    assert_eq!((ask.state(), ask.nonce(), ask.scope().as_str()), (None, None, "accounts openid"));
}
