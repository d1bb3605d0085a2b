//! RFC 6749 section 4.1.3 and RFC 7636: codes and PKCE. A refused redemption leaves the code valid. A second use ends
//! the grant only when it passes every check that the first one passed.

use regrant::wire::Endpoint::Token;

use crate::http::answer::{Answer, invalid_client, invalid_grant, no_client, tokens};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, CHALLENGE, OTHER, POSTER, REDIRECT, SPA, VERIFIER, post};
use crate::http::message::HttpRequest;
use crate::http::server::{CodeRequest, Given, approved, approved_with_pkce, later};
use crate::http::variables::Form;

/// A verifier of 128 characters, the maximum, with every unreserved character.
const LONGEST: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~\
                       ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (who, auth) in [("header", APP), ("body", POSTER), ("public", SPA)] {
        cases.extend(verifiers(who, auth));
    }
    cases.extend(downgrades());
    cases.extend(redirect_uris());
    cases.extend(second_uses());
    cases.extend(lifetimes());
    cases.extend(callers());
    cases
}

fn redeem(auth: Auth, more: Form<'_>) -> HttpRequest {
    post(Token, auth, &[&[("grant_type", "authorization_code"), ("code", "{approval.code}")], more].concat())
}

/// RFC 7636 section 4.6: a missing verifier does not match (authentik: CVE-2023-48228).
fn verifiers(who: &str, auth: Auth) -> Vec<Case> {
    let long: &'static str = Box::leak("a".repeat(129).into_boxed_str());
    let refused: [(&str, Option<&str>); 11] = [
        ("without_a_verifier", None),
        ("with_an_empty_verifier", Some("")),
        ("with_a_wrong_verifier", Some("eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
        ("with_the_verifier_in_another_case", Some("DBJFTJEZ4CVP-MB92K27UHBUJU1P1R_WW1GFWFOEJXK")),
        ("with_a_verifier_of_42_characters", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX")),
        ("with_a_verifier_of_129_characters", Some(long)),
        ("with_padding_behind_the_verifier", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk=")),
        ("with_a_space_behind_the_verifier", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk ")),
        ("with_a_verifier_that_is_not_ascii", Some("\u{e9}BjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
        // The challenge is visible in the authorization request, so it must not pass as the verifier.
        ("with_the_challenge_as_verifier", Some(CHALLENGE)),
        ("with_the_longest_verifier", Some(LONGEST)),
    ];
    refused
        .into_iter()
        .map(|(how, verifier)| {
            let verifier: Vec<_> = verifier.map(|verifier| ("code_verifier", verifier)).into_iter().collect();
            let request = redeem(auth, &[&[("redirect_uri", REDIRECT)], &verifier[..]].concat());
            let name = format!("a_redemption_{how}_by_a_{who}_client_is_refused");
            case(name, "RFC 7636 section 4.6", request, invalid_grant()).given([approved_with_pkce("approval", auth)])
        })
        .chain([case(
            format!("a_refused_redemption_by_a_{who}_client_leaves_the_code_good"),
            "pomerium/pomerium#1513",
            redeem(auth, &[("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]),
            tokens(),
        )
        .given([approved_with_pkce("approval", auth)])
        .after(redeem(auth, &[("redirect_uri", REDIRECT), ("code_verifier", LONGEST)]))])
        .collect()
}

/// RFC 9700 section 2.1.1: no PKCE downgrade (Spring: CVE-2024-22258, workers-oauth-provider: CVE-2025-4144).
fn downgrades() -> Vec<Case> {
    [("a_good", VERIFIER), ("the_longest", LONGEST), ("a_short", "short"), ("a_strange", "\u{e9}")]
        .into_iter()
        .map(|(what, verifier)| {
            let request = redeem(APP, &[("redirect_uri", REDIRECT), ("code_verifier", verifier)]);
            let name = format!("{what}_verifier_without_a_challenge_is_a_downgrade");
            case(name, "RFC 9700 section 4.8.2", request, invalid_grant()).given([approved("approval", APP)])
        })
        .chain([case(
            "an_empty_verifier_without_a_challenge_is_an_omitted_one",
            "RFC 6749 section 3.2",
            redeem(APP, &[("redirect_uri", REDIRECT), ("code_verifier", "")]),
            tokens(),
        )
        .given([approved("approval", APP)])])
        .collect()
}

/// RFC 6749 section 4.1.3: the redirect URI is compared exactly.
fn redirect_uris() -> Vec<Case> {
    let without = Given::Approved("approval", APP, CodeRequest { redirect_uri: false, challenge: false });
    let sent: [(&str, Form<'_>); 7] = [
        ("without_the_redirect_uri", &[]),
        ("with_an_empty_redirect_uri", &[("redirect_uri", "")]),
        ("with_another_redirect_uri", &[("redirect_uri", "https://app.example/other")]),
        ("with_a_slash_behind_the_redirect_uri", &[("redirect_uri", "https://app.example/cb/")]),
        ("with_the_host_in_upper_case", &[("redirect_uri", "https://APP.example/cb")]),
        ("with_the_port_spelled_out", &[("redirect_uri", "https://app.example:443/cb")]),
        ("with_a_redirect_uri_that_is_none", &[("redirect_uri", "\u{e9}")]),
    ];
    let refused = sent.map(|(how, more)| {
        let name = format!("a_redemption_{how}_is_refused");
        case(name, "RFC 6749 section 4.1.3", redeem(APP, more), invalid_grant()).given([approved("approval", APP)])
    });
    let unsent = case(
        "a_code_of_a_request_without_redirect_uri_needs_none",
        "RFC 6749 section 4.1.3",
        redeem(APP, &[]),
        tokens(),
    )
    .given([without]);
    refused.into_iter().chain([unsent]).collect()
}

/// RFC 6749 section 4.1.2: a second use revokes the tokens of the first one.
fn second_uses() -> Vec<Case> {
    let whole: Form<'_> = &[("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    let given = |auth| [approved_with_pkce("approval", auth), Given::Answered("first", redeem(auth, whole))];
    let reused = [("a_confidential", APP), ("a_public", SPA)].map(|(who, auth)| {
        let name = format!("a_code_used_twice_by_{who}_client_ends_what_it_gave");
        case(name, "RFC 6749 section 4.1.2", redeem(auth, whole), invalid_grant())
            .given(given(auth))
            .writing()
            .inactive(&["{first.access_token}", "{first.refresh_token}"])
    });
    let harmless: [(&str, Auth, Form<'_>, Answer); 7] = [
        ("without_its_redirect_uri", APP, &whole[1..], invalid_grant()),
        (
            "with_another_redirect_uri",
            APP,
            &[("redirect_uri", "https://app.example/other"), ("code_verifier", VERIFIER)],
            invalid_grant(),
        ),
        ("without_its_verifier", APP, &whole[..1], invalid_grant()),
        ("with_a_wrong_verifier", APP, &[whole[0], ("code_verifier", LONGEST)], invalid_grant()),
        ("by_another_client", OTHER, whole, invalid_grant()),
        ("by_a_public_client", SPA, whole, invalid_grant()),
        ("with_a_wrong_secret", Auth::Basic("app", "guess"), whole, invalid_client().challenging()),
    ];
    let harmless = harmless.map(|(how, auth, more, answer)| {
        case(format!("a_second_use_of_a_code_{how}_ends_nothing"), "RFC 6749 section 10.5", redeem(auth, more), answer)
            .given(given(APP))
            .active(&["{first.access_token}", "{first.refresh_token}"])
    });
    reused.into_iter().chain(harmless).collect()
}

/// RFC 6749 section 4.1.2: codes expire.
fn lifetimes() -> [Case; 2] {
    let request = || redeem(APP, &[("redirect_uri", REDIRECT)]);
    [
        case("a_code_is_good_in_its_last_second", "RFC 6749 section 4.1.2", request(), tokens())
            .given([approved("approval", APP), later(119)]),
        case("a_code_is_no_longer_good_at_its_end", "RFC 6749 section 4.1.2", request(), invalid_grant())
            .given([approved("approval", APP), later(120)]),
    ]
}

/// A code cannot be redeemed for another client, and the attempt does not consume it.
fn callers() -> Vec<Case> {
    [
        ("nobody", Auth::Missing, no_client()),
        ("a_confidential_client_without_its_secret", Auth::Public("app"), invalid_client()),
        ("a_wrong_secret", Auth::Basic("app", "wrong"), invalid_client().challenging()),
    ]
    .into_iter()
    .map(|(who, auth, answer)| {
        case(
            format!("{who}_redeems_nothing"),
            "RFC 6749 section 3.2.1",
            redeem(auth, &[("redirect_uri", REDIRECT)]),
            answer,
        )
        .given([approved("approval", APP)])
        .without_the_store()
    })
    .collect()
}
