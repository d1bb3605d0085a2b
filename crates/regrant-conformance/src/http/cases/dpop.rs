//! RFC 9449: proofs of possession at the token endpoint. A failed proof consumes nothing.

use regrant::TokenServiceBuilder;
use regrant::wire::Endpoint::{Introspection, Revocation, Token};
use regrant::wire::Paths;
use serde_json::json;

use super::valid_request;
use crate::http::answer::{
    Answer, access_token_for, invalid_client, invalid_dpop_proof, invalid_grant, malformed_proof, ok, revoked, tokens,
    tokens_of_type, unavailable, use_dpop_nonce,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, ISSUER, OTHER, PASSWORD, POSTER, REDIRECT, SCOPE, SPA, USER, VERIFIER, post};
use crate::http::message::HttpRequest;
use crate::http::ports::{Proofs, proof};
use crate::http::server::{Given, approved_with_pkce, later};
use crate::http::store::WatchedStore;

const PATH: &str = "/oauth2/token";
const NOW: i64 = 1_800_000_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = issues();
    cases.extend(bad_proofs());
    cases.extend(public_clients());
    cases.extend(thieves_with_a_key());
    cases.extend(confidential_clients());
    cases.extend(elsewhere());
    cases.extend(codes());
    let plain = cases.into_iter().map(|case| case.with_service(with_proofs));
    plain.chain(nonces().into_iter().map(|case| case.with_service(with_nonces))).chain(unknown_proofs()).collect()
}

fn with_proofs(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    service.proof_verifier(Proofs::default())
}

fn with_nonces(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    service.proof_verifier(Proofs::with_nonce("n1"))
}

fn password(auth: Auth) -> HttpRequest {
    post(Token, auth, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)])
}

fn refresh(auth: Auth) -> HttpRequest {
    refresh_of(auth, "old")
}

/// A refresh with the token of the answer `name`.
fn refresh_of(auth: Auth, name: &str) -> HttpRequest {
    let token = format!("{{{name}.refresh_token}}");
    post(Token, auth, &[("grant_type", "refresh_token"), ("refresh_token", &token)])
}

/// Adds a proof of this key.
fn proving(request: HttpRequest, key: char, number: u32) -> HttpRequest {
    request.header("dpop", proof(key, PATH, number))
}

/// Signed in with a proof of the key `a`.
fn bound(auth: Auth) -> Given {
    Given::Answered("old", proving(password(auth), 'a', 1))
}

fn unbound(auth: Auth) -> Given {
    Given::Answered("old", password(auth))
}

fn issues() -> Vec<Case> {
    let clients = [("a_client_of_the_header", APP), ("a_client_of_the_body", POSTER), ("a_public_client", SPA)];
    clients
        .into_iter()
        .flat_map(|(who, auth)| {
            let dpop = proving(password(auth), 'a', 1);
            [
                case(
                    format!("{who}_that_shows_a_key_gets_bound_tokens"),
                    "RFC 9449 section 5",
                    dpop,
                    tokens_of_type("DPoP"),
                ),
                case(
                    format!("{who}_that_shows_none_gets_bearer_tokens"),
                    "RFC 9449 section 5",
                    password(auth),
                    tokens(),
                ),
            ]
        })
        .collect()
}

/// RFC 9449 section 4.3. Each of them leaves the refresh token as it was.
fn bad_proofs() -> Vec<Case> {
    let with = |value: &[u8]| refresh(SPA).header("dpop", value);
    let refused: [(&str, HttpRequest, Answer); 10] = [
        ("garbage", with(b"garbage"), invalid_dpop_proof()),
        ("an_empty_one", with(b""), invalid_dpop_proof()),
        ("one_of_another_method", with(b"a GET https://as.example/oauth2/token 2"), invalid_dpop_proof()),
        ("one_of_another_path", with(b"a POST https://as.example/oauth2/revoke 2"), invalid_dpop_proof()),
        ("one_of_another_host", with(b"a POST https://evil.example/oauth2/token 2"), invalid_dpop_proof()),
        ("one_used_before", with(proof('a', PATH, 1).as_bytes()), invalid_dpop_proof()),
        ("two", proving(proving(refresh(SPA), 'a', 2), 'a', 3), malformed_proof()),
        ("the_same_one_twice", proving(proving(refresh(SPA), 'a', 2), 'a', 2), malformed_proof()),
        ("one_that_is_no_text", with(b"a\xff"), malformed_proof()),
        ("one_that_cannot_be_verified_now", with(b"unreachable POST https://as.example/oauth2/token 2"), unavailable()),
    ];
    refused
        .into_iter()
        .map(|(what, request, answer)| {
            case(
                format!("a_refresh_with_{what}_consumes_nothing"),
                "RFC 9449 section 4.3, RFC 9449 section 11.1",
                request,
                answer,
            )
            .given([bound(SPA)])
            .active(&["{old.refresh_token}"])
        })
        .collect()
}

