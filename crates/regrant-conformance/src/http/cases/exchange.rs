//! RFC 8693: an access token is exchanged for a narrower one.

use regrant::wire::Endpoint::Token;
use regrant::wire::Endpoints;
use serde_json::json;

use crate::http::answer::{
    Answer, invalid_client, invalid_request, invalid_scope, invalid_target, malformed_resource, missing, no_client, ok,
    repeated, unauthorized_client, unavailable, unfit_request, unsupported_grant_type,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, AUDITOR, Auth, BILLING, GATEWAY, ORDERS, OTHER, SCOPE, SPA, post};
use crate::http::message::HttpRequest;
use crate::http::server::{Given, later, revoked, signed_in, signed_in_for};
use crate::http::variables::Form;

const GRANT_TYPE: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const SUBJECT: [(&str, &str); 2] = [("subject_token", "{old.access_token}"), ("subject_token_type", ACCESS_TOKEN)];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = exchanges();
    cases.extend(refused());
    cases.extend(subject_tokens());
    let not_served = case(
        "a_server_without_token_exchange_has_none",
        "RFC 6749 section 5.2",
        exchange(APP, &[]),
        unsupported_grant_type(),
    )
    .given([signed_in("old", APP)])
    .without_the_store();
    let served = cases.into_iter().map(|case| case.with_endpoints(Endpoints::with_token_exchange));
    served.chain([not_served]).collect()
}

fn exchange(auth: Auth, more: Form<'_>) -> HttpRequest {
    post(Token, auth, &[&[GRANT_TYPE], &SUBJECT[..], more].concat())
}

/// RFC 8693 section 2.2.1: an exchange gives no refresh token.
fn exchanged(scope: &str, expires_in: u64) -> Answer {
    ok(json!({
        "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": expires_in, "scope": scope,
        "issued_token_type": ACCESS_TOKEN,
    }))
}

