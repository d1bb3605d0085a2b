//! RFC 7662: token introspection.

use std::time::Duration;

use fixtures::{
    APP, AUDITOR, Auth, BILLING, Config, GateState, ISSUER, ORDERS, ORDERS_API, OTHER, POSTER, SCOPE, SPA, Server,
    USER, client, resources, scope, seconds, subject,
};
use regrant::client::IntrospectionAccess;
use regrant::clock::Timestamp;
use regrant::grant::Confirmation;
use regrant::policy::Lifetime;
use regrant::token::TokenKind;
use regrant::wire::Endpoint;
use regrant::{Approval, AuthenticatedClient, Client, GrantType, IssueRequest, Policy};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

fn inactive() -> Value {
    json!({ "active": false })
}

fn proof(client: Client) -> AuthenticatedClient {
    AuthenticatedClient::assertion(client.into())
}

// C119. RFC 7662 section 2.2.
#[tokio::test]
async fn an_active_access_token_is_described() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let expected = json!({
        "active": true, "scope": SCOPE, "client_id": "app", "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
        "sub": USER, "iss": ISSUER,
    });
    assert_eq!(server.introspect(APP, &tokens.access).await.json, expected);
}

// C10: no token_type, since nobody presents it to a resource server.
#[tokio::test]
async fn an_active_refresh_token_is_described_without_a_token_type() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let expected = json!({
        "active": true, "scope": SCOPE, "client_id": "app", "exp": NOW + 7 * 24 * 3600, "iat": NOW, "sub": USER,
        "iss": ISSUER,
    });
    assert_eq!(server.introspect(APP, &tokens.refresh).await.json, expected);
}

// C58, doorkeeper #1818.
#[tokio::test]
async fn a_refresh_token_that_never_expires_has_no_exp() {
    let server = Server::with_policy(Policy::default().with_refresh_token_lifetime(Lifetime::Never));
    let tokens = server.sign_in(APP).await;
    let reply = server.introspect(APP, &tokens.refresh).await;
    assert_eq!((&reply.json["active"], reply.json.get("exp")), (&json!(true), None), "{reply:?}");
}

// C120. RFC 7662 section 2.1.
#[tokio::test]
async fn the_hint_changes_nothing() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    for token in [&tokens.access, &tokens.refresh] {
        let expected = server.introspect(APP, token).await.json;
        assert_eq!(expected["active"], true);
        for hint in ["access_token", "refresh_token", "pushed_authorization_request", "\u{e9}", ""] {
            let parameters = [("token", token.as_str()), ("token_type_hint", hint)];
            assert_eq!(server.post(Endpoint::Introspection, APP, &parameters).await.json, expected, "{hint}");
        }
    }
}

// C121, C122, C131. RFC 7662 section 2.2: not even the reason.
#[tokio::test]
async fn everything_that_is_not_active_is_answered_with_the_same_bytes() {
    let server = Server::start();
    let expired = server.sign_in(APP).await;
    server.advance(seconds(7 * 24 * 3600));
    let rotated = server.sign_in(APP).await;
    server.refresh(APP, &rotated.refresh).await.tokens();
    let revoked = server.sign_in(APP).await;
    server.revoke(APP, &revoked.refresh).await;
    let revoked_alone = server.sign_in(APP).await;
    server.revoke(APP, &revoked_alone.access).await;
    let foreign = server.sign_in(OTHER).await;
    let elsewhere = server.restarted(|config| Config { realm: "elsewhere", ..config }).sign_in(APP).await;
    let unknown = server.restarted(|config| Config { store: fixtures::WatchedStore::default(), ..config });
    let unknown = unknown.sign_in(APP).await;
    let code = server.code(APP).await;
    let redeemed = server.code(APP).await;
    server.redeem(APP, &redeemed).await.tokens();

    let expected = server.introspect(APP, "garbage").await;
    assert_eq!(expected.json, inactive());
    for (name, token) in [
        ("expired access token", expired.access.as_str()),
        ("expired refresh token", &expired.refresh),
        ("spent refresh token inside its grace", &rotated.refresh),
        ("access token of a revoked grant", &revoked.access),
        ("revoked refresh token", &revoked.refresh),
        ("revoked access token", &revoked_alone.access),
        ("another client's access token", &foreign.access),
        ("another client's refresh token", &foreign.refresh),
        ("another realm's", &elsewhere.access),
        ("unknown", &unknown.access),
        ("code", &code),
        ("redeemed code", &redeemed),
        ("JSON web token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZW1vIn0."),
        ("not ASCII", "\u{e9}"),
    ] {
        let reply = server.introspect(APP, token).await;
        assert!(reply.response == expected.response, "{name}: {reply:?}");
    }
    let tokens = server.sign_in(APP).await;
    server.config.gate.set(GateState::Closed);
    for token in [&tokens.access, &tokens.refresh] {
        assert!(server.introspect(APP, token).await.response == expected.response, "of a closed account");
    }
}

