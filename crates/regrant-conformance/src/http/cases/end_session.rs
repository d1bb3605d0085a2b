//! OpenID Connect RP-Initiated Logout 1.0: the parameters come through a browser, so anyone may have written them.

use regrant::wire::Cors;
use regrant::wire::Endpoint::EndSession;

use crate::http::answer::{
    Answer, Body, content_type, incomplete, malformed_client_id, not_served, not_utf_8, repeated, too_large,
    unavailable,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, ISSUER, OTHER, SIGNED_OUT};
use crate::http::message::{Framing, HttpRequest};
use crate::http::ports::{Browser, Jwts};
use crate::http::server::{Given, signed_in};
use crate::http::variables::{Form, form};

const SOURCE: &str = "OpenID Connect RP-Initiated Logout 1.0 section 2";
/// The hint of the client `app` for the session of all sign-ins.
const HINT: (&str, &str) = ("id_token_hint", "hint app demo laptop");
const BACK: (&str, &str) = ("post_logout_redirect_uri", SIGNED_OUT);
const FORM: &str = "application/x-www-form-urlencoded";
const ALL: [&str; 2] = ["{old.access_token}", "{other.refresh_token}"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = logouts();
    cases.extend(stays());
    cases.extend(malformed());
    cases.extend(methods());
    cases.extend(outages());
    let served = cases.into_iter().map(|case| {
        case.with_endpoints(|endpoints| endpoints.with_end_session(Browser))
            .with_service(|service| service.jwt_issuer(Jwts::of(ISSUER)))
    });
    let unserved = ["GET", "POST"].map(|method| {
        let name = format!("without_a_host_there_is_no_logout_by_{}", method.to_lowercase());
        case(name, SOURCE, get(&[HINT, BACK]).method(method), not_served()).without_the_store()
    });
    served.chain(unserved).chain(pages()).collect()
}

/// Signed in at two clients in one session.
fn given() -> [Given; 2] {
    [signed_in("old", APP), signed_in("other", OTHER)]
}

fn get(parameters: Form<'_>) -> HttpRequest {
    HttpRequest::new("GET", EndSession).query(&form(parameters))
}

fn posted(parameters: Form<'_>) -> HttpRequest {
    HttpRequest::new("POST", EndSession).header("content-type", FORM).body(form(parameters))
}

fn redirected(location: &'static str) -> Answer {
    let headers = vec![
        ("location", location),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("referrer-policy", "no-referrer"),
        ("set-cookie", "session=; Max-Age=0"),
    ];
    Answer { status: 303, headers, body: Body::Empty }
}

fn signed_out() -> Answer {
    let headers = vec![("content-type", "text/plain"), ("set-cookie", "session=; Max-Age=0")];
    Answer { status: 200, headers, body: Body::Exactly("signed out".to_owned()) }
}

fn asked() -> Answer {
    let headers = vec![("content-type", "text/plain")];
    Answer { status: 200, headers, body: Body::Exactly("sign out?".to_owned()) }
}

fn logouts() -> Vec<Case> {
    let state = ("state", "a&b=c d/\u{e9}");
    let encoded = "https://app.example/signed-out?state=a%26b%3Dc%20d%2F%C3%A9";
    let ends = [
        ("a_get_with_a_hint", get(&[HINT, BACK]), redirected(SIGNED_OUT)),
        ("a_post_with_a_hint", posted(&[HINT, BACK]), redirected(SIGNED_OUT)),
        ("a_post_in_chunks", posted(&[HINT, BACK]).framed(Framing::Chunked(7)), redirected(SIGNED_OUT)),
        ("a_hint_beside_its_client", get(&[HINT, ("client_id", "app"), BACK]), redirected(SIGNED_OUT)),
        ("a_state", get(&[HINT, BACK, state]), redirected(encoded)),
        ("an_unknown_parameter", get(&[HINT, BACK, ("ui_locales", "fr"), ("unknown", "x")]), redirected(SIGNED_OUT)),
        (
            "a_post_with_a_query_that_is_not_read",
            posted(&[HINT, BACK]).query("state=1&state=2"),
            redirected(SIGNED_OUT),
        ),
        ("a_hint_without_a_uri", get(&[HINT]), signed_out()),
        ("an_unregistered_uri", get(&[HINT, ("post_logout_redirect_uri", "https://evil.example/")]), signed_out()),
        (
            "a_uri_with_a_slash_more",
            get(&[HINT, ("post_logout_redirect_uri", "https://app.example/signed-out/")]),
            signed_out(),
        ),
        (
            "a_uri_in_upper_case",
            get(&[HINT, ("post_logout_redirect_uri", "https://APP.example/signed-out")]),
            signed_out(),
        ),
        ("a_uri_that_is_none", get(&[HINT, ("post_logout_redirect_uri", "//evil.example")]), signed_out()),
        (
            "a_user_who_confirmed_without_a_hint",
            get(&[("client_id", "app"), BACK]).header("cookie", "session=confirmed"),
            redirected(SIGNED_OUT),
        ),
    ];
    let ends = ends.map(|(what, request, answer)| {
        case(format!("{what}_ends_the_session_at_all_clients"), SOURCE, request, answer)
            .given(given())
            .writing()
            .inactive(&ALL)
    });
    let again =
        case("a_second_logout_is_answered_as_the_first_one", SOURCE, get(&[HINT, BACK]), redirected(SIGNED_OUT))
            .given(given())
            .after(get(&[HINT, BACK]))
            .writing()
            .inactive(&ALL);
    let elsewhere = ("id_token_hint", "hint app demo phone");
    let elsewhere = case("another_session_lives_on", SOURCE, get(&[elsewhere, BACK]), redirected(SIGNED_OUT))
        .given(given())
        .changing_nothing()
        .active(&ALL);
    ends.into_iter().chain([again, elsewhere]).collect()
}

