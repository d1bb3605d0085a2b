//! The userinfo endpoint (OpenID Connect Core section 5.3), a protected resource (RFC 6750, RFC 9449 section 7).

use fixtures::{
    APP, Config, GateState, ISSUER, OTHER, Reply, SPA, Server, StubClaims, StubIssuer, StubVerifier, USER, claims,
    client, header, scope, seconds, subject,
};
use regrant::client::Registration;
use regrant::event::{EventKind, Operation, Port};
use regrant::grant::Confirmation;
use regrant::openid::UserInfoRequest;
use regrant::policy::{AccessTokenFormat, ClientPolicy};
use regrant::proof::{ClientCertificate, PresentedKeys, ProofFault};
use regrant::wire::{Endpoint, MalformedRequest, Request};
use regrant::{Approval, AuthenticatedClient, GrantType, IssueRequest, Policy, Refusal};
use serde_json::json;

const FORM: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded");
const NOW: i64 = 1_800_000_000;

fn with_proofs() -> (Config, StubVerifier) {
    let proofs = StubVerifier::default();
    (Config { proof_verifier: Some(proofs.clone()), ..Config::default() }, proofs)
}

/// A DPoP-bound access token of the public client, by a proof of the key `A`.
async fn bound(server: &Server) -> String {
    let reply = server.redeem_with(SPA, &StubVerifier::proof("A"), &server.code(SPA).await).await;
    assert_eq!(reply.text("token_type"), "DPoP");
    reply.tokens().access
}

fn challenges(reply: &Reply) -> Vec<&str> {
    let headers = reply.response.headers.iter();
    headers.filter(|(name, _)| *name == "www-authenticate").map(|(_, value)| &**value).collect()
}

/// The refusals since the last call.
fn refusals(server: &Server) -> Vec<Refusal> {
    let events = server.config.events.take();
    let refusals = events.into_iter().filter(|event| event.operation == Operation::UserInfo);
    refusals
        .filter_map(|event| if let EventKind::Refused(refusal) = event.kind { Some(refusal) } else { None })
        .collect()
}

#[tokio::test]
async fn the_holder_of_an_access_token_learns_its_subject_and_the_claims_of_the_host() {
    let source = StubClaims::default();
    source.set("email", "demo@as.example");
    let server = Config { claims_source: Some(source), ..Config::default() }.start();
    let tokens = server.sign_in_for(APP, &[("scope", "openid read")]).await;
    let asked = json!({ "client": "app", "user": USER, "scope": "openid read", "resources": [] }).to_string();
    let expected = json!({ "sub": USER, "email": "demo@as.example", "asked": asked });
    let before = server.store().snapshot();
    assert_eq!(server.user_info_of(&tokens.access).await.json, expected);
    let bearer = format!("Bearer {}", tokens.access);
    let authorization: (&str, &[u8]) = ("Authorization", bearer.as_bytes());
    for (method, headers, body) in [
        ("POST", vec![authorization], String::new()),
        ("POST", vec![authorization, FORM], String::new()),
        ("POST", vec![authorization, FORM], "unknown=x".to_owned()),
        ("POST", vec![FORM], format!("access_token={}", tokens.access)),
    ] {
        let reply = server.raw(Endpoint::UserInfo, method, &headers, &body).await;
        assert_eq!((reply.status(), &reply.json), (200, &expected), "{method} {body}");
    }
    assert_eq!(server.store().snapshot().1, before.1, "nothing is written");
}

#[tokio::test]
async fn a_jwt_is_as_good_as_an_opaque_token() {
    let policy = Policy::default().with_access_token_format(AccessTokenFormat::Jwt);
    let server = Config { jwt_issuer: Some(StubIssuer::default()), ..Config::default().policy(policy) }.start();
    let tokens = server.sign_in(APP).await;
    assert_eq!(server.user_info_of(&tokens.access).await.json, json!({ "sub": USER }));
    server.revoke(APP, &tokens.refresh).await;
    assert_eq!(server.user_info_of(&tokens.access).await.outcome(), (401, "invalid_token"));
}

