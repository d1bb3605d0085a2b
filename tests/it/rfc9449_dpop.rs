//! RFC 9449: tokens bound to a DPoP key. The proofs are a stub's; `regrant-jose` has tests of real ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::{
    APP, Auth, Config, Form, OTHER, Outcome, SCOPE, SPA, Server, StubVerifier, USER, client, ready, scope, seconds,
    subject,
};
use regrant::authenticator::CredentialRefusal;
use regrant::event::EventKind;
use regrant::host::{ApproveError, ApproveRequest, GrantApprover};
use regrant::policy::{ClientPolicy, SenderConstraint};
use regrant::proof::ProofFault;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    Approval, AuthenticatedClient, GrantType, IssueRequest, Key, KeyRing, MemoryStore, Policy, Refusal, TokenService,
};
use serde_json::json;

const INVALID_GRANT: Outcome = (400, "invalid_grant");
const INVALID_PROOF: Outcome = (400, "invalid_dpop_proof");
const USE_NONCE: Outcome = (400, "use_dpop_nonce");

fn config() -> (Config, StubVerifier) {
    let verifier = StubVerifier::default();
    (Config { proof_verifier: Some(verifier.clone()), ..Config::default() }, verifier)
}

fn start() -> Server {
    config().0.start()
}

/// A new proof of the key.
fn by(key: &str) -> String {
    StubVerifier::proof(key)
}

/// `jkt` of the stub's key.
fn jkt(key: &str) -> String {
    URL_SAFE_NO_PAD.encode([key.as_bytes()[0]; 32])
}

// A thief without the key neither uses a token nor ends the session with one, however old.
#[tokio::test]
async fn without_the_key_a_spent_token_is_neither_repeated_nor_held_against_the_owner() {
    let server = start();
    let first = server.redeem_with(SPA, &by("A"), &server.code(SPA).await).await.tokens();
    let second = server.refresh_with(SPA, &by("A"), &first.refresh).await.tokens();
    for age in [0, 59, 61, 3600] {
        server.advance(seconds(age));
        let before = server.store().snapshot();
        for proof in [String::new(), by("B"), "no proof".to_owned()] {
            let reply = server.refresh_with(SPA, &proof, &first.refresh).await;
            assert!([INVALID_GRANT, INVALID_PROOF].contains(&(reply.status(), word(reply.text("error")))), "{reply:?}");
        }
        assert!(server.store().snapshot() == before, "after {age} s");
        if age == 0 {
            assert_eq!(server.refresh_with(SPA, &by("A"), &first.refresh).await.tokens(), second, "the owner's retry");
        }
    }
    // The holder of the key is another matter.
    let third = server.refresh_with(SPA, &by("A"), &second.refresh).await.tokens();
    server.advance(seconds(10));
    assert_eq!(server.refresh_with(SPA, &by("A"), &first.refresh).await.outcome(), INVALID_GRANT);
    assert!(!server.is_active(&third.access).await, "reuse");
}

fn word(word: &str) -> &'static str {
    ["invalid_grant", "invalid_dpop_proof"].into_iter().find(|known| *known == word).unwrap_or("other")
}

// RFC 9449 section 5: client authentication binds the refresh token.
#[tokio::test]
async fn a_confidential_client_may_change_its_key() {
    let server = start();
    let first = server.redeem_with(APP, &by("A"), &server.code(APP).await).await.tokens();
    let second = server.refresh_with(APP, &by("B"), &first.refresh).await;
    assert_eq!(second.text("token_type"), "DPoP");
    let second = second.tokens();
    let third = server.refresh(APP, &second.refresh).await;
    assert_eq!(third.text("token_type"), "Bearer");
    for (token, expected) in [(&first.access, json!(jkt("A"))), (&second.access, json!(jkt("B")))] {
        assert_eq!(server.introspect(APP, token).await.json["cnf"]["jkt"], expected);
    }
    assert_eq!(server.introspect(APP, third.text("access_token")).await.json.get("cnf"), None);
}

// The refresh token is the same for every retry; the access token is the one of the key that is shown.
#[tokio::test]
async fn a_retry_with_another_key_gets_an_access_token_of_that_key_beside_the_first() {
    let server = start();
    let first = server.sign_in(APP).await;
    let lost = server.refresh_with(APP, &by("A"), &first.refresh).await.tokens();
    let other = server.refresh_with(APP, &by("B"), &first.refresh).await.tokens();
    let bare = server.refresh(APP, &first.refresh).await.tokens();
    assert!(other.refresh == lost.refresh && bare.refresh == lost.refresh);
    assert!(other.access != lost.access && bare.access != lost.access && bare.access != other.access);
    let writes = server.store().writes();
    for (proof, expected) in [(by("A"), &lost), (by("B"), &other), (String::new(), &bare)] {
        assert_eq!(server.refresh_with(APP, &proof, &first.refresh).await.tokens(), *expected);
        assert!(server.is_active(&expected.access).await);
    }
    assert_eq!(server.store().writes(), writes, "what is repeated needs no write");
}

