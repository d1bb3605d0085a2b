//! Malformed requests: a fixed corpus, and whatever a generator thinks of. Nothing panics, nothing is a 5xx, nothing
//! reaches the store. `Reply` checks each answer: a JSON body, the right headers, no echo.

use fixtures::{
    APP, Auth, Form, Outcome, PASSWORD, REDIRECT, Reply, SPA, Server, Tokens, USER, VERIFIER, basic, encode, form,
};
use proptest::prelude::*;
use regrant::event::ErrorCode;
use regrant::wire::{self, Endpoint, Endpoints, MalformedRequest, Request};

const FORM: &[u8] = b"application/x-www-form-urlencoded";
const INVALID_REQUEST: Outcome = (400, "invalid_request");

/// Requests that succeed as they are, so that a refusal has the cause that the test names.
const DOORS: [Endpoint; 3] = [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection];

fn good(door: Endpoint) -> &'static str {
    match door {
        Endpoint::Token => "grant_type=client_credentials",
        _ => "token=garbage",
    }
}

async fn send(server: &Server, door: Endpoint, content_type: &[u8], body: impl AsRef<[u8]>) -> Reply {
    let authorization = basic("app", APP.secret().unwrap());
    let headers = [("Content-Type", content_type), ("Authorization", authorization.as_bytes())];
    server.raw(door, "POST", &headers, body).await
}

