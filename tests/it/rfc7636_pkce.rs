//! RFC 7636: proof key for code exchange, beyond the cases of the conformance kit.

use fixtures::{
    APP, Auth, Config, POSTER, REDIRECT, SCOPE, SPA, Server, USER, VERIFIER, challenge, client, scope, subject,
};
use regrant::event::{ErrorCode, EventKind};
use regrant::policy::{ClientPolicy, RequirePkce};
use regrant::{Approval, AuthorizeRequest, CodeChallenge, CodeVerifier, Policy, Refusal};

/// A verifier of the greatest length, with every unreserved character.
const LONGEST: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~\
                       ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

async fn redeem(server: &Server, auth: Auth<'_>, code: &str, verifier: Option<&str>) -> (u16, String) {
    let mut parameters = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
    parameters.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    let reply = server.token(auth, &parameters).await;
    (reply.status(), reply.text("error").to_owned())
}

// RFC 7636 appendix B.
#[test]
fn the_example_of_the_specification_holds() {
    let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let expected = CodeChallenge::s256("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
    assert_eq!(CodeChallenge::of(&verifier), Ok(expected));
    assert!(expected.is_met_by(&verifier));
}

// Two requests of one client: the verifier of one does not redeem the code of the other.
#[tokio::test]
async fn a_verifier_redeems_only_the_code_of_its_own_request() {
    let server = Server::start();
    let first = server.code_for(SPA, |request| request.with_code_challenge(Some(challenge(VERIFIER)))).await;
    let second = server.code_for(SPA, |request| request.with_code_challenge(Some(challenge(LONGEST)))).await;
    assert_eq!(redeem(&server, SPA, &first, Some(LONGEST)).await.0, 400);
    assert_eq!(redeem(&server, SPA, &second, Some(VERIFIER)).await.0, 400);
    assert_eq!(redeem(&server, SPA, &first, Some(VERIFIER)).await.0, 200);
    assert_eq!(redeem(&server, SPA, &second, Some(LONGEST)).await.0, 200);
}

// RFC 7636 section 4.3: no method means plain.
#[test]
fn only_s256_is_read_from_a_request_and_no_method_is_not_s256() {
    let good = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    assert_eq!(CodeChallenge::from_request(good, Some("S256")).unwrap(), challenge(VERIFIER));
    for method in [None, Some("plain"), Some(""), Some("s256"), Some("S512"), Some("S256 ")] {
        assert!(CodeChallenge::from_request(good, method).is_err(), "{method:?}");
    }
    for malformed in [
        "",
        &good[..42],
        &good[..40],
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
        // A second spelling of the 32 bytes, with other spare bits.
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMAAAA",
    ] {
        assert!(CodeChallenge::from_request(malformed, Some("S256")).is_err(), "{malformed}");
    }
}

// RFC 7636 section 4.1.
#[test]
fn a_verifier_has_43_to_128_unreserved_characters() {
    for length in [0, 1, 42, 43, 44, 127, 128, 129, 4096] {
        let verifier = CodeVerifier::new("a".repeat(length));
        assert_eq!(CodeChallenge::of(&verifier).is_ok(), (43..=128).contains(&length), "{length}");
    }
    for byte in 0x00..=0x7f_u8 {
        let verifier = format!("{}{}", "a".repeat(43), char::from(byte));
        let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        assert_eq!(CodeChallenge::of(&CodeVerifier::new(verifier)).is_ok(), is_unreserved, "{byte:#x}");
    }
}

// Standard base64, as git-credential-oauth sends its verifier: the digest is that of the challenge, and an operator who
// computes it must not be told of a mismatch. The client learns no difference, and the code stays valid.
#[tokio::test]
async fn a_malformed_verifier_is_told_to_the_host_by_name_and_to_the_client_as_a_wrong_one() {
    let too_long = "a".repeat(129);
    for malformed in [
        "XAgG/sBULqbwE3kZ5yTt0Nn9vJ2hR8cPdKf7mLxQ1aU=",
        "XAgG+sBULqbwE3kZ5yTt0Nn9vJ2hR8cPdKf7mLxQ1aUo",
        "XAgG sBULqbwE3kZ5yTt0Nn9vJ2hR8cPdKf7mLxQ1aUo",
        &VERIFIER[..42],
        &too_long,
        "\u{e9}BjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ] {
        let server = Server::start();
        let told = |refusal| [EventKind::Refused(refusal)];
        // Also with a challenge that fits.
        for challenged in [malformed, VERIFIER] {
            let code = server.code_for(SPA, |request| request.with_code_challenge(challenge(challenged))).await;
            server.config.events.take();
            let before = server.store().snapshot();
            let refused = redeem(&server, SPA, &code, Some(malformed)).await;
            assert_eq!(server.config.events.kinds(), told(Refusal::CodeVerifierMalformed), "{malformed}");
            let wrong = redeem(&server, SPA, &code, Some(LONGEST)).await;
            assert_eq!(server.config.events.kinds(), told(Refusal::CodeVerifierMismatch), "{malformed}");
            assert_eq!((refused, wrong), ((400, "invalid_grant".to_owned()), (400, "invalid_grant".to_owned())));
            assert_eq!(server.store().snapshot(), before);
            assert_eq!(redeem(&server, SPA, &code, Some(VERIFIER)).await.0 == 200, challenged == VERIFIER);
        }
    }
}

// A second use with a malformed verifier proves nothing: the session goes on.
#[tokio::test]
async fn a_malformed_verifier_ends_no_session() {
    let server = Server::start();
    let code = server.code(SPA).await;
    let tokens = server.redeem_with(SPA, "", &code).await.tokens();
    assert_eq!(redeem(&server, SPA, &code, Some("short")).await.0, 400);
    assert!(server.is_active(&tokens.access).await);
}

// For clients that cannot hash. What is stored is not the verifier.
#[tokio::test]
async fn a_plain_challenge_is_possible_only_under_its_dangerous_name_and_is_stored_hashed() {
    let plain = CodeChallenge::dangerous_plain(VERIFIER).unwrap();
    assert!(CodeChallenge::dangerous_plain("short").is_err());
    let server = Server::start();
    let code = server.code_for(SPA, |request| request.with_code_challenge(Some(plain))).await;
    for (_, record) in server.store().written() {
        assert!(!record.payload.windows(16).any(|window| VERIFIER.as_bytes().windows(16).any(|part| part == window)));
    }
    assert_eq!(redeem(&server, SPA, &code, Some(LONGEST)).await.0, 400);
    assert_eq!(redeem(&server, SPA, &code, Some(VERIFIER)).await.0, 200);
}

// RFC 7636 section 4.4.1, RFC 9700 section 2.1.1.
#[tokio::test]
async fn the_policy_says_who_needs_a_challenge_to_get_a_code() {
    for (require, confidential_needs, public_needs) in [
        (RequirePkce::Nobody, false, false),
        (RequirePkce::PublicClients, false, true),
        (RequirePkce::Everybody, true, true),
    ] {
        let server = Server::with_policy(Policy::default().with_require_pkce(require));
        for (auth, needs) in [(APP, confidential_needs), (POSTER, confidential_needs), (SPA, public_needs)] {
            let request = || {
                AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope(SCOPE)))
                    .with_redirect_uri(Some(REDIRECT.parse().unwrap()))
            };
            let without = server.service().authorize(&client(auth), request()).await;
            assert_eq!(without.is_err(), needs, "{require:?} {auth:?}");
            if let Err(refused) = without {
                assert_eq!(refused.code(), ErrorCode::InvalidRequest, "{require:?} {auth:?}");
            }
            let with = request().with_code_challenge(Some(challenge(VERIFIER)));
            assert!(server.service().authorize(&client(auth), with).await.is_ok(), "{require:?} {auth:?}");
        }
    }
    // Public clients must use PKCE unless the provider says otherwise.
    assert_eq!(Policy::default().require_pkce, RequirePkce::PublicClients);
}

