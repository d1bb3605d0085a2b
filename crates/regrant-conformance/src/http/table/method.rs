//! C108, C156, A35 (Abblix #187): the same request as POST would succeed.

use regrant::wire::Endpoint::Token;

use super::super::answer::{Answer, method_not_allowed};
use super::super::case::{Case, case};
use super::super::cast::{APP, SPA, post};
use super::super::world::signed_in;
use super::{DOORS, sound_request};

const METHODS: [&str; 10] = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "post", "POSTPOST"];

pub(super) fn cases() -> Vec<Case> {
    let methods = METHODS.into_iter().flat_map(|method| DOORS.map(|(name, door)| (method, name, door)));
    let refused = methods.map(|(method, name, door)| {
        // A name of two tests must differ in more than case.
        let word = if method == "post" { "lower_case_post".to_owned() } else { method.to_lowercase() };
        let request = sound_request(door, APP).method(method);
        case(format!("{word}_is_refused_with_allow_at_{name}"), "C108, C156", request, refusal(method))
            .without_the_store()
    });
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")];
    let consuming_nothing = ["GET", "PUT", "DELETE"].map(|method| {
        let name = format!("a_refresh_by_{}_consumes_nothing", method.to_lowercase());
        case(name, "C156", post(Token, SPA, &refresh).method(method), refusal(method))
            .given([signed_in("old", SPA)])
            .without_the_store()
            .active(&["{old.refresh_token}"])
    });
    // What a browser's address bar could do to a session if the query were read.
    let query = case(
        "a_get_with_everything_in_its_query_is_refused",
        "C156, C111",
        post(Token, SPA, &[])
            .method("GET")
            .body("")
            .query("grant_type=refresh_token&client_id=spa&refresh_token={old.refresh_token}"),
        refusal("GET"),
    )
    .given([signed_in("old", SPA)])
    .without_the_store()
    .active(&["{old.refresh_token}"]);
    let large = sound_request(Token, APP).method("PUT").body("a".repeat(64 * 1024 + 1));
    let large = case("a_put_above_the_limit_is_refused_with_allow", "C108", large, refusal("PUT")).without_the_store();
    refused.chain(consuming_nothing).chain([query, large]).collect()
}

fn refusal(method: &str) -> Answer {
    if method == "HEAD" { method_not_allowed().bodyless() } else { method_not_allowed() }
}