// C108, C156, A35 (Abblix #187). The same request as POST would succeed.
#[tokio::test]
async fn every_method_but_post_is_refused_without_effect() {
    let server = Server::start();
    let tokens = server.sign_in(SPA).await;
    let before = (server.store().calls(), server.store().snapshot());
    let headers = [("content-type", FORM)];
    let refresh = form(&[("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh), ("client_id", "spa")]);
    let token = form(&[("token", &tokens.refresh), ("client_id", "spa")]);
    for method in
        ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post", "POST ", "", "\u{e9}"]
    {
        for (door, body) in [(DOORS[0], &refresh), (DOORS[1], &token), (DOORS[2], &token)] {
            let reply = server.raw(door, method, &headers, body).await;
            assert_eq!(reply.outcome(), (405, "invalid_request"), "{door:?} {method:?}");
            assert_eq!(reply.header("allow"), Some("POST"), "{door:?} {method:?}");
        }
    }
    assert!((server.store().calls(), server.store().snapshot()) == before);
    assert_eq!(server.raw(Endpoint::Token, "POST", &headers, &refresh).await.status(), 200);
}

// C157, C158 (Keycloak's list).
#[tokio::test]
async fn only_the_form_content_type_in_utf_8_is_read() {
    let server = Server::start();
    let accepted: [&[u8]; 9] = [
        FORM,
        b"application/x-www-form-urlencoded;charset=UTF-8",
        b"application/x-www-form-urlencoded; charset=utf-8",
        b"application/x-www-form-urlencoded ; charset=\"UTF-8\"",
        b"application/x-www-form-urlencoded; Charset=utf-8",
        b"Application/X-WWW-Form-Urlencoded",
        b"application/x-www-form-urlencoded;",
        b"application/x-www-form-urlencoded; boundary=x",
        b" application/x-www-form-urlencoded",
    ];
    let refused: [&[u8]; 17] = [
        b"",
        b"text",
        b"text/plain",
        b"text/[html]",
        b"invalid/@@##",
        b"<script>alert(1)</script>",
        b"application/json",
        b"multipart/form-data; boundary=x",
        b"application/x-www-form-urlencoded; charset=ISO-8859-1",
        b"application/x-www-form-urlencoded; charset=utf-16",
        b"application/x-www-form-urlencoded; charset=",
        b"application/x-www-form-urlencoded; charset=utf-8; charset=latin1",
        b"application/x-www-form-urlencoded2",
        b"application/x-www-form-urlencoded, application/json",
        b"x application/x-www-form-urlencoded",
        b"application/x-www-form-urlencoded\xff",
        b"\xff\xfe",
    ];
    for door in DOORS {
        for content_type in accepted {
            assert_eq!(send(&server, door, content_type, good(door)).await.status(), 200, "{content_type:?}");
        }
        for content_type in refused {
            let reply = send(&server, door, content_type, good(door)).await;
            assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?} {:?}", String::from_utf8_lossy(content_type));
        }
        let authorization = basic("app", APP.secret().unwrap());
        let authorization = ("authorization", authorization.as_bytes());
        for (name, headers) in [
            ("none", &[authorization][..]),
            ("twice", &[authorization, ("content-type", FORM), ("Content-Type", FORM)]),
        ] {
            assert_eq!(server.raw(door, "POST", headers, good(door)).await.outcome(), INVALID_REQUEST, "{name}");
        }
    }
}

// C157: JSON, also with the form's content type.
#[tokio::test]
async fn a_json_body_is_not_read() {
    let server = Server::start();
    for door in DOORS {
        for content_type in [FORM, b"application/json"] {
            let body = r#"{"grant_type":"client_credentials","token":"x"}"#;
            assert_eq!(send(&server, door, content_type, body).await.outcome(), INVALID_REQUEST, "{door:?}");
        }
    }
}

// C151, C152. RFC 6749 section 3.2. Equal values are no excuse, nor is an empty one.
#[tokio::test]
async fn a_repeated_parameter_is_invalid_request() {
    let server = Server::start();
    let tokens = server.sign_in(SPA).await;
    let before = (server.store().calls(), server.store().snapshot());
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
        ("client_id", "spa"),
        ("scope", "read"),
    ];
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", "spa"),
    ];
    let post = [("grant_type", "client_credentials"), ("client_id", "poster"), ("client_secret", "x")];
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD), ("client_id", "spa")];
    let hint = [("token", tokens.refresh.as_str()), ("token_type_hint", "refresh_token"), ("client_id", "spa")];
    let extension = [("grant_type", "client_credentials"), ("client_id", "spa"), ("foo", "bar"), ("", "")];
    let cases: [(Endpoint, Form<'_>); 7] = [
        (Endpoint::Token, &refresh),
        (Endpoint::Token, &redeem),
        (Endpoint::Token, &post),
        (Endpoint::Token, &password),
        (Endpoint::Token, &extension),
        (Endpoint::Revocation, &hint),
        (Endpoint::Introspection, &hint),
    ];
    for (door, parameters) in cases {
        for (name, value) in parameters {
            for second in [*value, "", "another"] {
                let repeated: Vec<_> = parameters.iter().copied().chain([(*name, second)]).collect();
                let reply = server.raw(door, "POST", &[("content-type", FORM)], form(&repeated)).await;
                assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?} {name}={second}");
                let empty_first: Vec<_> = [(*name, "")].into_iter().chain(parameters.iter().copied()).collect();
                let reply = server.raw(door, "POST", &[("content-type", FORM)], form(&empty_first)).await;
                assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?} empty {name} first");
            }
            // An escaped spelling of the name is the same name.
            let escaped = format!(
                "{}&%{:02x}{}=x",
                form(parameters),
                name.bytes().next().unwrap_or(b'x'),
                name.get(1..).unwrap_or("")
            );
            if !name.is_empty() {
                let reply = server.raw(door, "POST", &[("content-type", FORM)], escaped).await;
                assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?} escaped {name}");
            }
        }
    }
    assert!((server.store().calls(), server.store().snapshot()) == before);
}

// RFC 8707 section 2, RFC 8693 section 2.1: these two may repeat.
#[tokio::test]
async fn resource_and_audience_may_repeat() {
    let server = Server::start();
    let body = "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example%2Forders&\
                resource=https%3A%2F%2Fapi.example%2Fbilling&audience=a&audience=b";
    assert_eq!(send(&server, Endpoint::Token, FORM, body).await.status(), 200);
}

