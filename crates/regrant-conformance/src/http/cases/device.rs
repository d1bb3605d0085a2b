//! RFC 8628: a device asks, its user decides elsewhere, the device polls.

use regrant::wire::Endpoint::{DeviceAuthorization, Introspection, Token};
use regrant::wire::{Endpoints, Paths};
use serde_json::{Value, json};

use crate::http::answer::{
    Answer, content_type, denied, expired_token, inactive, incomplete, invalid_client, invalid_grant, invalid_scope,
    invalid_target, malformed_scope, method_not_allowed, missing, no_client, not_served, ok, pending, repeated,
    slow_down, tokens, unauthorized_client, unavailable, unsupported_grant_type,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, DEVICE, ORDERS, POSTER, ROBOT, SPA, post};
use crate::http::message::{Framing, HttpRequest};
use crate::http::server::{Given, later};
use crate::http::store::WatchedStore;
use crate::http::variables::Form;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = authorizations();
    cases.extend(refused_authorizations());
    cases.extend(polls());
    cases.extend(refused_polls());
    let not_served = not_served_at_all();
    cases.into_iter().map(|case| case.with_endpoints(served)).chain(not_served).collect()
}

fn served(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    endpoints.with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
}

fn authorize(auth: Auth, more: Form<'_>) -> HttpRequest {
    post(DeviceAuthorization, auth, more)
}

fn poll(auth: Auth, device_code: &str) -> HttpRequest {
    post(Token, auth, &[("grant_type", GRANT_TYPE), ("device_code", device_code)])
}

/// RFC 8628 section 3.2.
fn codes() -> Value {
    json!({
        "device_code": "{new.device_code}", "user_code": "{new.user_code}",
        "verification_uri": "https://as.example/device",
        "verification_uri_complete": "https://as.example/device?user_code={new.user_code}",
        "expires_in": 300, "interval": 5,
    })
}

fn asked() -> Given {
    Given::Answered("device", authorize(DEVICE, &[]))
}

fn polled() -> HttpRequest {
    poll(DEVICE, "{device.device_code}")
}

fn authorizations() -> Vec<Case> {
    let clients = [("a_public_client", DEVICE), ("a_client_of_the_header", APP), ("a_client_of_the_body", POSTER)];
    let clients = clients.map(|(who, auth)| {
        case(format!("{who}_gets_a_device_and_a_user_code"), "RFC 8628 section 3.2", authorize(auth, &[]), ok(codes()))
    });
    let narrow = case(
        "a_device_may_ask_for_scope_and_resource",
        "RFC 8628 section 3.1",
        authorize(DEVICE, &[("scope", "read"), ("resource", ORDERS)]),
        ok(codes()),
    );
    clients.into_iter().chain([narrow]).collect()
}

fn refused_authorizations() -> Vec<Case> {
    let refused: [(&str, HttpRequest, Answer); 13] = [
        ("by_nobody", authorize(Auth::Missing, &[]), no_client()),
        ("by_an_unknown_client", authorize(Auth::Public("nobody"), &[]), invalid_client()),
        ("with_a_wrong_secret", authorize(Auth::Basic("app", "wrong"), &[]), invalid_client().challenging()),
        ("by_a_client_without_its_secret", authorize(Auth::Public("app"), &[]), invalid_client()),
        ("by_a_client_that_may_not", authorize(ROBOT, &[]), unauthorized_client()),
        ("for_a_foreign_scope", authorize(DEVICE, &[("scope", "admin")]), invalid_scope()),
        ("for_a_malformed_scope", authorize(DEVICE, &[("scope", "a  b")]), malformed_scope()),
        (
            "for_a_foreign_resource",
            authorize(DEVICE, &[("resource", "https://api.example/salaries")]),
            invalid_target(),
        ),
        ("with_a_repeated_scope", authorize(DEVICE, &[("scope", "read"), ("scope", "read")]), repeated()),
        ("by_get", authorize(DEVICE, &[]).method("GET"), method_not_allowed()),
        ("by_options", authorize(DEVICE, &[]).method("OPTIONS"), method_not_allowed()),
        ("without_a_content_type", authorize(DEVICE, &[]).without("content-type"), content_type()),
        ("that_breaks_off", authorize(DEVICE, &[]).framed(Framing::Broken(4)), incomplete()),
    ];
    let refused = refused.map(|(how, request, answer)| {
        case(format!("a_device_authorization_{how}_is_refused"), "RFC 8628 section 3.1", request, answer)
            .without_the_store()
    });
    let down = case(
        "a_device_authorization_while_the_store_is_down_may_be_tried_again",
        "RFC 9110 section 15.6.4",
        authorize(DEVICE, &[]),
        unavailable(),
    )
    .given([Given::StoreDown])
    .changing_nothing();
    refused.into_iter().chain([down]).collect()
}

