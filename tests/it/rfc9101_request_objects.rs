//! RFC 9101: authorization requests that the client signs. The verifier of the tests accepts `client|claims|right`.

use fixtures::{APP, CHALLENGE, Config, REDIRECT, SPA, Server, StubRequestObjects};
use regrant::authenticator::{AssertionFault, CredentialRefusal};
use regrant::event::{ErrorCode, EventKind, Operation, Port};
use regrant::policy::ClientPolicy;
use regrant::wire::{Endpoint, MalformedRequest, Prompt};
use regrant::{Client, Policy, Refusal};
use serde_json::{Value, json};

use crate::authorization_request::{ask, demo, parameters, redirected, shown, value, with};

pub(crate) fn server() -> Server {
    let config =
        Config { endpoints: |endpoints| endpoints.with_request_objects(StubRequestObjects), ..Config::default() };
    config.start()
}

/// A request object of the public client, with `own` in place of the usual claims. `null` leaves one out.
pub(crate) fn object(own: Value) -> String {
    let mut claims = json!({
        "iss": "spa", "aud": "https://as.example", "exp": 1_900_000_000, "jti": "1",
        "client_id": "spa", "response_type": "code", "redirect_uri": REDIRECT, "state": "x y",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "read",
    });
    let (claims, Value::Object(own)) = (claims.as_object_mut().unwrap(), own) else { panic!("an object") };
    claims.extend(own);
    claims.retain(|_, value| !value.is_null());
    format!("spa|{}|right", Value::from(claims.clone()))
}

fn signed(object: &str) -> [(&str, &str); 2] {
    [("client_id", "spa"), ("request", object)]
}

// Section 6.3: only the parameters of the object count.
#[tokio::test]
async fn only_the_parameters_in_the_object_count() {
    let server = server();
    let object = object(json!({ "max_age": 60, "prompt": "login", "resource": [fixtures::ORDERS, fixtures::BILLING] }));
    let outside =
        [("scope", "write"), ("state", "outside"), ("redirect_uri", "https://evil.example"), ("ui_locales", "fr")];
    let asked = ask(&server, &[&signed(&object)[..], &outside].concat()).await.unwrap();
    assert_eq!((asked.scope().as_str(), asked.state(), asked.redirect_uri().as_str()), ("read", Some("x y"), REDIRECT));
    assert_eq!(asked.max_age().map(|age| age.as_secs()), Some(60));
    assert!(asked.prompt().contains(&Prompt::Login) && asked.parameter("ui_locales").is_none());
    assert_eq!((asked.resources().iter().count(), asked.parameter("iss")), (2, None));
    let response = asked.approve(demo()).await.unwrap();
    assert_eq!(server.redeem_with(SPA, "", &value(&response, "code")).await.status(), 200);
}