// C57, I14: active exactly as long as it would be accepted.
#[tokio::test]
async fn a_token_is_active_up_to_the_last_millisecond_of_its_life() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let start = NOW * 1000;
    for (token, life) in [(&tokens.access, 3_600_000), (&tokens.refresh, 7 * 24 * 3_600_000)] {
        for (age, expected) in [(life - 1, true), (life, false), (life + 1, false)] {
            server.config.clock.set(Timestamp::from_millis(start + age));
            assert_eq!(server.is_active(token).await, expected, "after {age} ms");
        }
    }
}

// C122, C123, A37 (Keycloak CVE-2026-37979). RFC 7662 section 4.
#[tokio::test]
async fn a_caller_learns_only_of_tokens_that_are_its_business() {
    let server = Server::start();
    let orders = server.sign_in_for(APP, &[("resource", ORDERS)]).await;
    let billing = server.sign_in_for(APP, &[("resource", BILLING)]).await;
    let both = server.sign_in_for(APP, &[("resource", ORDERS), ("resource", BILLING)]).await;
    let neither = server.sign_in(APP).await;
    let cases = [
        (APP, [true; 8]),
        (AUDITOR, [true; 8]),
        (OTHER, [false; 8]),
        (POSTER, [false; 8]),
        // No resource server has business with a refresh token.
        (ORDERS_API, [true, false, true, false, false, false, false, false]),
    ];
    for (caller, expected) in cases {
        let tokens = [
            &orders.access,
            &billing.access,
            &both.access,
            &neither.access,
            &orders.refresh,
            &billing.refresh,
            &both.refresh,
            &neither.refresh,
        ];
        for (index, (token, expected)) in tokens.into_iter().zip(expected).enumerate() {
            let reply = server.introspect(caller, token).await;
            assert_eq!(reply.json["active"], expected, "{caller:?}, token {index}: {reply:?}");
        }
    }
}

// A token narrowed to one audience is not another audience's business, though the grant is.
#[tokio::test]
async fn an_audience_is_that_of_the_token_and_not_of_its_grant() {
    let server = Server::start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS), ("resource", BILLING)]).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str()), ("resource", BILLING)];
    let narrowed = server.token(APP, &refresh).await.tokens();
    assert_eq!(server.introspect(ORDERS_API, &tokens.access).await.json["active"], true);
    assert_eq!(server.introspect(ORDERS_API, &narrowed.access).await.json, inactive());
}

// A resource server that is also a client sees its own tokens as well.
#[tokio::test]
async fn a_resource_server_sees_its_own_tokens_besides_those_for_it() {
    let api = client(ORDERS_API).with_introspection(IntrospectionAccess::Audiences(resources(&[ORDERS])));
    let server = Config::default().client(api, ORDERS_API).start();
    let own = server.sign_in(ORDERS_API).await;
    assert_eq!(server.introspect(ORDERS_API, &own.access).await.json["active"], true);
    assert_eq!(server.introspect(ORDERS_API, &own.refresh).await.json["active"], true);
}

