//! The Fetch standard: web pages that may call the endpoints from a browser. Introspection is for servers.

use regrant::wire::Cors;
use regrant::wire::Endpoint::{
    self, DeviceAuthorization, Introspection, Jwks, Metadata, OpenIdConfiguration, Registration, Revocation, Token,
};

use super::{metadata, valid_answer, valid_request};
use crate::http::answer::{Answer, Body, invalid_client, method_not_allowed, no_client, too_large};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth};
use crate::http::message::HttpRequest;

pub(super) const PAGE: &str = "https://spa.example";

const ENDPOINTS: [(&str, Endpoint, &str); 7] = [
    ("token", Token, "POST"),
    ("revocation", Revocation, "POST"),
    ("device_authorization", DeviceAuthorization, "POST"),
    ("registration", Registration, "POST"),
    ("jwks", Jwks, "GET, HEAD"),
    ("metadata", Metadata, "GET, HEAD"),
    ("openid_configuration", OpenIdConfiguration, "GET, HEAD"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = preflights();
    cases.extend(refused_preflights());
    cases.extend(answers());
    cases.extend(any_origin());
    cases
}

/// Endpoints that pages of one origin may call.
fn for_one(case: Case) -> Case {
    case.with_endpoints(|endpoints| endpoints.with_cors(Cors::origins(["https://other.example", PAGE]).unwrap()))
}

pub(super) fn preflight(endpoint: Endpoint, origin: &str) -> HttpRequest {
    HttpRequest::new("OPTIONS", endpoint)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "dpop, content-type, authorization")
}

fn permission(methods: &'static str) -> Answer {
    let headers = if methods == "POST" { "authorization, content-type, dpop" } else { "*, authorization" };
    permission_for(methods, headers)
}

fn permission_for(methods: &'static str, headers: &'static str) -> Answer {
    Answer { status: 204, headers: Vec::new(), body: Body::Empty }
        .with("access-control-allow-methods", methods)
        .with("access-control-allow-headers", headers)
        .with("access-control-max-age", "7200")
}

fn exposed(answer: Answer, origin: &'static str) -> Answer {
    answer
        .with("access-control-allow-origin", origin)
        .with("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate")
}

/// A cache must not serve one page the answer for another.
pub(super) fn varying(answer: Answer) -> Answer {
    answer.with("vary", "origin")
}

fn preflights() -> Vec<Case> {
    let cases = ENDPOINTS.map(|(name, endpoint, methods)| {
        let answer = varying(exposed(permission(methods), PAGE));
        let name = format!("a_known_page_may_call_{name}");
        for_one(case(name, "Fetch standard (CORS protocol)", preflight(endpoint, PAGE), answer)).without_the_store()
    });
    let more = case(
        "a_known_page_may_send_the_headers_that_the_host_names",
        "Fetch standard (CORS protocol)",
        preflight(Token, PAGE),
        varying(exposed(permission_for("POST", "authorization, content-type, dpop, mcp-protocol-version"), PAGE)),
    )
    .with_endpoints(|endpoints| {
        let cors = Cors::origins([PAGE]).unwrap().with_headers(["MCP-Protocol-Version"]).unwrap();
        endpoints.with_cors(cors)
    });
    cases.into_iter().chain([more.without_the_store()]).collect()
}

