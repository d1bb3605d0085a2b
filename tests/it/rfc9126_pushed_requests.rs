//! RFC 9126: pushed authorization requests, as `TokenService` keeps them. The endpoint is tested where `wire` is.

use std::sync::Arc;
use std::time::Duration;

use fixtures::{
    APP, Auth, Config, Fault, OTHER, REDIRECT, SCOPE, SPA, Server, StubVerifier, USER, VERIFIER, challenge, client,
    resources, scope, seconds, subject,
};
use regrant::authorization::{PushRequest, PushedRequest, PushedRequestResponse, RequestUri};
use regrant::client::Registration;
use regrant::event::{ErrorCode, EventKind, Operation};
use regrant::grant::{Confirmation, Grant};
use regrant::policy::ClientPolicy;
use regrant::proof::{DpopProof, PresentedKeys, ProofFault};
use regrant::store::GrantOwner;
use regrant::{
    Approval, AuthenticatedClient, AuthorizationDetails, AuthorizeRequest, Client, GrantType, Policy, RedirectUri,
    Refusal, TokenError,
};

const PARAMETERS: &str = "response_type=code&client_id=app&state=af0ifjsldkj&login_hint=demo%40as.example";
const MS: Duration = Duration::from_millis(1);
const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

fn asked() -> AuthorizeRequest {
    AuthorizeRequest::new(Approval::default().with_scope(scope(SCOPE)))
        .with_redirect_uri(RedirectUri::from_static(REDIRECT))
        .with_code_challenge(challenge(VERIFIER))
}

/// The request of the same parameters, after the user approved it.
fn approved(request_uri: &RequestUri) -> AuthorizeRequest {
    let mut request = asked().with_pushed_request(request_uri.clone());
    request.approval.subject = Some(subject(USER));
    request
}

fn authenticated(client: Client) -> AuthenticatedClient {
    AuthenticatedClient::assertion(Arc::new(client))
}

async fn push_as(server: &Server, client: Client, request: PushRequest) -> Result<PushedRequestResponse, TokenError> {
    server.service().push_authorization_request(&authenticated(client), request).await
}

async fn push(server: &Server) -> RequestUri {
    push_as(server, client(APP), PushRequest::new(PARAMETERS, asked())).await.unwrap().request_uri
}

async fn read(server: &Server, request_uri: &RequestUri) -> Result<PushedRequest, TokenError> {
    server.service().pushed_request(&client(APP), request_uri.expose()).await
}

async fn approve(server: &Server, request_uri: &RequestUri) -> Result<String, TokenError> {
    let code = server.service().authorize(&client(APP), approved(request_uri)).await?;
    Ok(code.code.expose().to_owned())
}

async fn redeem(server: &Server, auth: Auth<'_>, proof: &str, code: &str) -> u16 {
    let parameters =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    server.token_with(auth, proof, &parameters).await.status()
}

