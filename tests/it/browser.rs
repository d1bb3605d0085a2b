//! RFC 10017: applications that run in a browser, under `Policy::browser()`.

use std::time::Duration;

use fixtures::{APP, Config, REDIRECT, SCOPE, SPA, Server, StubVerifier, USER, client, scope, seconds, subject};
use regrant::{Approval, AuthorizeRequest, Policy, Refusal, TokenError};

const MINUTE: Duration = seconds(60);
const HOUR: Duration = seconds(3600);

fn start() -> Server {
    Config { proof_verifier: Some(StubVerifier::default()), ..Config::default() }.policy(Policy::browser()).start()
}

async fn redeemed(server: &Server, proof: &str) -> fixtures::Tokens {
    server.redeem_with(SPA, proof, &server.code(SPA).await).await.tokens()
}

// Section 6.3.2.1.
#[tokio::test]
async fn nobody_gets_a_code_without_pkce_and_a_code_lives_for_a_minute() {
    let server = start();
    for auth in [SPA, APP] {
        let request = AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope(SCOPE)))
            .with_redirect_uri(Some(REDIRECT.parse().unwrap()));
        let answer = server.service().authorize(&client(auth), request).await;
        assert!(matches!(answer, Err(TokenError::Refused(Refusal::CodeChallengeRequired))), "{auth:?}");
    }
    for (age, status) in [(59, 200), (60, 400)] {
        let code = server.code(SPA).await;
        server.advance(seconds(age));
        assert_eq!(server.redeem_with(SPA, "", &code).await.status(), status, "after {age} s");
    }
}

// Section 6.3.2.3: refresh tokens rotate, and the reuse of a spent one ends the session.
#[tokio::test]
async fn a_refresh_token_rotates_and_its_reuse_ends_the_session() {
    let server = start();
    let first = redeemed(&server, "").await;
    let second = server.refresh(SPA, &first.refresh).await.tokens();
    assert_eq!(server.refresh(SPA, &first.refresh).await.tokens(), second, "a lost response");
    server.advance(MINUTE);
    assert_eq!(server.refresh(SPA, &first.refresh).await.outcome(), (400, "invalid_grant"));
    assert_eq!(server.refresh(SPA, &second.refresh).await.outcome(), (400, "invalid_grant"));
    assert!(!server.is_active(&second.access).await);
}

// Section 6.3.2.3, and section 5.1.1 for access tokens.
#[tokio::test]
async fn a_page_that_is_closed_for_an_hour_is_signed_out() {
    for (away, status) in [(HOUR - seconds(1), 200), (HOUR, 400)] {
        let server = start();
        let tokens = redeemed(&server, "").await;
        server.advance(10 * MINUTE - seconds(1));
        assert!(server.is_active(&tokens.access).await);
        server.advance(seconds(1));
        assert!(!server.is_active(&tokens.access).await);
        server.advance(away - 10 * MINUTE);
        assert_eq!(server.refresh(SPA, &tokens.refresh).await.status(), status, "after {away:?}");
    }
}

// Section 6.3.2.3: "MUST NOT extend the lifetime of the new refresh token beyond the lifetime of the initial refresh
// token", whose absolute end is that of the grant.
#[tokio::test]
async fn no_rotation_moves_the_end_of_the_session() {
    let server = start();
    let mut tokens = redeemed(&server, "").await;
    for _ in 0..(12 * 2 - 1) {
        server.advance(HOUR / 2);
        tokens = server.refresh(SPA, &tokens.refresh).await.tokens();
    }
    server.advance(HOUR / 2 - seconds(1));
    let last = server.refresh(SPA, &tokens.refresh).await;
    assert_eq!(last.json["expires_in"], 1, "the last second");
    server.advance(seconds(1));
    assert_eq!(server.refresh(SPA, last.text("refresh_token")).await.outcome(), (400, "invalid_grant"));
    assert!(!server.is_active(last.text("access_token")).await);
}

// RFC 9449 section 5: a page that shows a key gets tokens that are useless elsewhere.
#[tokio::test]
async fn a_page_that_shows_a_key_gets_bound_tokens() {
    let server = start();
    let proof = StubVerifier::proof;
    let first = redeemed(&server, &proof("A")).await;
    assert_eq!(server.refresh_with(SPA, &proof("B"), &first.refresh).await.outcome(), (400, "invalid_grant"));
    assert_eq!(server.refresh(SPA, &first.refresh).await.outcome(), (400, "invalid_grant"));
    assert_eq!(server.refresh_with(SPA, &proof("A"), &first.refresh).await.text("token_type"), "DPoP");
}

// Section 6.3.2.3: log-out ends the session, although the page, or a script in it, holds a fresh refresh token. Section
// 5.1.2: nothing else would tell the two apart.
#[tokio::test]
async fn log_out_ends_what_rotation_cannot_detect() {
    let server = start();
    let stolen = redeemed(&server, "").await;
    // The script keeps the page from refreshing, so no token is used twice.
    server.advance(10 * MINUTE);
    let by_script = server.refresh(SPA, &stolen.refresh).await.tokens();
    server.service().revoke_subject(&subject(USER)).await.unwrap();
    assert_eq!(server.refresh(SPA, &by_script.refresh).await.outcome(), (400, "invalid_grant"));
    assert!(!server.is_active(&by_script.access).await);
}

#[test]
fn the_policy_is_valid_and_within_the_times_of_nist_for_two_factors() {
    let policy = Policy::browser();
    assert_eq!(policy.validate(), Ok(()));
    assert!(policy.issue_refresh_tokens_on_refresh);
    // SP 800-63B-4 section 2.2.3.
    assert!(policy.refresh_token_lifetime <= HOUR.into());
    assert!(policy.grant_lifetime <= (24 * HOUR).into());
    assert!(policy.access_token_lifetime < HOUR);
}