// OpenID Connect Core section 5.3.2.
#[tokio::test]
async fn a_client_that_is_registered_for_a_jwt_gets_one_for_itself() {
    let issuer = StubIssuer::default();
    let source = StubClaims::default();
    let config = Config { jwt_issuer: Some(issuer.clone()), claims_source: Some(source), ..Config::default() };
    let server = config.with_client(APP, |client| client.with_userinfo_signed_response(true)).start();
    let tokens = server.sign_in(APP).await;
    let reply = server.user_info_of(&tokens.access).await;
    assert_eq!(reply.header("content-type"), Some("application/jwt"));
    let jwt = String::from_utf8(reply.response.body).unwrap();
    let answer = claims(&jwt);
    assert_eq!((&answer["iss"], &answer["aud"], &answer["sub"]), (&json!(ISSUER), &json!("app"), &json!(USER)));
    assert_eq!((&answer["iat"], answer.get("exp")), (&json!(NOW), None));
    assert!(answer["asked"].is_string());
    assert_eq!(header(&jwt)["typ"], "JWT");
    // It is neither a hint nor a token.
    assert!(server.service().read_id_token_hint(&jwt).is_none());
    assert_eq!(server.user_info_of(&jwt).await.outcome(), (401, "invalid_token"));
    // The other clients get JSON, and no client gets JSON because the signer is down.
    let other = server.sign_in(OTHER).await;
    assert_eq!(server.user_info_of(&other.access).await.status(), 200);
    issuer.set_down(true);
    assert_eq!(server.user_info_of(&tokens.access).await.outcome(), (503, "temporarily_unavailable"));
    assert_eq!(server.user_info_of(&other.access).await.status(), 200);
}

// RFC 6750 section 3.1: an answer for every cause, which only the host learns.
#[tokio::test]
async fn every_token_that_is_not_accepted_has_the_same_answer() {
    let server = Config::default().with_client(OTHER, |client| client.with_registration(Registration(1))).start();
    let refused = async |token: &str, cause: Refusal| {
        server.config.events.take();
        let reply = server.user_info_of(token).await;
        assert_eq!(refusals(&server), [cause]);
        (reply.status(), reply.response.headers, reply.response.body)
    };
    let garbage = refused("garbage", Refusal::TokenUnrecognized).await;
    let challenge = "Bearer realm=\"oauth2\", error=\"invalid_token\", \
                     error_description=\"The access token is not valid for this request.\"";
    assert_eq!(garbage.0, 401);
    assert!(garbage.1.contains(&("www-authenticate", challenge.into())), "{:?}", garbage.1);

    let tokens = server.sign_in(APP).await;
    assert_eq!(refused(&tokens.refresh, Refusal::TokenUnrecognized).await, garbage, "a refresh token");
    let code = server.code(APP).await;
    assert_eq!(refused(&code, Refusal::TokenUnrecognized).await, garbage, "a code");

    let revoked = server.sign_in(APP).await;
    server.revoke(APP, &revoked.refresh).await;
    assert_eq!(refused(&revoked.access, Refusal::GrantRevoked).await, garbage, "of a revoked grant");
    let alone = server.sign_in(APP).await;
    server.revoke(APP, &alone.access).await;
    assert_eq!(refused(&alone.access, Refusal::AccessTokenInactive).await, garbage, "revoked alone");

    let earlier =
        server.restarted(|config| config.with_client(OTHER, |client| client.with_registration(Registration(0))));
    let earlier = earlier.sign_in(OTHER).await;
    assert_eq!(refused(&earlier.access, Refusal::OtherRegistration).await, garbage, "of an earlier registration");

    let own = server.token(APP, &[("grant_type", "client_credentials"), ("scope", "openid")]).await;
    assert_eq!(refused(own.text("access_token"), Refusal::SubjectMissing).await, garbage, "without a user");

    server.config.gate.set(GateState::Closed);
    assert_eq!(refused(&tokens.access, Refusal::SubjectNotServed).await, garbage, "of a closed account");
    server.config.gate.set(GateState::Open);

    server.advance(seconds(3600));
    assert_eq!(refused(&tokens.access, Refusal::AccessTokenInactive).await, garbage, "expired");
}

