//! Pushed authorization requests.

use regrant::wire::{Endpoint, Request};
use regrant_jose::Algorithm;
use regrant_jose::dpop::DpopKey;
use serde_json::json;

use super::{ASKED, PAR, Plan, REDIRECT, TOKEN, asked, error, redemption, redirected, shown};
use crate::support::{ISSUER, key};

// discovery-end-point-verification
#[tokio::test]
async fn the_metadata_announce_the_profile() {
    let plan = Plan::start();
    let request = Request::new("GET", "/.well-known/oauth-authorization-server", &[], b"");
    let response = plan.endpoints.handle(Endpoint::Metadata, &request).await;
    let metadata: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    for (name, value) in [
        ("issuer", json!(ISSUER)),
        ("authorization_endpoint", json!(format!("{ISSUER}/authorize"))),
        ("token_endpoint", json!(format!("{ISSUER}{TOKEN}"))),
        ("pushed_authorization_request_endpoint", json!(format!("{ISSUER}{PAR}"))),
        ("require_pushed_authorization_requests", json!(true)),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"])),
        ("token_endpoint_auth_signing_alg_values_supported", json!(["ES256"])),
        ("request_parameter_supported", json!(true)),
        ("request_object_signing_alg_values_supported", json!(["ES256"])),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    for (name, one) in [("response_types_supported", "code"), ("grant_types_supported", "authorization_code")] {
        assert!(metadata[name].as_array().unwrap().contains(&json!(one)), "{name}: {}", metadata[name]);
    }
    assert!(metadata["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("ES256")));
}

// par-ensure-reused-request-uri-prior-to-auth-completion-succeeds, par-attempt-reuse-request_uri
#[tokio::test]
async fn a_user_may_reload_the_page_and_a_request_is_used_once() {
    let plan = Plan::start();
    let request_uri = plan.pushed(&plan.first, &ASKED).await;
    for _ in 0..3 {
        assert!(plan.visit_pushed(&plan.first, &request_uri).await.is_ok());
    }
    let code = plan.approved(&plan.first, &request_uri).await["code"].clone();
    assert_eq!(shown(plan.visit_pushed(&plan.first, &request_uri).await), "invalid_request_uri");
    assert_eq!(plan.redeem(&plan.first, &code).await.0, 200, "the second attempt costs the user nothing");
    assert_eq!(shown(plan.visit_pushed(&plan.first, &request_uri).await), "invalid_request_uri");
}

// par-attempt-to-use-expired-request_uri
#[tokio::test]
async fn a_request_that_nobody_brings_in_time_expires() {
    let plan = Plan::start();
    let (_, answer) = plan.push(&plan.first, &ASKED).await;
    let lifetime = answer["expires_in"].as_u64().unwrap();
    assert!((5..=600).contains(&lifetime), "{answer}");
    let (early, late) = (plan.pushed(&plan.first, &ASKED).await, answer["request_uri"].as_str().unwrap());
    plan.pass(lifetime - 1);
    assert!(plan.visit_pushed(&plan.first, &early).await.is_ok());
    plan.pass(1);
    assert_eq!(shown(plan.visit_pushed(&plan.first, late).await), "invalid_request_uri");
}

// par-attempt-to-use-request_uri-for-different-client
#[tokio::test]
async fn a_request_belongs_to_its_client() {
    let plan = Plan::start();
    let request_uri = plan.pushed(&plan.first, &ASKED).await;
    assert_eq!(shown(plan.visit_pushed(&plan.second, &request_uri).await), "invalid_request_uri");
    assert_eq!(shown(plan.visit(&[("request_uri", &request_uri)]).await), "invalid_request");
    assert!(plan.visit_pushed(&plan.first, &request_uri).await.is_ok(), "the attempt changed nothing");
}

// par-authorization-request-containing-request_uri-form-param, par-attempt-invalid-http-method,
// par-without-duplicate-parameters
#[tokio::test]
async fn the_endpoint_takes_a_post_without_a_request_uri() {
    let plan = Plan::start();
    let uri = plan.pushed(&plan.first, &ASKED).await;
    for uri in [uri.as_str(), "https://app.example/request", "urn:example"] {
        let answer = plan.push(&plan.first, &[&ASKED[..], &[("request_uri", uri)]].concat()).await;
        assert_eq!(error(&answer), (400, "invalid_request"), "{uri}");
    }
    for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD"] {
        let request = Request::new(method, PAR, &[], b"");
        let response = plan.endpoints.handle(Endpoint::PushedAuthorizationRequest, &request).await;
        assert_eq!(response.status, 405, "{method}");
    }
    // A repeated parameter could be read in two ways.
    let answer = plan.push(&plan.first, &[&ASKED[..], &[("scope", "payments")]].concat()).await;
    assert_eq!(error(&answer), (400, "invalid_request"));
}

// ensure-request-object-without-redirect-uri-fails, ensure-redirect-uri-in-authorization-request,
// ensure-registered-redirect-uri, plain-fapi-tolerate-unregistered-redirect-uri, ensure-response-type-token-fails,
// ensure-response-type-code-idtoken-fails, par-ensure-pkce-required, par-plain-pkce-rejected
#[tokio::test]
async fn a_request_needs_a_registered_redirect_uri_the_code_flow_and_pkce() {
    let plan = Plan::start();
    for (name, value) in [
        ("redirect_uri", None),
        ("redirect_uri", Some("https://app.example/other")),
        ("redirect_uri", Some("https://evil.example/cb")),
        ("redirect_uri", Some("https://app.example/cb?dummy1=lorem&dummy2=ipsum")),
        ("response_type", None),
        ("response_type", Some("token")),
        ("response_type", Some("code id_token")),
        ("response_type", Some("id_token")),
        ("code_challenge", None),
        ("code_challenge", Some("short")),
        ("code_challenge_method", None),
        ("code_challenge_method", Some("plain")),
    ] {
        let answer = plan.push(&plan.first, &asked(name, value)).await;
        let expected = match (name, value) {
            ("response_type", Some(_)) => "unsupported_response_type",
            _ => "invalid_request",
        };
        assert_eq!(error(&answer), (400, expected), "{name}: {value:?}");
    }
}

// ensure-mismatched-dpop-jkt-fails, ensure-dpopproof-at-par-endpoint-binding-success,
// ensure-dpop-auth-code-binding-success, ensure-token-endpoint-fails-with-mismatched-dpop-jkt, -dpop-proof-jkt
#[tokio::test]
async fn a_code_is_bound_to_the_key_of_the_pushed_request() {
    let plan = Plan::start();
    let other = DpopKey::new(key(Algorithm::Es256)).unwrap();
    let (own_jkt, other_jkt) = (plan.first.dpop.dpop_jkt(), other.dpop_jkt());
    for (jkt, with_proof) in [(None, true), (Some(&own_jkt), true), (Some(&own_jkt), false)] {
        for (redeemer, is_right) in [(&other, false), (&plan.first.dpop, true)] {
            let proof = plan.proof(&plan.first.dpop, PAR).await;
            let named = jkt.map(|jkt| ("dpop_jkt", jkt.as_str()));
            let form: Vec<_> = ASKED.into_iter().chain(named).chain([("client_id", "first")]).collect();
            let answer = plan.post_as(&plan.first, PAR, &form, with_proof.then_some(proof.as_str())).await;
            assert_eq!(answer.0, 201, "{answer:?}");
            let code = plan.approved(&plan.first, answer.1["request_uri"].as_str().unwrap()).await["code"].clone();
            let proof = plan.proof(redeemer, TOKEN).await;
            let answer = plan.post_as(&plan.first, TOKEN, &redemption(&code), Some(&proof)).await;
            let expected = if is_right { (200, "") } else { (400, "invalid_grant") };
            assert_eq!(error(&answer), expected, "{jkt:?} {with_proof}");
        }
    }
    let proof = plan.proof(&plan.first.dpop, PAR).await;
    let form = [&ASKED[..], &[("dpop_jkt", &*other_jkt), ("client_id", "first")]].concat();
    let answer = plan.post_as(&plan.first, PAR, &form, Some(&proof)).await;
    assert_eq!(error(&answer), (400, "invalid_dpop_proof"), "the key of the proof is not the one that is named");
}

// ensure-unsigned-authorization-request-without-using-par-fails
#[tokio::test]
async fn a_request_that_is_not_pushed_is_refused() {
    let plan = Plan::start();
    let outcome = plan.visit(&[&ASKED[..], &[("client_id", "first")]].concat()).await;
    let parameters = redirected(&outcome.map(|_| ()).unwrap_err().response());
    assert_eq!(parameters["error"], "invalid_request");
    assert_eq!(parameters["state"], "af0ifjsldkj");
    assert!(REDIRECT.starts_with("https://"), "and never to http");
}