// Section 10, the code injection that PKCE does not see.
#[tokio::test]
async fn a_code_that_was_asked_for_with_a_key_is_redeemed_with_that_key_alone() {
    for auth in [APP, SPA] {
        let server = start();
        let code =
            server.code_for(auth, |request| request.with_confirmation(Some(StubVerifier::confirmation("A")))).await;
        let before = server.store().snapshot();
        for proof in [String::new(), by("B")] {
            assert_eq!(server.redeem_with(auth, &proof, &code).await.outcome(), INVALID_GRANT, "{auth:?} {proof}");
        }
        assert!(server.store().snapshot() == before, "a refusal wrote");
        let tokens = server.redeem_with(auth, &by("A"), &code).await.tokens();

        // A second use counts only when it passes every check that the first one passed.
        for proof in [String::new(), by("B")] {
            assert_eq!(server.redeem_with(auth, &proof, &code).await.outcome(), INVALID_GRANT, "{auth:?} {proof}");
            assert!(server.is_active(&tokens.refresh).await, "{auth:?} {proof}");
        }
        assert_eq!(server.redeem_with(auth, &by("A"), &code).await.outcome(), INVALID_GRANT);
        assert!(!server.is_active(&tokens.refresh).await, "{auth:?}: two hold code and key");
    }
}

#[tokio::test]
async fn a_second_use_of_a_code_is_one_whatever_key_the_first_redeemer_showed() {
    // A thief's key must not shield him. Only a key that the code itself was bound to is asked for.
    for (client, proof) in [(SPA, String::new()), (SPA, by("A")), (SPA, by("B")), (APP, by("B"))] {
        let server = start();
        let code = server.code(client).await;
        let tokens = server.redeem_with(client, &by("A"), &code).await.tokens();
        assert_eq!(server.redeem_with(client, &proof, &code).await.outcome(), INVALID_GRANT);
        assert!(!server.is_active(&tokens.access).await, "{proof}");
    }
}

// RFC 9449 section 8.
#[tokio::test]
async fn a_nonce_is_asked_for_before_anything_is_consumed() {
    let (config, verifier) = config();
    let server = config.start();
    let code = server.code(SPA).await;
    verifier.require(Some("n1"));
    let before = server.store().snapshot();
    for proof in [by("A"), format!("{}.n0", by("A"))] {
        let reply = server.redeem_with(SPA, &proof, &code).await;
        assert_eq!((reply.outcome(), reply.header("dpop-nonce")), (USE_NONCE, Some("n1")));
        assert_eq!(reply.header("cache-control"), Some("no-store"), "section 8.2");
    }
    assert!(server.store().snapshot() == before);
    let reply = server.redeem_with(SPA, &format!("{}.n1", by("A")), &code).await;
    // Section 8.2: the nonce for the next proof comes along.
    assert_eq!(reply.header("dpop-nonce"), Some("n1"));
    let tokens = reply.tokens();

    verifier.require(Some("n2"));
    let before = server.store().snapshot();
    let reply = server.refresh_with(SPA, &format!("{}.n1", by("A")), &tokens.refresh).await;
    assert_eq!((reply.outcome(), reply.header("dpop-nonce")), (USE_NONCE, Some("n2")));
    assert!(server.store().snapshot() == before);
    assert_eq!(server.refresh_with(SPA, &format!("{}.n2", by("A")), &tokens.refresh).await.status(), 200);
    // A client without DPoP is not affected.
    assert_eq!(server.token(APP, &[("grant_type", "client_credentials")]).await.header("dpop-nonce"), None);
}

/// Counts how often it is asked.
struct Counting;

static ASKED: AtomicUsize = AtomicUsize::new(0);

#[async_trait]
impl GrantApprover for Counting {
    async fn approve(&self, _: &AuthenticatedClient, request: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        Ok(request.approve_for(subject(USER)))
    }
}