// A policy that was tightened counts at once for the client's own token, as at introspection by the client.
#[tokio::test]
async fn a_tightened_policy_ends_the_token_earlier() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    server.advance(seconds(60));
    assert_eq!(server.user_info_of(&tokens.access).await.status(), 200);
    let policy = ClientPolicy::default().with_grant_lifetime(regrant::policy::Lifetime::from(seconds(60)));
    let tightened = server.restarted(|config| config.with_client(APP, |client| client.with_policy(policy.clone())));
    assert_eq!(tightened.user_info_of(&tokens.access).await.outcome(), (401, "invalid_token"));
}

#[tokio::test]
async fn a_token_without_openid_lacks_scope_and_is_told_which() {
    let server = Server::start();
    let tokens = server.sign_in_for(APP, &[("scope", "read")]).await;
    let reply = server.user_info_of(&tokens.access).await;
    assert_eq!(reply.outcome(), (403, "insufficient_scope"));
    let challenge = reply.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer realm=\"oauth2\", error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.ends_with(", scope=\"openid\""), "{challenge}");
    assert_eq!(refusals(&server), [Refusal::ScopeInsufficient]);
}

// RFC 6750 section 3.1: no error code for a request that made no attempt.
#[tokio::test]
async fn a_request_without_a_token_gets_a_bare_challenge() {
    let (config, _) = with_proofs();
    let server = config.start();
    let basic = fixtures::basic("app", "secret");
    for headers in [vec![], vec![("Authorization", basic.as_str())], vec![("Authorization", "Unknown at_AAEC")]] {
        let reply = server.user_info(&headers).await;
        assert_eq!((reply.status(), reply.response.body.len()), (401, 0));
        assert_eq!(challenges(&reply), ["Bearer realm=\"oauth2\"", "DPoP realm=\"oauth2\", algs=\"ES256\""]);
        assert_eq!(server.config.events.kinds(), [EventKind::Malformed(MalformedRequest::NoAccessToken)]);
    }
    // A token in the URL is not read (RFC 6750 section 5.3).
    let tokens = server.sign_in(APP).await;
    let query = format!("access_token={}", tokens.access);
    let request = Request::new("GET", "/oauth2/userinfo", &[], b"").with_query(query.as_str());
    assert_eq!(server.endpoints.handle(Endpoint::UserInfo, &request).await.status, 401);
    // Nor is one in the body of a GET.
    let body = format!("access_token={}", tokens.access);
    assert_eq!(server.raw(Endpoint::UserInfo, "GET", &[FORM], &body).await.status(), 401);
}

/// Headers and body of a POST, and the fault.
type Malformed<'a> = (Vec<(&'a str, &'a [u8])>, &'a str, MalformedRequest);

#[tokio::test]
async fn a_token_in_two_places_or_of_the_wrong_form_is_refused_before_any_port() {
    let server = Server::start();
    let token = server.sign_in(APP).await.access;
    let calls = server.store().calls();
    let bearer = format!("Bearer {token}");
    let authorization: (&str, &[u8]) = ("Authorization", bearer.as_bytes());
    let body = format!("access_token={token}");
    let twice = format!("{body}&{body}");
    let cases: [Malformed<'_>; 9] = [
        (vec![authorization, FORM], &body, MalformedRequest::AccessToken),
        (vec![authorization, authorization], "", MalformedRequest::AccessToken),
        (vec![("Authorization", b"Bearer")], "", MalformedRequest::AccessToken),
        (vec![("Authorization", b"Bearer  ")], "", MalformedRequest::AccessToken),
        (vec![("Authorization", b"Bearer a b")], "", MalformedRequest::AccessToken),
        (vec![("Authorization", b"Bearer \xff")], "", MalformedRequest::AccessToken),
        (vec![FORM], &twice, MalformedRequest::Repeated),
        (vec![("content-type", b"application/json")], "{}", MalformedRequest::ContentType),
        (vec![authorization], &body, MalformedRequest::ContentType),
    ];
    for (headers, body, malformed) in cases {
        server.config.events.take();
        let reply = server.raw(Endpoint::UserInfo, "POST", &headers, body).await;
        assert_eq!(reply.outcome(), (400, "invalid_request"), "{malformed:?}");
        let events = server.config.events.operations();
        assert_eq!(events, [(Operation::UserInfo, EventKind::Malformed(malformed))]);
    }
    assert_eq!(server.store().calls(), calls, "the store is not asked");
    for method in ["PUT", "DELETE", "OPTIONS", "get"] {
        let reply = server.raw(Endpoint::UserInfo, method, &[authorization], "").await;
        assert_eq!((reply.status(), reply.header("allow")), (405, Some("GET, HEAD, POST")), "{method}");
    }
    let large = "a".repeat(64 * 1024 + 1);
    assert_eq!(server.raw(Endpoint::UserInfo, "POST", &[FORM], large).await.status(), 413);
}

