//! RFC 6749 section 5: issued tokens, and the shape of the answer.

use regrant::wire::Endpoint::Token;
use serde_json::json;

use crate::http::answer::{
    Answer, access_token_for, invalid_grant, invalid_target, malformed_resource, ok, tokens, tokens_for,
    unauthorized_client, unavailable,
};
use crate::http::case::{Case, case};
use crate::http::clients::{
    APP, Auth, BILLING, KEEPER, ORDERS, ORDERS_API, OTHER, PASSWORD, POSTER, REDIRECT, ROBOT, SCOPE, SPA, USER,
    VERIFIER, post,
};
use crate::http::message::HttpRequest;
use crate::http::server::{Given, approved, approved_with_pkce, later, redeemed, refreshed, signed_in};
use crate::http::variables::Form;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = issues();
    cases.extend(approvals());
    cases.extend(resources());
    cases.extend(other_flows());
    cases.extend(outages());
    cases
}

fn password(auth: Auth, more: Form<'_>) -> HttpRequest {
    let parameters = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
    post(Token, auth, &[&parameters, more].concat())
}

fn client_credentials(auth: Auth, more: Form<'_>) -> HttpRequest {
    post(Token, auth, &[&[("grant_type", "client_credentials")], more].concat())
}

fn issues() -> Vec<Case> {
    let clients = [("a_client_of_the_header", APP), ("a_client_of_the_body", POSTER), ("a_public_client", SPA)];
    let passwords = clients.map(|(who, auth)| {
        case(format!("a_password_of_{who}_gives_tokens"), "RFC 6749 section 5.1", password(auth, &[]), tokens())
            .active(&["{new.access_token}", "{new.refresh_token}"])
    });
    let codes = clients.map(|(who, auth)| {
        let parameters =
            [("grant_type", "authorization_code"), ("code", "{approval.code}"), ("redirect_uri", REDIRECT)];
        let request = post(Token, auth, &[&parameters[..], &[("code_verifier", VERIFIER)]].concat());
        case(format!("a_code_of_{who}_gives_tokens"), "RFC 6749 section 5.1", request, tokens())
            .given([approved_with_pkce("approval", auth)])
            .active(&["{new.access_token}", "{new.refresh_token}"])
    });
    let alone = case(
        "client_credentials_give_an_access_token_alone",
        "RFC 6749 section 4.4.3",
        client_credentials(APP, &[]),
        access_token_for(SCOPE),
    )
    .active(&["{new.access_token}"]);
    passwords.into_iter().chain(codes).chain([alone]).collect()
}

fn approvals() -> Vec<Case> {
    let refused: [(&str, HttpRequest, Answer); 5] = [
        (
            "a_wrong_password_is_an_invalid_grant",
            post(Token, APP, &[("grant_type", "password"), ("username", USER), ("password", "wrong")]),
            invalid_grant(),
        ),
        (
            "an_unknown_user_is_an_invalid_grant",
            post(Token, APP, &[("grant_type", "password"), ("username", "nobody"), ("password", PASSWORD)]),
            invalid_grant(),
        ),
        (
            "a_directory_out_of_reach_is_told_as_such",
            post(Token, APP, &[("grant_type", "password"), ("username", USER), ("password", "unreachable")]),
            unavailable(),
        ),
        (
            "a_client_that_may_not_use_a_flow_is_told_so_with_the_right_password",
            password(ROBOT, &[]),
            unauthorized_client(),
        ),
        (
            "a_client_that_may_not_use_a_flow_is_told_so_with_a_wrong_password",
            post(Token, ROBOT, &[("grant_type", "password"), ("username", USER), ("password", "wrong")]),
            unauthorized_client(),
        ),
    ];
    refused
        .into_iter()
        .map(|(name, request, answer)| case(name, "RFC 6749 section 4.3", request, answer).without_the_store())
        .collect()
}

/// RFC 8707 section 2: resources.
fn resources() -> Vec<Case> {
    let granted = [
        ("one_resource", vec![("resource", ORDERS)]),
        ("two_resources", vec![("resource", ORDERS), ("resource", BILLING)]),
    ]
    .map(|(what, resources)| {
        case(
            format!("{what}_may_be_asked_for"),
            "RFC 8707 section 2.2",
            client_credentials(APP, &resources),
            access_token_for(SCOPE),
        )
    });
    let refused = [
        ("a_resource_that_is_not_registered", "https://api.example/salaries", invalid_target()),
        ("a_resource_with_a_fragment", "https://api.example/orders#1", malformed_resource()),
        ("a_relative_resource", "/orders", malformed_resource()),
        ("a_resource_that_is_no_url", "orders", malformed_resource()),
    ]
    .map(|(what, resource, answer)| {
        let request = client_credentials(APP, &[("resource", ORDERS), ("resource", resource)]);
        case(format!("{what}_is_an_invalid_target"), "RFC 8707 section 2.2, RFC 8707 section 2", request, answer)
            .without_the_store()
    });
    granted.into_iter().chain(refused).collect()
}

