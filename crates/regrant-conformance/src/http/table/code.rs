//! C48, C81 to C84, C164 to C168: codes and PKCE. A refused redemption leaves the code as it was; only the second use of a
//! code by one who holds all that the first one held ends the grant.

use regrant::wire::Endpoint::Token;

use super::super::answer::{Answer, invalid_client, invalid_grant, no_client, tokens};
use super::super::case::{Case, case};
use super::super::cast::{APP, Auth, CHALLENGE, OTHER, POSTER, REDIRECT, SPA, VERIFIER, post};
use super::super::message::HttpRequest;
use super::super::variables::Form;
use super::super::world::{CodeRequest, Given, approved, approved_with_pkce, later};

/// A verifier of the greatest length, with every unreserved character.
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

/// C165, C166; A32 (authentik CVE-2023-48228): left out is not matched.
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
        // Who saw the authorization request holds the challenge: it must not pass for the verifier.
        ("with_the_challenge_as_verifier", Some(CHALLENGE)),
        ("with_the_longest_verifier", Some(LONGEST)),
    ];
    refused
        .into_iter()
        .map(|(how, verifier)| {
            let verifier: Vec<_> = verifier.map(|verifier| ("code_verifier", verifier)).into_iter().collect();
            let request = redeem(auth, &[&[("redirect_uri", REDIRECT)], &verifier[..]].concat());
            let name = format!("a_redemption_{how}_by_a_{who}_client_is_refused");
            case(name, "C165, C166", request, invalid_grant()).given([approved_with_pkce("approval", auth)])
        })
        .chain([case(
            format!("a_refused_redemption_by_a_{who}_client_leaves_the_code_good"),
            "A28",
            redeem(auth, &[("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]),
            tokens(),
        )
        .given([approved_with_pkce("approval", auth)])
        .after(redeem(auth, &[("redirect_uri", REDIRECT), ("code_verifier", LONGEST)]))])
        .collect()
}

/// C167; A31 (Spring CVE-2024-22258, kanidm #1097, workers-oauth-provider CVE-2025-4144). RFC 9700 section 2.1.1.
fn downgrades() -> Vec<Case> {
    [("a_good", VERIFIER), ("the_longest", LONGEST), ("a_short", "short"), ("a_strange", "\u{e9}")]
        .into_iter()
        .map(|(what, verifier)| {
            let request = redeem(APP, &[("redirect_uri", REDIRECT), ("code_verifier", verifier)]);
            let name = format!("{what}_verifier_without_a_challenge_is_a_downgrade");
            case(name, "C167", request, invalid_grant()).given([approved("approval", APP)])
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

/// C164. RFC 6749 section 4.1.3.
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
        case(name, "C164", redeem(APP, more), invalid_grant()).given([approved("approval", APP)])
    });
    let unsent = case(
        "a_code_of_a_request_without_redirect_uri_needs_none",
        "C164, RFC 6749 section 4.1.3",
        redeem(APP, &[]),
        tokens(),
    )
    .given([without]);
    refused.into_iter().chain([unsent]).collect()
}

/// C81, C82.
fn second_uses() -> Vec<Case> {
    let whole: Form<'_> = &[("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    let given = |auth| [approved_with_pkce("approval", auth), Given::Answered("first", redeem(auth, whole))];
    let reused = [("a_confidential", APP), ("a_public", SPA)].map(|(who, auth)| {
        let name = format!("a_code_used_twice_by_{who}_client_ends_what_it_gave");
        case(name, "C81", redeem(auth, whole), invalid_grant())
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
        case(format!("a_second_use_of_a_code_{how}_ends_nothing"), "C82", redeem(auth, more), answer)
            .given(given(APP))
            .active(&["{first.access_token}", "{first.refresh_token}"])
    });
    reused.into_iter().chain(harmless).collect()
}

/// C48.
fn lifetimes() -> [Case; 2] {
    let request = || redeem(APP, &[("redirect_uri", REDIRECT)]);
    [
        case("a_code_is_good_in_its_last_second", "C48", request(), tokens())
            .given([approved("approval", APP), later(119)]),
        case("a_code_is_no_longer_good_at_its_end", "C48", request(), invalid_grant())
            .given([approved("approval", APP), later(120)]),
    ]
}

/// C133: nobody redeems a code for another, and trying costs the owner nothing.
fn callers() -> Vec<Case> {
    [
        ("nobody", Auth::Nobody, no_client()),
        ("a_confidential_client_without_its_secret", Auth::Public("app"), invalid_client()),
        ("a_wrong_secret", Auth::Basic("app", "wrong"), invalid_client().challenging()),
    ]
    .into_iter()
    .map(|(who, auth, answer)| {
        case(format!("{who}_redeems_nothing"), "C133", redeem(auth, &[("redirect_uri", REDIRECT)]), answer)
            .given([approved("approval", APP)])
            .without_the_store()
    })
    .collect()
}
