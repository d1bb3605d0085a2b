//! `require_offline_access`: refresh tokens only where `offline_access` was granted (OpenID Connect Core section 11).

use fixtures::{APP, AUDITOR, Config, Reply, SCOPE, SPA, Server, USER, client, scope, seconds, subject};
use regrant::event::EventKind;
use regrant::policy::ClientPolicy;
use regrant::{Approval, AuthenticatedClient, GrantType, IssueRequest, Policy, Refusal};

const OFFLINE: &str = "offline_access openid read write";

fn requiring() -> Policy {
    Policy::default().with_require_offline_access(true)
}

/// A server whose clients are registered for `offline_access`.
fn start(policy: Policy) -> Server {
    let registered = |client: regrant::Client| client.with_scope(scope(OFFLINE));
    Config::default().policy(policy).with_client(APP, registered).with_client(SPA, registered).start()
}

async fn signed_in(server: &Server, wanted: &str) -> Reply {
    let password =
        [("grant_type", "password"), ("username", USER), ("password", fixtures::PASSWORD), ("scope", wanted)];
    server.token(APP, &password).await
}

#[tokio::test]
async fn a_refresh_token_comes_only_with_the_scope_in_every_flow() {
    let server = start(requiring());
    for (wanted, expected) in [(SCOPE, false), (OFFLINE, true), ("offline_access", true), ("read", false)] {
        let reply = signed_in(&server, wanted).await;
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.json.get("refresh_token").is_some(), expected, "password: {wanted}");
        for auth in [APP, SPA] {
            let approval = Approval::of(subject(USER)).with_scope(scope(wanted));
            let code = server.code_for(auth, |mut request| {
                request.approval = approval;
                request
            });
            let reply = server.redeem_with(auth, "", &code.await).await;
            assert_eq!(reply.status(), 200);
            assert_eq!(reply.json.get("refresh_token").is_some(), expected, "code: {wanted}");
        }
        let app = AuthenticatedClient::assertion(client(APP).with_scope(scope(OFFLINE)).into());
        let assertion: GrantType = "urn:example:assertion".parse().unwrap();
        let app = AuthenticatedClient::assertion(
            regrant::Client::clone(&app).with_grant_types([assertion.clone(), GrantType::RefreshToken]).into(),
        );
        let approval = Approval::of(subject(USER)).with_scope(scope(wanted));
        let tokens = server.service().issue(&app, IssueRequest::new(assertion, approval)).await.unwrap();
        assert_eq!(tokens.refresh_token.is_some(), expected, "a flow of the host: {wanted}");
    }
}

// RFC 6749 section 6: a refresh for less leaves the refresh token its whole scope.
#[tokio::test]
async fn a_refresh_for_less_keeps_the_refresh_token() {
    let server = start(requiring());
    let first = signed_in(&server, OFFLINE).await.tokens();
    let narrow = [("grant_type", "refresh_token"), ("refresh_token", first.refresh.as_str()), ("scope", "read")];
    let second = server.token(APP, &narrow).await;
    assert_eq!(second.text("scope"), "read");
    let third = server.refresh(APP, &second.tokens().refresh).await;
    assert_eq!(third.text("scope"), OFFLINE);
}

// A policy applies to existing grants at their next request.
#[tokio::test]
async fn a_grant_without_the_scope_is_refused_while_the_rule_holds_and_changes_nothing() {
    let server = start(Policy::default());
    let without = signed_in(&server, SCOPE).await.tokens();
    let with = signed_in(&server, OFFLINE).await.tokens();
    let strict = server.restarted(|config| config.policy(requiring()));
    let before = server.store().snapshot();
    server.config.events.take();
    for _ in 0..2 {
        assert_eq!(strict.refresh(APP, &without.refresh).await.outcome(), (400, "invalid_grant"));
    }
    let refused = EventKind::Refused(Refusal::OfflineAccessNotGranted);
    assert_eq!(server.config.events.kinds(), [refused, refused]);
    assert_eq!(server.store().snapshot(), before);
    // Introspection tells what a refresh would find. The access token lives on.
    assert_eq!(strict.introspect(APP, &without.refresh).await.json["active"], false);
    assert_eq!(strict.introspect(APP, &without.access).await.json["active"], true);
    assert_eq!(strict.introspect(APP, &with.refresh).await.json["active"], true);
    assert_eq!(strict.introspect(AUDITOR, &with.refresh).await.json["active"], true);

    let next = strict.refresh(APP, &with.refresh).await.tokens();
    assert_eq!(server.refresh(APP, &without.refresh).await.status(), 200, "without the rule it is served again");
    assert_eq!(strict.refresh(APP, &next.refresh).await.status(), 200);
}

// As every scope that is withdrawn from a client, it is gone from its grants too.
#[tokio::test]
async fn a_client_that_lost_the_scope_refreshes_no_more() {
    let server = start(requiring());
    let tokens = signed_in(&server, OFFLINE).await.tokens();
    let code = server.code_for(APP, |mut request| {
        request.approval = Approval::of(subject(USER)).with_scope(scope(OFFLINE));
        request
    });
    let code = code.await;
    let withdrawn = server.restarted(|config| config.with_client(APP, |client| client.with_scope(scope(SCOPE))));
    assert_eq!(withdrawn.refresh(APP, &tokens.refresh).await.outcome(), (400, "invalid_grant"));
    let redeemed = withdrawn.redeem(APP, &code).await;
    assert_eq!((redeemed.status(), redeemed.json.get("refresh_token")), (200, None));
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 200, "registered for it again");
}

// A spent token is spent, whatever its grant may do.
#[tokio::test]
async fn reuse_is_found_in_a_grant_without_the_scope() {
    let server = start(Policy::default());
    let first = signed_in(&server, SCOPE).await.tokens();
    let second = server.refresh(APP, &first.refresh).await.tokens();
    let third = server.refresh(APP, &second.refresh).await.tokens();
    server.advance(seconds(60));
    let strict = server.restarted(|config| config.policy(requiring()));
    assert_eq!(strict.refresh(APP, &first.refresh).await.outcome(), (400, "invalid_grant"));
    assert!(!server.is_active(&third.access).await, "the grant is revoked");
}

#[tokio::test]
async fn one_client_can_be_held_to_the_rule_and_one_be_let_off() {
    let held = ClientPolicy::default().with_require_offline_access(true);
    let registered = client(APP).with_scope(scope(OFFLINE));
    let server = Config::default().client(registered.clone().with_policy(held), APP).start();
    assert_eq!(signed_in(&server, SCOPE).await.json.get("refresh_token"), None);
    assert!(signed_in(&server, OFFLINE).await.json.get("refresh_token").is_some());
    let free = ClientPolicy::default().with_require_offline_access(false);
    let server = Config::default().policy(requiring()).client(registered.with_policy(free), APP).start();
    assert!(signed_in(&server, SCOPE).await.json.get("refresh_token").is_some());
}

// The scope alone changes nothing where the policy does not ask for it, and gives no client a right to refresh.
#[tokio::test]
async fn the_scope_is_a_condition_and_no_right() {
    for policy in [Policy::default(), Policy::am_7_5()] {
        let server = start(policy);
        assert!(signed_in(&server, SCOPE).await.json.get("refresh_token").is_some());
    }
    let server = start(requiring().with_issue_refresh_tokens(false));
    assert_eq!(signed_in(&server, OFFLINE).await.json.get("refresh_token"), None);
    let server = start(requiring());
    let own = server.token(APP, &[("grant_type", "client_credentials"), ("scope", OFFLINE)]).await;
    assert_eq!((own.status(), own.json.get("refresh_token")), (200, None));
}
