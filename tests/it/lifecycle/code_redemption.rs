//! Authorization codes: redeemed once, with everything that the request was bound to (RFC 6749 section 4.1, RFC 7636).

use std::time::Duration;

use regrant::client::ClientAuthenticationMethod;
use regrant::event::EventKind;
use regrant::grant::{Confirmation, RevocationReason};
use regrant::policy::RequirePkce;
use regrant::token::TokenType;
use regrant::{
    Approval, AuthorizeRequest, CodeChallenge, GrantType, Policy, RedeemRequest, RedirectUri, RefreshRequest, Refusal,
    TokenError,
};

use crate::lifecycle::node::{
    CALLBACK, HOUR, MINUTE, MS, Node, SECOND, VERIFIER, approval, client, refusal, registered_anew, run,
};

const OTHER_VERIFIER: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH-._~";

fn full(code: &str) -> RedeemRequest {
    RedeemRequest::new(code).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER)
}

/// Requests that each lack or bend one thing, and why they are refused.
fn bent(code: &str) -> Vec<(&'static str, RedeemRequest, Refusal)> {
    let bare = || RedeemRequest::new(code);
    vec![
        ("no redirect URI", bare().with_code_verifier(VERIFIER), Refusal::RedirectUriMismatch),
        ("a longer redirect URI", full(code).with_redirect_uri(format!("{CALLBACK}/")), Refusal::RedirectUriMismatch),
        ("another case", full(code).with_redirect_uri(CALLBACK.to_uppercase()), Refusal::RedirectUriMismatch),
        ("an empty redirect URI", full(code).with_redirect_uri(""), Refusal::RedirectUriMismatch),
        // A missing verifier does not match (authentik: CVE-2023-48228).
        ("no verifier", bare().with_redirect_uri(CALLBACK), Refusal::CodeVerifierMismatch),
        ("another verifier", full(code).with_code_verifier(OTHER_VERIFIER), Refusal::CodeVerifierMismatch),
        ("a short verifier", full(code).with_code_verifier(&VERIFIER[..42]), Refusal::CodeVerifierMalformed),
        ("an empty verifier", full(code).with_code_verifier(""), Refusal::CodeVerifierMalformed),
    ]
}

#[test]
fn a_code_is_exchanged_for_tokens_of_what_was_approved() {
    let node = Node::new(Policy::default());
    let tokens = node.redeem(&node.authorize()).unwrap();
    assert_eq!((&tokens.scope, &tokens.resources, tokens.expires_in), (&approval().scope, &approval().resources, HOUR));
    let active = node.introspect(&tokens.access).unwrap();
    assert_eq!((active.approval, active.grant_type), (approval(), GrantType::AuthorizationCode));
    assert!(node.refresh(tokens.refresh()).is_ok());
}

#[test]
fn a_request_that_lacks_anything_is_refused_and_consumes_nothing() {
    // RFC 6749 section 4.1.3, RFC 7636 section 4.6. No refusal consumes the code.
    let node = Node::new(Policy::default());
    let code = node.authorize();
    let writes = node.store.writes();
    for (what, request, expected) in bent(&code) {
        assert_eq!(refusal(node.redeem_with(&request)), expected, "{what}");
    }
    assert_eq!(node.store.writes(), writes);
    assert!(node.redeem(&code).is_ok());
}

#[test]
fn a_second_use_with_everything_right_ends_the_grant() {
    // RFC 6749 section 4.1.2.
    let node = Node::new(Policy::default());
    let code = node.authorize();
    let tokens = node.redeem(&code).unwrap();
    let next = node.refresh(tokens.refresh()).unwrap();
    node.events.take();
    assert_eq!(refusal(node.redeem(&code)), Refusal::CodeReused);
    assert_eq!(
        node.events.kinds(),
        [EventKind::GrantRevoked(RevocationReason::CodeReuse), EventKind::Refused(Refusal::CodeReused)]
    );
    assert_eq!(refusal(node.refresh(next.refresh())), Refusal::GrantRevoked);
    assert!(!node.is_any_active(&[tokens, next]));
    assert_eq!(refusal(node.redeem(&code)), Refusal::GrantRevoked);
}

#[test]
fn a_second_use_that_lacks_anything_proves_nothing_and_changes_nothing() {
    // OAuth 2.1 section 4.1.3: only a request that passes all other checks counts.
    let node = Node::new(Policy::default());
    let code = node.authorize();
    let tokens = node.redeem(&code).unwrap();
    let before = node.bytes(tokens.grant_id);
    for (what, request, _) in bent(&code) {
        assert_eq!(refusal(node.redeem_with(&request)), Refusal::CodeSpent, "{what}");
    }
    let stranger = node.acting_as(client("stranger"));
    assert_eq!(refusal(stranger.redeem(&code)), Refusal::OtherClient);
    assert_eq!(node.bytes(tokens.grant_id), before);
    assert!(node.is_active(&tokens.access) && node.refresh(tokens.refresh()).is_ok());
}

