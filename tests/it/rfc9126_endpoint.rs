//! RFC 9126 at the pushed authorization request endpoint and at the authorization endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::{
    APP, Auth, CHALLENGE, Config, POSTER, REDIRECT, Reply, SPA, Server, StubRequestObjects, StubVerifier, seconds,
};
use regrant::authenticator::CredentialRefusal;
use regrant::event::{ErrorCode, EventKind, Operation};
use regrant::grant::Confirmation;
use regrant::policy::ClientPolicy;
use regrant::wire::{Endpoint, MalformedRequest, Paths, Prompt};
use regrant::{Policy, Refusal};
use serde_json::json;

use crate::authorization_request::{Asked, ask, demo, redirected, shown, value, with};
use crate::rfc9101_request_objects::object;

const PAR: Endpoint = Endpoint::PushedAuthorizationRequest;

fn config() -> Config {
    Config {
        endpoints: |endpoints| {
            let paths = Paths { authorization: Some("/authorize".to_owned()), ..Paths::default() };
            endpoints.with_paths(paths).with_request_objects(StubRequestObjects)
        },
        proof_verifier: Some(StubVerifier::default()),
        ..Config::default()
    }
}

/// The parameters of a request without the client.
fn plain<'a>(own: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    with(own).into_iter().filter(|(name, _)| *name != "client_id").collect()
}

async fn push(server: &Server, auth: Auth<'_>, own: &[(&str, &str)]) -> Reply {
    server.post(PAR, auth, &plain(own)).await
}

async fn pushed(server: &Server, auth: Auth<'_>, own: &[(&str, &str)]) -> String {
    let reply = push(server, auth, own).await;
    assert_eq!(reply.status(), 201, "{reply:?}");
    reply.text("request_uri").to_owned()
}

async fn arrive(server: &Server, client_id: &str, request_uri: &str) -> Asked {
    ask(server, &[("client_id", client_id), ("request_uri", request_uri)]).await
}

// Sections 2.2 and 4.
#[tokio::test]
async fn a_pushed_request_is_named_in_the_browser_and_gives_one_code() {
    let server = config().start();
    for auth in [SPA, APP, POSTER] {
        let reply = push(&server, auth, &[("scope", "read"), ("nonce", "n"), ("prompt", "login")]).await;
        assert_eq!((reply.status(), reply.members()), (201, vec!["expires_in", "request_uri"]), "{reply:?}");
        assert_eq!((&reply.json["expires_in"], reply.header("cache-control")), (&json!(60), Some("no-store")));
        let uri = reply.text("request_uri");
        assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{uri}");
        // The user may reload the page. No parameter beside the client counts.
        for _ in 0..2 {
            let beside = [("scope", "write"), ("state", "evil"), ("redirect_uri", "https://evil.example/cb")];
            let all = [&[("client_id", auth.id()), ("request_uri", uri)][..], &beside].concat();
            let asked = ask(&server, &all).await.unwrap();
            assert_eq!((asked.scope().as_str(), asked.state(), asked.nonce()), ("read", Some("x y"), Some("n")));
            assert_eq!(asked.redirect_uri().as_str(), REDIRECT);
            assert!(asked.prompt().contains(&Prompt::Login));
        }
        let response = arrive(&server, auth.id(), uri).await.unwrap().approve(demo()).await.unwrap();
        let redemption = [
            ("grant_type", "authorization_code"),
            ("code", &value(&response, "code")),
            ("redirect_uri", REDIRECT),
            ("code_verifier", fixtures::VERIFIER),
        ];
        assert_eq!(server.token(auth, &redemption).await.status(), 200);
        let error = arrive(&server, auth.id(), uri).await.unwrap_err();
        assert_eq!((shown(&error).0, shown(&error).1), (400, ErrorCode::InvalidRequestUri));
    }
}