/// RFC 8628 section 3.5. A poll is recorded, since the interval starts at it.
fn polls() -> Vec<Case> {
    vec![
        case("a_first_poll_is_pending", "RFC 8628 section 3.5", polled(), pending()).given([asked()]).writing(),
        case("a_second_poll_at_once_is_too_fast", "RFC 8628 section 3.5", polled(), slow_down())
            .given([asked()])
            .after(polled())
            .writing(),
        case("a_poll_after_the_interval_is_pending", "RFC 8628 section 3.5", polled(), pending())
            .given([asked(), Given::Asked(polled()), later(5)])
            .writing(),
        // Section 3.5: 5 seconds more from then on.
        case("a_device_that_was_too_fast_must_wait_longer", "RFC 8628 section 3.5", polled(), slow_down())
            .given([asked(), Given::Asked(polled()), Given::Asked(polled()), later(5)])
            .writing(),
        case("a_device_that_waited_longer_is_pending", "RFC 8628 section 3.5", polled(), pending())
            .given([asked(), Given::Asked(polled()), Given::Asked(polled()), later(10)])
            .writing(),
        case("a_poll_of_an_approved_device_gives_tokens", "RFC 8628 section 3.5", polled(), tokens())
            .given([asked(), Given::DeviceApproved("device")])
            .active(&["{new.access_token}", "{new.refresh_token}"]),
        case("a_device_that_is_approved_late_gets_its_tokens", "RFC 8628 section 3.5", polled(), tokens()).given([
            asked(),
            later(298),
            Given::DeviceApproved("device"),
            later(1),
        ]),
        case(
            "a_second_poll_of_an_approved_device_is_an_invalid_grant",
            "RFC 8628 section 3.5",
            polled(),
            invalid_grant(),
        )
        .given([asked(), Given::DeviceApproved("device"), Given::Answered("first", polled())])
        .active(&["{first.access_token}", "{first.refresh_token}"]),
        case("a_poll_of_a_denied_device_is_denied", "RFC 8628 section 3.5", polled(), denied())
            .given([asked(), Given::DeviceDenied("device")]),
        case("a_poll_of_an_expired_device_is_told_so", "RFC 8628 section 3.5", polled(), expired_token())
            .given([asked(), later(300)]),
        case("a_device_that_was_approved_and_expired_is_told_so", "RFC 8628 section 3.5", polled(), expired_token())
            .given([asked(), Given::DeviceApproved("device"), later(300)]),
        case(
            "a_device_code_is_no_active_token",
            "RFC 7662 section 2.2",
            post(Introspection, APP, &[("token", "{device.device_code}")]),
            inactive(),
        )
        .given([asked()]),
    ]
}

fn refused_polls() -> Vec<Case> {
    let refused: [(&str, HttpRequest, Answer); 9] = [
        ("by_another_public_client", poll(SPA, "{device.device_code}"), invalid_grant()),
        ("by_another_client", poll(APP, "{device.device_code}"), invalid_grant()),
        ("by_nobody", poll(Auth::Missing, "{device.device_code}"), no_client()),
        ("of_the_user_code", poll(DEVICE, "{device.user_code}"), invalid_grant()),
        ("of_garbage", poll(DEVICE, "garbage"), invalid_grant()),
        ("of_a_code_with_a_letter_behind_it", poll(DEVICE, "{device.device_code}A"), invalid_grant()),
        ("of_nothing", poll(DEVICE, ""), missing("device_code")),
        (
            "as_a_refresh",
            post(Token, DEVICE, &[("grant_type", "refresh_token"), ("refresh_token", "{device.device_code}")]),
            invalid_grant(),
        ),
        (
            "as_a_code",
            post(Token, DEVICE, &[("grant_type", "authorization_code"), ("code", "{device.device_code}")]),
            invalid_grant(),
        ),
    ];
    let refused = refused.map(|(how, request, answer)| {
        case(format!("a_poll_{how}_is_refused"), "RFC 8628 section 3.5, RFC 6749 section 10.4", request, answer)
            .given([asked(), Given::DeviceApproved("device")])
    });
    let again = case("a_poll_behind_a_strangers_gives_tokens", "RFC 6749 section 10.4", polled(), tokens())
        .given([asked(), Given::DeviceApproved("device")])
        .after(poll(SPA, "{device.device_code}"));
    let down =
        case("a_poll_while_the_store_is_down_may_be_tried_again", "RFC 9110 section 15.6.4", polled(), unavailable())
            .given([asked(), Given::DeviceApproved("device"), Given::StoreDown])
            .changing_nothing();
    let closed =
        case("a_poll_for_a_closed_account_is_an_invalid_grant", "RFC 9700 section 4.14.2", polled(), invalid_grant())
            .given([asked(), Given::DeviceApproved("device"), Given::AccountClosed]);
    refused.into_iter().chain([again, down, closed]).collect()
}

fn not_served_at_all() -> [Case; 3] {
    let get = authorize(DEVICE, &[]).method("GET");
    [
        case("without_a_page_for_users_there_is_no_device_flow", "RFC 8628", authorize(DEVICE, &[]), not_served())
            .without_the_store(),
        case("without_a_page_for_users_a_get_finds_nothing", "RFC 8628", get, not_served()).without_the_store(),
        case(
            "without_a_page_for_users_there_is_nothing_to_poll",
            "RFC 6749 section 5.2",
            poll(DEVICE, "garbage"),
            unsupported_grant_type(),
        )
        .without_the_store(),
    ]
}
