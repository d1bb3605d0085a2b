//! RFC 7662: token introspection, beyond the cases of the conformance kit.

use fixtures::{APP, Config, ORDERS, ORDERS_API, Server, USER, client, resources, scope, seconds, subject};
use regrant::client::IntrospectionAccess;
use regrant::clock::Timestamp;
use regrant::grant::Confirmation;
use regrant::policy::Lifetime;
use regrant::token::TokenKind;
use regrant::{Approval, AuthenticatedClient, Client, GrantType, IssueRequest, Policy};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

fn inactive() -> Value {
    json!({ "active": false })
}

fn proof(client: Client) -> AuthenticatedClient {
    AuthenticatedClient::assertion(client.into())
}

// doorkeeper-gem/doorkeeper#1818.
#[tokio::test]
async fn a_refresh_token_that_never_expires_has_no_exp() {
    let server = Server::with_policy(Policy::default().with_refresh_token_lifetime(Lifetime::Never));
    let tokens = server.sign_in(APP).await;
    let reply = server.introspect(APP, &tokens.refresh).await;
    assert_eq!((&reply.json["active"], reply.json.get("exp")), (&json!(true), None), "{reply:?}");
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

// RFC 9449 section 6.2, RFC 8705 section 3.2, RFC 9470 section 6.2.
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

// A token is active exactly when it would be accepted. A policy change applies to existing grants.
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

// The reported end is the effective one.
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
