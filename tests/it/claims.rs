//! The claims of the host, by one source: in JWTs, at introspection and at userinfo.

use fixtures::{APP, AUDITOR, Config, ORDERS, SCOPE, Server, StubClaims, StubIssuer, USER, WatchedStore, claims};
use regrant::event::{EventKind, Operation, Port};
use regrant::host::{ClaimsError, ClaimsTarget, HostClaims, Unavailable};
use regrant::policy::AccessTokenFormat;
use regrant::store::StoreError;
use regrant::wire::Endpoint;
use regrant::{Policy, RefreshRequest, TokenError, TokenService};
use serde_json::{Value, json};

/// A server with a claims source, and opaque or JWT access tokens.
fn start(format: AccessTokenFormat) -> (Server, StubClaims) {
    let source = StubClaims::default();
    let config = Config {
        jwt_issuer: Some(StubIssuer::default()),
        claims_source: Some(source.clone()),
        ..Config::default().policy(Policy::default().with_access_token_format(format))
    };
    (config.start(), source)
}

/// The claim by which the source of the fixtures says what it was asked.
fn asked(scope: &str, resources: &[&str]) -> Value {
    json!({ "client": "app", "user": USER, "scope": scope, "resources": resources }).to_string().into()
}

#[tokio::test]
async fn a_jwt_and_the_introspection_of_either_format_show_the_same_claims() {
    for format in [AccessTokenFormat::Opaque, AccessTokenFormat::Jwt] {
        let (server, source) = start(format);
        source.set("roles", json!(["admin"]));
        let tokens = server.sign_in_for(APP, &[("resource", ORDERS), ("scope", "read")]).await;
        let expected = asked("read", &[ORDERS]);
        for caller in [APP, AUDITOR] {
            let answer = server.introspect(caller, &tokens.access).await.json;
            assert_eq!((&answer["asked"], &answer["roles"]), (&expected, &json!(["admin"])), "{caller:?}");
        }
        if format == AccessTokenFormat::Jwt {
            let jwt = claims(&tokens.access);
            assert_eq!((&jwt["asked"], &jwt["roles"]), (&expected, &json!(["admin"])));
        }
    }
}

// A narrowed token narrows the claims that are delivered with it.
#[tokio::test]
async fn claims_are_those_of_the_scope_of_the_token_and_not_of_the_grant() {
    let (server, _) = start(AccessTokenFormat::Opaque);
    let tokens = server.sign_in(APP).await;
    let narrow = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str()), ("scope", "read")];
    let narrow = server.token(APP, &narrow).await.tokens();
    assert_eq!(server.introspect(APP, &narrow.access).await.json["asked"], asked("read", &[]));
    assert_eq!(server.introspect(APP, &tokens.access).await.json["asked"], asked(SCOPE, &[]));
}

#[tokio::test]
async fn the_source_is_asked_once_for_each_place_and_never_for_opaque_tokens_or_refresh_tokens() {
    use ClaimsTarget::{AccessToken, IdToken, UserInfo};
    let (server, source) = start(AccessTokenFormat::Opaque);
    let tokens = server.sign_in(APP).await;
    assert_eq!(source.asked(), [IdToken]);
    server.introspect(APP, &tokens.access).await;
    assert_eq!(source.asked(), [AccessToken]);
    server.introspect(APP, &tokens.refresh).await;
    server.introspect(APP, "garbage").await;
    server.sign_in_for(APP, &[("scope", "read")]).await;
    assert_eq!(source.asked(), []);
    server.user_info_of(&tokens.access).await;
    assert_eq!(source.asked(), [UserInfo]);

    let (server, source) = start(AccessTokenFormat::Jwt);
    server.sign_in(APP).await;
    assert_eq!(source.asked(), [AccessToken, IdToken]);
}

