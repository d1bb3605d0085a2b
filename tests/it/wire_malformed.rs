//! Malformed requests beyond the corpus of the conformance kit, generated ones included. Nothing panics, nothing is a
//! 5xx, nothing reaches the store. `Reply` checks each answer: a JSON body, the right headers, no echo.

use async_trait::async_trait;
use fixtures::{APP, Auth, REDIRECT, Reply, SPA, Server, Tokens, VERIFIER, basic, encode, form};
use proptest::prelude::*;
use regrant::event::ErrorCode;
use regrant::wire::{self, Endpoint, Handler, MalformedRequest, Request, Response};

const FORM: &[u8] = b"application/x-www-form-urlencoded";

const ENDPOINTS: [Endpoint; 3] = [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection];

// RFC 9110 section 15.5.6. These words come over no HTTP connection; the conformance kit sends the other methods.
#[tokio::test]
async fn a_word_that_is_no_method_is_refused_without_effect() {
    let server = Server::start();
    let tokens = server.sign_in(SPA).await;
    let before = (server.store().calls(), server.store().snapshot());
    let headers = [("content-type", FORM)];
    let refresh = form(&[("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh), ("client_id", "spa")]);
    let token = form(&[("token", &tokens.refresh), ("client_id", "spa")]);
    for method in ["CONNECT", "POST ", "", "\u{e9}"] {
        for (endpoint, body) in [(ENDPOINTS[0], &refresh), (ENDPOINTS[1], &token), (ENDPOINTS[2], &token)] {
            let reply = server.raw(endpoint, method, &headers, body).await;
            assert_eq!(reply.outcome(), (405, "invalid_request"), "{endpoint:?} {method:?}");
            assert_eq!(reply.header("allow"), Some("POST"), "{endpoint:?} {method:?}");
        }
    }
    assert!((server.store().calls(), server.store().snapshot()) == before);
    assert_eq!(server.raw(Endpoint::Token, "POST", &headers, &refresh).await.status(), 200);
}

// An adapter stops reading a body there.
#[test]
fn a_body_has_64_kib_at_most_unless_the_host_says_otherwise() {
    struct Own;
    #[async_trait]
    impl Handler for Own {
        async fn respond(&self, _: &Request<'_>) -> Response {
            Response::json(200, &())
        }
    }
    let endpoints = Server::start().endpoints;
    assert_eq!((Own.body_limit(), Handler::body_limit(&endpoints)), (64 * 1024, 64 * 1024));
    assert_eq!(Handler::body_limit(&endpoints.with_body_limit(32)), 32);
}

// The number of parameters is bounded, and so is the search for repetitions.
#[tokio::test]
async fn too_many_resources_are_refused() {
    let server = Server::start();
    for (more, status) in [(63, 200), (64, 400)] {
        let parameters = [&[("grant_type", "client_credentials")], &vec![("resource", ""); more][..]].concat();
        assert_eq!(server.token(APP, &parameters).await.status(), status, "{more} resources");
    }
}

// RFC 6749 section 5.2: no error echoes what was sent.
#[tokio::test]
async fn no_answer_repeats_anything_of_the_request() {
    let server = Server::start();
    let canary = "c4n4ry\"<script>\\\u{e9}";
    let header = format!("Basic {canary}");
    for endpoint in ENDPOINTS {
        for name in [
            "grant_type",
            "code",
            "refresh_token",
            "scope",
            "resource",
            "token",
            "token_type_hint",
            "client_id",
            "client_secret",
            "redirect_uri",
            "code_verifier",
            canary,
        ] {
            for auth in [APP, Auth::Missing] {
                let reply = server.post(endpoint, auth, &[(name, canary)]).await;
                let body = String::from_utf8(reply.response.body).unwrap();
                assert!(!body.contains("c4n4ry"), "{endpoint:?} {name}: {body}");
                assert!(
                    !reply.response.headers.iter().any(|(_, value)| value.contains("c4n4ry")),
                    "{endpoint:?} {name}"
                );
            }
        }
        let headers: [(&str, &[u8]); 2] = [("authorization", header.as_bytes()), ("content-type", canary.as_bytes())];
        let reply = server.raw(endpoint, canary, &headers, canary).await;
        assert!(!String::from_utf8(reply.response.body).unwrap().contains("c4n4ry"));
    }
}

// The list is compared with the source, so a new fault must be entered here.
#[test]
fn every_fault_of_form_has_its_word_its_status_and_an_answer_that_clients_can_read() {
    let table = [
        (MalformedRequest::Method("POST"), ErrorCode::InvalidRequest, 405),
        (MalformedRequest::ContentType, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::TooLarge, ErrorCode::InvalidRequest, 413),
        (MalformedRequest::Incomplete, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::TooManyParameters, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::Encoding, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::Repeated, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::Missing("code"), ErrorCode::InvalidRequest, 400),
        (MalformedRequest::NoClient, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::SeveralAuthentications, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::Authorization, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::ClientId, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::GrantType, ErrorCode::UnsupportedGrantType, 400),
        (MalformedRequest::Scope, ErrorCode::InvalidScope, 400),
        (MalformedRequest::Resource, ErrorCode::InvalidTarget, 400),
        (MalformedRequest::ClientAssertion, ErrorCode::InvalidClient, 400),
        (MalformedRequest::Certificate, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::Proof, ErrorCode::InvalidDpopProof, 400),
        (MalformedRequest::TokenType, ErrorCode::InvalidRequest, 400),
        (MalformedRequest::UnknownEndpoint, ErrorCode::InvalidRequest, 404),
    ];
    let request = Request::new("POST", "/oauth2/token", &[], b"");
    for (fault, code, status) in table {
        assert_eq!((fault.code(), fault.status()), (code, status), "{fault:?}");
        let reply = Reply::checked(Endpoint::Token, &request, fault.response());
        assert_eq!(reply.outcome(), (status, code.as_str()), "{fault:?}");
        assert_eq!(reply.text("error_description"), fault.to_string(), "{fault:?}");
    }
}

// For a host's own endpoints: as strict as the library's.
#[test]
fn a_host_reads_forms_by_the_same_rules() {
    let read = |content_type: &[u8], method: &str, body: &[u8]| {
        wire::form(&Request::new(method, "/oauth2/token", &[("Content-Type", content_type)], body), 10).map(drop)
    };
    for (name, result, expected) in [
        ("good", read(FORM, "POST", b"a=%20&b=+"), Ok(())),
        ("empty", read(FORM, "POST", b""), Ok(())),
        ("method", read(FORM, "GET", b"a=b"), Err(MalformedRequest::Method("POST"))),
        ("content type", read(b"text/plain", "POST", b"a=b"), Err(MalformedRequest::ContentType)),
        ("at the limit", read(FORM, "POST", b"a=45678910"), Ok(())),
        ("too large", read(FORM, "POST", b"a=456789101"), Err(MalformedRequest::TooLarge)),
        ("repeated", read(FORM, "POST", b"a=1&a=1"), Err(MalformedRequest::Repeated)),
        ("encoding", read(FORM, "POST", b"a=%ff"), Err(MalformedRequest::Encoding)),
        ("half a character each", read(FORM, "POST", b"%c3=%a9"), Err(MalformedRequest::Encoding)),
        ("no text", read(FORM, "POST", b"a&\xff"), Err(MalformedRequest::Encoding)),
        ("the first of two faults", read(FORM, "POST", b"a&a&\xff"), Err(MalformedRequest::Repeated)),
        ("the other one first", read(FORM, "POST", b"a=\0&a&a"), Err(MalformedRequest::Encoding)),
    ] {
        assert_eq!(result, expected, "{name}");
    }
}

// Garbage costs no I/O.
#[tokio::test]
async fn a_token_that_was_never_issued_does_not_reach_the_store() {
    let server = Server::start();
    let Tokens { access, refresh } = server.sign_in(APP).await;
    let stranger = server.restarted(|config| fixtures::Config {
        keys: vec![(1, *b"another key of thirty-two bytes.")],
        store: fixtures::WatchedStore::default(),
        ..config
    });
    let forged = stranger.sign_in(APP).await;
    let calls = server.store().calls();
    for token in [
        "x",
        "rt_",
        "at_",
        "ac_",
        &"rt_".repeat(37),
        &format!("rt_{}", "A".repeat(128)),
        &format!("at_{}", "_".repeat(92)),
        &format!("rt_{}", "\u{e9}".repeat(64)),
        &access.replacen("at_", "rt_", 1),
        &refresh.replacen("rt_", "at_", 1),
        &forged.refresh,
        &forged.access,
        &"A".repeat(60_000),
    ] {
        assert_eq!(server.refresh(APP, token).await.outcome(), (400, "invalid_grant"), "{token}");
        assert_eq!(server.redeem(APP, token).await.outcome(), (400, "invalid_grant"), "{token}");
        assert_eq!(server.revoke(APP, token).await.status(), 200, "{token}");
        assert_eq!(server.introspect(APP, token).await.json["active"], false, "{token}");
    }
    assert_eq!(server.store().calls(), calls);
}

/// A request that is nothing in particular, something like a form, or nearly a good one.
fn bodies(tokens: &Tokens, code: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let names = prop::sample::select(vec![
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "resource",
        "token",
        "token_type_hint",
        "client_id",
        "client_secret",
        "username",
        "password",
        "audience",
        "client_assertion",
        "",
    ]);
    let known = prop::sample::select(vec![
        "authorization_code".to_owned(),
        "refresh_token".to_owned(),
        "client_credentials".to_owned(),
        "password".to_owned(),
        "implicit".to_owned(),
        "urn:x:y".to_owned(),
        "read".to_owned(),
        "admin".to_owned(),
        "other".to_owned(),
        "spa".to_owned(),
        fixtures::ORDERS.to_owned(),
        REDIRECT.to_owned(),
        VERIFIER.to_owned(),
        tokens.refresh.clone(),
        tokens.access.clone(),
        code.to_owned(),
        String::new(),
    ]);
    let value = prop_oneof![
        4 => known.prop_map(|text| encode(&text).into_bytes()),
        1 => any::<String>().prop_map(|text| encode(&text).into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    let pair = (names, value).prop_map(|(name, value)| [name.as_bytes(), b"=", &value].concat());
    let form = prop::collection::vec(pair, 0..8).prop_map(|pairs| pairs.join(&b'&'));
    let mutated = (form.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut body, at, byte)| {
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        body
    });
    prop_oneof![4 => form, 2 => mutated, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let content_type = prop_oneof![
        6 => Just(FORM.to_vec()),
        1 => Just(b"application/json".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ];
    // A confidential client that owns nothing here: whatever it sends, nothing of the store may change.
    let other = basic("other", fixtures::OTHER.secret().unwrap()).into_bytes();
    let authorization = prop_oneof![
        6 => Just(Some(other)),
        1 => Just(Some(basic("app", "wrong").into_bytes())),
        2 => Just(None),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Some),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| {
            use base64::Engine as _;
            Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(bytes)).into_bytes())
        }),
    ];
    let more = prop::collection::vec((any::<String>(), prop::collection::vec(any::<u8>(), 0..20)), 0..3);
    (content_type, authorization, more).prop_map(|(content_type, authorization, more)| {
        let authorization = authorization.map(|value| ("aUthorization".to_owned(), value));
        [("Content-Type".to_owned(), content_type)].into_iter().chain(authorization).chain(more).collect()
    })
}

// Never a panic, never a 5xx, never a write for a client that owns nothing.
#[test]
fn arbitrary_requests_never_panic_never_fail_and_never_touch_what_is_anothers() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = Server::start();
    let (tokens, code) = runtime.block_on(async { (server.sign_in(APP).await, server.code(APP).await) });
    let victim: Vec<_> = server.store().snapshot().1.into_iter().collect();
    let endpoint = prop::sample::select(vec![
        Endpoint::Token,
        Endpoint::Token,
        Endpoint::Token,
        Endpoint::Revocation,
        Endpoint::Introspection,
        Endpoint::Metadata,
    ]);
    let method = prop_oneof![
        8 => Just("POST".to_owned()),
        1 => Just("GET".to_owned()),
        1 => any::<String>(),
    ];
    let config = ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(endpoint in endpoint, method in method, headers in headers(), body in bodies(&tokens, &code))| {
        let writes = server.store().writes();
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
        let reply = runtime.block_on(server.raw(endpoint, &method, &headers, &body));
        prop_assert!(reply.status() < 500, "{reply:?}");
        // A write has only one cause here: tokens that were rightly issued to the other client.
        let issued = usize::from(endpoint == Endpoint::Token && reply.status() == 200);
        prop_assert_eq!(server.store().writes() - writes, issued, "{:?}", reply);
        if issued == 0 {
            let body = String::from_utf8_lossy(&reply.response.body).into_owned();
            prop_assert!(!body.contains(&tokens.refresh) && !body.contains(&tokens.access) && !body.contains(&code));
        }
    });
    let content = server.store().snapshot().1;
    assert!(victim.iter().all(|(key, record)| content.get(key) == Some(record)), "a record of the victim changed");
    runtime.block_on(async {
        assert!(server.is_active(&tokens.access).await);
        assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 200);
        assert_eq!(server.redeem(APP, &code).await.status(), 200);
    });
}

// The owner's requests are authenticated, but their tokens are mangled.
#[test]
fn arbitrary_tokens_of_the_right_client_are_refused_without_a_store_call() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = Server::start();
    let tokens = runtime.block_on(server.sign_in(APP));
    let calls = server.store().calls();
    let token = prop_oneof![
        any::<String>(),
        "(ac|rt|at)_[A-Za-z0-9_-]{100,116}",
        Just(tokens.refresh.clone()).prop_flat_map(|token| {
            (0..token.len(), "[ -~]").prop_map(move |(at, with)| format!("{}{with}{}", &token[..at], &token[at + 1..]))
        }),
    ];
    let config = ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(token in token)| {
        prop_assume!(token != tokens.refresh);
        let replies = runtime.block_on(async {
            [server.refresh(APP, &token).await, server.redeem(APP, &token).await, server.revoke(APP, &token).await]
        });
        prop_assert!(replies.iter().all(|reply| reply.status() < 500));
        prop_assert!(replies[..2].iter().all(|reply| reply.status() == 400));
        prop_assert_eq!(server.store().calls(), calls);
    });
    assert_eq!(runtime.block_on(server.refresh(APP, &tokens.refresh)).status(), 200);
}