// RFC 9449 section 7.1.
#[tokio::test]
async fn a_bound_token_needs_a_proof_of_its_key_for_this_token() {
    let (config, proofs) = with_proofs();
    let server = config.start();
    let token = bound(&server).await;
    let dpop = format!("DPoP {token}");
    let send = async |proof: &str| server.user_info(&[("Authorization", &dpop), ("DPoP", proof)]).await;
    let proof = StubVerifier::proof_at_resource("A", &token);
    proofs.seen();
    assert_eq!(send(&proof).await.json, json!({ "sub": USER }));
    assert_eq!(proofs.seen()[0].0, "GET");

    server.config.events.take();
    let other_token = StubVerifier::proof_at_resource("A", "at_another-token");
    for (what, proof, cause) in [
        ("used before", proof, ProofFault::Used),
        ("of another key", StubVerifier::proof_at_resource("B", &token), ProofFault::OtherKey),
        ("for another token", other_token, ProofFault::AccessToken),
        ("for the token endpoint", StubVerifier::proof("A"), ProofFault::AccessToken),
    ] {
        let reply = send(&proof).await;
        assert_eq!(reply.outcome(), (401, "invalid_dpop_proof"), "{what}");
        assert_eq!(refusals(&server), [Refusal::ProofInvalid(cause)], "{what}");
        let challenges: Vec<_> =
            reply.response.headers.iter().filter(|(name, _)| *name == "www-authenticate").collect();
        assert_eq!(challenges[0].1, "Bearer realm=\"oauth2\"", "the error is in the scheme that was used");
        assert!(challenges[1].1.starts_with("DPoP realm=\"oauth2\", error=\"invalid_dpop_proof\""), "{challenges:?}");
        assert!(challenges[1].1.ends_with(", algs=\"ES256\""), "{challenges:?}");
    }
    let reply = server.user_info(&[("Authorization", &dpop)]).await;
    assert_eq!(reply.outcome(), (401, "invalid_dpop_proof"));
    assert_eq!(refusals(&server), [Refusal::ProofMissing]);
    let (one, two) = (StubVerifier::proof_at_resource("A", &token), StubVerifier::proof_at_resource("A", &token));
    let reply = server.user_info(&[("Authorization", &dpop), ("DPoP", &one), ("DPoP", &two)]).await;
    assert_eq!(reply.outcome(), (401, "invalid_dpop_proof"));
    // Without the proof a thief gains nothing by another scheme, and a bearer token nothing by a proof.
    for (token, scheme) in [(token.clone(), "Bearer"), (server.sign_in(APP).await.access, "DPoP")] {
        let proof = StubVerifier::proof_at_resource("A", &token);
        server.config.events.take();
        let reply = server.user_info(&[("Authorization", &format!("{scheme} {token}")), ("DPoP", &proof)]).await;
        assert_eq!(reply.outcome(), (401, "invalid_token"), "{scheme}");
        assert_eq!(refusals(&server), [Refusal::ProofOfPossessionFailed], "{scheme}");
    }
    let body = format!("access_token={token}");
    assert_eq!(server.raw(Endpoint::UserInfo, "POST", &[FORM], body).await.outcome(), (401, "invalid_token"));
}