/// RFC 9449 section 5: the refresh token of a public client is bound to its key.
fn public_clients() -> Vec<Case> {
    let again = || {
        ok(json!({
            "access_token": "{next.access_token}", "token_type": "DPoP", "expires_in": 3600,
            "refresh_token": "{next.refresh_token}", "scope": SCOPE,
        }))
    };
    let rotated = || [bound(SPA), Given::Answered("next", proving(refresh(SPA), 'a', 2))];
    vec![
        case(
            "a_public_client_refreshes_with_its_key",
            "RFC 9449 section 5",
            proving(refresh(SPA), 'a', 2),
            tokens_of_type("DPoP"),
        )
        .given([bound(SPA)]),
        case(
            "a_public_client_does_not_refresh_with_another_key",
            "RFC 9449 section 5",
            proving(refresh(SPA), 'b', 2),
            invalid_grant(),
        )
        .given([bound(SPA)])
        .active(&["{old.refresh_token}"]),
        case("a_public_client_does_not_refresh_without_its_key", "RFC 9449 section 5", refresh(SPA), invalid_grant())
            .given([bound(SPA)])
            .active(&["{old.refresh_token}"]),
        case(
            "a_repeated_refresh_needs_the_key_too",
            "RFC 9449 section 5, RFC 9700 section 4.14.2",
            refresh(SPA),
            invalid_grant(),
        )
        .given(rotated())
        .active(&["{next.refresh_token}"]),
        case(
            "a_repeated_refresh_with_another_key_is_refused",
            "RFC 9449 section 5, RFC 9700 section 4.14.2",
            proving(refresh(SPA), 'b', 3),
            invalid_grant(),
        )
        .given(rotated())
        .active(&["{next.refresh_token}"]),
        case(
            "a_repeated_refresh_with_the_key_gives_the_same_tokens",
            "RFC 9700 section 4.14.2",
            proving(refresh(SPA), 'a', 3),
            again(),
        )
        .given(rotated())
        .changing_nothing(),
        // A caller without the key has proved nothing, so its use of a spent token ends nothing.
        case(
            "a_spent_token_without_the_key_ends_nothing",
            "RFC 9449 section 5, RFC 9700 section 4.14.2",
            refresh(SPA),
            invalid_grant(),
        )
        .given(rotated())
        .given([later(60)])
        .active(&["{next.refresh_token}"]),
        case(
            "a_spent_token_with_the_key_is_reuse",
            "RFC 9700 section 4.14.2",
            proving(refresh(SPA), 'a', 4),
            invalid_grant(),
        )
        .given(rotated())
        .given([Given::Answered("third", proving(refresh_of(SPA, "next"), 'a', 3)), later(10)])
        .writing()
        .inactive(&["{third.refresh_token}"]),
        case(
            "a_public_client_may_begin_to_show_a_key",
            "RFC 9449 section 5",
            proving(refresh(SPA), 'a', 1),
            tokens_of_type("DPoP"),
        )
        .given([unbound(SPA)]),
    ]
}

