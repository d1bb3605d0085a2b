//! RFC 7009: token revocation.

use fixtures::{APP, AUDITOR, Auth, BILLING, ORDERS, OTHER, Outcome, POSTER, SPA, Server, seconds};
use regrant::wire::Endpoint;

const INVALID_GRANT: Outcome = (400, "invalid_grant");
const INVALID_REQUEST: Outcome = (400, "invalid_request");

// C100, A40. RFC 7009 section 2.1.
#[tokio::test]
async fn revoking_a_refresh_token_ends_the_grant_with_all_its_access_tokens() {
    for auth in [APP, POSTER, SPA] {
        let server = Server::start();
        let first = server.sign_in(auth).await;
        let second = server.refresh(auth, &first.refresh).await.tokens();

        assert_eq!(server.revoke(auth, &second.refresh).await.status(), 200, "{auth:?}");

        for token in [&first.access, &first.refresh, &second.access, &second.refresh] {
            assert!(!server.is_active(token).await, "{auth:?}");
        }
        assert_eq!(server.refresh(auth, &second.refresh).await.outcome(), INVALID_GRANT, "{auth:?}");
        // A8 (django-oauth-toolkit #1816): grace does not see through a revocation.
        assert_eq!(server.refresh(auth, &first.refresh).await.outcome(), INVALID_GRANT, "{auth:?}");
    }
}

// C101, C12.
#[tokio::test]
async fn revoking_an_access_token_ends_that_one_alone() {
    let server = Server::start();
    let first = server.sign_in(APP).await;
    let second = server.refresh(APP, &first.refresh).await.tokens();

    assert_eq!(server.revoke(APP, &first.access).await.status(), 200);

    assert!(!server.is_active(&first.access).await);
    assert!(server.is_active(&second.access).await && server.is_active(&second.refresh).await);
    let third = server.refresh(APP, &second.refresh).await.tokens();
    assert!(server.is_active(&third.access).await);
    assert!(!server.is_active(&first.access).await, "a later write does not bring it back");
}

// A40 (Keycloak CVE-2023-0091).
#[tokio::test]
async fn an_access_token_of_every_flow_can_be_revoked() {
    let server = Server::start();
    let code = server.code(APP).await;
    let client_credentials = server.token(APP, &[("grant_type", "client_credentials")]).await;
    let redeemed = server.redeem(APP, &code).await;
    let password = server.sign_in(APP).await;
    for (flow, token) in [
        ("client credentials", client_credentials.text("access_token")),
        ("code", redeemed.text("access_token")),
        ("password", &password.access),
    ] {
        assert!(server.is_active(token).await, "{flow}");
        assert_eq!(server.revoke(APP, token).await.status(), 200, "{flow}");
        assert!(!server.is_active(token).await, "{flow}");
    }
}

// C102. RFC 7009 section 2.1: a hint is no more than a hint; section 2.2: an unknown one is ignored.
#[tokio::test]
async fn a_token_is_revoked_whatever_the_hint_says() {
    for hint in [None, Some("refresh_token"), Some("access_token"), Some("id_token"), Some("\u{e9} nonsense"), Some("")]
    {
        let server = Server::start();
        let tokens = server.sign_in(APP).await;
        for token in [&tokens.access, &tokens.refresh] {
            let mut parameters = vec![("token", token.as_str())];
            parameters.extend(hint.map(|hint| ("token_type_hint", hint)));
            let reply = server.post(Endpoint::Revocation, APP, &parameters).await;
            assert_eq!(reply.status(), 200, "{hint:?}");
            assert!(!server.is_active(token).await, "{hint:?}");
        }
    }
}

// C103 to C105. RFC 7009 section 2.2. Every answer has the same bytes, so nobody learns what a token was.
#[tokio::test]
async fn a_token_that_cannot_be_revoked_is_answered_like_one_that_can() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let expired = server.sign_in(APP).await;
    let foreign = server.sign_in(OTHER).await;
    let elsewhere = server.restarted(|config| fixtures::Config { realm: "elsewhere", ..config }).sign_in(APP).await;
    server.advance(seconds(7 * 24 * 3600));
    let code = server.code(APP).await;
    let again = server.sign_in(APP).await;
    let revoked = server.revoke(APP, &again.refresh).await;

    for (name, token) in [
        ("garbage", "garbage"),
        ("not ASCII", "\u{e9}"),
        ("long", &"rt_".repeat(5000)),
        ("revoked before", &again.refresh),
        ("access token of a revoked grant", &again.access),
        ("expired refresh token", &expired.refresh),
        ("expired access token", &tokens.access),
        ("another client's refresh token", &foreign.refresh),
        ("another client's access token", &foreign.access),
        ("another realm's", &elsewhere.refresh),
        ("a code", &code),
    ] {
        let reply = server.revoke(APP, token).await;
        assert!(reply.response == revoked.response, "{name}: {reply:?}");
    }
    assert_eq!(server.redeem(APP, &code).await.status(), 200, "a code cannot be revoked, nor is it harmed");
}

// C104: the first time and reason stand.
#[tokio::test]
async fn a_second_revocation_changes_nothing() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    server.revoke(APP, &tokens.refresh).await;
    let before = server.store().snapshot();
    server.advance(seconds(10));
    for token in [&tokens.refresh, &tokens.access] {
        assert_eq!(server.revoke(APP, token).await.status(), 200);
    }
    assert!(server.store().snapshot() == before);
}