// RFC 9449 section 9.
#[tokio::test]
async fn a_proof_without_the_nonce_is_told_the_nonce_and_not_used_up() {
    let (config, proofs) = with_proofs();
    let server = config.start();
    let token = bound(&server).await;
    proofs.require(Some("n1"));
    let dpop = format!("DPoP {token}");
    let reply =
        server.user_info(&[("Authorization", &dpop), ("DPoP", &StubVerifier::proof_at_resource("A", &token))]).await;
    assert_eq!(reply.outcome(), (401, "use_dpop_nonce"));
    assert_eq!(reply.header("dpop-nonce"), Some("n1"));
    let (proof, ath) = StubVerifier::proof_at_resource("A", &token)
        .split_once('~')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let reply = server.user_info(&[("Authorization", &dpop), ("DPoP", &format!("{proof}.n1~{ath}"))]).await;
    assert_eq!((reply.status(), reply.header("dpop-nonce")), (200, Some("n1")));
}

#[tokio::test]
async fn the_proof_names_the_url_of_the_endpoint_and_the_method_of_the_request() {
    let (config, proofs) = with_proofs();
    let server = config.start();
    let token = bound(&server).await;
    let dpop = format!("DPoP {token}");
    for method in ["GET", "HEAD", "POST"] {
        proofs.seen();
        let proof = StubVerifier::proof_at_resource("A", &token);
        let headers: [(&str, &[u8]); 2] = [("authorization", dpop.as_bytes()), ("dpop", proof.as_bytes())];
        let request = Request::new(method, "/oauth2/userinfo", &headers, b"");
        assert_eq!(server.endpoints.handle(Endpoint::UserInfo, &request).await.status, 200);
        assert_eq!(proofs.seen(), [(method.to_owned(), "https://as.example/oauth2/userinfo".to_owned())]);
    }
}

// A stranger without a live token cannot fill the cache of used proofs.
#[tokio::test]
async fn a_proof_beside_a_token_that_is_not_active_is_not_verified() {
    let (config, proofs) = with_proofs();
    let server = config.start();
    let token = bound(&server).await;
    server.advance(seconds(3600));
    proofs.seen();
    for token in [&token, "at_garbage-garbage"] {
        let proof = StubVerifier::proof_at_resource("A", token);
        let reply = server.user_info(&[("Authorization", &format!("DPoP {token}")), ("DPoP", &proof)]).await;
        assert_eq!(reply.outcome(), (401, "invalid_token"));
    }
    assert_eq!(proofs.seen(), []);
}

// RFC 8705 section 3.
#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_the_certificate() {
    let policy = ClientPolicy::default().with_sender_constraint(regrant::policy::SenderConstraint::Certificate);
    let server = Config::default().with_client(APP, |client| client.with_policy(policy.clone())).start();
    let certificate = ClientCertificate::from_der(vec![0x30, 0x01]);
    let code = server.code(APP).await;
    let token = server.redeem_over(APP, Some(&certificate), &code).await.tokens().access;
    let bearer = format!("Bearer {token}");
    let headers: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
    let other = ClientCertificate::from_der(vec![0x30, 0x02]);
    for (shown, status) in [(Some(&certificate), 200), (Some(&other), 401), (None, 401)] {
        let request = Request::new("GET", "/oauth2/userinfo", &headers, b"").with_client_certificate(shown);
        assert_eq!(server.endpoints.handle(Endpoint::UserInfo, &request).await.status, status);
    }
    // A host that verified the certificate itself passes the thumbprint.
    let keys = PresentedKeys::from(Some(certificate.confirmation()));
    let request = UserInfoRequest::new(token.as_str()).with_presented_keys(keys);
    assert_eq!(server.service().user_info(&request).await.unwrap().subject, subject(USER));
    let keys = PresentedKeys::from(Some(Confirmation::Certificate([0; 32])));
    let request = UserInfoRequest::new(token).with_presented_keys(keys);
    assert!(server.service().user_info(&request).await.is_err());
}