// C160; section 5.4 of the protocol notes: a lossy decoder makes one value of two inputs.
#[tokio::test]
async fn a_body_that_is_not_form_encoded_utf_8_is_refused_wherever_the_fault_is() {
    let server = Server::start();
    let faults: [(&str, &[u8]); 14] = [
        ("broken escape", b"%"),
        ("broken escape", b"%4"),
        ("broken escape", b"%zz"),
        ("broken escape", b"%+1"),
        ("broken escape", b"%u0041"),
        ("broken escape", b"%-1"),
        ("raw bad UTF-8", b"\xff"),
        ("escaped bad UTF-8", b"%ff"),
        ("overlong", b"%c0%af"),
        ("surrogate", b"%ed%a0%80"),
        ("cut", b"%e2%82"),
        ("UTF-16", b"\xff\xfea\x00"),
        ("NUL", b"%00"),
        ("raw NUL", b"\x00"),
    ];
    for door in DOORS {
        for (name, fault) in faults {
            for (place, prefix) in [("value", &b"&x="[..]), ("name", b"&x"), ("value of a known", b"&token_type_hint=")]
            {
                let body = [good(door).as_bytes(), prefix, fault].concat();
                let reply = send(&server, door, FORM, &body).await;
                assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?}: {name} in a {place}");
            }
        }
    }
    assert_eq!(server.store().calls(), 0);
}

// C160.
#[tokio::test]
async fn a_body_with_a_byte_order_mark_is_refused() {
    let server = Server::start();
    for door in DOORS {
        let body = [&b"\xef\xbb\xbf"[..], good(door).as_bytes()].concat();
        assert_eq!(send(&server, door, FORM, body).await.outcome(), INVALID_REQUEST, "{door:?}");
        // A mark that became part of the first name would make that parameter vanish: the client asked for less.
        let body = [&b"\xef\xbb\xbfscope=read&token_type_hint=x&"[..], good(door).as_bytes()].concat();
        assert_eq!(send(&server, door, FORM, body).await.outcome(), INVALID_REQUEST, "{door:?}, before an option");
    }
    assert_eq!(server.store().calls(), 0);
}

#[tokio::test]
async fn separators_that_separate_nothing_do_no_harm() {
    let server = Server::start();
    for door in DOORS {
        for body in [format!("&&{}&&", good(door)), format!("{}&=", good(door)), format!("{}&x", good(door))] {
            assert_eq!(send(&server, door, FORM, &body).await.status(), 200, "{door:?} {body}");
        }
        for body in ["", "&", "&&&&", "=", "x", "==="] {
            assert_eq!(send(&server, door, FORM, body).await.outcome(), INVALID_REQUEST, "{door:?} {body:?}");
        }
    }
}

// C159.
#[tokio::test]
async fn a_body_at_the_limit_is_read_and_one_byte_more_is_413() {
    let server = Server::start();
    assert_eq!(server.endpoints.body_limit(), 64 * 1024);
    for door in DOORS {
        for (excess, status) in [(0, 200), (1, 413), (1_000_000, 413)] {
            let padding = server.endpoints.body_limit() + excess - good(door).len() - "&x=".len();
            let body = format!("{}&x={}", good(door), "a".repeat(padding));
            let reply = send(&server, door, FORM, &body).await;
            assert_eq!(reply.status(), status, "{door:?} {excess} bytes too many");
            if status == 413 {
                let expected = MalformedRequest::TooLarge.response();
                assert!(reply.response == expected, "what an adapter answers that does not read on");
            }
        }
    }
    let tiny = Endpoints::new(server.service().clone(), fixtures::ISSUER).with_body_limit(4);
    let request = Request::new("POST", "/oauth2/token", &[("content-type", FORM)], b"a=b&c");
    assert_eq!(tiny.handle(Endpoint::Token, &request).await.status, 413);
}

// A25's lesson for forms: the number of parameters is bounded, so that the search for duplicates is.
#[tokio::test]
async fn more_parameters_than_any_request_has_are_refused() {
    let server = Server::start();
    for (more, status) in [(63, 200), (64, 400), (5_000, 400)] {
        let body = (0..more).fold(good(Endpoint::Token).to_owned(), |body, index| format!("{body}&{index:x}"));
        assert_eq!(send(&server, Endpoint::Token, FORM, &body).await.status(), status, "{more} more");
        let body = format!("{}{}", good(Endpoint::Token), "&resource=".repeat(more));
        assert_eq!(send(&server, Endpoint::Token, FORM, &body).await.status(), status, "{more} repeated");
    }
}