// C124, C125, A29. RFC 7662 section 2.3.
#[tokio::test]
async fn a_caller_that_is_nobody_public_or_wrong_gets_401_and_no_word_about_the_token() {
    let server = Server::start();
    let app = server.sign_in(APP).await;
    let spa = server.sign_in(SPA).await;
    let expected = server.introspect(Auth::Nobody, "garbage").await;
    assert_eq!(expected.outcome(), (401, "invalid_client"));
    assert!(expected.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Basic ")));
    for token in [&app.access, &spa.access, &spa.refresh, "garbage"] {
        assert!(server.introspect(Auth::Nobody, token).await.response == expected.response);
        for auth in [SPA, Auth::Public("app"), Auth::Basic("app", "wrong"), Auth::Post("poster", "wrong")] {
            let reply = server.introspect(auth, token).await;
            assert_eq!(reply.outcome(), (401, "invalid_client"), "{auth:?}");
            assert!(reply.response == expected.response, "{auth:?}");
        }
    }
}

// C124.
#[tokio::test]
async fn a_request_without_a_token_is_invalid_request() {
    let server = Server::start();
    for parameters in [&[][..], &[("token", "")], &[("token_type_hint", "access_token")]] {
        let reply = server.post(Endpoint::Introspection, APP, parameters).await;
        assert_eq!(reply.outcome(), (400, "invalid_request"), "{parameters:?}");
    }
}

// C126: there is no bearer authorization here, so a token cannot vouch for itself.
#[tokio::test]
async fn a_token_does_not_authorize_its_own_introspection() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let bearer = format!("Bearer {}", tokens.access);
    let headers: [(&str, &[u8]); 2] =
        [("content-type", b"application/x-www-form-urlencoded"), ("authorization", bearer.as_bytes())];
    let reply =
        server.raw(Endpoint::Introspection, "POST", &headers, fixtures::form(&[("token", &tokens.access)])).await;
    assert_eq!(reply.outcome(), (400, "invalid_request"));
}

// C36, C45, RFC 9700 section 2.3.
#[tokio::test]
async fn a_narrowed_token_shows_its_own_scope_and_audience() {
    let server = Server::start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS), ("resource", BILLING)]).await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
        ("scope", "read"),
        ("resource", ORDERS),
    ];
    let narrowed = server.token(APP, &refresh).await.tokens();
    let access = server.introspect(APP, &narrowed.access).await.json;
    assert_eq!((&access["scope"], &access["aud"]), (&json!("read"), &json!(ORDERS)));
    for whole in [&tokens.access, &narrowed.refresh] {
        let told = server.introspect(APP, whole).await.json;
        assert_eq!((&told["scope"], &told["aud"]), (&json!(SCOPE), &json!([BILLING, ORDERS])));
    }
}

// RFC 9700 section 4.15: a client acting for itself has no subject that could be taken for a user.
#[tokio::test]
async fn a_client_credentials_token_has_no_subject() {
    let server = Server::start();
    let reply = server.token(APP, &[("grant_type", "client_credentials"), ("scope", "read")]).await;
    let told = server.introspect(APP, reply.text("access_token")).await;
    let expected = json!({
        "active": true, "scope": "read", "client_id": "app", "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
        "iss": ISSUER,
    });
    assert_eq!(told.json, expected);
}

// C130. RFC 9449 section 6.2, RFC 8705 section 3.2, RFC 9470 section 6.2.
#[tokio::test]
async fn bound_tokens_show_their_key_and_the_authentication_behind_them() {
    let server = Server::start();
    for (confirmation, token_type, cnf) in [
        (Confirmation::DpopKey([0xfb; 32]), "DPoP", json!({ "jkt": "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s" })),
        (
            Confirmation::Certificate([0xfb; 32]),
            "Bearer",
            json!({ "x5t#S256": "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s" }),
        ),
    ] {
        let approval = Approval::of(subject(USER))
            .with_scope(scope("read"))
            .with_confirmation(Some(confirmation))
            .with_authentication(
                Timestamp::from_millis(NOW * 1000 - 1),
                Some("gold".into()),
                vec!["pwd".into(), "otp".into()],
            );
        let issued =
            server.service().issue(&proof(client(APP)), IssueRequest::new(GrantType::Password, approval)).await;
        let issued = issued.unwrap();
        let told = server.introspect(APP, issued.access_token.expose()).await.json;
        assert_eq!(told["token_type"], token_type);
        assert_eq!(told["cnf"], cnf);
        assert_eq!((&told["auth_time"], &told["acr"]), (&json!(NOW - 1), &json!("gold")));
        assert_eq!(told["amr"], json!(["pwd", "otp"]));
        assert_eq!(server.introspect(APP, issued.refresh_token.unwrap().expose()).await.json["cnf"], cnf);
    }
}

