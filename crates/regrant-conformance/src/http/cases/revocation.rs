//! RFC 7009: revocation.

use regrant::wire::Endpoint::Revocation;

use crate::http::answer::{invalid_client, no_client, revoked, unavailable};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, AUDITOR, Auth, KEEPER, OTHER, POSTER, SPA, post};
use crate::http::message::HttpRequest;
use crate::http::server::{self, Given, approved, later, refreshed, signed_in};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (who, auth) in [("header", APP), ("body", POSTER), ("public", SPA)] {
        cases.extend(own_tokens(who, auth));
    }
    cases.extend(hints());
    cases.extend(nothing_to_revoke());
    cases.extend(other_clients_tokens());
    cases.extend(callers_that_fail());
    cases.extend(chain());
    cases.extend(outages());
    cases
}

fn revoke(auth: Auth, token: &str) -> HttpRequest {
    post(Revocation, auth, &[("token", token)])
}

fn own_tokens(who: &str, auth: Auth) -> [Case; 5] {
    let rotated = || [signed_in("old", auth), refreshed("next", auth, "{old.refresh_token}")];
    let name = |what: &str| format!("{what}_of_a_{who}_client");
    [
        case(
            name("revoking_the_refresh_token_ends_the_grant"),
            "RFC 7009 section 2.1",
            revoke(auth, "{next.refresh_token}"),
            revoked(),
        )
        .given(rotated())
        .inactive(&[
            "{old.access_token}",
            "{old.refresh_token}",
            "{next.access_token}",
            "{next.refresh_token}",
        ]),
        case(
            name("revoking_a_spent_refresh_token_ends_the_grant"),
            "RFC 7009 section 2.1",
            revoke(auth, "{old.refresh_token}"),
            revoked(),
        )
        .given(rotated())
        .inactive(&["{old.access_token}", "{next.access_token}", "{next.refresh_token}"]),
        case(
            name("revoking_an_access_token_ends_that_one_alone"),
            "RFC 7009 section 2.1",
            revoke(auth, "{old.access_token}"),
            revoked(),
        )
        .given(rotated())
        .active(&["{next.access_token}", "{next.refresh_token}"])
        .inactive(&["{old.access_token}"]),
        case(
            name("another_grant_survives_a_revocation"),
            "RFC 7009 section 2.1",
            revoke(auth, "{old.refresh_token}"),
            revoked(),
        )
        .given([signed_in("old", auth), signed_in("second", auth)])
        .active(&["{second.access_token}", "{second.refresh_token}"])
        .inactive(&["{old.refresh_token}"]),
        case(
            name("a_refresh_token_outlives_its_access_token_and_is_revocable"),
            "RFC 7009 section 2.1",
            revoke(auth, "{old.refresh_token}"),
            revoked(),
        )
        .given([signed_in("old", auth), later(3601)])
        .inactive(&["{old.refresh_token}"]),
    ]
}

/// RFC 7009 section 2.1: a wrong hint widens the search; section 2.2: an unknown one is ignored.
fn hints() -> Vec<Case> {
    let hints = [
        ("refresh_token", "refresh_token"),
        ("access_token", "access_token"),
        ("id_token", "id_token"),
        ("nonsense", "\u{e9} nonsense"),
        ("nothing", ""),
    ];
    let tokens = [("refresh_token", "{old.refresh_token}"), ("access_token", "{old.access_token}")];
    let pairs = hints.into_iter().flat_map(|hint| tokens.map(|token| (hint, token)));
    pairs
        .map(|((hint_name, hint), (kind, token))| {
            let request = post(Revocation, APP, &[("token", token), ("token_type_hint", hint)]);
            let name = format!("the_hint_{hint_name}_does_not_save_a_{kind}");
            case(name, "RFC 7009 section 2.1", request, revoked()).given([signed_in("old", APP)]).inactive(&[token])
        })
        .collect()
}

/// RFC 7009 section 2.2. Every answer has the same bytes, so that no caller learns the state of a token.
fn nothing_to_revoke() -> Vec<Case> {
    let long: &'static str = Box::leak("rt_".repeat(5000).into_boxed_str());
    let never_issued = [
        ("garbage", "garbage"),
        ("a_token_that_is_not_ascii", "\u{e9}"),
        ("a_very_long_token", long),
        ("a_token_with_a_letter_behind_it", "{old.refresh_token}A"),
        ("a_token_with_a_space_behind_it", "{old.refresh_token} "),
        ("a_token_cut_by_one", "{cut}"),
        ("a_token_of_the_other_kind", "{swapped}"),
        ("a_web_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZW1vIn0."),
    ];
    let never_issued = never_issued.map(|(what, token)| {
        case(format!("{what}_is_revoked_already"), "RFC 7009 section 2.2", revoke(APP, token), revoked())
            .given([
                signed_in("old", APP),
                Given::Changed("cut", "{old.refresh_token}", |token| token[..token.len() - 1].to_owned()),
                Given::Changed("swapped", "{old.access_token}", |token| token.replacen("at_", "rt_", 1)),
            ])
            .without_the_store()
            .active(&["{old.access_token}", "{old.refresh_token}"])
    });
    let ended = [
        ("a_refresh_token_revoked_before", "{revoked.refresh_token}"),
        ("an_access_token_of_a_revoked_grant", "{revoked.access_token}"),
        ("a_code", "{approval.code}"),
    ];
    let ended = ended.map(|(what, token)| {
        case(format!("{what}_is_revoked_already"), "RFC 7009 section 2.2", revoke(APP, token), revoked())
            .given([
                signed_in("revoked", APP),
                server::revoked(APP, "{revoked.refresh_token}"),
                approved("approval", APP),
                later(10),
            ])
            .changing_nothing()
    });
    let expired = [("refresh", "{old.refresh_token}"), ("access", "{old.access_token}")].map(|(kind, token)| {
        case(format!("an_expired_{kind}_token_may_be_revoked"), "RFC 7009 section 2.2", revoke(APP, token), revoked())
            .given([signed_in("old", APP), later(7 * 24 * 3600)])
            .inactive(&["{old.access_token}", "{old.refresh_token}"])
    });
    never_issued.into_iter().chain(ended).chain(expired).collect()
}

