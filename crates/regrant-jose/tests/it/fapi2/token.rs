//! The token endpoint.

use serde_json::Value;

use super::{ASKED, Plan, REDIRECT, TOKEN, error, redemption};

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("{name}: {answer}"))
}

// ensure-holder-of-key-required, ensure-authorization-code-is-bound-to-client, ensure-pkce-code-verifier-required,
// incorrect-pkce-code-verifier-rejected
#[tokio::test]
async fn a_code_needs_its_client_a_proof_and_its_verifier() {
    let plan = Plan::start();
    let code = plan.code(&plan.first, &ASKED).await;
    let answer = plan.post_as(&plan.first, TOKEN, &redemption(&code), None).await;
    assert_eq!(error(&answer), (400, "invalid_dpop_proof"));
    assert_eq!(error(&plan.redeem(&plan.second, &code).await), (400, "invalid_grant"), "the code of another client");
    let verifier = "another-verifier-of-the-right-length-0123456789";
    for verifier in [None, Some(verifier)] {
        let base = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", REDIRECT)];
        let form: Vec<_> = base.into_iter().chain(verifier.map(|text| ("code_verifier", text))).collect();
        let proof = plan.proof(&plan.first.dpop, TOKEN).await;
        let answer = plan.post_as(&plan.first, TOKEN, &form, Some(&proof)).await;
        assert_eq!(answer.0, 400, "{answer:?}");
    }
    assert_eq!(plan.redeem(&plan.first, &code).await.0, 200, "nothing was consumed");
}

// attempt-reuse-authorization-code-after-one-second
#[tokio::test]
async fn a_second_use_of_a_code_revokes_its_tokens() {
    let plan = Plan::start();
    let code = plan.code(&plan.first, &ASKED).await;
    let (_, tokens) = plan.redeem(&plan.first, &code).await;
    plan.pass(1);
    assert_eq!(error(&plan.redeem(&plan.first, &code).await), (400, "invalid_grant"));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let proof = plan.proof(&plan.first.dpop, TOKEN).await;
    let answer = plan.post_as(&plan.first, TOKEN, &refresh, Some(&proof)).await;
    assert_eq!(error(&answer), (400, "invalid_grant"), "revoked");
}

// ensure-token-endpoint-fails-with-expired-auth-code
#[tokio::test]
async fn a_code_lives_for_at_most_a_minute() {
    for (age, status) in [(59, 200), (60, 400)] {
        let plan = Plan::start();
        let code = plan.code(&plan.first, &ASKED).await;
        plan.pass(age);
        assert_eq!(plan.redeem(&plan.first, &code).await.0, status, "after {age} s");
    }
}

// refresh-token
#[tokio::test]
async fn a_refresh_token_is_bound_to_its_client_and_stays() {
    let plan = Plan::start();
    let (_, tokens) = plan.redeem(&plan.first, &plan.code(&plan.first, &ASKED).await).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let proof = plan.proof(&plan.second.dpop, TOKEN).await;
    let stolen = plan.post_as(&plan.second, TOKEN, &refresh, Some(&proof)).await;
    assert_eq!(error(&stolen), (400, "invalid_grant"), "the token of another client");
    let mut access = vec![text(&tokens, "access_token").to_owned()];
    for _ in 0..2 {
        plan.pass(30);
        let proof = plan.proof(&plan.first.dpop, TOKEN).await;
        let (status, renewed) = plan.post_as(&plan.first, TOKEN, &refresh, Some(&proof)).await;
        assert_eq!((status, renewed.get("refresh_token")), (200, None), "{renewed}");
        let token = text(&renewed, "access_token");
        assert!(plan.call("DPoP", token, &plan.first.dpop).await.is_ok());
        assert!(!access.iter().any(|former| former == token), "each answer has a token of its own");
        access.push(token.to_owned());
    }
}