#[tokio::test]
async fn a_client_that_acts_for_itself_has_claims_without_a_user() {
    let (server, _) = start(AccessTokenFormat::Jwt);
    let own = server.own_token(APP).await;
    let expected = json!({ "client": "app", "user": null, "scope": "read", "resources": [] }).to_string();
    assert_eq!(claims(&own)["asked"], expected);
    assert_eq!(server.introspect(APP, &own).await.json["asked"], expected);
}

#[tokio::test]
async fn an_id_token_has_the_claims_of_its_target() {
    let (server, source) = start(AccessTokenFormat::Opaque);
    source.set("email", "demo@as.example");
    let code = server.code(APP).await;
    let id_token = server.redeem(APP, &code).await.text("id_token").to_owned();
    assert_eq!(claims(&id_token)["email"], "demo@as.example");
}

// A lost response is repeated byte for byte, the claims of the host included.
#[tokio::test]
async fn a_replay_asks_again_and_repeats_the_token() {
    let (server, source) = start(AccessTokenFormat::Jwt);
    source.set("roles", json!(["admin"]));
    let tokens = server.sign_in(APP).await;
    let first = server.refresh(APP, &tokens.refresh).await.tokens();
    assert_eq!(server.refresh(APP, &tokens.refresh).await.tokens(), first);
}

#[tokio::test]
async fn a_source_that_is_down_consumes_nothing_and_is_named_to_the_host() {
    let (server, source) = start(AccessTokenFormat::Jwt);
    let tokens = server.sign_in(APP).await;
    let code = server.code(APP).await;
    server.config.events.take();
    let outage: fn() -> Unavailable = || Unavailable::new("no route to the directory");
    let rejection = || StoreError::rejected("no such table").into();
    for (fault, answer, kind) in [
        (outage, (503, "temporarily_unavailable"), EventKind::Unavailable),
        (rejection, (500, "server_error"), EventKind::Rejected),
    ] {
        source.fail(Some(fault));
        let before = server.store().snapshot();
        for reply in [
            server.refresh(APP, &tokens.refresh).await,
            server.redeem(APP, &code).await,
            server.introspect(APP, &tokens.access).await,
            server.user_info_of(&tokens.access).await,
        ] {
            assert_eq!(reply.outcome(), answer);
        }
        assert_eq!(server.store().snapshot(), before, "nothing is written");
        let events = server.config.events.take();
        let told = events.iter().map(|event| (event.kind, event.failure.as_ref().unwrap().port));
        assert_eq!(told.collect::<Vec<_>>(), [(kind, Port::ClaimsSource); 4]);
    }
    source.fail(None);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 200);
    assert_eq!(server.redeem(APP, &code).await.status(), 200);
}

#[tokio::test]
async fn each_failure_of_the_source_is_an_event_with_its_cause() {
    let (server, source) = start(AccessTokenFormat::Jwt);
    let tokens = server.sign_in(APP).await;
    source.fail(Some(|| Unavailable::new("no route to the directory")));
    server.config.events.take();
    for (operation, reply) in [
        (Operation::Refresh, server.refresh(APP, &tokens.refresh).await),
        (Operation::Introspect, server.introspect(APP, &tokens.access).await),
        (Operation::UserInfo, server.user_info_of(&tokens.access).await),
    ] {
        assert_eq!(reply.status(), 503, "{operation:?}");
    }
    let events = server.config.events.take();
    let told: Vec<Operation> = events.iter().map(|event| event.operation).collect();
    assert_eq!(told, [Operation::Refresh, Operation::Introspect, Operation::UserInfo]);
    for event in events {
        let failure = event.failure.unwrap();
        assert_eq!(failure.chain, ["the claims source is unavailable", "no route to the directory"]);
        assert!(event.grant_id.is_some(), "{:?}", event.operation);
    }
}