#[track_caller]
fn refusal<T: std::fmt::Debug>(answer: Result<T, TokenError>) -> Refusal {
    match answer {
        Err(TokenError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn a_pushed_request_is_read_as_it_was_sent_and_gets_one_code() {
    let server = Server::start();
    let response = push_as(&server, client(APP), PushRequest::new(PARAMETERS, asked())).await.unwrap();
    assert_eq!(response.expires_in, seconds(60));
    let request_uri = response.request_uri;
    assert!(request_uri.expose().starts_with("urn:ietf:params:oauth:request_uri:"));
    assert_eq!(request_uri.expose().len(), 126);
    for _ in 0..3 {
        let request = read(&server, &request_uri).await.unwrap();
        assert_eq!((request.parameters, request.confirmation), (PARAMETERS.into(), None));
    }
    let code = approve(&server, &request_uri).await.unwrap();
    assert_eq!(refusal(read(&server, &request_uri).await), Refusal::PushedRequestUsed);
    assert_eq!(refusal(approve(&server, &request_uri).await), Refusal::PushedRequestUsed);
    assert_eq!(redeem(&server, APP, "", &code).await, 200);
}

#[tokio::test]
async fn a_push_is_one_write_its_first_sight_another_and_a_reload_none() {
    let server = Server::start();
    let request_uri = push(&server).await;
    assert_eq!(server.store().writes(), 1);
    for _ in 0..3 {
        read(&server, &request_uri).await.unwrap();
        assert_eq!(server.store().writes(), 2);
    }
    approve(&server, &request_uri).await.unwrap();
    assert_eq!(server.store().writes(), 4, "the grant of the code, and the used request");
}

#[tokio::test]
async fn the_browser_comes_in_time_and_the_user_decides_in_half_an_hour() {
    for (late, expected) in [(MS, None), (Duration::ZERO, Some(Refusal::PushedRequestExpired))] {
        let server = Server::start();
        let request_uri = push(&server).await;
        server.advance(seconds(60) - late);
        assert_eq!(read(&server, &request_uri).await.err().map(|error| refusal::<()>(Err(error))), expected);

        let server = Server::start();
        let request_uri = push(&server).await;
        server.advance(seconds(59));
        read(&server, &request_uri).await.unwrap();
        server.advance(HALF_AN_HOUR - late);
        // A reload starts no time anew.
        assert_eq!(read(&server, &request_uri).await.err().map(|error| refusal::<()>(Err(error))), expected);
        assert_eq!(approve(&server, &request_uri).await.err().map(|error| refusal::<()>(Err(error))), expected);
    }
}

#[tokio::test]
async fn a_client_may_have_another_time_for_the_browser() {
    let policy = ClientPolicy::default().with_pushed_request_lifetime(seconds(5));
    let server = Server::start();
    let response = push_as(&server, client(APP).with_policy(policy), PushRequest::new(PARAMETERS, asked())).await;
    let response = response.unwrap();
    assert_eq!(response.expires_in, seconds(5));
    server.advance(seconds(5));
    assert_eq!(refusal(read(&server, &response.request_uri).await), Refusal::PushedRequestExpired);
}

#[tokio::test]
async fn another_client_or_registration_learns_nothing_and_changes_nothing() {
    let server = Server::start();
    let request_uri = push(&server).await;
    let before = server.store().snapshot();
    for stranger in [client(OTHER), client(APP).with_registration(Registration(1))] {
        let answer = server.service().pushed_request(&stranger, request_uri.expose()).await;
        assert_eq!(refusal(answer), Refusal::PushedRequestOfOtherClient);
        let answer = server.service().authorize(&stranger, approved(&request_uri)).await;
        assert_eq!(refusal(answer), Refusal::PushedRequestOfOtherClient);
    }
    assert_eq!(server.store().snapshot(), before);
    assert!(approve(&server, &request_uri).await.is_ok());
}

#[test]
fn all_refusals_of_a_request_uri_have_one_code_and_one_text() {
    for refusal in [
        Refusal::PushedRequestUnknown,
        Refusal::PushedRequestOfOtherClient,
        Refusal::PushedRequestExpired,
        Refusal::PushedRequestUsed,
    ] {
        assert_eq!(refusal.code(), ErrorCode::InvalidRequestUri);
    }
    let code = ErrorCode::InvalidRequestUri;
    assert_eq!((code.as_str(), code.status()), ("invalid_request_uri", 400));
}

#[tokio::test]
async fn an_invented_request_uri_costs_no_call_of_the_store() {
    let server = Server::start();
    let request_uri = push(&server).await;
    let code = server.code(APP).await;
    let elsewhere = Config { realm: "other", ..Config::default() }.start();
    let other_realm = push(&elsewhere).await;
    let sealed = request_uri.expose().rsplit(':').next().unwrap();
    let calls = server.store().calls();
    for text in [
        "",
        "urn:ietf:params:oauth:request_uri:",
        "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c",
        "https://app.example/request.jwt",
        other_realm.expose(),
        sealed,
        &code,
        &format!("urn:ietf:params:oauth:request_uri:{}", &code[3..]),
        &format!("ac_{sealed}"),
        &request_uri.expose().to_uppercase(),
        &format!("{}A", request_uri.expose()),
    ] {
        let answer = server.service().pushed_request(&client(APP), text).await;
        assert_eq!(refusal(answer), Refusal::PushedRequestUnknown, "{text}");
        let answer = approve(&server, &RequestUri::new(text)).await;
        assert_eq!(refusal(answer), Refusal::PushedRequestUnknown, "{text}");
    }
    // Neither is a token of another endpoint.
    assert!(!server.is_active(request_uri.expose()).await);
    assert_eq!(server.revoke(APP, request_uri.expose()).await.status(), 200);
    assert_eq!(redeem(&server, APP, "", &format!("ac_{sealed}")).await, 400);
    assert_eq!(server.store().calls(), calls);
    assert!(read(&server, &request_uri).await.is_ok());
}

#[tokio::test]
async fn a_request_that_would_be_refused_later_is_refused_at_once_and_stored_nowhere() {
    let server = Server::start();
    let elsewhere = RedirectUri::from_static("https://evil.example/cb");
    let details = AuthorizationDetails::from_static(r#"[{"type":"payment_initiation"}]"#);
    let with = |change: fn(&mut AuthorizeRequest)| {
        let mut request = asked();
        change(&mut request);
        request
    };
    let no_flow = client(APP).with_grant_types([GrantType::RefreshToken]);
    for (pushing, request, expected) in [
        (client(APP), asked().with_redirect_uri(elsewhere), Refusal::RedirectUriNotRegistered),
        (client(SPA), asked().with_code_challenge(None), Refusal::CodeChallengeRequired),
        (client(APP), with(|request| request.approval.scope = scope("admin")), Refusal::ScopeExceeded),
        (
            client(APP),
            with(|request| request.approval.resources = resources(&["https://evil.example/"])),
            Refusal::ResourceExceeded,
        ),
        (
            client(APP),
            AuthorizeRequest::new(asked().approval.with_authorization_details(details)),
            Refusal::AuthorizationDetailsExceeded,
        ),
        (no_flow, asked(), Refusal::GrantTypeNotAllowed),
    ] {
        let answer = push_as(&server, pushing, PushRequest::new(PARAMETERS, request)).await;
        assert_eq!(refusal(answer), expected);
    }
    let long = |length| PushRequest::new(vec![b'a'; length], asked());
    assert_eq!(refusal(push_as(&server, client(APP), long(16 * 1024 + 1)).await), Refusal::PushedRequestTooLarge);
    assert_eq!(Refusal::PushedRequestTooLarge.code(), ErrorCode::InvalidRequest);
    assert_eq!(server.store().calls(), 0);
    assert!(push_as(&server, client(APP), long(16 * 1024)).await.is_ok());
}

fn proof(text: &str) -> PresentedKeys {
    let url = "https://as.example/oauth2/par".to_owned();
    PresentedKeys::none().with_dpop(DpopProof { jwt: text.to_owned(), method: "POST".to_owned(), url })
}

// RFC 9449 section 10.1.
#[tokio::test]
async fn a_proof_or_dpop_jkt_binds_the_code_to_its_key() {
    let key = StubVerifier::confirmation("A");
    let proven = || PushRequest::new(PARAMETERS, asked()).with_presented_keys(proof(&StubVerifier::proof("A")));
    let named = |request: AuthorizeRequest| request.with_confirmation(key);
    let mut both = proven();
    both.asked = named(both.asked);
    for request in [proven(), PushRequest::new(PARAMETERS, named(asked())), both] {
        let server = Config { proof_verifier: Some(StubVerifier::default()), ..Config::default() }.start();
        let request_uri = push_as(&server, client(SPA), request).await.unwrap().request_uri;
        let found = server.service().pushed_request(&client(SPA), request_uri.expose()).await.unwrap();
        assert_eq!(found.confirmation, Some(key));
        // Also when the authorization endpoint names another key, or none.
        let other = approved(&request_uri).with_confirmation(Confirmation::DpopKey([7; 32]));
        let code = server.service().authorize(&client(SPA), other).await.unwrap().code;
        for (text, status) in [("", 400), ("B.1", 400), ("A.2", 200)] {
            assert_eq!(redeem(&server, SPA, text, code.expose()).await, status, "{text}");
        }
    }
}

#[tokio::test]
async fn a_proof_that_is_wrong_or_contradicts_dpop_jkt_is_refused_and_stores_nothing() {
    let verifier = StubVerifier::default();
    let server = Config { proof_verifier: Some(verifier.clone()), ..Config::default() }.start();
    let push_with = |text: &str, named: Option<Confirmation>| {
        let request = PushRequest::new(PARAMETERS, asked().with_confirmation(named)).with_presented_keys(proof(text));
        push_as(&server, client(APP), request)
    };
    let other = StubVerifier::confirmation("B");
    let contradicted = push_with(&StubVerifier::proof("A"), Some(other)).await;
    assert_eq!(refusal(contradicted), Refusal::ProofInvalid(ProofFault::OtherKey));
    assert_eq!(refusal(push_with("no proof", None).await), Refusal::ProofInvalid(ProofFault::Malformed));
    verifier.require(Some("n1"));
    assert_eq!(refusal(push_with(&StubVerifier::proof("A"), None).await), Refusal::ProofNonceRequired);
    verifier.require(None);
    verifier.set_down(true);
    let outage = push_with(&StubVerifier::proof("A"), None).await.unwrap_err();
    assert_eq!(outage.code(), ErrorCode::TemporarilyUnavailable);
    assert_eq!(server.store().calls(), 0);
    // A request that is refused anyway does not use its proof up.
    verifier.set_down(false);
    verifier.seen();
    let refused = PushRequest::new(PARAMETERS, AuthorizeRequest::new(Approval::default().with_scope(scope("admin"))));
    let answer = push_as(&server, client(APP), refused.with_presented_keys(proof("A.9"))).await;
    assert_eq!((refusal(answer), verifier.seen()), (Refusal::ScopeExceeded, vec![]));
}

#[tokio::test]
async fn a_policy_that_demands_pushed_requests_refuses_others_after_the_redirect_uri_was_judged() {
    let demanding = Policy::default().with_require_pushed_authorization_requests(true);
    let of_client = ClientPolicy::default().with_require_pushed_authorization_requests(true);
    for (server, own) in [
        (Server::with_policy(demanding), client(APP)),
        (Server::start(), client(APP).with_policy(of_client)),
        (Server::with_policy(Policy::fapi2().with_require_pkce(regrant::policy::RequirePkce::Nobody)), client(APP)),
    ] {
        let plain = || {
            let mut request = asked();
            request.approval.subject = Some(subject(USER));
            request
        };
        let answer = server.service().authorize(&own, plain()).await;
        assert_eq!(refusal(answer), Refusal::PushedRequestRequired);
        assert_eq!(refusal(server.service().check_authorization(&own, plain())), Refusal::PushedRequestRequired);
        let elsewhere = plain().with_redirect_uri(RedirectUri::from_static("https://evil.example/cb"));
        let answer = server.service().check_authorization(&own, elsewhere);
        assert_eq!(refusal(answer), Refusal::RedirectUriNotRegistered);
        assert_eq!(Refusal::PushedRequestRequired.code(), ErrorCode::InvalidRequest);
        assert_eq!(server.store().calls(), 0);

        let request = PushRequest::new(PARAMETERS, asked());
        let request_uri = push_as(&server, own.clone(), request).await.unwrap().request_uri;
        assert!(server.service().check_authorization(&own, approved(&request_uri)).is_ok());
        assert!(server.service().authorize(&own, approved(&request_uri)).await.is_ok());
    }
}

#[tokio::test]
async fn an_approval_that_exceeds_the_client_leaves_the_request_as_it_was() {
    let server = Server::start();
    let request_uri = push(&server).await;
    let mut request = approved(&request_uri);
    request.approval.scope = scope("admin");
    let before = server.store().snapshot();
    assert_eq!(refusal(server.service().authorize(&client(APP), request).await), Refusal::ScopeExceeded);
    assert_eq!(server.store().snapshot(), before);
    assert!(approve(&server, &request_uri).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_approvals_of_one_request_one_gets_a_code() {
    for _ in 0..20 {
        let server = Arc::new(Server::start());
        let request_uri = push(&server).await;
        let mut approvals = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (server, request_uri) = (Arc::clone(&server), request_uri.clone());
            approvals.spawn(async move { approve(&server, &request_uri).await });
        }
        let answers = approvals.join_all().await;
        let (codes, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(codes.len(), 1);
        for answer in refused {
            assert_eq!(refusal(answer), Refusal::PushedRequestUsed);
        }
        for code in codes {
            assert_eq!(redeem(&server, APP, "", &code.unwrap()).await, 200);
        }
        let issued = server.config.events.kinds().into_iter().filter(|kind| *kind == EventKind::CodeIssued).count();
        assert_eq!(issued, 1, "a code that nobody got is not reported");
    }
}

#[tokio::test]
async fn an_approval_that_lost_the_race_leaves_a_grant_that_expires_unused() {
    let server = Server::start();
    let request_uri = push(&server).await;
    let (rival, uri) = (server.restarted(|config| config), request_uri.clone());
    // Between the load of the first approval and its first write.
    server.store().before_next_write(move || drop(fixtures::ready(approve(&rival, &uri)).unwrap()));
    assert_eq!(refusal(approve(&server, &request_uri).await), Refusal::PushedRequestUsed);
    assert_eq!(server.store().snapshot().1.len(), 3);
    server.advance(HALF_AN_HOUR);
    assert_eq!(server.service().purge_expired(10).await.unwrap(), 3);
}

// A fault at each call of the push, the first sight and the approval, before and after its work.
#[tokio::test]
async fn a_fault_of_the_store_never_makes_two_codes_of_one_request() {
    for fault in [Fault::Before, Fault::After, Fault::ThenDown, Fault::Late] {
        for k in 0..6 {
            let context = format!("{fault:?} at call {k}");
            let server = Server::start();

            server.store().fail(k, fault);
            let pushed = push_as(&server, client(APP), PushRequest::new(PARAMETERS, asked())).await;
            server.store().calm();
            let request_uri = match pushed {
                Ok(response) => response.request_uri,
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{context}");
                    push(&server).await
                }
            };

            server.store().fail(k, fault);
            let seen = read(&server, &request_uri).await;
            server.store().calm();
            server.store().deliver();
            if let Err(error) = seen {
                assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{context}");
                read(&server, &request_uri).await.unwrap();
            }

            server.store().fail(k, fault);
            let first = approve(&server, &request_uri).await;
            server.store().calm();
            server.store().deliver();
            let second = approve(&server, &request_uri).await;
            match (&first, &second) {
                (Ok(_), Err(error)) => assert_eq!(error.code(), ErrorCode::InvalidRequestUri, "{context}"),
                // The user approves once more; if the first attempt has used the request up, he begins anew.
                (Err(error), second) => {
                    assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{context}");
                    let is_used = second.as_ref().is_err_and(|error| error.code() == ErrorCode::InvalidRequestUri);
                    assert!(second.is_ok() || (is_used && fault != Fault::Before), "{context}: {second:?}");
                }
                (Ok(_), Ok(_)) => panic!("{context}: two codes"),
            }
            for code in [first, second].into_iter().flatten() {
                assert_eq!(redeem(&server, APP, "", &code).await, 200, "{context}");
            }
        }
    }
}

#[tokio::test]
async fn a_write_without_acknowledgement_is_settled_by_one_read() {
    // The write of the grant, and that of the used request.
    for k in [1, 3] {
        let server = Server::start();
        let request_uri = push(&server).await;
        server.store().fail(k, Fault::After);
        let code = approve(&server, &request_uri).await.unwrap();
        server.store().calm();
        assert_eq!(redeem(&server, APP, "", &code).await, 200);
    }
}

#[tokio::test]
async fn the_record_holds_no_secret_and_drops_the_parameters_with_the_code() {
    let server = Server::start();
    let request_uri = push(&server).await;
    read(&server, &request_uri).await.unwrap();
    let code = approve(&server, &request_uri).await.unwrap();
    let sealed = request_uri.expose().rsplit(':').next().unwrap();
    let holds =
        |payload: &[u8], text: &str| payload.windows(16).any(|part| text.as_bytes().windows(16).any(|own| own == part));
    for (_, record) in server.store().written() {
        assert!(!holds(&record.payload, sealed) && !holds(&record.payload, &code));
    }
    for (key, record) in server.store().snapshot().1 {
        assert!(!holds(&record.payload, PARAMETERS));
        let shown = format!("{:?}", Grant::decode(key.id, &record.payload).unwrap());
        assert!(!shown.contains("login_hint"));
    }
}

#[test]
fn no_debug_text_shows_a_parameter() {
    let request = PushRequest::new(PARAMETERS, asked());
    assert!(!format!("{request:?}").contains("login"));
    let server = Server::start();
    let response = fixtures::ready(push_as(&server, client(APP), request)).unwrap();
    assert!(format!("{response:?}").contains("RequestUri([redacted])"));
    let record = format!("{:?}", fixtures::ready(read(&server, &response.request_uri)).unwrap());
    assert!(record.starts_with("PushedRequest") && !record.contains("114, 101"), "{record}");
    for (key, record) in server.store().snapshot().1 {
        let shown = format!("{:?}", Grant::decode(key.id, &record.payload).unwrap());
        assert!(shown.contains("PendingRequest") && !shown.contains("114, 101"), "{shown}");
    }
}

#[tokio::test]
async fn pushed_requests_are_no_sessions_but_end_with_their_client() {
    let server = Server::start();
    let request_uri = push(&server).await;
    let of_client = GrantOwner::Client(client(APP).id);
    assert_eq!(server.service().grants(&of_client, None, 10).await.unwrap().grants, []);
    server.service().revoke_client(&client(APP).id).await.unwrap();
    assert_eq!(refusal(read(&server, &request_uri).await), Refusal::PushedRequestUnknown);
    assert_eq!(refusal(approve(&server, &request_uri).await), Refusal::PushedRequestUnknown);
}

#[tokio::test]
async fn expired_requests_are_purged_and_unknown_afterwards() {
    let server = Server::start();
    let (seen, used, unseen) = (push(&server).await, push(&server).await, push(&server).await);
    read(&server, &seen).await.unwrap();
    approve(&server, &used).await.unwrap();
    server.advance(seconds(60) - MS);
    assert_eq!(server.service().purge_expired(10).await.unwrap(), 0);
    server.advance(MS);
    assert_eq!(server.service().purge_expired(10).await.unwrap(), 2, "not the one that was seen, nor the code");
    assert_eq!(refusal(read(&server, &unseen).await), Refusal::PushedRequestUnknown);
    assert_eq!(refusal(approve(&server, &used).await), Refusal::PushedRequestUnknown);
    assert!(approve(&server, &seen).await.is_ok());
}

#[tokio::test]
async fn each_step_has_its_event() {
    let server = Server::start();
    let request_uri = push(&server).await;
    let events = || server.config.events.operations();
    assert_eq!(events(), [(Operation::PushAuthorizationRequest, EventKind::RequestPushed)]);
    read(&server, &request_uri).await.unwrap();
    assert_eq!(events(), []);
    approve(&server, &request_uri).await.unwrap();
    assert_eq!(events(), [(Operation::Authorize, EventKind::CodeIssued)]);
    approve(&server, &request_uri).await.unwrap_err();
    assert_eq!(events(), [(Operation::Authorize, EventKind::Refused(Refusal::PushedRequestUsed))]);
    server.store().set_down(true);
    read(&server, &request_uri).await.unwrap_err();
    assert_eq!(events(), [(Operation::Authorize, EventKind::Unavailable)]);
}