// A question to the host may consume its subject: an assertion with its `jti`, a one-time password.
#[tokio::test]
async fn a_nonce_is_asked_for_before_the_host_is_asked() {
    let (config, verifier) = config();
    let counting: fn(_) -> _ = |endpoints: Endpoints<_>| endpoints.with_approver(GrantType::Password, Counting);
    let server = Config { endpoints: counting, ..config }.start();
    verifier.require(Some("n1"));
    let password = [("grant_type", "password"), ("username", USER), ("password", "123456")];
    assert_eq!(server.token_with(SPA, &by("A"), &password).await.outcome(), USE_NONCE);
    assert_eq!(server.token_with(SPA, "no proof", &password).await.outcome(), INVALID_PROOF);
    assert_eq!(ASKED.load(Ordering::SeqCst), 0);
    verifier.seen();
    let reply = server.token_with(SPA, &format!("{}.n1", by("A")), &password).await;
    assert_eq!((reply.text("token_type"), ASKED.load(Ordering::SeqCst)), ("DPoP", 1));
    assert_eq!(verifier.seen().len(), 1, "verified once");
}

#[tokio::test]
async fn a_verifier_that_cannot_tell_asks_to_try_again_and_consumes_nothing() {
    let (config, verifier) = config();
    let server = config.start();
    let code = server.code(SPA).await;
    verifier.set_down(true);
    let before = server.store().snapshot();
    assert_eq!(server.redeem_with(SPA, &by("A"), &code).await.outcome(), (503, "temporarily_unavailable"));
    verifier.set_down(false);
    assert!(server.store().snapshot() == before);
    let tokens = server.redeem_with(SPA, &by("A"), &code).await.tokens();
    verifier.set_down(true);
    let before = server.store().snapshot();
    assert_eq!(server.refresh_with(SPA, &by("A"), &tokens.refresh).await.status(), 503);
    assert_eq!(server.token_with(APP, &by("A"), &[("grant_type", "client_credentials")]).await.status(), 503);
    assert!(server.store().snapshot() == before);
    verifier.set_down(false);
    assert_eq!(server.refresh_with(SPA, &by("A"), &tokens.refresh).await.status(), 200);
}

// A proof that was verified a second time would be a proof that was used before.
#[tokio::test]
async fn a_proof_is_verified_once_however_often_the_request_loses_a_race() {
    let (config, verifier) = config();
    let server = Arc::new(config.start());
    let first = server.redeem_with(SPA, &by("A"), &server.code(SPA).await).await.tokens();
    verifier.seen();
    let (rival, token) = (Arc::clone(&server), first.refresh.clone());
    server.store().before_next_write(move || {
        assert_eq!(ready(rival.refresh_with(SPA, "A.the rival's", &token)).status(), 200);
    });
    let reply = server.refresh_with(SPA, &by("A"), &first.refresh).await;
    assert_eq!(reply.status(), 200, "{reply:?}");
    assert_eq!(verifier.seen().len(), 2, "one proof each");
}

// Section 4.3, checks 8 and 9: what the proof must be for, from configuration and not from the request.
#[tokio::test]
async fn the_verifier_is_told_method_and_url_as_clients_know_them() {
    let (config, verifier) = config();
    let server = config.start();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "rt_garbage")];
    server.token_with(APP, &by("A"), &refresh).await;
    assert_eq!(verifier.seen(), [], "a garbage token costs no verification");
    let proof = by("A");
    let headers = [("dpop", proof.as_bytes()), ("host", b"evil.example"), ("x-forwarded-host", b"evil.example")];
    let parameters: Form<'_> = &[("grant_type", "client_credentials")];
    assert_eq!(server.post_with(Endpoint::Token, APP, parameters, &headers, None).await.text("token_type"), "DPoP");
    assert_eq!(verifier.seen(), [("POST".to_owned(), "https://as.example/oauth2/token".to_owned())]);
    let metadata = server.document(Endpoint::Metadata).await.json;
    assert_eq!(metadata["token_endpoint"], "https://as.example/oauth2/token");
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256"]), "section 5.1");
    let none = Server::start().document(Endpoint::Metadata).await.json;
    assert_eq!(none.get("dpop_signing_alg_values_supported"), None);
}

// RFC 9449 section 6.2.
#[tokio::test]
async fn introspection_tells_key_and_token_type() {
    let server = start();
    let tokens = server.redeem_with(SPA, &by("A"), &server.code(SPA).await).await.tokens();
    let access = server.introspect(fixtures::AUDITOR, &tokens.access).await;
    assert_eq!((&access.json["cnf"], access.text("token_type")), (&json!({ "jkt": jkt("A") }), "DPoP"));
    let refresh = server.introspect(fixtures::AUDITOR, &tokens.refresh).await;
    assert_eq!((&refresh.json["cnf"], refresh.json.get("token_type")), (&json!({ "jkt": jkt("A") }), None));
}