// RFC 8725 section 2.8: a claim of the protocol in the wrong place makes one token of another.
#[tokio::test]
async fn a_source_that_sets_a_claim_of_the_protocol_gets_no_token_out() {
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "cnf", "act", "acr", "active", "sid"] {
        let (server, source) = start(AccessTokenFormat::Jwt);
        let tokens = server.sign_in(APP).await;
        source.set(name, "other");
        let before = server.store().snapshot();
        server.config.events.take();
        for reply in [server.refresh(APP, &tokens.refresh).await, server.introspect(APP, &tokens.access).await] {
            assert_eq!(reply.outcome(), (500, "server_error"), "{name}");
        }
        assert_eq!(server.store().snapshot(), before, "{name}");
        for event in server.config.events.take() {
            let failure = event.failure.unwrap();
            assert_eq!((event.kind, failure.port), (EventKind::Rejected, Port::ClaimsSource), "{name}");
            assert!(failure.chain[0].contains(&format!("sets {name},")), "{:?}", failure.chain);
        }
        let is_of_userinfo = !["act", "acr", "active"].contains(&name);
        let status = server.user_info_of(&tokens.access).await.status();
        assert_eq!(status, if is_of_userinfo { 500 } else { 200 }, "{name}");
    }
}

#[tokio::test]
async fn the_error_of_a_reserved_claim_has_a_type() {
    let (server, source) = start(AccessTokenFormat::Jwt);
    let client = fixtures::client(APP);
    let client = regrant::AuthenticatedClient::assertion(client.into());
    let tokens = server.sign_in(APP).await;
    source.set("exp", 1);
    let error = server.service().refresh(&client, &RefreshRequest::new(tokens.refresh)).await.unwrap_err();
    let TokenError::Claims(ClaimsError::Reserved { claim, target }) = error else { panic!("{error:?}") };
    assert_eq!((claim, target), ("exp", ClaimsTarget::AccessToken));
}

#[test]
fn every_target_reserves_what_tells_tokens_apart() {
    use ClaimsTarget::{AccessToken, IdToken, UserInfo};
    for target in [AccessToken, IdToken, UserInfo] {
        for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "at_hash", "cnf", "client_id", "scope"] {
            assert!(target.reserves(name), "{target:?} {name}");
        }
        for name in ["email", "name", "roles", "groups", "entitlements", "", "SUB"] {
            assert!(!target.reserves(name), "{target:?} {name}");
        }
    }
    for name in ["active", "authorization_details"] {
        assert!(AccessToken.reserves(name) && !IdToken.reserves(name));
    }
    assert!(IdToken.reserves("acr") && !UserInfo.reserves("acr"));
}

// The claims are personal data.
#[test]
fn claims_do_not_reach_debug_output() {
    let claims = HostClaims::from_iter([("email", "demo@as.example")]);
    assert_eq!(format!("{claims:?}"), "HostClaims(1)");
    assert_eq!(claims.into_map()["email"], "demo@as.example");
}

// OpenID Connect Discovery 1.0 section 3.
#[tokio::test]
async fn the_claims_of_the_protocol_and_of_the_source_are_announced_once() {
    let (server, _) = start(AccessTokenFormat::Opaque);
    let document = server.document(Endpoint::OpenIdConfiguration).await.json;
    let expected = [
        "acr",
        "amr",
        "asked",
        "at_hash",
        "aud",
        "auth_time",
        "azp",
        "email",
        "exp",
        "iat",
        "iss",
        "nonce",
        "sid",
        "sub",
    ];
    assert_eq!(document["claims_supported"], json!(expected));
    assert!(server.document(Endpoint::Metadata).await.json.get("claims_supported").is_none());
}

#[tokio::test]
async fn without_a_source_there_are_the_claims_of_the_protocol() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let introspected = server.introspect(APP, &tokens.access).await;
    let expected = ["active", "client_id", "exp", "iat", "iss", "scope", "sub", "token_type"];
    assert_eq!(introspected.members(), expected);
    assert_eq!(server.user_info_of(&tokens.access).await.json, json!({ "sub": USER }));
    let service: &TokenService<WatchedStore> = server.service();
    let client = regrant::AuthenticatedClient::assertion(fixtures::client(APP).into());
    let active = service.introspect(&client, &tokens.access).await.unwrap().unwrap();
    assert!(active.host_claims.is_empty());
}