fn refused_preflights() -> Vec<Case> {
    let unknown = [
        ("a_foreign_page", "https://evil.example"),
        ("a_page_of_another_scheme", "http://spa.example"),
        ("a_page_of_another_port", "https://spa.example:8443"),
        ("a_page_of_a_longer_name", "https://spa.example.evil.example"),
        ("a_page_without_an_origin_of_its_own", "null"),
        ("a_page_of_the_name_in_upper_case", "https://SPA.example"),
    ];
    let unknown = unknown.map(|(who, origin)| {
        let request = preflight(Token, origin);
        for_one(case(
            format!("{who}_may_not_call_token"),
            "Fetch standard (CORS protocol)",
            request,
            varying(method_not_allowed()),
        ))
    });
    let introspection = case(
        "no_page_may_call_introspection",
        "RFC 7662 section 2.1",
        preflight(Introspection, PAGE),
        varying(method_not_allowed()),
    );
    let two = case(
        "a_preflight_of_two_origins_is_none",
        "Fetch standard (CORS protocol)",
        preflight(Token, PAGE).header("origin", PAGE),
        varying(method_not_allowed()),
    );
    let plain = case(
        "an_options_request_that_asks_for_nothing_is_no_preflight",
        "Fetch standard (CORS protocol)",
        HttpRequest::new("OPTIONS", Token).header("origin", PAGE),
        varying(exposed(method_not_allowed(), PAGE)),
    );
    let without = case(
        "without_cors_there_is_no_permission",
        "Fetch standard (CORS protocol)",
        preflight(Token, PAGE),
        method_not_allowed(),
    );
    let others = [introspection, two, plain].map(for_one);
    unknown.into_iter().chain(others).chain([without]).map(Case::without_the_store).collect()
}

/// A refusal must be readable too: a page that cannot read it can only try again.
fn answers() -> Vec<Case> {
    let from_the_page = |endpoint, auth| valid_request(endpoint, auth).header("origin", PAGE);
    let wrong = Auth::Basic("app", "wrong");
    let known = [
        ("tokens", from_the_page(Token, APP), valid_answer(Token)),
        ("a_revocation", from_the_page(Revocation, APP), valid_answer(Revocation)),
        ("a_challenge", from_the_page(Token, wrong), invalid_client().challenging()),
        ("a_malformed_request", from_the_page(Token, Auth::Missing), no_client()),
        ("a_wrong_method", from_the_page(Token, APP).method("PUT"), method_not_allowed()),
        // The limit is exceeded before the body is read; the adapter still leaves the answer to regrant.
        ("that_its_body_is_too_large", from_the_page(Token, APP).body("a".repeat(64 * 1024 + 1)), too_large()),
    ]
    .map(|(what, request, answer)| {
        let answer = varying(exposed(answer, PAGE));
        let is_issue = answer.status == 200 && request.endpoint == Token;
        let case =
            for_one(case(format!("a_known_page_may_read_{what}"), "Fetch standard (CORS protocol)", request, answer));
        if is_issue { case } else { case.without_the_store() }
    });
    let foreign = valid_request(Token, APP).header("origin", "https://evil.example");
    let foreign = case(
        "a_foreign_page_may_not_read_tokens",
        "Fetch standard (CORS protocol)",
        foreign,
        varying(valid_answer(Token)),
    );
    let program = case(
        "a_program_that_is_no_page_is_answered_as_ever",
        "Fetch standard (CORS protocol)",
        valid_request(Token, APP),
        varying(valid_answer(Token)),
    );
    let introspection = case(
        "no_page_may_read_an_introspection",
        "RFC 7662 section 2.1",
        from_the_page(Introspection, APP),
        varying(valid_answer(Introspection)),
    );
    known.into_iter().chain([foreign, program, introspection.without_the_store()].map(for_one)).collect()
}

fn any_origin() -> Vec<Case> {
    let (cached, document) = (HttpRequest::new("GET", Metadata), metadata::document());
    let cases = [
        case(
            "any_page_may_call_token",
            "Fetch standard (CORS protocol)",
            preflight(Token, "null"),
            exposed(permission("POST"), "*"),
        )
        .without_the_store(),
        case(
            "any_page_may_read_tokens",
            "Fetch standard (CORS protocol)",
            valid_request(Token, APP).header("origin", "https://anything.example"),
            exposed(valid_answer(Token), "*"),
        ),
        // A cache may serve a page the answer to a program.
        case("any_page_may_read_a_cached_document", "Fetch standard (CORS protocol)", cached, exposed(document, "*"))
            .without_the_store(),
        case(
            "even_then_no_page_may_call_introspection",
            "Fetch standard (CORS protocol)",
            preflight(Introspection, PAGE),
            method_not_allowed(),
        )
        .without_the_store(),
    ];
    cases.map(|case| case.with_endpoints(|endpoints| endpoints.with_cors(Cors::any_origin()))).into()
}