#[tokio::test]
async fn a_public_grant_that_was_not_bound_is_from_its_first_proof_on() {
    let server = start();
    let first = server.sign_in(SPA).await;
    let second = server.refresh_with(SPA, &by("A"), &first.refresh).await;
    assert_eq!(second.text("token_type"), "DPoP");
    let second = second.tokens();
    for proof in [String::new(), by("B")] {
        assert_eq!(server.refresh_with(SPA, &proof, &second.refresh).await.outcome(), INVALID_GRANT);
    }
    assert_eq!(server.refresh_with(SPA, &by("A"), &first.refresh).await.tokens(), second, "the retry");
    assert_eq!(server.refresh_with(SPA, &by("A"), &second.refresh).await.status(), 200);
    assert!(server.is_active(&first.access).await, "what was issued before stays as it is");
    assert_eq!(server.introspect(fixtures::AUDITOR, &first.access).await.json.get("cnf"), None);
}

// Section 5 binds a refresh token when it is issued, and a repetition issues none.
#[tokio::test]
async fn a_repeated_refresh_token_stays_unbound_and_only_its_access_token_is_bound_to_the_key() {
    let server = start();
    let first = server.sign_in(SPA).await;
    let lost = server.refresh(SPA, &first.refresh).await.tokens();
    let again = server.refresh_with(SPA, &by("A"), &first.refresh).await;
    assert_eq!(again.text("token_type"), "DPoP");
    assert_eq!(again.tokens().refresh, lost.refresh);
    assert_eq!(server.refresh(SPA, &lost.refresh).await.status(), 200, "the owner has no key");
}

#[tokio::test]
async fn a_refresh_token_that_does_not_rotate_is_bound_at_issue_only() {
    let (config, _) = config();
    let policy = ClientPolicy::default().with_issue_refresh_tokens_on_refresh(false);
    let server = config.with_client(SPA, |client| client.with_policy(policy.clone())).start();
    let bearer = server.sign_in(SPA).await.refresh;
    assert_eq!(server.refresh_with(SPA, &by("A"), &bearer).await.text("token_type"), "DPoP");
    assert_eq!(server.refresh(SPA, &bearer).await.status(), 200, "nobody is locked out by a key shown late");
    let bound = server.redeem_with(SPA, &by("A"), &server.code(SPA).await).await.tokens().refresh;
    for proof in [String::new(), by("B")] {
        assert_eq!(server.refresh_with(SPA, &proof, &bound).await.outcome(), INVALID_GRANT, "{proof}");
    }
    assert_eq!(server.refresh_with(SPA, &by("A"), &bound).await.status(), 200);
}

#[tokio::test]
async fn a_policy_may_ask_for_a_proof_with_every_token() {
    let (config, verifier) = config();
    let policy = ClientPolicy::default().with_sender_constraint(SenderConstraint::Dpop);
    let server = config.with_client(APP, |client| client.with_policy(policy.clone())).start();
    let code = server.code(APP).await;
    let before = server.store().snapshot();
    assert_eq!(server.redeem_with(APP, "", &code).await.outcome(), INVALID_PROOF);
    assert_eq!(server.token(APP, &[("grant_type", "client_credentials")]).await.outcome(), INVALID_PROOF);
    assert!(server.store().snapshot() == before);
    let tokens = server.redeem_with(APP, &by("A"), &code).await.tokens();
    assert_eq!(server.refresh(APP, &tokens.refresh).await.outcome(), INVALID_PROOF);
    assert_eq!(server.refresh_with(APP, &by("B"), &tokens.refresh).await.text("token_type"), "DPoP");
    // Others are not concerned.
    assert_eq!(server.token(OTHER, &[("grant_type", "client_credentials")]).await.text("token_type"), "Bearer");

    let policy = Policy::default().with_sender_constraint(SenderConstraint::Dpop);
    let service = |policy| {
        TokenService::builder(
            MemoryStore::new(),
            Config::default().registry(),
            KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
        )
        .policy(policy)
    };
    let error = service(policy.clone()).build().map(drop).unwrap_err();
    assert_eq!(error.field(), "sender_constraint", "nobody is there to verify");
    assert!(service(policy).proof_verifier(verifier).build().is_ok());
}

