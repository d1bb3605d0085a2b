//! Authorization codes: redeemed once, by whoever holds all that was committed to (RFC 6749 section 4.1, RFC 7636).

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

use crate::lifecycle::world::{
    CALLBACK, HOUR, MINUTE, MS, SECOND, VERIFIER, World, approval, client, refusal, registered_anew, run,
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
        // A32 (authentik CVE-2023-48228): absent is not right.
        ("no verifier", bare().with_redirect_uri(CALLBACK), Refusal::CodeVerifierMismatch),
        ("another verifier", full(code).with_code_verifier(OTHER_VERIFIER), Refusal::CodeVerifierMismatch),
        ("a short verifier", full(code).with_code_verifier(&VERIFIER[..42]), Refusal::CodeVerifierMismatch),
        ("an empty verifier", full(code).with_code_verifier(""), Refusal::CodeVerifierMismatch),
    ]
}

#[test]
fn a_code_is_exchanged_for_tokens_of_what_was_approved() {
    let world = World::new(Policy::default());
    let tokens = world.redeem(&world.authorize()).unwrap();
    assert_eq!((&tokens.scope, &tokens.resources, tokens.expires_in), (&approval().scope, &approval().resources, HOUR));
    let active = world.introspect(&tokens.access).unwrap();
    assert_eq!((active.approval, active.grant_type), (approval(), GrantType::AuthorizationCode));
    assert!(world.refresh(tokens.refresh()).is_ok());
}

#[test]
fn a_request_that_lacks_anything_is_refused_and_consumes_nothing() {
    // C164 to C166, I7, I9.
    let world = World::new(Policy::default());
    let code = world.authorize();
    let writes = world.store.writes();
    for (what, request, expected) in bent(&code) {
        assert_eq!(refusal(world.redeem_with(&request)), expected, "{what}");
    }
    assert_eq!(world.store.writes(), writes);
    assert!(world.redeem(&code).is_ok());
}

#[test]
fn a_second_use_with_everything_right_ends_the_grant() {
    // RFC 6749 section 4.1.2, C81.
    let world = World::new(Policy::default());
    let code = world.authorize();
    let tokens = world.redeem(&code).unwrap();
    let next = world.refresh(tokens.refresh()).unwrap();
    world.events.take();
    assert_eq!(refusal(world.redeem(&code)), Refusal::CodeReused);
    assert_eq!(
        world.events.kinds(),
        [EventKind::GrantRevoked(RevocationReason::CodeReuse), EventKind::Refused(Refusal::CodeReused)]
    );
    assert_eq!(refusal(world.refresh(next.refresh())), Refusal::GrantRevoked);
    assert!(!world.is_any_active(&[tokens, next]));
    assert_eq!(refusal(world.redeem(&code)), Refusal::GrantRevoked);
}

#[test]
fn a_second_use_that_lacks_anything_proves_nothing_and_changes_nothing() {
    // C82, OAuth 2.1 section 4.1.3: only a request that passes all other checks counts.
    let world = World::new(Policy::default());
    let code = world.authorize();
    let tokens = world.redeem(&code).unwrap();
    let before = world.bytes(tokens.grant_id);
    for (what, request, _) in bent(&code) {
        assert_eq!(refusal(world.redeem_with(&request)), Refusal::CodeSpent, "{what}");
    }
    let stranger = world.acting_as(client("stranger"));
    assert_eq!(refusal(stranger.redeem(&code)), Refusal::OtherClient);
    assert_eq!(world.bytes(tokens.grant_id), before);
    assert!(world.is_active(&tokens.access) && world.refresh(tokens.refresh()).is_ok());
}

#[test]
fn a_second_use_counts_only_while_the_code_would_have_lived() {
    for (age, kills) in [(SECOND * 120 - MS, true), (SECOND * 120, false)] {
        let world = World::new(Policy::default());
        let code = world.authorize();
        let tokens = world.redeem(&code).unwrap();
        world.advance(age);
        refusal(world.redeem(&code));
        assert_eq!(world.is_active(tokens.refresh()), !kills, "at {age:?}");
    }
}