// C106, C107.
#[tokio::test]
async fn a_request_without_a_token_is_invalid_request() {
    let server = Server::start();
    for parameters in [&[][..], &[("token", "")], &[("token_type_hint", "refresh_token")]] {
        let reply = server.post(Endpoint::Revocation, APP, parameters).await;
        assert_eq!(reply.outcome(), INVALID_REQUEST, "{parameters:?}");
    }
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    assert_eq!(server.raw(Endpoint::Revocation, "POST", &headers, "").await.outcome(), INVALID_REQUEST);
}

// C108, A35.
#[tokio::test]
async fn a_get_revokes_nothing() {
    let server = Server::start();
    let tokens = server.sign_in(SPA).await;
    let body = fixtures::form(&[("token", &tokens.refresh), ("client_id", "spa")]);
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "post", ""] {
        assert_eq!(server.raw(Endpoint::Revocation, method, &headers, &body).await.status(), 405, "{method}");
    }
    assert!(server.is_active(&tokens.refresh).await);
    assert_eq!(server.raw(Endpoint::Revocation, "POST", &headers, &body).await.status(), 200);
    assert!(!server.is_active(&tokens.refresh).await, "the same request revokes as a POST");
}

// C109.
#[tokio::test]
async fn a_caller_that_fails_to_authenticate_revokes_nothing() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    for (auth, expected) in [
        (Auth::Basic("app", "wrong"), (401, "invalid_client")),
        (Auth::Post("app", "wrong"), (400, "invalid_client")),
        (Auth::Public("app"), (400, "invalid_client")),
        (Auth::Basic("nobody", "secret"), (401, "invalid_client")),
        (Auth::Nobody, INVALID_REQUEST),
    ] {
        assert_eq!(server.revoke(auth, &tokens.refresh).await.outcome(), expected, "{auth:?}");
    }
    assert!(server.is_active(&tokens.refresh).await);
}

// C110, A24 (doorkeeper CVE-2016-6582, CVE-2018-1000211, #1806): confidential and public on both sides.
#[tokio::test]
async fn nobody_revokes_the_token_of_another_client() {
    for victim in [APP, SPA] {
        for caller in [OTHER, POSTER, SPA, AUDITOR] {
            if caller.id() == victim.id() {
                continue;
            }
            let server = Server::start();
            let tokens = server.sign_in(victim).await;
            let before = server.store().snapshot();
            for token in [&tokens.access, &tokens.refresh] {
                assert_eq!(server.revoke(caller, token).await.status(), 200, "{caller:?} {victim:?}");
            }
            assert!(server.store().snapshot() == before, "{caller:?} {victim:?}");
            assert!(server.is_active(&tokens.access).await, "{caller:?} {victim:?}");
            assert_eq!(server.refresh(victim, &tokens.refresh).await.status(), 200, "{caller:?} {victim:?}");
        }
    }
}

// C113, A36 (fosite CVE-2020-15223): never 200 when it could not be done.
#[tokio::test]
async fn an_outage_of_the_store_is_told_and_the_revocation_can_be_repeated() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    server.store().set_down(true);
    for token in [&tokens.access, &tokens.refresh] {
        let reply = server.revoke(APP, token).await;
        assert_eq!(reply.outcome(), (503, "temporarily_unavailable"));
        assert!(reply.header("retry-after").is_some());
    }
    server.store().set_down(false);
    assert!(server.is_active(&tokens.access).await && server.is_active(&tokens.refresh).await);
    assert_eq!(server.revoke(APP, &tokens.refresh).await.status(), 200);
    assert!(!server.is_active(&tokens.access).await);
}

// C114, and C115: not through a foreign client.
#[tokio::test]
async fn any_refresh_token_of_the_chain_revokes_the_grant_however_old() {
    for age in [0, 1, 2, 3] {
        let server = Server::start();
        let mut chain = vec![server.sign_in(APP).await];
        for _ in 0..3 {
            server.advance(seconds(300));
            let newest = server.refresh(APP, &chain[chain.len() - 1].refresh).await.tokens();
            chain.push(newest);
        }
        let newest = &chain[3];
        assert_eq!(server.revoke(OTHER, &chain[age].refresh).await.status(), 200, "generation {age}");
        assert!(server.is_active(&newest.refresh).await, "generation {age}, shown by another client");

        assert_eq!(server.revoke(APP, &chain[age].refresh).await.status(), 200, "generation {age}");
        assert!(!server.is_active(&newest.refresh).await && !server.is_active(&newest.access).await, "{age}");
        assert_eq!(server.refresh(APP, &newest.refresh).await.outcome(), INVALID_GRANT, "generation {age}");
    }
}

// C116.
#[tokio::test]
async fn a_refresh_token_is_revocable_after_its_access_token_expired() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    server.advance(seconds(3601));
    assert!(!server.is_active(&tokens.access).await);
    assert_eq!(server.revoke(APP, &tokens.refresh).await.status(), 200);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.outcome(), INVALID_GRANT);
}

// C117: a narrowed token dies with its grant too.
#[tokio::test]
async fn a_narrowed_access_token_dies_with_its_grant() {
    let server = Server::start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS), ("resource", BILLING)]).await;
    let narrow = server
        .token(
            APP,
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", &tokens.refresh),
                ("scope", "read"),
                ("resource", ORDERS),
            ],
        )
        .await
        .tokens();
    assert!(server.is_active(&narrow.access).await);
    server.revoke(APP, &narrow.refresh).await;
    assert!(!server.is_active(&narrow.access).await);
}

// C118.
#[tokio::test]
async fn other_grants_of_the_same_user_and_client_survive() {
    let server = Server::start();
    let (first, second) = (server.sign_in(APP).await, server.sign_in(APP).await);
    server.revoke(APP, &first.refresh).await;
    assert!(server.is_active(&second.access).await);
    assert_eq!(server.refresh(APP, &second.refresh).await.status(), 200);
}