// RFC 6749 section 5.2: no error echoes what was sent.
#[tokio::test]
async fn no_answer_repeats_anything_of_the_request() {
    let server = Server::start();
    let canary = "c4n4ry\"<script>\\\u{e9}";
    let header = format!("Basic {canary}");
    for door in DOORS {
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
            for auth in [APP, Auth::Nobody] {
                let reply = server.post(door, auth, &[(name, canary)]).await;
                let body = String::from_utf8(reply.response.body).unwrap();
                assert!(!body.contains("c4n4ry"), "{door:?} {name}: {body}");
                assert!(!reply.response.headers.iter().any(|(_, value)| value.contains("c4n4ry")), "{door:?} {name}");
            }
        }
        let headers: [(&str, &[u8]); 2] = [("authorization", header.as_bytes()), ("content-type", canary.as_bytes())];
        let reply = server.raw(door, canary, &headers, canary).await;
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
        (MalformedRequest::NotServed, ErrorCode::InvalidRequest, 404),
    ];
    let request = Request::new("POST", "/oauth2/token", &[], b"");
    for (fault, code, status) in table {
        assert_eq!((fault.code(), fault.status()), (code, status), "{fault:?}");
        let reply = Reply::checked(Endpoint::Token, &request, fault.response());
        assert_eq!(reply.outcome(), (status, code.as_str()), "{fault:?}");
        assert_eq!(reply.text("error_description"), fault.to_string(), "{fault:?}");
    }
    let source = include_str!("../../src/outcome/malformed.rs");
    assert_eq!(table.len(), source.matches("#[error(").count(), "a fault is missing");
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
    ] {
        assert_eq!(result, expected, "{name}");
    }
}

// DESIGN section 1, promise 3, and C161: garbage costs no I/O.
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
        &format!("rt_{}", "A".repeat(108)),
        &format!("at_{}", "_".repeat(108)),
        &format!("rt_{}", "\u{e9}".repeat(54)),
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

// I7, A46: never a panic, never a 5xx, never a write on behalf of one who owns nothing.
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
    proptest!(config, |(door in endpoint, method in method, headers in headers(), body in bodies(&tokens, &code))| {
        let writes = server.store().writes();
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let reply = runtime.block_on(server.raw(door, &method, &headers, &body));
        prop_assert!(reply.status() < 500, "{reply:?}");
        // A write has only one cause here: tokens that were rightly issued to the other client.
        let issued = usize::from(door == Endpoint::Token && reply.status() == 200);
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

// The same for the owner, whose requests are authenticated but whose tokens are mangled.
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

// C159: what an adapter could not receive is answered as such, and only where the body matters.
#[tokio::test]
async fn a_body_that_did_not_come_whole_is_refused_for_what_it_is() {
    let server = Server::start();
    let authorization = basic(APP.id(), APP.secret().unwrap());
    let headers = [("content-type", FORM), ("authorization", authorization.as_bytes())];
    for (fault, outcome) in [
        (MalformedRequest::TooLarge, (413, "invalid_request")),
        (MalformedRequest::Incomplete, (400, "invalid_request")),
    ] {
        for endpoint in [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection] {
            let request = Request::received("POST", "/oauth2/token", &headers, Err(fault));
            let reply = Reply::checked(endpoint, &request, server.endpoints.handle(endpoint, &request).await);
            assert_eq!(reply.outcome(), outcome, "{endpoint:?}");
            // The method and the content type were wrong before that.
            let request = Request::received("GET", "/oauth2/token", &headers, Err(fault));
            assert_eq!(server.endpoints.handle(endpoint, &request).await.status, 405);
        }
        let request = Request::received("GET", "/", &[], Err(fault));
        assert_eq!(server.endpoints.handle(Endpoint::Metadata, &request).await.status, 200);
    }
    assert_eq!(server.store().calls(), 0);
}