#[tokio::test]
async fn an_outage_says_nothing_of_the_token() {
    let (config, proofs) = with_proofs();
    let server = config.start();
    let token = server.sign_in(APP).await.access;
    let bound = bound(&server).await;
    let answer = async |token: &str, scheme: &str, port: Port| {
        server.config.events.take();
        let proof = StubVerifier::proof_at_resource("A", token);
        let reply = server.user_info(&[("Authorization", &format!("{scheme} {token}")), ("DPoP", &proof)]).await;
        assert_eq!(reply.outcome(), (503, "temporarily_unavailable"));
        assert_eq!(reply.header("www-authenticate"), None, "a client must keep its token");
        let event = server.config.events.take().remove(0);
        assert_eq!((event.operation, event.kind), (Operation::UserInfo, EventKind::Unavailable));
        assert_eq!(event.failure.unwrap().port, port);
    };
    server.store().set_down(true);
    answer(&token, "Bearer", Port::Store).await;
    server.store().set_down(false);
    server.config.gate.set(GateState::Broken);
    answer(&token, "Bearer", Port::SubjectGate).await;
    server.config.gate.set(GateState::Open);
    proofs.set_down(true);
    answer(&bound, "DPoP", Port::ProofVerifier).await;
    proofs.set_down(false);
    assert_eq!(server.user_info_of(&token).await.status(), 200);
}

// Without a verifier the scheme DPoP is unknown.
#[tokio::test]
async fn a_server_without_proofs_offers_bearer_tokens_alone() {
    let server = Server::start();
    let token = server.sign_in(APP).await.access;
    let reply = server.user_info(&[("Authorization", &format!("DPoP {token}"))]).await;
    assert_eq!((reply.status(), challenges(&reply)), (401, vec!["Bearer realm=\"oauth2\""]));
    // The error is told in the one scheme that there is.
    let unknown: (&str, &[u8]) = ("Authorization", b"DPoP at_AAEC");
    let reply = server.raw(Endpoint::UserInfo, "POST", &[unknown, FORM], "access_token=at_AAEC").await;
    assert_eq!((reply.status(), challenges(&reply).len()), (401, 1));
    assert!(challenges(&reply)[0].starts_with("Bearer realm=\"oauth2\", error=\"invalid_token\""), "{reply:?}");
}

#[tokio::test]
async fn the_endpoint_is_announced_where_there_are_id_tokens() {
    let server = Config { jwt_issuer: Some(StubIssuer::default()), ..Config::default() }.start();
    let document = server.document(Endpoint::OpenIdConfiguration).await.json;
    assert_eq!(document["userinfo_endpoint"], "https://as.example/oauth2/userinfo");
    assert_eq!(document["userinfo_signing_alg_values_supported"], json!(["EdDSA"]));
    assert!(server.document(Endpoint::Metadata).await.json.get("userinfo_endpoint").is_none());
}

// A host that serves the endpoint itself.
#[tokio::test]
async fn the_service_describes_the_user_to_a_host_and_shows_no_claim_in_debug_output() {
    let source = StubClaims::default();
    source.set("email", "demo@as.example");
    let server = Config { claims_source: Some(source), ..Config::default() }.start();
    let app = AuthenticatedClient::assertion(client(APP).into());
    let approval = Approval::of(subject(USER)).with_scope(scope("openid"));
    let tokens = server.service().issue(&app, IssueRequest::new(GrantType::Password, approval)).await.unwrap();
    let request = UserInfoRequest::new(tokens.access_token.clone());
    let answer = server.service().user_info(&request).await.unwrap();
    assert_eq!((answer.subject.as_str(), answer.client_id.as_str(), answer.grant_id), (USER, "app", tokens.grant_id));
    assert_eq!((answer.host_claims["email"].as_str(), answer.jwt.as_deref()), (Some("demo@as.example"), None));
    let shown = format!("{answer:?} {request:?}");
    assert!(!shown.contains("demo@as.example") && !shown.contains(tokens.access_token.expose()), "{shown}");
}