/// Nothing is revoked, and nobody is redirected.
fn stays() -> Vec<Case> {
    let forged = ("id_token_hint", "forged app demo laptop");
    let requests = [
        ("no_parameter", get(&[]), signed_out()),
        ("a_client_without_a_hint", get(&[("client_id", "app"), BACK]), signed_out()),
        ("an_unknown_client", get(&[("client_id", "unknown"), BACK]), signed_out()),
        ("a_forged_hint", get(&[forged, BACK]), signed_out()),
        ("a_forged_hint_beside_a_client", get(&[forged, ("client_id", "app"), BACK]), signed_out()),
        ("an_access_token_as_a_hint", get(&[("id_token_hint", "{old.access_token}"), BACK]), signed_out()),
        ("a_hint_of_another_client", get(&[HINT, ("client_id", "other"), BACK]), signed_out()),
        ("a_user_who_is_asked", get(&[HINT, BACK]).header("cookie", "session=asks"), asked()),
    ];
    let cases = requests.map(|(what, request, answer)| {
        case(format!("{what}_revokes_nothing"), SOURCE, request, answer).given(given()).changing_nothing().active(&ALL)
    });
    cases.into()
}

fn malformed() -> Vec<Case> {
    let raw = |query: &str| HttpRequest::new("GET", EndSession).query(query);
    let of_type = |media_type: &str| posted(&[HINT, BACK]).without("content-type").header("content-type", media_type);
    let requests = [
        ("a_parameter_twice_in_the_query", raw("state=1&state=2"), repeated()),
        ("a_parameter_twice_in_the_form", posted(&[HINT, HINT]), repeated()),
        ("a_broken_escape_in_the_query", raw("state=%zz"), not_utf_8()),
        ("a_query_that_is_not_utf_8", raw("state=%ff"), not_utf_8()),
        ("a_nul_in_the_query", raw("state=%00"), not_utf_8()),
        ("a_malformed_client_id", raw("client_id=caf%C3%A9"), malformed_client_id()),
        ("a_form_of_another_type", of_type("application/json"), content_type()),
        ("a_form_without_a_type", posted(&[HINT, BACK]).without("content-type"), content_type()),
        ("a_form_in_another_charset", of_type("application/x-www-form-urlencoded; charset=latin1"), content_type()),
        ("a_form_that_is_cut_off", posted(&[HINT, BACK]).framed(Framing::Announced(1000)), incomplete()),
        ("a_form_above_the_limit", posted(&[]).body("a".repeat(64 * 1024 + 1)), too_large()),
    ];
    let cases = requests.map(|(what, request, answer)| {
        case(format!("{what}_is_refused"), "RFC 6749 section 3.1, RFC 6749 section 3.2", request, answer)
            .given(given())
            .without_the_store()
            .active(&ALL)
    });
    cases.into()
}

fn methods() -> Vec<Case> {
    let cases = ["HEAD", "PUT", "DELETE", "OPTIONS", "get"].map(|method| {
        let word = if method == "get" { "lower_case_get".to_owned() } else { method.to_lowercase() };
        let answer = if method == "HEAD" { not_allowed().bodyless() } else { not_allowed() };
        case(
            format!("{word}_is_refused_with_allow"),
            "RFC 9110 section 15.5.6",
            get(&[HINT, BACK]).method(method),
            answer,
        )
        .given(given())
        .without_the_store()
        .active(&ALL)
    });
    cases.into()
}

fn not_allowed() -> Answer {
    let body = "{\"error\":\"invalid_request\",\"error_description\":\"The method must be GET, POST.\"}";
    let headers = vec![
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("allow", "GET, POST"),
    ];
    Answer { status: 405, headers, body: Body::Exactly(body.to_owned()) }
}

fn outages() -> Vec<Case> {
    let down = get(&[HINT, BACK]).header("cookie", "session=unreachable");
    vec![
        case("a_host_that_is_down_leaves_the_session_alive", SOURCE, down, unavailable())
            .given(given())
            .without_the_store()
            .active(&ALL),
        case("a_store_that_is_down_redirects_nobody", SOURCE, get(&[HINT, BACK]), unavailable())
            .given(given())
            .given([Given::StoreDown])
            .active(&ALL),
    ]
}

/// A browser is sent here as a whole. No page calls the endpoint.
fn pages() -> [Case; 1] {
    let preflight = HttpRequest::new("OPTIONS", EndSession)
        .header("origin", "https://spa.example")
        .header("access-control-request-method", "POST");
    let case = case("no_page_may_call_it", "Fetch standard (CORS protocol)", preflight, not_allowed());
    let cors =
        |case: Case| case.with_endpoints(|endpoints| endpoints.with_end_session(Browser).with_cors(Cors::any_origin()));
    [cors(case).without_the_store()]
}