#[test]
fn a_record_forgets_its_code_when_nobody_could_use_it_any_more() {
    let size = |pause| {
        let world = World::new(Policy::default().with_grace_period(Duration::ZERO.into()));
        let tokens = world.redeem(&world.authorize()).unwrap();
        world.advance(pause);
        world.refresh(tokens.refresh()).unwrap();
        world.bytes(tokens.grant_id).len()
    };
    // The digest of what its redeemer held.
    assert!(size(MINUTE * 2) + 32 <= size(MINUTE));
}

#[test]
fn a_second_use_after_a_refresh_still_counts() {
    let world = World::new(Policy::default());
    let code = world.authorize();
    let chain = world.rotate(&world.redeem(&code).unwrap(), 3, SECOND * 10);
    assert_eq!(refusal(world.redeem(&code)), Refusal::CodeReused);
    assert!(!world.is_any_active(&chain));
}

#[test]
fn another_grant_of_the_same_user_and_client_is_no_collateral() {
    // C83, C118.
    let world = World::new(Policy::default());
    let (code, other) = (world.authorize(), world.redeem(&world.authorize()).unwrap());
    world.redeem(&code).unwrap();
    assert_eq!(refusal(world.redeem(&code)), Refusal::CodeReused);
    assert!(world.is_active(&other.access) && world.is_active(other.refresh()));
}

#[test]
fn another_client_cannot_redeem_nor_spoil_a_code() {
    // C21 (Spring invalidates the code: a stranger could then spoil it).
    let world = World::new(Policy::default());
    let code = world.authorize();
    assert_eq!(refusal(world.acting_as(client("stranger")).redeem(&code)), Refusal::OtherClient);
    assert_eq!(refusal(world.acting_as(registered_anew("app")).redeem(&code)), Refusal::OtherRegistration);
    assert!(world.redeem(&code).is_ok());
}

#[test]
fn a_verifier_nobody_asked_for_is_a_stripped_challenge() {
    // C167, A31 (CVE-2024-22258), RFC 9700 section 4.8.2.
    let world = World::new(Policy::default());
    let request = AuthorizeRequest::new(approval());
    let code = run(world.service.authorize(&world.client, request)).unwrap().code;
    let with_verifier = RedeemRequest::new(code.clone()).with_code_verifier(VERIFIER);
    assert_eq!(refusal(world.redeem_with(&with_verifier)), Refusal::CodeVerifierUnexpected);
    let with_uri = RedeemRequest::new(code.clone()).with_redirect_uri(CALLBACK);
    assert_eq!(refusal(world.redeem_with(&with_uri)), Refusal::RedirectUriMismatch);
    assert!(world.redeem_with(&RedeemRequest::new(code)).is_ok());
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
        let world = World::new(Policy::default().with_require_pkce(require));
        for (client, demanded) in [(client("app"), of_confidential), (public(), of_public)] {
            let answer = run(world.service.authorize(&client, AuthorizeRequest::new(approval())));
            let is_demanded = matches!(answer, Err(TokenError::Refused(Refusal::CodeChallengeRequired)));
            assert_eq!(is_demanded, demanded, "{require:?}");
            assert_eq!(answer.is_ok(), !demanded);
        }
    }
}

#[test]
fn the_plain_method_and_a_missing_method_are_no_challenge() {
    // RFC 7636 section 4.3, C168.
    for method in [None, Some("plain"), Some("s256"), Some("")] {
        assert!(CodeChallenge::from_request("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", method).is_err());
    }
}

#[test]
fn a_code_goes_only_where_the_client_is_registered() {
    // A33: exact match.
    let world = World::new(Policy::default());
    for uri in ["https://app.example/callback/", "https://app.example/callback?x", "https://app.example.evil/callback"]
    {
        let request = AuthorizeRequest::new(approval()).with_redirect_uri(Some(RedirectUri::new(uri).unwrap()));
        let answer = run(world.service.authorize(&world.client, request));
        assert!(matches!(answer, Err(TokenError::Refused(Refusal::RedirectUriNotRegistered))), "{uri}");
    }
}