fn exchanges() -> Vec<Case> {
    let given = || signed_in_for("old", APP, &[("resource", ORDERS)]);
    let exchanges: [(&str, Form<'_>, &str); 6] = [
        ("for_the_same", &[], SCOPE),
        ("for_less_scope", &[("scope", "read")], "read"),
        ("for_a_resource", &[("resource", ORDERS)], SCOPE),
        ("for_an_audience", &[("audience", BILLING)], SCOPE),
        ("for_an_access_token_by_name", &[("requested_token_type", ACCESS_TOKEN)], SCOPE),
        ("with_an_actor", &[("actor_token", "{actor.access_token}"), ("actor_token_type", ACCESS_TOKEN)], SCOPE),
    ];
    let exchanges = exchanges.map(|(how, more, scope)| {
        case(
            format!("an_exchange_{how}_is_answered"),
            "RFC 8693 section 2.2",
            exchange(APP, more),
            exchanged(scope, 3600),
        )
        .given([given(), signed_in("actor", APP)])
        .active(&["{old.access_token}", "{new.access_token}"])
    });
    let late = case(
        "an_exchanged_token_lives_no_longer_than_the_first",
        "RFC 8693 section 2.2",
        exchange(APP, &[]),
        exchanged(SCOPE, 600),
    )
    .given([given(), later(3000)]);
    exchanges.into_iter().chain([late]).collect()
}

fn refused() -> Vec<Case> {
    let only_access_tokens = || invalid_request("Only access tokens are exchanged.");
    let bare = |parameters: Form<'_>| post(Token, APP, &[&[GRANT_TYPE], parameters].concat());
    let of_type = |token_type| bare(&[SUBJECT[0], ("subject_token_type", token_type)]);
    let malformed: Vec<(&str, HttpRequest, Answer)> = vec![
        ("without_a_subject_token", bare(&SUBJECT[1..]), missing("subject_token")),
        ("without_a_subject_token_type", bare(&SUBJECT[..1]), missing("subject_token_type")),
        ("of_a_refresh_token_type", of_type("urn:ietf:params:oauth:token-type:refresh_token"), only_access_tokens()),
        ("of_an_unknown_type", of_type("x"), only_access_tokens()),
        (
            "for_a_refresh_token",
            exchange(APP, &[("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")]),
            only_access_tokens(),
        ),
        (
            "with_an_actor_of_no_type",
            exchange(APP, &[("actor_token", "{old.access_token}")]),
            missing("actor_token_type"),
        ),
        (
            "with_an_actor_of_a_refresh_token_type",
            exchange(
                APP,
                &[
                    ("actor_token", "{old.access_token}"),
                    ("actor_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
                ],
            ),
            only_access_tokens(),
        ),
        ("with_a_type_of_no_actor", exchange(APP, &[("actor_token_type", ACCESS_TOKEN)]), only_access_tokens()),
        ("with_two_subject_tokens", exchange(APP, &[SUBJECT[0]]), repeated()),
        ("for_an_audience_that_is_no_url", exchange(APP, &[("audience", "orders")]), malformed_resource()),
        ("by_nobody", exchange(Auth::Missing, &[]), no_client()),
        ("by_a_wrong_secret", exchange(Auth::Basic("app", "wrong"), &[]), invalid_client().challenging()),
    ];
    let malformed = malformed.into_iter().map(|(how, request, answer)| {
        case(format!("an_exchange_{how}_is_refused"), "RFC 8693 section 2.1", request, answer).without_the_store()
    });
    let beyond: [(&str, HttpRequest, Answer); 4] = [
        ("for_a_foreign_scope", exchange(APP, &[("scope", "admin")]), invalid_scope()),
        ("for_more_scope_than_it_has", exchange(APP, &[("scope", "write")]), invalid_scope()),
        ("for_a_foreign_resource", exchange(APP, &[("resource", "https://api.example/salaries")]), invalid_target()),
        ("by_a_client_that_may_not", exchange(AUDITOR, &[]), unauthorized_client()),
    ];
    let beyond = beyond.map(|(how, request, answer)| {
        case(format!("an_exchange_{how}_is_refused"), "RFC 8693 section 2.2.2", request, answer)
    });
    malformed
        .map(|case| case.given([signed_in("old", APP)]))
        .chain(beyond.map(|case| case.given([signed_in_for("old", APP, &[("scope", "openid read")])])))
        .collect()
}

/// Only an active token can be exchanged.
fn subject_tokens() -> Vec<Case> {
    let of = |token: &'static str| {
        post(Token, APP, &[GRANT_TYPE, ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)])
    };
    let tokens = [
        ("garbage", "garbage"),
        ("a_refresh_token", "{old.refresh_token}"),
        ("a_revoked_token", "{revoked.access_token}"),
        ("an_expired_token", "{expired.access_token}"),
        ("a_token_with_a_letter_behind_it", "{old.access_token}A"),
    ];
    let tokens = tokens.map(|(what, token)| {
        case(format!("an_exchange_of_{what}_is_refused"), "RFC 8693 section 2.2.2", of(token), unfit_request()).given([
            signed_in("expired", APP),
            later(3600),
            signed_in("old", APP),
            signed_in("revoked", APP),
            revoked(APP, "{revoked.access_token}"),
        ])
    });
    let down = case(
        "an_exchange_while_the_store_is_down_may_be_tried_again",
        "RFC 9110 section 15.6.4",
        exchange(APP, &[]),
        unavailable(),
    )
    .given([signed_in("old", APP), Given::StoreDown])
    .changing_nothing();
    // For a client that may not see it, a token is not active.
    let clients = [("a_confidential", APP), ("a_public", SPA)];
    let by_its_audience = clients.map(|(who, auth)| {
        let name = format!("the_token_of_{who}_client_is_exchanged_by_its_audience");
        case(name, "RFC 8693 section 1.1", exchange(GATEWAY, &[]), exchanged(SCOPE, 3600)).given([signed_in_for(
            "old",
            auth,
            &[("resource", ORDERS)],
        )])
    });
    let by_others = clients.map(|(who, auth)| {
        let name = format!("the_token_of_{who}_client_is_not_exchanged_by_another_audience");
        case(name, "RFC 8693 section 2.1", exchange(GATEWAY, &[]), unfit_request()).given([signed_in_for(
            "old",
            auth,
            &[("resource", BILLING)],
        )])
    });
    let stranger = case(
        "a_token_is_not_exchanged_by_another_client",
        "RFC 8693 section 2.1",
        exchange(OTHER, &[]),
        unfit_request(),
    )
    .given([signed_in_for("old", APP, &[("resource", ORDERS)])]);
    tokens.into_iter().chain([down, stranger]).chain(by_its_audience).chain(by_others).collect()
}