/// Confidential and public clients on both sides (doorkeeper: CVE-2016-6582, CVE-2018-1000211).
fn other_clients_tokens() -> Vec<Case> {
    let victims = [("a_confidential", APP), ("a_public", SPA)];
    let callers = [("another_client", OTHER), ("a_client_of_the_body", POSTER), ("an_auditor", AUDITOR)];
    let tokens = [
        ("an_access_token", "{next.access_token}"),
        ("a_refresh_token", "{next.refresh_token}"),
        ("a_spent_refresh_token", "{old.refresh_token}"),
    ];
    let mut cases = Vec::new();
    for (whose, victim) in victims {
        for (who, caller) in callers.into_iter().chain((whose == "a_confidential").then_some(("a_public_client", SPA)))
        {
            for (what, token) in tokens {
                let name = format!("{who}_cannot_revoke_{what}_of_{whose}_client");
                cases.push(
                    case(name, "RFC 7009 section 2.1, CVE-2018-1000211", revoke(caller, token), revoked())
                        .given([signed_in("old", victim), refreshed("next", victim, "{old.refresh_token}"), later(300)])
                        .changing_nothing()
                        .active(&["{next.access_token}", "{next.refresh_token}"]),
                );
            }
        }
    }
    cases
}

/// RFC 7009 section 2.1: the caller must authenticate.
fn callers_that_fail() -> Vec<Case> {
    [
        ("a_wrong_secret", Auth::Basic("app", "wrong"), invalid_client().challenging()),
        ("a_wrong_secret_in_the_body", Auth::Post("poster", "wrong"), invalid_client()),
        ("a_confidential_client_without_its_secret", Auth::Public("app"), invalid_client()),
        ("an_unknown_client", Auth::Public("nobody"), invalid_client()),
        ("nobody", Auth::Missing, no_client()),
    ]
    .into_iter()
    .map(|(who, auth, answer)| {
        case(format!("{who}_revokes_nothing"), "RFC 7009 section 2.1", revoke(auth, "{old.refresh_token}"), answer)
            .given([signed_in("old", APP)])
            .without_the_store()
            .active(&["{old.access_token}", "{old.refresh_token}"])
    })
    .collect()
}

/// Any refresh token of the chain revokes the grant, however old.
fn chain() -> Vec<Case> {
    ["first", "second", "third", "fourth"]
        .into_iter()
        .map(|age| {
            let name = format!("the_{age}_refresh_token_of_four_revokes_the_grant");
            let token = format!("{{{age}.refresh_token}}");
            case(name, "RFC 7009 section 2.1", revoke(APP, &token), revoked())
                .given([
                    signed_in("first", APP),
                    later(300),
                    refreshed("second", APP, "{first.refresh_token}"),
                    later(300),
                    refreshed("third", APP, "{second.refresh_token}"),
                    later(300),
                    refreshed("fourth", APP, "{third.refresh_token}"),
                ])
                .inactive(&["{fourth.access_token}", "{fourth.refresh_token}"])
        })
        .chain([case(
            "a_refresh_token_that_does_not_rotate_is_revocable",
            "RFC 7009 section 2.1",
            revoke(KEEPER, "{old.refresh_token}"),
            revoked(),
        )
        .given([signed_in("old", KEEPER), refreshed("again", KEEPER, "{old.refresh_token}")])
        .inactive(&["{old.refresh_token}", "{again.access_token}"])])
        .collect()
}

/// RFC 7009 section 2.2.1: a revocation that failed is never answered with 200 (fosite: CVE-2020-15223).
fn outages() -> Vec<Case> {
    let down =
        [("a_refresh_token", "{old.refresh_token}"), ("an_access_token", "{old.access_token}")].map(|(what, token)| {
            case(
                format!("revoking_{what}_while_the_store_is_down_is_no_success"),
                "RFC 7009 section 2.2.1, CVE-2020-15223",
                revoke(APP, token),
                unavailable(),
            )
            .given([signed_in("old", APP), Given::StoreDown])
            .changing_nothing()
            .active(&["{old.access_token}", "{old.refresh_token}"])
        });
    let garbage =
        case("garbage_needs_no_store_to_be_revoked", "RFC 7009 section 2.2", revoke(APP, "garbage"), revoked())
            .given([Given::StoreDown])
            .without_the_store();
    // Tokens of a closed account can be revoked.
    let closed = case(
        "the_tokens_of_a_closed_account_are_revocable",
        "RFC 7009 section 2.1",
        revoke(APP, "{old.refresh_token}"),
        revoked(),
    )
    .given([signed_in("old", APP), Given::AccountClosed])
    .inactive(&["{old.access_token}", "{old.refresh_token}"]);
    down.into_iter().chain([garbage, closed]).collect()
}