/// A thief with a bearer token of a public client and a key of his own. The key must not hide the theft.
fn thieves_with_a_key() -> Vec<Case> {
    let thief = |token: &str| Given::Answered("thief", proving(refresh_of(SPA, token), 'b', 1));
    let is_out = ["{thief.access_token}", "{thief.refresh_token}"];
    let redemption = || {
        let code = [("grant_type", "authorization_code"), ("code", "{approval.code}"), ("redirect_uri", REDIRECT)];
        post(Token, SPA, &[&code[..], &[("code_verifier", VERIFIER)]].concat())
    };
    vec![
        case(
            "a_thiefs_key_does_not_hide_the_owners_token_that_is_spent",
            "RFC 9700 section 4.14.2, RFC 9449 section 5",
            refresh(SPA),
            invalid_grant(),
        )
        .given([unbound(SPA), thief("old"), later(3600)])
        .writing()
        .inactive(&is_out),
        case(
            "a_thiefs_key_is_found_out_within_grace_too",
            "RFC 9700 section 4.14.2, RFC 9449 section 5",
            refresh(SPA),
            invalid_grant(),
        )
        .given([unbound(SPA), thief("old")])
        .writing()
        .inactive(&is_out),
        case(
            "a_thiefs_key_shown_in_a_replay_binds_nothing",
            "RFC 9700 section 4.14.2, RFC 9449 section 5",
            refresh_of(SPA, "next"),
            tokens(),
        )
        .given([unbound(SPA), Given::Answered("next", refresh(SPA)), thief("old")]),
        case(
            "a_thiefs_key_does_not_hide_the_second_use_of_a_code",
            "RFC 6749 section 4.1.2, RFC 9449 section 5",
            redemption(),
            invalid_grant(),
        )
        .given([approved_with_pkce("approval", SPA), Given::Answered("thief", proving(redemption(), 'b', 1))])
        .writing()
        .inactive(&is_out),
    ]
}

/// RFC 9449 section 5: the refresh token of a confidential client is bound by its authentication. Its key may change.
fn confidential_clients() -> Vec<Case> {
    vec![
        case(
            "a_confidential_client_may_change_its_key",
            "RFC 9449 section 5",
            proving(refresh(APP), 'b', 2),
            tokens_of_type("DPoP"),
        )
        .given([bound(APP)]),
        case("a_confidential_client_may_stop_showing_a_key", "RFC 9449 section 5", refresh(APP), tokens())
            .given([bound(APP)]),
        case(
            "another_client_with_the_right_key_is_refused",
            "RFC 6749 section 10.4",
            proving(refresh(OTHER), 'a', 2),
            invalid_grant(),
        )
        .given([bound(APP)])
        .active(&["{old.refresh_token}"]),
        // The owner is checked before the proof, so that another client learns nothing about its proof.
        case(
            "another_client_with_a_bad_proof_is_refused_as_ever",
            "RFC 6749 section 5.2",
            refresh(OTHER).header("dpop", "x"),
            invalid_grant(),
        )
        .given([bound(APP)])
        .active(&["{old.refresh_token}"]),
        case(
            "a_client_acting_for_itself_gets_a_bound_token",
            "RFC 9449 section 5",
            proving(valid_request(Token, APP), 'a', 1),
            ok(json!({
                "access_token": "{new.access_token}", "token_type": "DPoP", "expires_in": 3600, "scope": SCOPE,
            })),
        ),
    ]
}

/// Only the token endpoint reads proofs. A proof names the path that clients know.
fn elsewhere() -> Vec<Case> {
    let thumbprint = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE";
    let description = json!({
        "active": true, "scope": SCOPE, "client_id": "app", "token_type": "DPoP", "exp": NOW + 3600, "iat": NOW,
        "sub": USER, "iss": ISSUER, "cnf": { "jkt": thumbprint },
    });
    let am = |request: HttpRequest| HttpRequest { target: "/oauth2/access_token".to_owned(), ..request };
    let moved = |path| am(password(APP)).header("dpop", proof('a', path, 1));
    let at_am = |case: Case| case.with_endpoints(|endpoints| endpoints.with_paths(Paths::am_7_5()));
    vec![
        case(
            "a_bound_token_tells_its_key",
            "RFC 9449 section 6.2",
            post(Introspection, APP, &[("token", "{old.access_token}")]),
            ok(description),
        )
        .given([bound(APP)]),
        case(
            "an_introspection_reads_no_proof",
            "RFC 9449 section 5",
            valid_request(Introspection, APP).header("dpop", "x"),
            crate::http::answer::inactive(),
        )
        .without_the_store(),
        case(
            "a_revocation_reads_no_proof",
            "RFC 9449 section 5",
            post(Revocation, SPA, &[("token", "{old.refresh_token}")]).header("dpop", "x"),
            revoked(),
        )
        .given([bound(SPA)])
        .inactive(&["{old.refresh_token}"]),
        at_am(case(
            "a_proof_names_the_path_that_was_asked",
            "RFC 9449 section 4.3",
            moved("/oauth2/access_token"),
            tokens_of_type("DPoP"),
        )),
        at_am(case(
            "a_proof_of_the_default_path_is_not_one_of_another",
            "RFC 9449 section 4.3",
            moved(PATH),
            invalid_dpop_proof(),
        )),
        case(
            "a_query_is_no_part_of_what_a_proof_names",
            "RFC 9449 section 4.3",
            proving(password(APP), 'a', 1).query("x=y"),
            tokens_of_type("DPoP"),
        ),
        case(
            "the_host_header_is_no_part_of_what_a_proof_names",
            "RFC 9449 section 4.3",
            password(APP)
                .header("x-forwarded-host", "evil.example")
                .header("dpop", "a POST https://evil.example/oauth2/token 1"),
            invalid_dpop_proof(),
        ),
    ]
}