// A challenge that was sent is enforced even where none is required.
#[tokio::test]
async fn a_challenge_is_enforced_even_where_none_is_required() {
    let server = Server::with_policy(Policy::default().with_require_pkce(RequirePkce::Nobody));
    let code = server.code_for(SPA, |request| request.with_code_challenge(Some(challenge(VERIFIER)))).await;
    assert_eq!(redeem(&server, SPA, &code, None).await.0, 400);
    assert_eq!(redeem(&server, SPA, &code, Some(VERIFIER)).await.0, 200);
}

#[tokio::test]
async fn one_client_can_be_forced_to_use_pkce() {
    let policy = ClientPolicy::default().with_require_pkce(RequirePkce::Everybody);
    let forced = client(APP).with_policy(policy);
    let server = Config::default().client(forced.clone(), APP).start();
    let approval = Approval::of(subject(USER)).with_scope(scope(SCOPE));
    let request = AuthorizeRequest::new(approval).with_redirect_uri(Some(REDIRECT.parse().unwrap()));
    let refused = server.service().authorize(&forced, request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidRequest);
    assert!(server.service().authorize(&client(POSTER), request).await.is_ok(), "another client is not");
}

// RFC 6749 section 4.1.2.1: the client gets the error, and the user is not asked for nothing.
#[tokio::test]
async fn a_refusal_is_known_before_the_user_is_asked() {
    let server = Server::start();
    let (service, calls) = (server.service(), server.store().calls());
    // No user has signed in yet.
    let request = |auth: Auth<'_>, scope_text: &str, uri: &str| {
        let request = AuthorizeRequest::new(Approval::default().with_scope(scope(scope_text)));
        let request = request.with_redirect_uri(Some(uri.parse().unwrap()));
        service.check_authorization(&client(auth), request).map_err(|error| error.code())
    };
    assert_eq!(request(APP, SCOPE, REDIRECT), Ok(()));
    assert_eq!(request(SPA, SCOPE, REDIRECT), Err(ErrorCode::InvalidRequest), "a public client needs a challenge");
    assert_eq!(request(APP, "admin", REDIRECT), Err(ErrorCode::InvalidScope));
    assert_eq!(request(APP, SCOPE, "https://evil.example/cb"), Err(ErrorCode::InvalidRequest));
    let with_challenge = AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope(SCOPE)))
        .with_redirect_uri(Some(REDIRECT.parse().unwrap()))
        .with_code_challenge(challenge(VERIFIER));
    assert!(service.check_authorization(&client(SPA), with_challenge).is_ok());
    assert_eq!(server.store().calls(), calls, "nothing is read or written");
}
