//! The authorization endpoint after a pushed request, and its answers.

use std::collections::BTreeMap;

use fixtures::jwt::claims;
use regrant_jose::resource_server::DenialReason;

use super::{ASKED, Plan, asked, error, redirected};

// happy-flow, ensure-authorization-request-without-state-success, -without-nonce-, -with-64-char-nonce-success,
// ensure-other-scope-order-succeeds
#[tokio::test]
async fn a_pushed_request_leads_to_tokens_that_open_the_api() {
    let plan = Plan::start();
    let nonce = "n".repeat(64);
    for (parameters, state, nonce) in [
        (ASKED.to_vec(), Some("af0ifjsldkj"), None),
        (asked("state", None), None, None),
        ([&ASKED[..], &[("nonce", &*nonce)]].concat(), Some("af0ifjsldkj"), Some(&*nonce)),
        (asked("scope", Some("accounts openid")), Some("af0ifjsldkj"), None),
    ] {
        let request_uri = plan.pushed(&plan.first, &parameters).await;
        let answer = plan.approved(&plan.first, &request_uri).await;
        assert_eq!(answer.get("state").map(String::as_str), state);
        let (status, tokens) = plan.redeem(&plan.first, &answer["code"]).await;
        assert_eq!((status, &tokens["token_type"]), (200, &"DPoP".into()), "{tokens}");
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token.get("nonce").and_then(|nonce| nonce.as_str()), nonce);
        let token = plan.call("DPoP", tokens["access_token"].as_str().unwrap(), &plan.first.dpop).await.unwrap();
        assert_eq!((token.subject().unwrap().as_str(), token.scope().contains("accounts")), ("demo", true));
    }
}

// access-token-type-header-case-sensitivity
#[tokio::test]
async fn the_scheme_of_the_api_is_case_insensitive_and_the_proof_is_not_optional() {
    let plan = Plan::start();
    let (_, tokens) = plan.redeem(&plan.first, &plan.code(&plan.first, &ASKED).await).await;
    let token = tokens["access_token"].as_str().unwrap();
    for scheme in ["DPoP", "dpop", "DPOP"] {
        assert!(plan.call(scheme, token, &plan.first.dpop).await.is_ok(), "{scheme}");
    }
    assert!(plan.call("Bearer", token, &plan.first.dpop).await.is_err());
    let denial = plan.call("DPoP", token, &plan.second.dpop).await.unwrap_err();
    assert!(matches!(denial.reason(), DenialReason::InvalidProof(_)), "{denial}");
}

// user-rejects-authentication
#[tokio::test]
async fn a_user_who_rejects_is_reported_with_issuer_and_state() {
    let plan = Plan::start();
    let request_uri = plan.pushed(&plan.first, &ASKED).await;
    let answer = redirected(&plan.visit_pushed(&plan.first, &request_uri).await.unwrap().deny());
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("access_denied", "af0ifjsldkj"));
    assert!(!answer.contains_key("code"));
}

// ensure-different-nonce-inside-and-outside-request-object, -state-, state-only-outside-request-object-not-used
#[tokio::test]
async fn parameters_beside_the_request_uri_do_not_count() {
    let plan = Plan::start();
    for state in [Some("af0ifjsldkj"), None] {
        let request_uri = plan.pushed(&plan.first, &asked("state", state)).await;
        let query = [
            ("client_id", "first"),
            ("request_uri", &*request_uri),
            ("state", "outside"),
            ("nonce", "outside"),
            ("scope", "openid accounts payments"),
            ("redirect_uri", "https://evil.example/cb"),
        ];
        let ask = plan.visit(&query).await.unwrap();
        assert_eq!((ask.state(), ask.nonce(), ask.scope().as_str()), (state, None, "accounts openid"));
        let denied: BTreeMap<_, _> = redirected(&ask.deny());
        assert_eq!(denied.get("state").map(String::as_str), state);
    }
}

// ensure-authorization-request-with-long-nonce, -long-state: returned whole, or refused
#[tokio::test]
async fn a_long_state_is_returned_whole_and_a_long_nonce_is_refused() {
    let plan = Plan::start();
    let long = "s".repeat(1000);
    let request_uri = plan.pushed(&plan.first, &asked("state", Some(&long))).await;
    assert_eq!(plan.approved(&plan.first, &request_uri).await["state"], long);
    let answer = plan.push(&plan.first, &[&ASKED[..], &[("nonce", &*"n".repeat(384))]].concat()).await;
    assert_eq!(error(&answer), (400, "invalid_request"));
}

// test-claims-parameter-identity-claims
#[tokio::test]
async fn the_claims_parameter_is_handed_on_to_the_host() {
    let plan = Plan::start();
    let wanted = r#"{"id_token":{"email":{"essential":true}}}"#;
    let request_uri = plan.pushed(&plan.first, &[&ASKED[..], &[("claims", wanted)]].concat()).await;
    assert_eq!(plan.visit_pushed(&plan.first, &request_uri).await.unwrap().claims(), Some(wanted));
}