// The host's own data and the OpenID nonce are not for resource servers.
#[tokio::test]
async fn what_the_host_keeps_with_a_grant_is_told_to_the_host_alone() {
    let server = Server::start();
    let approval =
        Approval::of(subject(USER)).with_nonce(Some("n-0S6_WzA2Mj".into())).with_data(b"session 17".to_vec());
    let issued = server.service().issue(&proof(client(APP)), IssueRequest::new(GrantType::Password, approval)).await;
    let issued = issued.unwrap();
    let reply = server.introspect(APP, issued.access_token.expose()).await;
    let body = String::from_utf8(reply.response.body.clone()).unwrap();
    assert!(!body.contains("n-0S6_WzA2Mj") && !body.contains("session 17"), "{body}");
    assert!(!body.contains(&issued.grant_id.to_string()), "{body}");

    let told = server.service().introspect(&proof(client(APP)), issued.access_token.expose()).await.unwrap().unwrap();
    assert_eq!((told.kind, told.grant_id), (TokenKind::AccessToken, issued.grant_id));
    assert_eq!(
        (told.approval.nonce.as_deref(), told.approval.data.as_slice()),
        (Some("n-0S6_WzA2Mj"), &b"session 17"[..])
    );
}

// DESIGN section 1, promise 4: an outage is not "inactive", which would log people out at every resource server.
#[tokio::test]
async fn an_outage_is_told_as_such() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let unavailable = (503, "temporarily_unavailable");

    server.config.gate.set(GateState::Broken);
    assert_eq!(server.introspect(APP, &tokens.access).await.outcome(), unavailable);
    server.config.gate.set(GateState::Open);

    server.store().set_down(true);
    assert_eq!(server.introspect(APP, &tokens.access).await.outcome(), unavailable);
    assert_eq!(server.introspect(APP, "garbage").await.json, inactive(), "garbage needs no store");
    server.store().set_down(false);
    assert!(server.is_active(&tokens.access).await);
}

#[tokio::test]
async fn introspection_writes_nothing() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    server.refresh(APP, &tokens.refresh).await.tokens();
    let before = server.store().snapshot();
    for span in [Duration::ZERO, seconds(61), seconds(3600), seconds(8 * 24 * 3600)] {
        server.advance(span);
        for token in [&tokens.access, &tokens.refresh] {
            server.introspect(APP, token).await;
        }
    }
    assert!(server.store().snapshot() == before);
}

// I14: introspect(x) = active exactly when x would be accepted. DESIGN section 6: a policy change applies to living grants.
#[tokio::test]
async fn a_refresh_token_that_a_shortened_policy_no_longer_accepts_is_inactive() {
    for (name, policy) in [
        ("idle", Policy::default().with_refresh_token_lifetime(seconds(100).into())),
        ("absolute", Policy::default().with_grant_lifetime(seconds(100).into())),
    ] {
        let server = Server::start();
        let tokens = server.sign_in(APP).await;
        server.advance(seconds(100));
        let shortened = server.restarted(|config| config.policy(policy));
        assert_eq!(shortened.refresh(APP, &tokens.refresh).await.outcome(), (400, "invalid_grant"), "{name}");
        assert_eq!(shortened.introspect(APP, &tokens.refresh).await.json, inactive(), "{name}");
    }
}

// What is told is the end that counts.
#[tokio::test]
async fn the_exp_told_to_the_owner_follows_a_shortened_policy() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let policy = Policy::default().with_grant_lifetime(seconds(1000).into());
    let shortened = server.restarted(|config| config.policy(policy));
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(shortened.introspect(APP, token).await.json["exp"], NOW + 1000);
    }
    let policy = Policy::default().with_refresh_token_lifetime(seconds(500).into());
    let shortened = server.restarted(|config| config.policy(policy));
    assert_eq!(shortened.introspect(APP, &tokens.refresh).await.json["exp"], NOW + 500);
    assert_eq!(shortened.introspect(APP, &tokens.access).await.json["exp"], NOW + 3600, "not the access token's");
}
