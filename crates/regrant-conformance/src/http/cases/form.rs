//! The form itself. Bytes that cannot be decoded are refused, never repaired: a lossy decoder maps two inputs to one
//! value.

use regrant::wire::Endpoint::{self, Introspection, Revocation, Token};

use super::{ENDPOINTS, valid, valid_answer, valid_request};
use crate::http::answer::{
    access_token_for, inactive, invalid_request, missing, not_utf_8, repeated, revoked, tokens, unsupported_grant_type,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, BILLING, ORDERS, PASSWORD, POSTER, REDIRECT, SCOPE, SPA, USER, VERIFIER, post};
use crate::http::message::HttpRequest;
use crate::http::server::signed_in;
use crate::http::variables::{Form, form};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = repetitions();
    cases.extend(missing_parameters());
    cases.extend(grant_types());
    for (name, endpoint) in ENDPOINTS {
        cases.extend(undecodable(name, endpoint));
        cases.extend(separators(name, endpoint));
    }
    cases.extend(plus_and_space());
    cases.extend(numbers());
    cases
}

/// RFC 6749 section 3.2: no parameter may be repeated, not even with the same value.
fn repetitions() -> Vec<Case> {
    const REFRESH: Form<'_> =
        &[("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}"), ("scope", "read")];
    const REDEEM: Form<'_> =
        &[("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    const PASSWORD_FLOW: Form<'_> = &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
    const TOKEN: Form<'_> = &[("token", "{old.refresh_token}"), ("token_type_hint", "refresh_token")];
    let requests: [(Endpoint, &str, Auth, Form<'_>); 7] = [
        (Token, "refresh", SPA, REFRESH),
        (Token, "redemption", SPA, REDEEM),
        (Token, "password_request", SPA, PASSWORD_FLOW),
        (Token, "client_credentials_request", POSTER, &[("grant_type", "client_credentials"), ("foo", "bar")]),
        (Revocation, "revocation", SPA, TOKEN),
        (Introspection, "introspection", POSTER, TOKEN),
        (Token, "refresh_with_an_unknown_parameter", SPA, &[REFRESH[0], REFRESH[1], ("x", "y")]),
    ];
    let mut cases = Vec::new();
    for (endpoint, what, auth, parameters) in requests {
        let own: Form<'_> = match auth {
            Auth::Post(id, secret) => &[("client_id", id), ("client_secret", secret)],
            _ => &[("client_id", "spa")],
        };
        let whole = [parameters, own].concat();
        let new_names = whole.iter().filter(|(name, _)| {
            let is_of_refresh = REFRESH.iter().any(|(own, _)| own == name) || *name == "client_id";
            what != "refresh_with_an_unknown_parameter" || !is_of_refresh
        });
        for (name, value) in new_names {
            let repetition = [("the_same", *value), ("another", "another")];
            for (how, second) in repetition {
                let request = raw(endpoint, form(&[&whole[..], &[(name, second)]].concat()));
                let name = format!("{how}_{name}_again_in_a_{what}_is_refused");
                cases.push(case(name, "RFC 6749 section 3.2", request, repeated()));
            }
        }
    }
    let refresh = form(&[REFRESH, &[("client_id", "spa")]].concat());
    for (name, body) in [
        ("an_empty_scope_before_the_scope", format!("scope=&{refresh}")),
        ("a_scope_without_a_value_behind_the_scope", format!("{refresh}&scope")),
        ("a_scope_with_an_escaped_name", format!("{refresh}&%73cope=read")),
        ("a_refresh_token_with_an_escaped_name", format!("{refresh}&refresh%5Ftoken=x")),
        ("an_empty_name_twice", format!("{refresh}&=&=")),
    ] {
        cases.push(case(format!("{name}_is_a_repetition"), "RFC 6749 section 3.2", raw(Token, body), repeated()));
    }
    cases
        .into_iter()
        .map(|case| case.given([signed_in("old", SPA)]).without_the_store().active(&["{old.refresh_token}"]))
        .chain([case(
            "resource_and_audience_may_repeat",
            "RFC 8707 section 2, RFC 8693 section 2.1",
            post(
                Token,
                APP,
                &[
                    ("grant_type", "client_credentials"),
                    ("resource", ORDERS),
                    ("resource", BILLING),
                    ("audience", "a"),
                    ("audience", "b"),
                ],
            ),
            access_token_for(SCOPE),
        )])
        .collect()
}

/// A missing parameter is named, and an empty one is missing.
fn missing_parameters() -> Vec<Case> {
    let mut cases = Vec::new();
    let requests: [(Endpoint, &str, Form<'_>); 6] = [
        (Token, "grant_type", &[]),
        (Token, "code", &[("grant_type", "authorization_code"), ("redirect_uri", REDIRECT)]),
        (Token, "refresh_token", &[("grant_type", "refresh_token")]),
        (Token, "username", &[("grant_type", "password"), ("password", PASSWORD)]),
        (Token, "password", &[("grant_type", "password"), ("username", USER)]),
        (Revocation, "token", &[("token_type_hint", "refresh_token")]),
    ];
    let introspection = (Introspection, "token", &[("token_type_hint", "access_token")][..]);
    for (endpoint, name, rest) in requests.into_iter().chain([introspection]) {
        let place = format!("{endpoint:?}").to_lowercase();
        for (how, parameters) in [("no", rest.to_vec()), ("an_empty", [rest, &[(name, "")]].concat())] {
            let request = post(endpoint, APP, &parameters);
            let name_of_case = format!("{how}_{name}_at_{place}_is_a_missing_one");
            cases.push(
                case(name_of_case, "RFC 6749 section 5.2, RFC 6749 section 3.2", request, missing(name))
                    .without_the_store(),
            );
        }
    }
    for (name, endpoint) in ENDPOINTS {
        let missing = missing(if endpoint == Token { "grant_type" } else { "token" });
        let request = post(endpoint, APP, &[]);
        cases.push(
            case(format!("an_empty_body_at_{name}_lacks_everything"), "RFC 7009 section 2.1", request, missing)
                .without_the_store(),
        );
    }
    cases
}

/// RFC 6749 section 3.2: unknown parameters are ignored.
fn grant_types() -> Vec<Case> {
    let unknown = [
        ("implicit", "implicit"),
        ("an_unknown_word", "vending_machine"),
        ("an_unknown_urn", "urn:example:vending-machine"),
        ("the_right_word_in_upper_case", "CLIENT_CREDENTIALS"),
        ("the_right_word_with_a_space", "client_credentials "),
        ("two_words", "client_credentials refresh_token"),
        ("saml", "urn:ietf:params:oauth:grant-type:saml2-bearer"),
    ];
    let refused = unknown.into_iter().map(|(what, grant_type)| {
        let request = post(Token, APP, &[("grant_type", grant_type)]);
        let name = format!("the_grant_type_{what}_is_unsupported");
        case(name, "RFC 6749 section 5.2", request, unsupported_grant_type()).without_the_store()
    });
    let ignored = ENDPOINTS.into_iter().map(|(name, endpoint)| {
        let request = post(endpoint, APP, &[valid(endpoint), &[("foo", "bar"), ("state", "x"), ("", "")]].concat());
        case(
            format!("unknown_parameters_are_ignored_at_{name}"),
            "RFC 6749 section 5.2",
            request,
            valid_answer(endpoint),
        )
        .like_a_valid_one()
    });
    refused.chain(ignored).collect()
}

/// Malformed encodings, in names and in values.
fn undecodable(name: &str, endpoint: Endpoint) -> Vec<Case> {
    const FAULTS: [(&str, &[u8]); 14] = [
        ("a_lone_percent_sign", b"&x=%"),
        ("an_escape_of_one_digit", b"&x=%4"),
        ("an_escape_that_is_not_hexadecimal", b"&x=%zz"),
        ("an_escape_with_a_sign", b"&x=%+1"),
        ("an_escape_of_javascript", b"&x=%u0041"),
        ("a_byte_that_is_not_utf_8", b"&x=\xff"),
        ("an_escape_that_is_not_utf_8", b"&x=%ff"),
        ("an_overlong_escape", b"&x=%c0%af"),
        ("an_escaped_surrogate", b"&x=%ed%a0%80"),
        ("a_character_cut_short", b"&x=%e2%82"),
        ("an_escaped_nul", b"&x=%00"),
        ("a_nul", b"&x=\x00"),
        ("a_broken_name", b"&%zz=x"),
        ("a_broken_hint", b"&token_type_hint=%ff"),
    ];
    let good = form(valid(endpoint)).into_bytes();
    let faults = FAULTS.map(|(what, fault)| (what, [&good[..], fault].concat()));
    let marked = [
        ("a_byte_order_mark", [b"\xef\xbb\xbf", &good[..]].concat()),
        // A mark that became part of the first name would hide that parameter, which may narrow the request.
        ("a_byte_order_mark_before_an_option", [b"\xef\xbb\xbfscope=read&", &good[..]].concat()),
        ("a_body_in_utf_16", good.iter().flat_map(|byte| [*byte, 0]).collect()),
    ];
    let cases = faults.into_iter().chain(marked).map(|(what, body)| {
        let request = valid_request(endpoint, APP).body(body);
        case(format!("{what}_is_refused_at_{name}"), "RFC 6749 appendix B", request, not_utf_8()).without_the_store()
    });
    cases.collect()
}

fn separators(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let good = form(valid(endpoint));
    let harmless = [
        // The parameter by which frameworks for HTML forms replace the method.
        ("a_method_in_front", format!("_method=put&{good}")),
        ("separators_around_it", format!("&&{good}&&")),
        ("an_empty_pair", format!("{good}&=")),
        ("a_name_without_a_value", format!("{good}&x")),
        ("equals_signs_in_a_value", format!("{good}&x=a=b=c")),
    ];
    let nothing = [("separators_alone", "&&&&"), ("equals_signs_alone", "==="), ("json", "{\"token\":\"x\"}")];
    let lacking = missing(if endpoint == Token { "grant_type" } else { "token" });
    let harmless = harmless.into_iter().map(|(what, body)| {
        let request = valid_request(endpoint, APP).body(body);
        case(format!("a_form_with_{what}_is_read_at_{name}"), "RFC 6749 appendix B", request, valid_answer(endpoint))
            .like_a_valid_one()
    });
    let nothing = nothing.into_iter().map(|(what, body)| {
        let request = valid_request(endpoint, APP).body(body);
        case(format!("a_body_of_{what}_lacks_everything_at_{name}"), "RFC 7009 section 2.1", request, lacking.clone())
            .without_the_store()
    });
    harmless.chain(nothing).collect()
}

/// "+" is a space, "%2B" a plus.
fn plus_and_space() -> [Case; 3] {
    let with = |scope: &str| valid_request(Token, APP).body(format!("grant_type=client_credentials&scope={scope}"));
    [
        case("a_plus_separates_two_scopes", "RFC 6749 appendix B", with("read+write"), access_token_for("read write")),
        case(
            "an_escaped_space_separates_two_scopes",
            "RFC 6749 appendix B",
            with("read%20write"),
            access_token_for("read write"),
        ),
        case(
            "an_escaped_plus_is_part_of_one_scope",
            "RFC 6749 appendix B",
            with("read%2Bwrite"),
            crate::http::answer::invalid_scope(),
        ),
    ]
}

/// The number of parameters is bounded, and so is the search for repetitions.
fn numbers() -> Vec<Case> {
    let with = |more: usize| {
        let body = (0..more).fold("token=garbage".to_owned(), |body, index| format!("{body}&x{index}=y"));
        valid_request(Revocation, APP).body(body)
    };
    let too_many = || invalid_request("There are too many parameters.");
    vec![
        case("sixty_four_parameters_are_read", "CVE-2025-61920", with(63), revoked()).without_the_store(),
        case("sixty_five_parameters_are_too_many", "CVE-2025-61920", with(64), too_many()).without_the_store(),
        case("five_thousand_parameters_are_too_many", "CVE-2025-61920", with(5000), too_many()).without_the_store(),
        case(
            "a_token_of_sixty_thousand_characters_is_garbage",
            "CVE-2026-27840",
            post(Introspection, APP, &[("token", &"A".repeat(60_000))]),
            inactive(),
        )
        .without_the_store(),
        case(
            "a_password_request_gives_tokens",
            "RFC 6749 section 5.1",
            post(Token, APP, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)]),
            tokens(),
        ),
    ]
}

fn raw(endpoint: Endpoint, body: String) -> HttpRequest {
    HttpRequest::new("POST", endpoint).header("content-type", "application/x-www-form-urlencoded").body(body)
}