#[tokio::test]
async fn claims_and_details_may_be_json_in_the_object() {
    let registered = |client: Client| client.with_authorization_details_types(["payment"]);
    let config =
        Config { endpoints: |endpoints| endpoints.with_request_objects(StubRequestObjects), ..Config::default() };
    let server = config.with_client(SPA, registered).start();
    let own = json!({ "claims": { "userinfo": {} }, "authorization_details": [{ "type": "payment" }] });
    let asked = ask(&server, &signed(&object(own))).await.unwrap();
    assert_eq!(asked.claims(), Some(r#"{"userinfo":{}}"#));
    assert_eq!(asked.authorization_details().unwrap().types(), ["payment"]);
}

// Sections 4, 5 and 6.
#[tokio::test]
async fn an_object_that_is_not_accepted_redirects_only_to_the_registered_uri_beside_it() {
    let server = server();
    let good = object(json!({}));
    let malformed = |fault| EventKind::Malformed(fault);
    let signature =
        EventKind::Refused(Refusal::RequestObjectRefused(CredentialRefusal::Assertion(AssertionFault::Signature)));
    for (object, event) in [
        (good.replace("right", "wrong"), signature),
        (good.replacen("spa", "app", 1), signature),
        (object(json!({ "client_id": "app" })), malformed(MalformedRequest::RequestObject)),
        (object(json!({ "client_id": null })), malformed(MalformedRequest::RequestObject)),
        (object(json!({ "request": "e30.e30." })), malformed(MalformedRequest::RequestObject)),
        (object(json!({ "request_uri": "https://app.example/r" })), malformed(MalformedRequest::RequestObject)),
        (object(json!({ "state": "a\0b" })), malformed(MalformedRequest::RequestObject)),
        (object(json!({ "resource": [1] })), malformed(MalformedRequest::RequestObject)),
    ] {
        let error = ask(&server, &signed(&object)).await.unwrap_err();
        assert_eq!((shown(&error).0, shown(&error).1), (400, ErrorCode::InvalidRequestObject), "{object}");
        assert_eq!(server.config.events.operations(), [(Operation::Authorize, event)], "{object}");
        let beside = [&signed(&object)[..], &[("redirect_uri", REDIRECT), ("state", "x y")]].concat();
        assert_eq!(redirected(ask(&server, &beside).await.unwrap_err()).0, ErrorCode::InvalidRequestObject);
        let evil = [&signed(&object)[..], &[("redirect_uri", "https://evil.example/cb")]].concat();
        shown(&ask(&server, &evil).await.unwrap_err());
        server.config.events.take();
    }
    assert_eq!(server.store().calls(), 0);
}

#[tokio::test]
async fn what_is_wrong_inside_goes_to_the_uri_inside() {
    let server = server();
    for (own, code) in [
        (json!({ "scope": "admin" }), ErrorCode::InvalidScope),
        (json!({ "response_type": "token" }), ErrorCode::UnsupportedResponseType),
        (json!({ "code_challenge": null }), ErrorCode::InvalidRequest),
    ] {
        assert_eq!(redirected(ask(&server, &signed(&object(own))).await.unwrap_err()).0, code);
    }
    let evil = object(json!({ "redirect_uri": "https://evil.example/cb" }));
    let beside = [&signed(&evil)[..], &[("redirect_uri", REDIRECT)]].concat();
    assert_eq!(shown(&ask(&server, &beside).await.unwrap_err()).0, 400);
}

#[tokio::test]
async fn an_outage_of_the_verifier_is_an_outage() {
    let server = server();
    let object = object(json!({})).replace("right", "unreachable");
    let beside = [&signed(&object)[..], &[("redirect_uri", REDIRECT)]].concat();
    let error = ask(&server, &beside).await.unwrap_err();
    assert_eq!((shown(&error).0, shown(&error).1), (503, ErrorCode::TemporarilyUnavailable));
    let events = server.config.events.take();
    assert_eq!((events.len(), events[0].kind), (1, EventKind::Unavailable));
    let failure = events[0].failure.as_ref().unwrap();
    assert_eq!(
        (failure.port, failure.chain.concat()),
        (Port::RequestObjectVerifier, "the keys of the client are out of reach".to_owned())
    );
}

// Section 10.5.
#[tokio::test]
async fn a_client_that_must_sign_is_refused_without_a_signature() {
    let config =
        Config { endpoints: |endpoints| endpoints.with_request_objects(StubRequestObjects), ..Config::default() };
    let server = config.with_client(SPA, |client| client.with_require_signed_request_object(true)).start();
    let (code, text) = redirected(ask(&server, &with(&[])).await.unwrap_err());
    assert!(code == ErrorCode::InvalidRequest && text.contains("request"), "{text}");
    let refused = (Operation::Authorize, EventKind::Refused(Refusal::RequestObjectRequired));
    assert_eq!(server.config.events.operations(), [refused]);
    assert!(ask(&server, &signed(&object(json!({})))).await.is_ok());
    assert!(ask(&server, &with(&[("client_id", "app")])).await.is_ok(), "another client need not sign");
}

// Section 10.5.
#[tokio::test]
async fn a_policy_may_require_that_all_clients_sign() {
    let config =
        || Config { endpoints: |endpoints| endpoints.with_request_objects(StubRequestObjects), ..Config::default() };
    let everybody = config().policy(Policy::default().with_require_signed_request_object(true));
    let exempt = ClientPolicy::default().with_require_signed_request_object(false);
    let server = everybody.with_client(APP, |client| client.with_policy(exempt.clone())).start();
    let calls = server.store().calls();
    assert_eq!(redirected(ask(&server, &with(&[])).await.unwrap_err()).0, ErrorCode::InvalidRequest);
    let refused = (Operation::Authorize, EventKind::Refused(Refusal::RequestObjectRequired));
    assert_eq!((server.config.events.operations(), server.store().calls()), (vec![refused], calls));
    assert!(ask(&server, &signed(&object(json!({})))).await.is_ok());
    assert!(ask(&server, &with(&[("client_id", "app")])).await.is_ok(), "the policy of a client takes precedence");
    assert_eq!(server.document(Endpoint::Metadata).await.json["require_signed_request_object"], true);
    let document = config().start().document(Endpoint::Metadata).await.json;
    assert_eq!(document.get("require_signed_request_object"), None);
}

#[tokio::test]
async fn without_a_verifier_the_metadata_say_so_and_with_one_they_name_its_algorithms() {
    let (with, without) = (server(), Server::start());
    let document = with.document(Endpoint::Metadata).await.json;
    assert_eq!(document["request_parameter_supported"], true);
    assert_eq!(document["request_object_signing_alg_values_supported"], json!(["ES256"]));
    let document = without.document(Endpoint::Metadata).await.json;
    assert_eq!(document["request_parameter_supported"], false);
    assert!(document.get("request_object_signing_alg_values_supported").is_none());
}

#[tokio::test]
async fn a_denial_of_a_signed_request_is_sent_with_the_state_inside() {
    let asked = ask(&server(), &signed(&object(json!({ "state": "inside" })))).await.unwrap();
    let response = asked.deny();
    assert_eq!((value(&response, "state").as_str(), parameters(&response).len()), ("inside", 4));
}