#[test]
fn a_second_use_counts_only_while_the_code_would_have_lived() {
    for (age, kills) in [(SECOND * 120 - MS, true), (SECOND * 120, false)] {
        let node = Node::new(Policy::default());
        let code = node.authorize();
        let tokens = node.redeem(&code).unwrap();
        node.advance(age);
        refusal(node.redeem(&code));
        assert_eq!(node.is_active(tokens.refresh()), !kills, "at {age:?}");
    }
}

#[test]
fn a_record_forgets_its_code_when_nobody_could_use_it_any_more() {
    let size = |pause| {
        let node = Node::new(Policy::default().with_grace_period(Duration::ZERO.into()));
        let tokens = node.redeem(&node.authorize()).unwrap();
        node.advance(pause);
        node.refresh(tokens.refresh()).unwrap();
        node.bytes(tokens.grant_id).len()
    };
    // The digest of what its redeemer held.
    assert!(size(MINUTE * 2) + 32 <= size(MINUTE));
}

#[test]
fn a_second_use_after_a_refresh_still_counts() {
    let node = Node::new(Policy::default());
    let code = node.authorize();
    let chain = node.rotate(&node.redeem(&code).unwrap(), 3, SECOND * 10);
    assert_eq!(refusal(node.redeem(&code)), Refusal::CodeReused);
    assert!(!node.is_any_active(&chain));
}

#[test]
fn another_grant_of_the_same_user_and_client_is_no_collateral() {
    // Other grants of the same user and client are not affected.
    let node = Node::new(Policy::default());
    let (code, other) = (node.authorize(), node.redeem(&node.authorize()).unwrap());
    node.redeem(&code).unwrap();
    assert_eq!(refusal(node.redeem(&code)), Refusal::CodeReused);
    assert!(node.is_active(&other.access) && node.is_active(other.refresh()));
}

#[test]
fn another_client_cannot_redeem_nor_spoil_a_code() {
    // Otherwise another client could spoil the code.
    let node = Node::new(Policy::default());
    let code = node.authorize();
    assert_eq!(refusal(node.acting_as(client("stranger")).redeem(&code)), Refusal::OtherClient);
    assert_eq!(refusal(node.acting_as(registered_anew("app")).redeem(&code)), Refusal::OtherRegistration);
    assert!(node.redeem(&code).is_ok());
}

#[test]
fn a_verifier_nobody_asked_for_is_a_stripped_challenge() {
    // RFC 9700 section 4.8.2 (Spring: CVE-2024-22258).
    let node = Node::new(Policy::default());
    let request = AuthorizeRequest::new(approval());
    let code = run(node.service.authorize(&node.client, request)).unwrap().code;
    let with_verifier = RedeemRequest::new(code.clone()).with_code_verifier(VERIFIER);
    assert_eq!(refusal(node.redeem_with(&with_verifier)), Refusal::CodeVerifierUnexpected);
    let with_uri = RedeemRequest::new(code.clone()).with_redirect_uri(CALLBACK);
    assert_eq!(refusal(node.redeem_with(&with_uri)), Refusal::RedirectUriMismatch);
    assert!(node.redeem_with(&RedeemRequest::new(code)).is_ok());
}

#[test]
fn pkce_is_demanded_of_whom_the_policy_names() {
    let public = || client("app").with_authentication_methods(ClientAuthenticationMethod::None);
    let table = [
        (RequirePkce::Nobody, false, false),
        (RequirePkce::PublicClients, false, true),
        (RequirePkce::Everybody, true, true),
    ];
    for (require, of_confidential, of_public) in table {
        let node = Node::new(Policy::default().with_require_pkce(require));
        for (client, demanded) in [(client("app"), of_confidential), (public(), of_public)] {
            let answer = run(node.service.authorize(&client, AuthorizeRequest::new(approval())));
            let is_demanded = matches!(answer, Err(TokenError::Refused(Refusal::CodeChallengeRequired)));
            assert_eq!(is_demanded, demanded, "{require:?}");
            assert_eq!(answer.is_ok(), !demanded);
        }
    }
}

#[test]
fn the_plain_method_and_a_missing_method_are_no_challenge() {
    // RFC 7636 section 4.3.
    for method in [None, Some("plain"), Some("s256"), Some("")] {
        assert!(CodeChallenge::from_request(fixtures::CHALLENGE, method).is_err());
    }
}