// Section 2.1: what the authorization endpoint would refuse is refused here, in the form of the token endpoint.
#[tokio::test]
async fn a_request_with_a_fault_is_refused_and_stores_nothing() {
    let server = config().start();
    let (before, long) = (server.store().snapshot(), "x".repeat(16 * 1024));
    for (auth, own, outcome, event) in [
        (SPA, &[("scope", "admin")][..], (400, "invalid_scope"), EventKind::Refused(Refusal::ScopeExceeded)),
        (
            SPA,
            &[("code_challenge", ""), ("code_challenge_method", "")],
            (400, "invalid_request"),
            EventKind::Refused(Refusal::CodeChallengeRequired),
        ),
        (
            SPA,
            &[("redirect_uri", "https://evil.example/cb")],
            (400, "invalid_request"),
            EventKind::Refused(Refusal::RedirectUriNotRegistered),
        ),
        (SPA, &[("state", &long)], (400, "invalid_request"), EventKind::Refused(Refusal::PushedRequestTooLarge)),
        (
            Auth::Basic("app", "wrong"),
            &[],
            (401, "invalid_client"),
            EventKind::Refused(Refusal::ClientAuthenticationFailed(CredentialRefusal::WrongSecret)),
        ),
        (
            Auth::Public("app"),
            &[],
            (400, "invalid_client"),
            EventKind::Refused(Refusal::ClientAuthenticationFailed(CredentialRefusal::MethodNotRegistered)),
        ),
        (
            SPA,
            &[("response_type", "token")],
            (400, "unsupported_response_type"),
            EventKind::Malformed(MalformedRequest::ResponseType),
        ),
        (SPA, &[("prompt", "none login")], (400, "invalid_request"), EventKind::Malformed(MalformedRequest::Prompt)),
        (
            SPA,
            &[("request_uri", "urn:ietf:params:oauth:request_uri:x")],
            (400, "invalid_request"),
            EventKind::Malformed(MalformedRequest::RequestUri),
        ),
        (Auth::Missing, &[], (400, "invalid_request"), EventKind::Malformed(MalformedRequest::NoClient)),
        (SPA, &[("resource", "x")], (400, "invalid_target"), EventKind::Malformed(MalformedRequest::Resource)),
    ] {
        let reply = push(&server, auth, own).await;
        assert_eq!(reply.outcome(), outcome, "{own:?} {reply:?}");
        let failed = matches!(event, EventKind::Refused(Refusal::ClientAuthenticationFailed(_)));
        let operation = if failed { Operation::Authenticate } else { Operation::PushAuthorizationRequest };
        assert_eq!(server.config.events.operations(), [(operation, event)], "{own:?}");
    }
    assert_eq!(server.store().snapshot(), before);
    let reply = push(&server, SPA, &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert!(reply.text("error_description").contains("code_challenge"), "{reply:?}");
    let unserved = Server::start();
    assert_eq!(push(&unserved, SPA, &[]).await.outcome(), (404, "invalid_request"));
}

// Section 4: one answer for a reference that is unknown, of another client, expired or used. None redirects.
#[tokio::test]
async fn a_reference_that_does_not_count_redirects_nowhere() {
    let server = config().start();
    let uri = pushed(&server, APP, &[]).await;
    let tail = uri.rsplit(':').next().unwrap().to_owned();
    let mut texts = Vec::new();
    for (client_id, uri) in [
        ("spa", uri.clone()),
        ("other", uri.clone()),
        ("app", format!("{uri}A")),
        ("app", format!("urn:ietf:params:oauth:request_uri:{}", tail.to_lowercase())),
    ] {
        let error = arrive(&server, client_id, &uri).await.unwrap_err();
        let (status, code, text) = shown(&error);
        assert_eq!((status, code), (400, ErrorCode::InvalidRequestUri));
        texts.push(text);
    }
    server.advance(seconds(60));
    texts.push(shown(&arrive(&server, "app", &uri).await.unwrap_err()).2);
    texts.dedup();
    assert_eq!(texts.len(), 1);
    // Beside a redirect URI that is registered for the client, the client gets the error.
    let beside = [("client_id", "app"), ("request_uri", &*uri), ("redirect_uri", REDIRECT), ("state", "x y")];
    assert_eq!(redirected(ask(&server, &beside).await.unwrap_err()).0, ErrorCode::InvalidRequestUri);
    let evil = [("client_id", "app"), ("request_uri", &*uri), ("redirect_uri", "https://evil.example/cb")];
    shown(&ask(&server, &evil).await.unwrap_err());
    // A reference of another kind costs no call of the store.
    let calls = server.store().calls();
    let foreign = [("client_id", "app"), ("request_uri", "https://app.example/request")];
    assert_eq!(shown(&ask(&server, &foreign).await.unwrap_err()).1, ErrorCode::RequestUriNotSupported);
    assert_eq!(shown(&arrive(&server, "app", "urn:ietf:params:oauth:request_uri:x").await.unwrap_err()).0, 400);
    assert_eq!(server.store().calls(), calls);
}

#[tokio::test]
async fn a_user_may_take_longer_than_the_reference_lives() {
    let server = config().start();
    let uri = pushed(&server, SPA, &[]).await;
    assert!(arrive(&server, "spa", &uri).await.is_ok());
    server.advance(seconds(29 * 60));
    assert!(arrive(&server, "spa", &uri).await.unwrap().approve(demo()).await.is_ok());
}

#[tokio::test]
async fn two_approvals_of_one_pushed_request_give_one_code() {
    let server = config().start();
    let uri = pushed(&server, SPA, &[]).await;
    let (first, second) = (arrive(&server, "spa", &uri).await.unwrap(), arrive(&server, "spa", &uri).await.unwrap());
    assert!(first.approve(demo()).await.is_ok());
    let error = second.approve(demo()).await.unwrap_err();
    assert_eq!(redirected(error).0, ErrorCode::InvalidRequestUri);
    let denied = pushed(&server, SPA, &[]).await;
    assert_eq!(value(&arrive(&server, "spa", &denied).await.unwrap().deny(), "error"), "access_denied");
}

// Sections 5 and 6.
#[tokio::test]
async fn a_policy_may_require_that_requests_are_pushed() {
    let required = ClientPolicy::default().with_require_pushed_authorization_requests(true);
    let server = config().with_client(SPA, |client| client.with_policy(required.clone())).start();
    let (code, text) = redirected(ask(&server, &with(&[])).await.unwrap_err());
    assert!(code == ErrorCode::InvalidRequest && text.contains("request_uri"), "{text}");
    assert!(server.config.events.kinds().contains(&EventKind::Refused(Refusal::PushedRequestRequired)));
    let uri = pushed(&server, SPA, &[]).await;
    assert!(arrive(&server, "spa", &uri).await.unwrap().approve(demo()).await.is_ok());
    let everybody = Policy::default().with_require_pushed_authorization_requests(true);
    let document = config().policy(everybody).start().document(Endpoint::Metadata).await.json;
    assert_eq!(document["require_pushed_authorization_requests"], true);
    let document = server.document(Endpoint::Metadata).await.json;
    assert_eq!(document.get("require_pushed_authorization_requests"), None);
}

// RFC 9449 section 10.1.
#[tokio::test]
async fn a_proof_or_a_thumbprint_binds_the_code_and_both_must_agree() {
    let server = config().start();
    let Confirmation::DpopKey(key) = StubVerifier::confirmation("k") else { panic!("a DPoP key") };
    let jkt = URL_SAFE_NO_PAD.encode(key);
    let with_proof = async |key: &str, own: &[(&str, &str)]| {
        let proof = StubVerifier::proof(key);
        server.post_with(PAR, SPA, &plain(own), &[("DPoP", proof.as_bytes())], None).await
    };
    let before = server.store().snapshot();
    assert_eq!(with_proof("l", &[("dpop_jkt", &jkt)]).await.outcome(), (400, "invalid_dpop_proof"));
    assert_eq!(with_proof("long", &[]).await.outcome(), (400, "invalid_dpop_proof"));
    assert_eq!(server.store().snapshot(), before);
    for reply in [
        with_proof("k", &[]).await,
        with_proof("k", &[("dpop_jkt", &jkt)]).await,
        push(&server, SPA, &[("dpop_jkt", &jkt)]).await,
    ] {
        assert_eq!(reply.status(), 201, "{reply:?}");
        let uri = reply.text("request_uri").to_owned();
        let response = arrive(&server, "spa", &uri).await.unwrap().approve(demo()).await.unwrap();
        let code = value(&response, "code");
        assert_eq!(server.redeem_with(SPA, &StubVerifier::proof("l"), &code).await.outcome(), (400, "invalid_grant"));
        assert_eq!(server.redeem_with(SPA, &StubVerifier::proof("k"), &code).await.status(), 200);
    }
    server.config.proof_verifier.as_ref().unwrap().require(Some("n1"));
    let reply = with_proof("k", &[]).await;
    assert_eq!((reply.outcome(), reply.header("dpop-nonce")), ((400, "use_dpop_nonce"), Some("n1")));
}

// Section 3.
#[tokio::test]
async fn a_request_object_may_be_pushed() {
    let server = config().start();
    let signed = object(json!({ "scope": "read", "nonce": "inside" }));
    let reply = server.post(PAR, SPA, &[("request", &signed), ("scope", "write"), ("state", "outside")]).await;
    assert_eq!(reply.status(), 201, "{reply:?}");
    let asked = arrive(&server, "spa", reply.text("request_uri")).await.unwrap();
    assert_eq!((asked.scope().as_str(), asked.nonce(), asked.state()), ("read", Some("inside"), Some("x y")));
    assert!(asked.approve(demo()).await.is_ok());

    let before = server.store().snapshot();
    for (object, error) in [
        (object(json!({ "client_id": "app" })), "invalid_request_object"),
        (signed.replace("right", "wrong"), "invalid_request_object"),
        (object(json!({ "scope": "admin" })), "invalid_scope"),
        (signed.replace("right", "unreachable"), "temporarily_unavailable"),
    ] {
        let reply = server.post(PAR, SPA, &[("request", &object)]).await;
        assert_eq!(reply.text("error"), error, "{reply:?}");
    }
    assert_eq!(server.store().snapshot(), before);
    let must = config().with_client(SPA, |client| client.with_require_signed_request_object(true)).start();
    assert_eq!(push(&must, SPA, &[]).await.outcome(), (400, "invalid_request"));
    let reply = must.post(PAR, SPA, &[("request", &signed)]).await;
    let uri = reply.text("request_uri").to_owned();
    assert!(arrive(&must, "spa", &uri).await.is_ok(), "the signature was verified when it was pushed");
}

#[tokio::test]
async fn a_request_of_too_many_parameters_is_refused_when_it_is_pushed() {
    let server = config().start();
    let names: Vec<String> = (0..64).map(|number| format!("p{number}")).collect();
    let own: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let usual = plain(&[]).len();
    // The reference of a client that authenticates in a header has one more: the `client_id`.
    let uri = pushed(&server, APP, &own[..63 - usual]).await;
    assert!(arrive(&server, "app", &uri).await.is_ok());
    let before = server.store().snapshot();
    assert_eq!(push(&server, APP, &own[..64 - usual]).await.outcome(), (400, "invalid_request"));
    assert_eq!(server.store().snapshot(), before);
}

#[tokio::test]
async fn the_store_keeps_no_credentials_of_the_client() {
    let server = config().start();
    pushed(&server, POSTER, &[("nonce", "kept"), ("x", "canary")]).await;
    let written = server.store().written();
    let (_, record) = written.last().unwrap();
    let contains = |text: &str| record.payload.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(contains("kept") && contains("client_id=poster") && contains(CHALLENGE));
    assert!(!contains("client_secret") && !contains(POSTER.secret().unwrap()));
}

#[tokio::test]
async fn an_outage_of_the_store_is_told_to_the_client_and_to_the_user() {
    let server = config().start();
    let uri = pushed(&server, SPA, &[]).await;
    server.config.events.take();
    server.store().set_down(true);
    assert_eq!(push(&server, SPA, &[]).await.outcome(), (503, "temporarily_unavailable"));
    let pushed = server.config.events.operations();
    assert_eq!(pushed, [(Operation::PushAuthorizationRequest, EventKind::Unavailable)]);
    let beside = [("client_id", "spa"), ("request_uri", &*uri), ("redirect_uri", REDIRECT)];
    let error = ask(&server, &beside).await.unwrap_err();
    assert_eq!(
        (shown(&error).0, server.config.events.operations()),
        (503, vec![(Operation::Authorize, EventKind::Unavailable)])
    );
    server.store().calm();
    assert!(arrive(&server, "spa", &uri).await.is_ok(), "the page can be reloaded");
}
