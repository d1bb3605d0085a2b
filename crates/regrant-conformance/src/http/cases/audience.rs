//! RFC 9068 section 3 and RFC 8707: the audience of a token, named by the request or by default, as the API reads it.

use regrant::Resource;
use regrant::wire::Endpoint::{Introspection, Token};
use serde_json::json;

use super::access_token_for;
use crate::http::answer::{Answer, invalid_client, invalid_target, malformed_resource, ok, tokens};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, BILLING, ISSUER, ONE_API, ORDERS, ORDERS_API, SCOPE, USER, post};
use crate::http::message::HttpRequest;
use crate::http::server::{signed_in, signed_in_for};

const NOW: i64 = 1_800_000_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = defaults();
    cases.extend(synonyms());
    cases.extend(spellings());
    cases
}

fn introspected() -> HttpRequest {
    post(Introspection, ORDERS_API, &[("token", "{old.access_token}")])
}

/// The answer to the API about a token of `client` for orders.
fn for_orders(client: Auth) -> Answer {
    ok(json!({
        "active": true, "scope": SCOPE, "client_id": client.id(), "token_type": "Bearer", "exp": NOW + 3600,
        "iat": NOW, "sub": USER, "aud": ORDERS, "iss": ISSUER,
    }))
}

fn defaults() -> Vec<Case> {
    let source = "RFC 9068 section 3, RFC 7662 section 2.2";
    vec![
        case(
            "a_token_without_a_resource_is_active_for_the_only_api_of_its_client",
            source,
            introspected(),
            for_orders(ONE_API),
        )
        .given([signed_in("old", ONE_API)]),
        case("a_token_without_a_resource_has_the_default_of_the_service", source, introspected(), for_orders(APP))
            .with_service(|service| service.default_audience(Resource::from_static(ORDERS)))
            .given([signed_in("old", APP)]),
        case(
            "a_default_gives_no_token_for_a_resource_of_no_registration",
            "RFC 8707 section 2",
            post(Introspection, APP, &[("token", "{old.access_token}")]),
            ok(json!({
                "active": true, "scope": SCOPE, "client_id": "app", "token_type": "Bearer", "exp": NOW + 3600,
                "iat": NOW, "sub": USER, "iss": ISSUER,
            })),
        )
        .with_service(|service| service.default_audience(Resource::from_static("https://elsewhere.example/")))
        .given([signed_in("old", APP)]),
    ]
}

/// `audience`, as some client libraries call `resource`.
fn synonyms() -> Vec<Case> {
    let issue = |auth: Auth, audiences: &[&'static str]| {
        let own = [("grant_type", "client_credentials")].into_iter();
        let parameters: Vec<_> = own.chain(audiences.iter().map(|audience| ("audience", *audience))).collect();
        post(Token, auth, &parameters)
    };
    let source = "RFC 6749 section 3.2";
    let wrong = Auth::Basic(ONE_API.id(), "wrong");
    let refused = [
        ("an_audience_of_no_registration_is_refused", issue(ONE_API, &[BILLING]), invalid_target()),
        ("an_audience_that_is_no_url_is_refused", issue(ONE_API, &["orders"]), malformed_resource()),
        ("an_audience_with_a_fragment_is_refused", issue(ONE_API, &["https://api.example/#1"]), malformed_resource()),
        (
            "an_audience_is_read_after_the_client_has_authenticated",
            issue(wrong, &["orders"]),
            invalid_client().challenging(),
        ),
    ]
    .map(|(name, request, answer)| case(name, "RFC 8707 section 2", request, answer).without_the_store());
    let answered = [
        ("an_audience_is_a_resource_where_the_client_is_configured_so", issue(ONE_API, &[ORDERS])),
        ("an_audience_may_repeat", issue(ONE_API, &[ORDERS, ORDERS])),
        ("an_empty_audience_is_none", issue(ONE_API, &[""])),
        ("an_audience_is_ignored_for_other_clients", issue(APP, &["https://elsewhere.example/"])),
        ("a_malformed_audience_is_ignored_for_other_clients", issue(APP, &["orders"])),
    ]
    .map(|(name, request)| case(name, source, request, access_token_for(SCOPE)));
    refused.into_iter().chain(answered).collect()
}

/// RFC 3986 sections 6.2.2 and 6.2.3.
fn spellings() -> Vec<Case> {
    let refresh = |resource| {
        let parameters =
            [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}"), ("resource", resource)];
        post(Token, APP, &parameters)
    };
    let same = [
        ("with_its_host_in_upper_case", "https://API.EXAMPLE/orders"),
        ("with_its_scheme_in_upper_case", "HTTPS://api.example/orders"),
        ("with_the_default_port", "https://api.example:443/orders"),
        ("with_a_needless_escape", "https://api.example/%6Frders"),
        ("with_dot_segments", "https://api.example/./x/../orders"),
    ]
    .map(|(how, resource)| {
        let name = format!("a_refresh_for_the_resource_{how}_is_answered");
        case(name, "RFC 3986 section 6.2", refresh(resource), tokens())
    });
    let other = [
        ("with_another_port", "https://api.example:8443/orders"),
        ("with_its_path_in_upper_case", "https://api.example/ORDERS"),
        ("with_a_query", "https://api.example/orders?x"),
        ("of_another_scheme", "http://api.example/orders"),
        ("with_a_user", "https://api.example@evil.example/orders"),
    ]
    .map(|(how, resource)| {
        let name = format!("a_refresh_for_the_resource_{how}_is_refused_and_consumes_nothing");
        case(name, "RFC 8707 section 2.2", refresh(resource), invalid_target()).active(&["{old.refresh_token}"])
    });
    let registered = case(
        "a_token_has_the_registered_spelling_of_its_resource",
        "RFC 8707 section 2.2, RFC 3986 section 6.2",
        introspected(),
        for_orders(APP),
    )
    .given([signed_in_for("old", APP, &[("resource", "HTTPS://API.example:443/orders")])]);
    let given = || signed_in_for("old", APP, &[("resource", ORDERS)]);
    same.into_iter().chain(other).map(|case| case.given([given()])).chain([registered]).collect()
}