#[test]
fn a_flow_taken_from_the_client_stops_its_codes_and_consumes_none() {
    let world = World::new(Policy::default());
    let code = world.authorize();
    let without = world.acting_as(client("app").with_grant_types([GrantType::RefreshToken]));
    assert_eq!(refusal(without.redeem(&code)), Refusal::GrantTypeNotAllowed);
    assert!(world.redeem(&code).is_ok());
}

#[test]
fn a_closed_account_stops_its_codes_and_consumes_none() {
    let world = World::new(Policy::default());
    let code = world.authorize();
    world.gate.close("demo");
    assert_eq!(refusal(world.redeem(&code)), Refusal::SubjectNotServed);
    world.gate.reopen("demo");
    assert!(world.redeem(&code).is_ok());
}

#[test]
fn a_code_opens_no_other_door() {
    // A42: the kinds of tokens are not to be confused.
    let world = World::new(Policy::default());
    let code = world.authorize();
    assert!(!world.is_active(&code));
    assert_eq!(refusal(world.refresh(&code)), Refusal::TokenUnrecognized);
    world.revoke(&code);
    let tokens = world.redeem(&code).unwrap();
    for token in [&*tokens.access, tokens.refresh()] {
        assert_eq!(refusal(world.redeem(token)), Refusal::TokenUnrecognized);
    }
    assert_eq!(refusal(world.refresh(&tokens.access)), Refusal::TokenUnrecognized);
}

#[test]
fn a_bound_grant_is_served_only_to_who_holds_the_key() {
    // RFC 9449 section 5, C169; a failed proof consumes nothing (section 8).
    for (key, token_type) in
        [(Confirmation::DpopKey([7; 32]), TokenType::Dpop), (Confirmation::Certificate([7; 32]), TokenType::Bearer)]
    {
        let world = World::new(Policy::default());
        let request = AuthorizeRequest::new(approval().with_confirmation(Some(key)));
        let code = run(world.service.authorize(&world.client, request)).unwrap().code;
        let others = [None, Some(Confirmation::DpopKey([8; 32])), Some(Confirmation::Certificate([8; 32]))];
        let redeem = |proof| world.redeem_with(&RedeemRequest::new(code.clone()).with_possession(proof));
        for other in others {
            assert_eq!(refusal(redeem(other)), Refusal::ProofOfPossessionFailed);
        }
        let tokens = redeem(Some(key)).unwrap();
        let refresh = |token: &str, proof| world.refresh_with(&RefreshRequest::new(token).with_possession(proof));
        for other in others {
            assert_eq!(refusal(refresh(tokens.refresh(), other)), Refusal::ProofOfPossessionFailed);
        }
        let next = refresh(tokens.refresh(), Some(key)).unwrap();
        let active = world.introspect(&next.access).unwrap();
        assert_eq!((active.approval.confirmation, active.token_type), (Some(key), Some(token_type)));
        // A thief without the key cannot even end the session with a spent token.
        world.advance(HOUR);
        assert_eq!(refusal(refresh(tokens.refresh(), None)), Refusal::ProofOfPossessionFailed);
        assert!(world.is_active(next.refresh()));
    }
}

#[test]
fn what_was_approved_stays_with_the_grant_for_life() {
    // A6, I12: subject, authentication and the host's bytes never change.
    let world = World::new(Policy::default());
    let approved: Approval = approval()
        .with_authentication(
            crate::lifecycle::world::START,
            Some("silver".to_owned()),
            vec!["pwd".to_owned(), "otp".to_owned()],
        )
        .with_nonce(Some("n-0S6_WzA2Mj".to_owned()))
        .with_data(vec![0, 255, 7]);
    let request = AuthorizeRequest::new(approved.clone());
    let code = run(world.service.authorize(&world.client, request)).unwrap().code;
    let tokens = world.redeem_with(&RedeemRequest::new(code)).unwrap();
    for tokens in world.rotate(&tokens, 5, SECOND * 70) {
        assert_eq!(world.introspect(&tokens.access).unwrap().approval, approved);
    }
}