fn codes() -> Vec<Case> {
    let redeem = || {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", "{approval.code}"),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        post(Token, SPA, &parameters)
    };
    let given = || [approved_with_pkce("approval", SPA)];
    vec![
        case(
            "a_code_redeemed_with_a_key_gives_bound_tokens",
            "RFC 9449 section 5",
            proving(redeem(), 'a', 1),
            tokens_of_type("DPoP"),
        )
        .given(given()),
        case(
            "a_redemption_with_a_bad_proof_is_refused",
            "RFC 9449 section 11.1",
            redeem().header("dpop", "x"),
            invalid_dpop_proof(),
        )
        .given(given()),
        case("a_code_is_good_behind_a_bad_proof", "pomerium/pomerium#1513", redeem(), tokens())
            .given(given())
            .after(redeem().header("dpop", "x")),
    ]
}

/// RFC 9449 section 8.2: every answer to a proof carries the nonce for the next one.
fn nonces() -> Vec<Case> {
    let advising = |answer: Answer| answer.with("dpop-nonce", "n1");
    let with_nonce = |request: HttpRequest, number: u32, nonce: &str| {
        request.header("dpop", format!("{} {nonce}", proof('a', PATH, number)))
    };
    let given = || [Given::Answered("old", with_nonce(password(SPA), 1, "n1"))];
    vec![
        case(
            "a_proof_without_a_nonce_is_told_the_nonce",
            "RFC 9449 section 8",
            proving(refresh(SPA), 'a', 2),
            advising(use_dpop_nonce()),
        )
        .given(given())
        .active(&["{old.refresh_token}"]),
        case(
            "a_proof_with_an_old_nonce_is_told_the_nonce",
            "RFC 9449 section 8",
            with_nonce(refresh(SPA), 2, "n0"),
            advising(use_dpop_nonce()),
        )
        .given(given())
        .active(&["{old.refresh_token}"]),
        case(
            "the_same_token_is_good_with_the_nonce",
            "RFC 9449 section 8",
            with_nonce(refresh(SPA), 3, "n1"),
            advising(tokens_of_type("DPoP")),
        )
        .given(given())
        .after(proving(refresh(SPA), 'a', 2)),
        case(
            "a_refusal_tells_the_nonce_too",
            "RFC 9449 section 8.2",
            with_nonce(password(Auth::Basic("app", "wrong")), 1, "n1"),
            advising(invalid_client().challenging()),
        )
        .without_the_store(),
        case(
            "a_bad_proof_is_told_the_nonce",
            "RFC 9449 section 8.2",
            refresh(SPA).header("dpop", "x"),
            advising(invalid_dpop_proof()),
        )
        .given(given()),
        case("a_request_without_a_proof_is_told_none", "RFC 9449 section 8.2", password(APP), tokens()),
    ]
}

/// A server without a verifier ignores proofs and issues a Bearer token (RFC 9449 section 5).
fn unknown_proofs() -> Vec<Case> {
    let issue = || valid_request(Token, APP);
    vec![
        case(
            "a_server_without_proofs_ignores_one",
            "RFC 9449 section 5",
            proving(issue(), 'a', 1),
            access_token_for(SCOPE),
        ),
        case(
            "a_server_without_proofs_ignores_garbage",
            "RFC 9449 section 5",
            issue().header("dpop", "x"),
            access_token_for(SCOPE),
        ),
    ]
}