/// A token of another kind or client is refused like garbage, so that no caller learns the difference.
fn other_flows() -> Vec<Case> {
    let given = || {
        [
            signed_in("own", APP),
            signed_in("others", OTHER),
            signed_in("publics", SPA),
            approved("own", APP),
            approved("others", OTHER),
            approved("spent", APP),
            redeemed("redeemed", APP, "{spent.code}"),
            Given::Changed("cut", "{own.refresh_token}", |token| token[..token.len() - 1].to_owned()),
            Given::Changed("swapped", "{own.access_token}", |token| token.replacen("at_", "rt_", 1)),
            Given::Changed("upper", "{own.refresh_token}", str::to_uppercase),
        ]
    };
    let refresh = |token: &str| post(Token, APP, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let redeem = |code: &str| {
        post(Token, APP, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)])
    };
    let long = format!("rt_{}", "A".repeat(128));
    let garbage: [(&str, &str); 12] = [
        ("garbage", "garbage"),
        ("a_prefix_alone", "rt_"),
        ("a_token_of_nothing", &long),
        ("an_access_token", "{own.access_token}"),
        ("an_access_token_with_another_prefix", "{swapped}"),
        ("a_code", "{own.code}"),
        ("a_refresh_token_cut_by_one", "{cut}"),
        ("a_refresh_token_with_a_letter_behind_it", "{own.refresh_token}A"),
        ("a_refresh_token_with_padding", "{own.refresh_token}="),
        ("a_refresh_token_with_a_space_behind_it", "{own.refresh_token} "),
        ("a_refresh_token_in_upper_case", "{upper}"),
        ("a_web_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZW1vIn0."),
    ];
    let garbage = garbage.map(|(what, token)| {
        case(
            format!("a_refresh_with_{what}_is_an_invalid_grant"),
            "RFC 6749 section 5.2, CVE-2026-27840",
            refresh(token),
            invalid_grant(),
        )
        .without_the_store()
    });
    let foreign = [
        ("a_refresh_with_another_clients_token", refresh("{others.refresh_token}")),
        ("a_refresh_with_a_public_clients_token", refresh("{publics.refresh_token}")),
        ("a_redemption_of_another_clients_code", redeem("{others.code}")),
    ]
    .map(|(what, request)| {
        case(
            format!("{what}_is_an_invalid_grant"),
            "RFC 6749 section 10.4, RFC 6749 section 4.1.3, RFC 6749 section 5.2",
            request,
            invalid_grant(),
        )
        .active(&["{others.refresh_token}", "{publics.refresh_token}"])
    });
    let confused = [
        ("a_redemption_of_a_refresh_token", redeem("{own.refresh_token}")),
        ("a_redemption_of_garbage", redeem("ac_garbage")),
        ("a_redemption_of_a_code_with_a_letter_behind_it", redeem("{own.code}A")),
    ]
    .map(|(what, request)| {
        case(format!("{what}_is_an_invalid_grant"), "RFC 6749 section 5.2, CVE-2026-27840", request, invalid_grant())
            .without_the_store()
    });
    let api = case(
        "a_resource_server_without_grants_gets_no_tokens",
        "RFC 6749 section 5.2",
        client_credentials(ORDERS_API, &[]),
        unauthorized_client(),
    );
    garbage.into_iter().chain(foreign).chain(confused).map(|case| case.given(given())).chain([api]).collect()
}

/// An outage is never answered as an invalid grant, and consumes nothing.
fn outages() -> Vec<Case> {
    let refresh = post(Token, APP, &[("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")]);
    let redeem = post(
        Token,
        APP,
        &[("grant_type", "authorization_code"), ("code", "{approval.code}"), ("redirect_uri", REDIRECT)],
    );
    let requests = [
        ("a_refresh", refresh),
        ("a_redemption", redeem),
        ("an_issue", client_credentials(APP, &[])),
        ("a_password", password(APP, &[])),
    ];
    let down = requests.clone().map(|(what, request)| {
        case(
            format!("{what}_while_the_store_is_down_may_be_tried_again"),
            "RFC 9110 section 15.6.4, RFC 7009 section 2.2.1",
            request,
            unavailable(),
        )
        .given([signed_in("old", APP), approved("approval", APP), Given::StoreDown])
        .changing_nothing()
        .active(&["{old.access_token}", "{old.refresh_token}"])
    });
    let [refresh, redeem, ..] = requests;
    let unknown = [refresh.clone(), redeem.clone()].map(|(what, request)| {
        case(
            format!("{what}_while_nobody_knows_the_account_may_be_tried_again"),
            "RFC 9700 section 4.14.2",
            request,
            unavailable(),
        )
        .given([signed_in("old", APP), approved("approval", APP), Given::DirectoryDown])
        .active(&["{old.access_token}", "{old.refresh_token}"])
    });
    let closed = [refresh, redeem].map(|(what, request)| {
        case(
            format!("{what}_of_a_closed_account_is_an_invalid_grant"),
            "RFC 9700 section 4.14.2",
            request,
            invalid_grant(),
        )
        .given([signed_in("old", APP), approved("approval", APP), Given::AccountClosed])
    });
    let unrotated = case(
        "a_refresh_without_rotation_gives_no_refresh_token",
        "RFC 6749 section 6",
        post(Token, KEEPER, &[("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")]),
        access_token_for(SCOPE),
    )
    .given([signed_in("old", KEEPER), refreshed("again", KEEPER, "{old.refresh_token}"), later(300)])
    .active(&["{old.refresh_token}", "{new.access_token}"]);
    let shrunk = case(
        "a_password_for_one_resource_and_scope_gives_tokens",
        "RFC 8707 section 2.2",
        password(APP, &[("resource", ORDERS), ("scope", "read")]),
        tokens_for("read"),
    );
    let short = case(
        "a_clients_own_lifetime_is_told",
        "RFC 6749 section 5.1",
        client_credentials(ROBOT, &[("scope", "read")]),
        ok(json!({
            "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": 60, "scope": "read",
        })),
    );
    down.into_iter().chain(unknown).chain(closed).chain([unrotated, shrunk, short]).collect()
}