/// The faults of a refresh, in the order in which they are looked for.
const FAULTS: [(&str, Outcome, Option<Refusal>); 10] = [
    ("malformed", (400, "invalid_scope"), None),
    (
        "wrong secret",
        (401, "invalid_client"),
        Some(Refusal::ClientAuthenticationFailed(CredentialRefusal::WrongSecret)),
    ),
    ("without right", (400, "unauthorized_client"), Some(Refusal::GrantTypeNotAllowed)),
    ("garbage", INVALID_GRANT, Some(Refusal::TokenUnrecognized)),
    ("foreign", INVALID_GRANT, Some(Refusal::OtherClient)),
    ("invalid proof", INVALID_PROOF, Some(Refusal::ProofInvalid(ProofFault::Malformed))),
    ("another key", INVALID_GRANT, Some(Refusal::ProofOfPossessionFailed)),
    ("revoked", INVALID_GRANT, Some(Refusal::GrantRevoked)),
    ("spent", INVALID_GRANT, Some(Refusal::RefreshTokenReused)),
    ("too much scope", (400, "invalid_scope"), Some(Refusal::ScopeExceeded)),
];

// Every combination of faults: the first of them is the answer, and only the owner's reuse writes.
#[tokio::test]
async fn of_several_faults_the_first_in_the_order_of_checks_is_answered() {
    for faults in 1..1_usize << FAULTS.len() {
        let has = |index: usize| faults & 1 << index != 0;
        let (server, _) = config();
        let server = server.start();
        let proof = AuthenticatedClient::assertion(client(APP).into());
        let key = StubVerifier::confirmation("A");
        let approval = Approval::of(subject(USER)).with_scope(scope(SCOPE)).with_confirmation(Some(key));
        let issue = IssueRequest::new(GrantType::Password, approval).with_presented_keys(Some(key));
        let first = server.service().issue(&proof, issue).await.unwrap();
        let first = first.refresh_token.unwrap();
        let second = server.refresh_with(APP, &by("A"), first.expose()).await.tokens();
        let second = server.refresh_with(APP, &by("A"), &second.refresh).await.tokens();
        server.advance(seconds(61));
        if has(7) {
            server.revoke(APP, &second.refresh).await;
        }
        let token = match (has(3), has(8)) {
            (true, _) => "rt_garbage",
            (false, true) => first.expose(),
            (false, false) => &second.refresh,
        };
        let owner = if has(4) { OTHER } else { APP };
        let flows = if has(2) { vec![GrantType::Password] } else { vec![GrantType::Password, GrantType::RefreshToken] };
        let judge = server.restarted(|config| {
            [APP, OTHER]
                .into_iter()
                .fold(config, |config, auth| config.with_client(auth, |client| client.with_grant_types(flows.clone())))
        });
        let auth = if has(1) { Auth::Basic(owner.id(), "wrong") } else { owner };
        let scope = match (has(0), has(9)) {
            (true, _) => "a  b",
            (false, true) => "admin",
            (false, false) => "read",
        };
        let proof = match (has(5), has(6)) {
            (true, _) => "no proof".to_owned(),
            (false, true) => by("B"),
            (false, false) => by("A"),
        };
        let first_fault = faults.trailing_zeros() as usize;
        let names: Vec<_> = (0..FAULTS.len()).filter(|index| has(*index)).map(|index| FAULTS[index].0).collect();
        let (_, outcome, refusal) = FAULTS[first_fault];

        let before = server.store().snapshot();
        server.config.events.operations();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        let reply = judge.token_with(auth, &proof, &refresh).await;
        assert_eq!(reply.outcome(), outcome, "{names:?}");
        let told = server.config.events.operations().into_iter().find_map(|(_, kind)| match kind {
            EventKind::Refused(refusal) => Some(refusal),
            _ => None,
        });
        assert_eq!(told, refusal, "{names:?}");
        let is_reuse = refusal == Some(Refusal::RefreshTokenReused);
        assert_eq!(server.store().snapshot() != before, is_reuse, "{names:?}");
    }
}

// Only the token endpoint reads proofs.
#[tokio::test]
async fn a_proof_at_another_endpoint_is_ignored() {
    let (config, verifier) = config();
    let server = config.start();
    let tokens = server.sign_in(APP).await;
    verifier.require(Some("n1"));
    for endpoint in [Endpoint::Introspection, Endpoint::Revocation] {
        let header: [(&str, &[u8]); 2] = [("DPoP", b"garbage"), ("DPoP", b"garbage")];
        let reply = server.post_with(endpoint, APP, &[("token", &tokens.access)], &header, None).await;
        assert_eq!((reply.status(), reply.header("dpop-nonce")), (200, None), "{endpoint:?}");
    }
    assert_eq!(verifier.seen(), []);
    let request = Request::new("POST", "/oauth2/token", &[("dpop", b"A.secret")], b"");
    assert!(!format!("{request:?}").contains("secret"));
}
