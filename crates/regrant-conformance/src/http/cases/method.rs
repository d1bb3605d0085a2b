//! Requests by a wrong method that would succeed as POST.

use regrant::wire::Endpoint::Token;

use super::{ENDPOINTS, valid, valid_request};
use crate::http::answer::{Answer, method_not_allowed};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, SPA, post};
use crate::http::server::signed_in;
use crate::http::variables::form;

const METHODS: [&str; 10] = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "post", "POSTPOST"];

pub(super) fn cases() -> Vec<Case> {
    let methods = METHODS.into_iter().flat_map(|method| ENDPOINTS.map(|(name, endpoint)| (method, name, endpoint)));
    let refused = methods.map(|(method, name, endpoint)| {
        // Names of tests must differ in more than case.
        let word = if method == "post" { "lower_case_post".to_owned() } else { method.to_lowercase() };
        let request = valid_request(endpoint, APP).method(method);
        case(format!("{word}_is_refused_with_allow_at_{name}"), "RFC 9110 section 15.5.6", request, refusal(method))
            .without_the_store()
    });
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")];
    let consuming_nothing = ["GET", "PUT", "DELETE"].map(|method| {
        let name = format!("a_refresh_by_{}_consumes_nothing", method.to_lowercase());
        case(name, "RFC 9110 section 15.5.6", post(Token, SPA, &refresh).method(method), refusal(method))
            .given([signed_in("old", SPA)])
            .without_the_store()
            .active(&["{old.refresh_token}"])
    });
    // A link could end a session if the query were read.
    let query = case(
        "a_get_with_everything_in_its_query_is_refused",
        "RFC 9110 section 15.5.6, RFC 6749 section 2.3.1",
        post(Token, SPA, &[])
            .method("GET")
            .body("")
            .query("grant_type=refresh_token&client_id=spa&refresh_token={old.refresh_token}"),
        refusal("GET"),
    )
    .given([signed_in("old", SPA)])
    .without_the_store()
    .active(&["{old.refresh_token}"]);
    let large = valid_request(Token, APP).method("PUT").body("a".repeat(64 * 1024 + 1));
    let large = case("a_put_above_the_limit_is_refused_with_allow", "RFC 9110 section 15.5.6", large, refusal("PUT"))
        .without_the_store();
    // Frameworks for HTML forms take the method from a header or from the form: no other request may become a POST.
    let good = form(valid(Token));
    let overrides = [
        ("a_get_with_a_method_in_a_header", valid_request(Token, APP).header("x-http-method-override", "POST"), "GET"),
        ("a_put_with_a_method_in_its_form", valid_request(Token, APP).body(format!("_method=post&{good}")), "PUT"),
        ("a_put_with_a_method_in_its_query", valid_request(Token, APP).query("_method=POST"), "PUT"),
    ];
    let overrides = overrides.map(|(what, request, method)| {
        let name = format!("{what}_is_refused_with_allow");
        case(name, "RFC 9110 section 15.5.6", request.method(method), refusal(method)).without_the_store()
    });
    refused.chain(consuming_nothing).chain([query, large]).chain(overrides).collect()
}

fn refusal(method: &str) -> Answer {
    if method == "HEAD" { method_not_allowed().bodyless() } else { method_not_allowed() }
}
