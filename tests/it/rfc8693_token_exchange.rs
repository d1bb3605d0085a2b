//! RFC 8693: token exchange, of the service's own access tokens.

use fixtures::{
    APP, AUDITOR, Auth, BILLING, Config, GateState, ORDERS, ORDERS_API, OTHER, Outcome, SPA, Server, StubVerifier,
    USER, client, resources, scope, seconds, subject,
};
use regrant::client::IntrospectionAccess;
use regrant::clock::Timestamp;
use regrant::event::{EventKind, Operation};
use regrant::grant::Confirmation;
use regrant::store::GrantOwner;
use regrant::wire::{Endpoint, Endpoints};
use regrant::{Approval, AuthenticatedClient, ExchangeRequest, GrantType, IssueRequest, Refusal};
use serde_json::{Value, json};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const INVALID_REQUEST: Outcome = (400, "invalid_request");
const INVALID_SCOPE: Outcome = (400, "invalid_scope");
const INVALID_TARGET: Outcome = (400, "invalid_target");
const UNAUTHORIZED: Outcome = (400, "unauthorized_client");

fn exchanging(endpoints: Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore> {
    endpoints.with_token_exchange()
}

/// [`ORDERS_API`] serves orders and may ask for tokens at the billing service. `app` and `spa` may exchange too.
fn config() -> Config {
    let flows = [
        GrantType::TokenExchange,
        GrantType::AuthorizationCode,
        GrantType::Password,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
    ];
    let config = Config { endpoints: exchanging, proof_verifier: Some(StubVerifier::default()), ..Config::default() };
    [APP, SPA, ORDERS_API]
        .into_iter()
        .fold(config, |config, auth| config.with_client(auth, |client| client.with_grant_types(flows.clone())))
        .with_client(ORDERS_API, |client| client.with_resources(resources(&[BILLING])).with_scope(scope("read write")))
}

fn start() -> Server {
    config().start()
}

// Sections 2.1 and 2.2: what a resource server does to call the next one.
#[tokio::test]
async fn a_resource_server_exchanges_a_token_meant_for_it_for_one_meant_for_the_next() {
    let server = start();
    let tokens = server.for_orders().await;
    let reply = server.exchange(ORDERS_API, &tokens.access, &[("resource", BILLING), ("scope", "read")]).await;
    let expected = json!({
        "access_token": reply.text("access_token"), "token_type": "Bearer", "issued_token_type": ACCESS_TOKEN,
        "expires_in": 3600, "scope": "read",
    });
    assert_eq!(reply.json, expected, "section 2.2.1, and no refresh token");
    let active = server.introspect(AUDITOR, reply.text("access_token")).await;
    let told = json!([active.json["sub"], active.json["client_id"], active.json["aud"], active.json["scope"]]);
    assert_eq!(told, json!([USER, "orders-api", BILLING, "read"]));
    assert_eq!(active.json.get("act"), None, "impersonation: nobody acts");
    assert!(server.is_active(&tokens.access).await, "the old one lives on");
}

// Section 2.1: scope narrows. The privilege escalation of Keycloak CVE-2022-1245.
#[tokio::test]
async fn an_exchange_never_widens_the_scope() {
    let server = start();
    let narrow = server.sign_in_for(APP, &[("resource", ORDERS), ("scope", "openid read")]).await.access;
    for (name, wanted, expected) in [
        ("none", None, Ok("read")),
        ("equal to what both have", Some("read"), Ok("read")),
        ("more than the token", Some("read write"), Err(INVALID_SCOPE)),
        ("other than the token", Some("write"), Err(INVALID_SCOPE)),
        ("more than the client", Some("openid"), Err(INVALID_SCOPE)),
        ("unknown", Some("admin"), Err(INVALID_SCOPE)),
        ("another case", Some("READ"), Err(INVALID_SCOPE)),
    ] {
        let mut more = vec![("resource", BILLING)];
        more.extend(wanted.map(|scope| ("scope", scope)));
        let before = server.store().snapshot();
        let reply = server.exchange(ORDERS_API, &narrow, &more).await;
        match expected {
            Ok(scope) => assert_eq!(reply.text("scope"), scope, "{name}"),
            Err(outcome) => {
                assert_eq!(reply.outcome(), outcome, "{name}");
                assert!(server.store().snapshot() == before, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn the_audience_is_one_of_the_clients_own() {
    let server = start();
    let token = server.for_orders().await.access;
    for (name, auth, more, expected) in [
        ("resource", ORDERS_API, &[("resource", BILLING)][..], Ok(json!(BILLING))),
        ("audience", ORDERS_API, &[("audience", BILLING)], Ok(json!(BILLING))),
        ("both", ORDERS_API, &[("resource", BILLING), ("audience", BILLING)], Ok(json!(BILLING))),
        ("several", APP, &[("resource", BILLING), ("audience", ORDERS)], Ok(json!([BILLING, ORDERS]))),
        ("as before", APP, &[], Ok(json!(ORDERS))),
        ("elsewhere", ORDERS_API, &[("resource", "https://evil.example")], Err(INVALID_TARGET)),
        ("partly elsewhere", ORDERS_API, &[("resource", BILLING), ("audience", ORDERS)], Err(INVALID_TARGET)),
        ("no URI", ORDERS_API, &[("audience", "billing")], Err(INVALID_TARGET)),
        ("a fragment", ORDERS_API, &[("resource", "https://api.example/#x")], Err(INVALID_TARGET)),
        // Nothing that both may have: the default of the client. A token without an audience might be accepted by every
        // resource server.
        ("the default", ORDERS_API, &[], Ok(json!(BILLING))),
    ] {
        let before = server.store().snapshot();
        let reply = server.exchange(auth, &token, more).await;
        match expected {
            Ok(audience) => {
                let active = server.introspect(AUDITOR, reply.text("access_token")).await;
                assert_eq!(active.json["aud"], audience, "{name}");
            }
            Err(outcome) => {
                assert_eq!(reply.outcome(), outcome, "{name}");
                assert!(server.store().snapshot() == before, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_new_token_lives_no_longer_than_the_old_one() {
    let server = start();
    let token = server.for_orders().await.access;
    server.advance(seconds(3000));
    let reply = server.exchange(ORDERS_API, &token, &[("resource", BILLING)]).await;
    assert_eq!(reply.json["expires_in"], 600);
    let new = reply.text("access_token");
    let again = server.exchange(APP, &token, &[]).await;
    assert_eq!(server.exchange(APP, again.text("access_token"), &[]).await.json["expires_in"], 600, "nor in a chain");
    let end = server.service().now().as_millis() + 600_000;
    for (age, is_active, is_exchanged) in
        [(-1000, true, true), (-999, true, false), (-1, true, false), (0, false, false)]
    {
        server.config.clock.set(Timestamp::from_millis(end + age));
        assert_eq!(server.is_active(new).await, is_active, "{age} ms");
        let reply = server.exchange(APP, &token, &[]).await;
        let expected = if is_exchanged { (200, "") } else { INVALID_REQUEST };
        let event = server.config.events.operations().pop();
        let refused = (Operation::Exchange, EventKind::Refused(Refusal::SubjectTokenInvalid));
        assert_eq!(event == Some(refused), !is_exchanged, "{age} ms");
        assert_eq!(reply.outcome(), expected, "{age} ms: {reply:?}");
    }
}

// Section 2.2.2: "invalid for any reason" is invalid_request.
#[tokio::test]
async fn only_an_active_access_token_that_is_the_clients_business_is_exchanged() {
    let server = start();
    let tokens = server.for_orders().await;
    let (revoked, elsewhere) = (server.for_orders().await, server.sign_in_for(APP, &[("resource", BILLING)]).await);
    server.revoke(APP, &revoked.access).await;
    let dead = server.for_orders().await;
    server.revoke(APP, &dead.refresh).await;
    let code = server.code(APP).await;
    let realm = server.restarted(|config| Config { realm: "elsewhere", ..config }).for_orders().await;
    let own = server.own_token(APP).await;
    let foreign = server.sign_in(OTHER).await;
    let before = server.store().snapshot();
    for (name, auth, token) in [
        ("refresh token", APP, tokens.refresh.as_str()),
        ("code", APP, &code),
        ("garbage", APP, "garbage"),
        ("cut", APP, &tokens.access[..tokens.access.len() - 1]),
        ("revoked", APP, &revoked.access),
        ("of a revoked grant", APP, &dead.access),
        ("of another realm", APP, &realm.access),
        ("another client's", APP, &foreign.access),
        ("for another audience", ORDERS_API, &elsewhere.access),
        ("without a resource owner", APP, &own),
        ("JWT of nobody", APP, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZW1vIn0."),
    ] {
        server.config.events.operations();
        assert_eq!(server.exchange(auth, token, &[]).await.outcome(), INVALID_REQUEST, "{name}");
        let refused = EventKind::Refused(Refusal::SubjectTokenInvalid);
        assert_eq!(server.config.events.operations(), [(Operation::Exchange, refused)], "{name}");
        let actor = [("actor_token", token), ("actor_token_type", ACCESS_TOKEN), ("resource", BILLING)];
        if name != "without a resource owner" {
            assert_eq!(server.exchange(auth, &tokens.access, &actor).await.outcome(), INVALID_REQUEST, "actor: {name}");
        }
    }
    server.config.gate.set(GateState::Closed);
    assert_eq!(server.exchange(APP, &tokens.access, &[]).await.outcome(), INVALID_REQUEST, "closed account");
    server.config.gate.set(GateState::Broken);
    assert_eq!(server.exchange(APP, &tokens.access, &[]).await.status(), 503);
    server.config.gate.set(GateState::Open);
    server.store().set_down(true);
    assert_eq!(server.exchange(APP, &tokens.access, &[]).await.status(), 503);
    server.store().set_down(false);
    server.advance(seconds(3600));
    assert_eq!(server.exchange(APP, &tokens.access, &[]).await.outcome(), INVALID_REQUEST, "expired");
    assert!(server.store().snapshot() == before, "a refusal wrote");
}

#[tokio::test]
async fn a_client_exchanges_tokens_only_if_it_is_registered_for_it() {
    let server = config()
        .with_client(APP, |client| client.with_grant_types([GrantType::Password, GrantType::RefreshToken]))
        .start();
    let token = server.sign_in(APP).await.access;
    let before = server.store().snapshot();
    assert_eq!(server.exchange(APP, &token, &[]).await.outcome(), UNAUTHORIZED);
    assert_eq!(server.exchange(Auth::Basic("app", "wrong"), &token, &[]).await.outcome(), (401, "invalid_client"));
    assert!(server.store().snapshot() == before);
    let server = config().start().restarted(|config| Config { endpoints: |endpoints| endpoints, ..config });
    let token = server.sign_in(APP).await.access;
    assert_eq!(server.exchange(APP, &token, &[]).await.outcome(), (400, "unsupported_grant_type"));
    assert!(!server.document(Endpoint::Metadata).await.json["grant_types_supported"].to_string().contains(EXCHANGE));
    assert!(start().document(Endpoint::Metadata).await.json["grant_types_supported"].to_string().contains(EXCHANGE));
}

// Section 4.1: the current actor outside, former ones inside.
#[tokio::test]
async fn an_actor_is_told_and_the_chain_of_actors_grows_to_its_bound() {
    let server = start();
    let mut token = server.for_orders().await.access;
    let actor = server.own_token(APP).await;
    let with_actor = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS_TOKEN)];
    let mut expected = Value::Null;
    for length in 1..=8 {
        let reply = server.exchange(APP, &token, &with_actor).await;
        assert_eq!(reply.status(), 200, "{length}: {reply:?}");
        expected = if length == 1 { json!({ "sub": "app" }) } else { json!({ "sub": "app", "act": expected }) };
        reply.text("access_token").clone_into(&mut token);
        assert_eq!(server.introspect(APP, &token).await.json["act"], expected, "{length}");
    }
    let before = server.store().snapshot();
    assert_eq!(server.exchange(APP, &token, &with_actor).await.outcome(), INVALID_REQUEST, "one too many");
    assert!(server.store().snapshot() == before);
    // Without an actor the chain stays as it is.
    let reply = server.exchange(APP, &token, &[]).await;
    assert_eq!(server.introspect(APP, reply.text("access_token")).await.json["act"], expected);
}

#[tokio::test]
async fn the_actor_is_the_resource_owner_of_its_token_or_else_its_client() {
    let server = start();
    let token = server.for_orders().await.access;
    let person = server.sign_in(APP).await.access;
    let reply = server.exchange(APP, &token, &[("actor_token", &person), ("actor_token_type", ACCESS_TOKEN)]).await;
    assert_eq!(server.introspect(APP, reply.text("access_token")).await.json["act"], json!({ "sub": USER }));
}

// Section 4.4.
#[tokio::test]
async fn may_act_admits_one_actor_and_no_other() {
    let server = start();
    let (by_app, by_other, by_anybody) = (
        server.limited_to(Some(subject("app"))).await,
        server.limited_to(Some(subject("other"))).await,
        server.limited_to(None).await,
    );
    let actor = server.own_token(APP).await;
    let actor = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS_TOKEN)];
    for (name, auth, token, more, expected) in [
        ("the actor that is named", APP, &by_app, &actor[..], (200, "")),
        ("the client that is named", APP, &by_app, &[], (200, "")),
        ("another actor", APP, &by_other, &actor, INVALID_REQUEST),
        ("another client", APP, &by_other, &[], INVALID_REQUEST),
        ("a client that is not named", ORDERS_API, &by_app, &[("resource", BILLING)], INVALID_REQUEST),
        ("nobody is named", APP, &by_anybody, &actor, (200, "")),
    ] {
        assert_eq!(server.exchange(auth, token, more).await.outcome(), expected, "{name}");
    }
    assert_eq!(server.introspect(APP, &by_app).await.json["may_act"], json!({ "sub": "app" }));
}

// A stolen token that is bound to a key is of no use without the key; an exchange must not make it one.
#[tokio::test]
async fn a_public_client_exchanges_a_bound_token_only_with_its_key() {
    let server = start();
    let reply = server.redeem_with(SPA, &StubVerifier::proof("A"), &server.code(SPA).await).await;
    let bound = reply.text("access_token").to_owned();
    let exchange = [("grant_type", EXCHANGE), ("subject_token", bound.as_str()), ("subject_token_type", ACCESS_TOKEN)];
    let before = server.store().snapshot();
    for proof in [String::new(), StubVerifier::proof("B")] {
        assert_eq!(server.token_with(SPA, &proof, &exchange).await.outcome(), INVALID_REQUEST, "{proof}");
        let refused = (Operation::Exchange, EventKind::Refused(Refusal::SubjectTokenInvalid));
        assert_eq!(server.config.events.operations().pop(), Some(refused), "{proof}");
    }
    let free = server.sign_in(SPA).await.access;
    let actor = [
        ("grant_type", EXCHANGE),
        ("subject_token", free.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
        ("actor_token", bound.as_str()),
        ("actor_token_type", ACCESS_TOKEN),
    ];
    assert_eq!(server.token_with(SPA, "", &actor).await.outcome(), INVALID_REQUEST, "as an actor");
    assert_eq!(server.store().snapshot().1.len(), before.1.len() + 1, "the sign-in alone");
    let reply = server.token_with(SPA, &StubVerifier::proof("A"), &exchange).await;
    assert_eq!(reply.text("token_type"), "DPoP", "{reply:?}");
    // A resource server authenticates itself, and has a key of its own or none.
    let reply = server.redeem_with(APP, &StubVerifier::proof("A"), &server.code(APP).await).await;
    let reply = server.exchange(APP, reply.text("access_token"), &[]).await;
    assert_eq!(reply.text("token_type"), "Bearer");
}

// A token that is bound to a key of the user's client would be of no use to the resource server.
#[tokio::test]
async fn a_grant_that_is_bound_to_a_key_is_exchanged_for_a_token_without_that_key() {
    let server = start();
    let approval = Approval::of(subject(USER))
        .with_scope(scope("read"))
        .with_resources(resources(&[ORDERS]))
        .with_confirmation(Confirmation::DpopKey([7; 32]));
    let client = AuthenticatedClient::assertion(client(APP).into());
    let bound = server.service().issue(&client, IssueRequest::new(GrantType::Password, approval)).await.unwrap();
    let bound = bound.access_token.expose();
    assert_eq!(server.introspect(APP, bound).await.json["token_type"], "DPoP");
    let reply = server.exchange(ORDERS_API, bound, &[("resource", BILLING)]).await;
    assert_eq!(reply.text("token_type"), "Bearer");
    assert_eq!(server.introspect(AUDITOR, reply.text("access_token")).await.json.get("cnf"), None);
}

#[tokio::test]
async fn a_request_of_the_host_narrows_the_scope_and_names_audience_and_actor() {
    let server = start();
    let (token, actor) = (server.for_orders().await.access, server.own_token(APP).await);
    let request = ExchangeRequest::new(token.as_str())
        .with_scope(scope("read"))
        .with_resources(resources(&[BILLING]))
        .with_actor_token(actor.as_str());
    let (client, _) = server.config.clients.iter().find(|(client, _)| client.id.as_str() == APP.id()).unwrap();
    let client = AuthenticatedClient::assertion(client.clone().into());
    let response = server.service().exchange(&client, &request).await.unwrap();
    let active = server.introspect(APP, response.access_token.expose()).await.json;
    assert_eq!(json!([active["scope"], active["aud"], active["act"]]), json!(["read", BILLING, { "sub": "app" }]));
}

// The new grant is the user's, wherever it came from.
#[tokio::test]
async fn an_exchanged_token_ends_with_its_users_grants_and_for_itself() {
    let server = start();
    let token = server.for_orders().await;
    let new =
        server.exchange(ORDERS_API, &token.access, &[("resource", BILLING)]).await.text("access_token").to_owned();
    server.revoke(APP, &token.refresh).await;
    assert!(server.is_active(&new).await, "a grant of its own, as documented");
    server.revoke(APP, &new).await;
    assert!(server.is_active(&new).await, "another client's");
    let grants = server.service().grants(&GrantOwner::Subject(subject(USER)), None, 10).await.unwrap().grants;
    assert_eq!(grants.iter().map(|grant| grant.client_id.as_str()).collect::<Vec<_>>(), ["orders-api"]);
    server.service().revoke_subject(&subject(USER)).await.unwrap();
    assert!(!server.is_active(&new).await);
}

#[tokio::test]
async fn who_may_introspect_every_token_may_exchange_it_only_if_registered_for_that_too() {
    let server = config().with_client(AUDITOR, |client| client.with_introspection(IntrospectionAccess::Any)).start();
    let token = server.for_orders().await.access;
    assert!(server.is_active(&token).await);
    assert_eq!(server.exchange(AUDITOR, &token, &[]).await.outcome(), UNAUTHORIZED);
}