#[test]
fn a_code_goes_only_where_the_client_is_registered() {
    // An exact match (workers-oauth-provider: CVE-2025-4143).
    let node = Node::new(Policy::default());
    for uri in ["https://app.example/callback/", "https://app.example/callback?x", "https://app.example.evil/callback"]
    {
        let request = AuthorizeRequest::new(approval()).with_redirect_uri(Some(RedirectUri::new(uri).unwrap()));
        let answer = run(node.service.authorize(&node.client, request));
        assert!(matches!(answer, Err(TokenError::Refused(Refusal::RedirectUriNotRegistered))), "{uri}");
    }
}

#[test]
fn a_flow_taken_from_the_client_stops_its_codes_and_consumes_none() {
    let node = Node::new(Policy::default());
    let code = node.authorize();
    let without = node.acting_as(client("app").with_grant_types([GrantType::RefreshToken]));
    assert_eq!(refusal(without.redeem(&code)), Refusal::GrantTypeNotAllowed);
    assert!(node.redeem(&code).is_ok());
}

#[test]
fn a_closed_account_stops_its_codes_and_consumes_none() {
    let node = Node::new(Policy::default());
    let code = node.authorize();
    node.gate.close("demo");
    assert_eq!(refusal(node.redeem(&code)), Refusal::SubjectNotServed);
    node.gate.reopen("demo");
    assert!(node.redeem(&code).is_ok());
}

#[test]
fn a_code_is_no_token_of_another_kind() {
    // Kinds of tokens must not be confused (Keycloak: CVE-2023-0657).
    let node = Node::new(Policy::default());
    let code = node.authorize();
    assert!(!node.is_active(&code));
    assert_eq!(refusal(node.refresh(&code)), Refusal::TokenUnrecognized);
    node.revoke(&code);
    let tokens = node.redeem(&code).unwrap();
    for token in [&*tokens.access, tokens.refresh()] {
        assert_eq!(refusal(node.redeem(token)), Refusal::TokenUnrecognized);
    }
    assert_eq!(refusal(node.refresh(&tokens.access)), Refusal::TokenUnrecognized);
}

#[test]
fn a_bound_grant_is_served_only_to_who_holds_the_key() {
    // RFC 9449 section 5. A failed proof consumes nothing (section 8).
    for (key, token_type) in
        [(Confirmation::DpopKey([7; 32]), TokenType::Dpop), (Confirmation::Certificate([7; 32]), TokenType::Bearer)]
    {
        let node = Node::new(Policy::default());
        let request = AuthorizeRequest::new(approval().with_confirmation(Some(key)));
        let code = run(node.service.authorize(&node.client, request)).unwrap().code;
        let others = [None, Some(Confirmation::DpopKey([8; 32])), Some(Confirmation::Certificate([8; 32]))];
        let redeem = |proof| node.redeem_with(&RedeemRequest::new(code.clone()).with_presented_keys(proof));
        for other in others {
            assert_eq!(refusal(redeem(other)), Refusal::ProofOfPossessionFailed);
        }
        let tokens = redeem(Some(key)).unwrap();
        let refresh = |token: &str, proof| node.refresh_with(&RefreshRequest::new(token).with_presented_keys(proof));
        for other in others {
            assert_eq!(refusal(refresh(tokens.refresh(), other)), Refusal::ProofOfPossessionFailed);
        }
        let next = refresh(tokens.refresh(), Some(key)).unwrap();
        let active = node.introspect(&next.access).unwrap();
        assert_eq!((active.approval.confirmation, active.token_type), (Some(key), Some(token_type)));
        // A thief without the key cannot even end the session with a spent token.
        node.advance(HOUR);
        assert_eq!(refusal(refresh(tokens.refresh(), None)), Refusal::ProofOfPossessionFailed);
        assert!(node.is_active(next.refresh()));
    }
}

#[test]
fn what_was_approved_stays_with_the_grant_for_life() {
    // Subject, authentication and the host's data never change (Keycloak: CVE-2022-3916).
    let node = Node::new(Policy::default());
    let approved: Approval = approval()
        .with_authentication(
            crate::lifecycle::node::START,
            Some("silver".to_owned()),
            vec!["pwd".to_owned(), "otp".to_owned()],
        )
        .with_nonce(Some("n-0S6_WzA2Mj".to_owned()))
        .with_data(vec![0, 255, 7]);
    let request = AuthorizeRequest::new(approved.clone());
    let code = run(node.service.authorize(&node.client, request)).unwrap().code;
    let tokens = node.redeem_with(&RedeemRequest::new(code)).unwrap();
    for tokens in node.rotate(&tokens, 5, SECOND * 70) {
        assert_eq!(node.introspect(&tokens.access).unwrap().approval, approved);
    }
}
