//! RFC 9126: a client pushes its authorization request, and authenticates as at the token endpoint.

use regrant::wire::Endpoint::{Introspection, PushedAuthorizationRequest as Par, Revocation, Token};
use regrant::wire::{Cors, Endpoints, Paths};
use serde_json::json;

use crate::http::answer::{
    Answer, Body, content_type, created, inactive, incomplete, invalid_client, invalid_dpop_proof, invalid_grant,
    invalid_request, invalid_request_object, invalid_scope, invalid_target, malformed_authorization,
    malformed_client_id, malformed_proof, malformed_resource, malformed_scope, method_not_allowed, missing, no_client,
    not_served, not_utf_8, repeated, request_not_supported, revoked, several_authentications, too_large,
    unauthorized_client, unavailable, unsupported_response_type, use_dpop_nonce,
};
use crate::http::case::{Case, case};
use crate::http::clients::{
    APP, ASSERTING, Auth, CHALLENGE, EITHER, ORDERS, POSTER, REDIRECT, ROBOT, SECRET, SPA, basic, post,
};
use crate::http::message::{Framing, HttpRequest};
use crate::http::ports::{Objects, Proofs, assertion, object, proof};
use crate::http::server::Given;
use crate::http::store::WatchedStore;
use crate::http::variables::Form;

const PATH: &str = "/oauth2/par";
const SOURCE: &str = "RFC 9126 section 2.1";
const PAGE: &str = "https://spa.example";
const JWT_BEARER: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

const USUAL: [(&str, &str); 5] = [
    ("response_type", "code"),
    ("redirect_uri", REDIRECT),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
    ("state", "xyz"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = pushes();
    cases.extend(refused_clients());
    cases.extend(refused_parameters());
    cases.extend(malformed());
    cases.extend(methods());
    cases.extend(proofs());
    cases.extend(objects());
    cases.extend(elsewhere());
    let served = cases.into_iter().map(|case| case.with_endpoints(served));
    served.chain(pages()).chain(without_an_authorization_endpoint()).chain([without_a_verifier()]).collect()
}

fn served(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    with_page(endpoints).with_request_objects(Objects)
}

fn with_page(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    endpoints.with_paths(Paths { authorization: Some("/authorize".to_owned()), ..Paths::default() })
}

/// Pushes a request with `own` in place of the usual parameters. An empty value leaves one out.
fn push(auth: Auth, own: Form<'_>) -> HttpRequest {
    let usual = USUAL.iter().filter(|(name, _)| own.iter().all(|(replaced, _)| replaced != name));
    let all: Vec<(&str, &str)> = usual.chain(own).copied().filter(|(_, value)| !value.is_empty()).collect();
    post(Par, auth, &all)
}

/// RFC 9126 section 2.2.
fn pushed() -> Answer {
    created(json!({ "request_uri": "{new.request_uri}", "expires_in": 60 }))
}

fn pushes() -> Vec<Case> {
    let good = assertion(ASSERTING, 1, "right");
    let asserted = push(Auth::Missing, &[JWT_BEARER, ("client_assertion", &good)]);
    let accepted: [(&str, HttpRequest); 14] = [
        ("of_a_public_client", push(SPA, &[])),
        ("of_a_client_of_the_header", push(APP, &[])),
        ("that_repeats_the_client_id_of_the_header", push(APP, &[("client_id", "app")])),
        ("of_a_client_of_the_body", push(POSTER, &[])),
        ("of_a_client_of_both_by_the_header", push(EITHER[0], &[])),
        ("of_a_client_of_both_by_the_body", push(EITHER[1], &[])),
        ("of_a_client_with_an_assertion", asserted),
        ("for_scope_and_resource", push(SPA, &[("scope", "read"), ("resource", ORDERS)])),
        ("with_a_nonce_and_a_prompt", push(SPA, &[("nonce", "n-0S6"), ("prompt", "login consent"), ("max_age", "60")])),
        ("for_a_form_post", push(SPA, &[("response_mode", "form_post")])),
        ("without_its_only_redirect_uri", push(SPA, &[("redirect_uri", "")])),
        ("without_a_state", push(SPA, &[("state", "")])),
        ("of_a_confidential_client_without_pkce", push(APP, &[("code_challenge", ""), ("code_challenge_method", "")])),
        ("with_a_parameter_that_means_nothing", push(SPA, &[("x", "<script>")])),
    ];
    let accepted =
        accepted.map(|(what, request)| case(format!("a_request_{what}_is_pushed"), SOURCE, request, pushed()));
    accepted.into()
}

fn refused_clients() -> Vec<Case> {
    let good = assertion(ASSERTING, 1, "right");
    let wrong = assertion(ASSERTING, 1, "wrong");
    let refused: [(&str, HttpRequest, Answer); 12] = [
        ("by_nobody", push(Auth::Missing, &[]), no_client()),
        ("by_an_unknown_client", push(Auth::Public("nobody"), &[]), invalid_client()),
        ("with_a_wrong_secret_in_the_header", push(Auth::Basic("app", "wrong"), &[]), invalid_client().challenging()),
        ("with_a_wrong_secret_in_the_body", push(Auth::Post("poster", "wrong"), &[]), invalid_client()),
        ("by_a_client_without_its_secret", push(Auth::Public("app"), &[]), invalid_client()),
        (
            "by_a_client_of_the_body_in_the_header",
            push(Auth::Basic("poster", SECRET), &[]),
            invalid_client().challenging(),
        ),
        ("with_a_wrong_signature", push(Auth::Missing, &[JWT_BEARER, ("client_assertion", &wrong)]), invalid_client()),
        ("with_two_authentications", push(APP, &[JWT_BEARER, ("client_assertion", &good)]), several_authentications()),
        ("with_another_client_id_in_the_body", push(APP, &[("client_id", "other")]), several_authentications()),
        (
            "with_a_broken_header",
            push(Auth::Missing, &[]).header("authorization", "Basic !"),
            malformed_authorization(),
        ),
        ("with_two_headers", push(APP, &[]).header("authorization", basic("app", SECRET)), several_authentications()),
        ("with_a_malformed_client_id", push(Auth::Public("caf\u{e9}"), &[]), malformed_client_id()),
    ];
    let refused = refused.map(|(how, request, answer)| {
        case(format!("a_push_{how}_is_refused"), SOURCE, request, answer).without_the_store()
    });
    let robot = case("a_push_by_a_client_that_may_not_is_refused", SOURCE, push(ROBOT, &[]), unauthorized_client())
        .without_the_store();
    refused.into_iter().chain([robot]).collect()
}

fn refused_parameters() -> Vec<Case> {
    let long = "n".repeat(256);
    let unregistered = || invalid_request("The client_id and the redirect_uri must be those of a registered client.");
    let challenge = || invalid_request("The code_challenge must be one of the code_challenge_method S256.");
    let mode = || invalid_request("The response_mode must be query, fragment, or form_post for a web page.");
    let refused: Vec<(&str, HttpRequest, Answer)> = vec![
        ("an_unregistered_redirect_uri", push(SPA, &[("redirect_uri", "https://evil.example/cb")]), unregistered()),
        (
            "a_redirect_uri_that_is_none",
            push(SPA, &[("redirect_uri", "/cb")]),
            invalid_request("The redirect_uri must be an absolute URI without a fragment."),
        ),
        ("no_response_type", push(SPA, &[("response_type", "")]), missing("response_type")),
        ("another_response_type", push(SPA, &[("response_type", "token")]), unsupported_response_type()),
        ("an_unknown_response_mode", push(SPA, &[("response_mode", "x")]), mode()),
        (
            "no_challenge_of_a_public_client",
            push(SPA, &[("code_challenge", ""), ("code_challenge_method", "")]),
            invalid_request("The parameter code_challenge is missing: the client must use PKCE."),
        ),
        ("a_method_without_a_challenge", push(SPA, &[("code_challenge", "")]), missing("code_challenge")),
        ("a_plain_challenge", push(SPA, &[("code_challenge_method", "plain")]), challenge()),
        ("a_short_challenge", push(SPA, &[("code_challenge", "short")]), challenge()),
        ("a_foreign_scope", push(SPA, &[("scope", "admin")]), invalid_scope()),
        ("a_malformed_scope", push(SPA, &[("scope", "a  b")]), malformed_scope()),
        ("a_foreign_resource", push(SPA, &[("resource", "https://api.example/salaries")]), invalid_target()),
        ("a_malformed_resource", push(SPA, &[("resource", "x")]), malformed_resource()),
        ("a_long_nonce", push(SPA, &[("nonce", &long)]), invalid_request("The nonce must have at most 255 bytes.")),
        (
            "two_prompts_that_exclude_each_other",
            push(SPA, &[("prompt", "none login")]),
            invalid_request("The prompt none excludes other values."),
        ),
        (
            "an_age_that_is_no_number",
            push(SPA, &[("max_age", "soon")]),
            invalid_request("The max_age must be a number of seconds."),
        ),
        (
            "a_thumbprint_that_is_none",
            push(SPA, &[("dpop_jkt", "short")]),
            invalid_request("The dpop_jkt must be a SHA-256 thumbprint."),
        ),
        (
            "a_reference",
            push(SPA, &[("request_uri", "urn:ietf:params:oauth:request_uri:x")]),
            invalid_request("The parameter request_uri cannot be pushed."),
        ),
    ];
    let refused = refused.into_iter().map(|(what, request, answer)| {
        case(format!("a_push_with_{what}_is_refused"), SOURCE, request, answer).without_the_store()
    });
    let down = case(
        "a_push_while_the_store_is_down_may_be_tried_again",
        "RFC 9110 section 15.6.4",
        push(SPA, &[]),
        unavailable(),
    )
    .given([Given::StoreDown])
    .changing_nothing();
    refused.chain([down]).collect()
}

fn malformed() -> Vec<Case> {
    let raw = |body: &[u8]| push(Auth::Missing, &[]).body([b"client_id=spa&", body].concat());
    let of_type = |media_type: &str| push(SPA, &[]).without("content-type").header("content-type", media_type);
    let requests = [
        ("a_repeated_state", push(SPA, &[("state", "a"), ("state", "a")]), repeated()),
        ("a_repeated_scope", push(SPA, &[("scope", "read"), ("scope", "read")]), repeated()),
        ("a_broken_escape", raw(b"state=%zz"), not_utf_8()),
        ("latin_1", raw(b"state=%ff"), not_utf_8()),
        ("a_nul", raw(b"state=%00"), not_utf_8()),
        ("another_type", of_type("application/json"), content_type()),
        ("no_type", push(SPA, &[]).without("content-type"), content_type()),
        ("another_charset", of_type("application/x-www-form-urlencoded; charset=latin1"), content_type()),
        ("a_body_that_is_cut_off", push(SPA, &[]).framed(Framing::Announced(1000)), incomplete()),
        ("chunks_that_break_off", push(SPA, &[]).framed(Framing::Broken(4)), incomplete()),
        ("a_body_above_the_limit", push(SPA, &[]).body("a".repeat(64 * 1024 + 1)), too_large()),
        ("everything_in_its_query", push(SPA, &[]).body("").query("client_id=spa&response_type=code"), no_client()),
    ];
    let refused = requests.map(|(what, request, answer)| {
        case(format!("a_push_with_{what}_is_refused"), "RFC 6749 section 3.2", request, answer).without_the_store()
    });
    let whole =
        [("a_few_bytes_at_a_time", Framing::Dribbled), ("in_chunks", Framing::Chunked(7))].map(|(how, framing)| {
            case(format!("a_push_{how}_is_read"), "RFC 9112 section 6", push(SPA, &[]).framed(framing), pushed())
        });
    // More than the limit of the record, and less than that of the body.
    let large = case(
        "a_push_that_is_too_large_for_a_record_is_refused",
        "RFC 9126 section 2.3",
        push(SPA, &[("x", &"x".repeat(17 * 1024))]),
        invalid_request("The request is too large."),
    )
    .without_the_store();
    refused.into_iter().chain(whole).chain([large]).collect()
}

fn methods() -> Vec<Case> {
    let cases = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post"].map(|method| {
        let word = if method == "post" { "lower_case_post".to_owned() } else { method.to_lowercase() };
        let answer = if method == "HEAD" { method_not_allowed().bodyless() } else { method_not_allowed() };
        let request = push(SPA, &[]).method(method);
        case(format!("a_push_by_{word}_is_refused_with_allow"), "RFC 9110 section 15.5.6", request, answer)
            .without_the_store()
    });
    cases.into()
}

/// RFC 9449 section 10.1. The key of a proof is its letter, 32 times.
fn proofs() -> Vec<Case> {
    let jkt = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s";
    let source = "RFC 9449 section 10.1";
    let accepted = [
        ("a_proof", push(SPA, &[]).header("dpop", proof('k', PATH, 1))),
        ("the_thumbprint_of_a_key", push(SPA, &[("dpop_jkt", jkt)])),
        ("a_proof_and_its_thumbprint", push(SPA, &[("dpop_jkt", jkt)]).header("dpop", proof('k', PATH, 1))),
    ]
    .map(|(what, request)| case(format!("a_request_with_{what}_is_pushed"), source, request, pushed()));
    let refused = [
        (
            "a_proof_of_another_key",
            push(SPA, &[("dpop_jkt", jkt)]).header("dpop", proof('l', PATH, 1)),
            invalid_dpop_proof(),
        ),
        (
            "a_proof_for_another_endpoint",
            push(SPA, &[]).header("dpop", proof('k', "/oauth2/token", 1)),
            invalid_dpop_proof(),
        ),
        ("a_proof_of_garbage", push(SPA, &[]).header("dpop", "garbage"), invalid_dpop_proof()),
        (
            "two_proofs",
            push(SPA, &[]).header("dpop", proof('k', PATH, 1)).header("dpop", proof('k', PATH, 2)),
            malformed_proof(),
        ),
        ("a_proof_that_nobody_can_verify", push(SPA, &[]).header("dpop", "unreachable POST x 1"), unavailable()),
    ]
    .map(|(what, request, answer)| {
        case(format!("a_push_with_{what}_is_refused"), source, request, answer).without_the_store()
    });
    let nonce = case(
        "a_push_without_the_nonce_gets_it",
        "RFC 9449 section 8",
        push(SPA, &[]).header("dpop", proof('k', PATH, 1)),
        use_dpop_nonce().with("dpop-nonce", "n1"),
    )
    .with_service(|service| service.proof_verifier(Proofs::with_nonce("n1")))
    .without_the_store();
    let verified = accepted.into_iter().chain(refused);
    verified.map(|case| case.with_service(|service| service.proof_verifier(Proofs::default()))).chain([nonce]).collect()
}

/// RFC 9126 section 3: the request is a JWT that the client has signed. See [`Objects`].
fn objects() -> Vec<Case> {
    let claims = format!(
        "client_id=spa response_type=code redirect_uri={REDIRECT} code_challenge={CHALLENGE} code_challenge_method=S256"
    );
    let sent = |object: &str, more: Form<'_>| post(Par, SPA, &[&[("request", object)], more].concat());
    let good = object("right", "spa", &claims);
    let source = "RFC 9126 section 3";
    let accepted = [
        ("a_signed_request_is_pushed", sent(&good, &[])),
        (
            "the_parameters_beside_a_signed_request_do_not_count",
            sent(&good, &[("scope", "admin"), ("response_type", "x")]),
        ),
    ]
    .map(|(name, request)| case(name, source, request, pushed()));
    let malformed = || {
        let text = "The request object must have the client_id of the request, and no other request in it.";
        invalid_request_object(text)
    };
    let unaccepted = || invalid_request_object("The request object is not accepted.");
    let refused = [
        ("a_wrong_signature", sent(&object("wrong", "spa", &claims), &[]), unaccepted()),
        ("the_signature_of_another_client", sent(&object("right", "app", &claims), &[]), unaccepted()),
        ("another_client_inside", sent(&object("right", "spa", &claims.replacen("=spa", "=app", 1)), &[]), malformed()),
        ("a_reference_inside", sent(&object("right", "spa", &format!("{claims} request_uri=x")), &[]), malformed()),
        (
            "a_foreign_scope_inside",
            sent(&object("right", "spa", &format!("{claims} scope=admin")), &[]),
            invalid_scope(),
        ),
        ("keys_that_are_out_of_reach", sent(&object("unreachable", "spa", &claims), &[]), unavailable()),
    ]
    .map(|(what, request, answer)| {
        case(format!("a_signed_request_with_{what}_is_refused"), source, request, answer).without_the_store()
    });
    accepted.into_iter().chain(refused).collect()
}

/// A reference is no token.
fn elsewhere() -> Vec<Case> {
    let given = || [Given::Answered("old", push(SPA, &[]))];
    let uri = "{old.request_uri}";
    let redemption = [("grant_type", "authorization_code"), ("code", uri), ("redirect_uri", REDIRECT)];
    vec![
        case("a_reference_is_no_code", "RFC 6749 section 10.5", post(Token, SPA, &redemption), invalid_grant())
            .given(given()),
        case(
            "a_reference_is_no_active_token",
            "RFC 7662 section 2.2",
            post(Introspection, APP, &[("token", uri)]),
            inactive(),
        )
        .given(given()),
        case("a_reference_is_not_revoked", "RFC 7009 section 2.2", post(Revocation, SPA, &[("token", uri)]), revoked())
            .given(given())
            .changing_nothing(),
    ]
}

/// Web pages are public clients too.
fn pages() -> Vec<Case> {
    let source = "Fetch standard (CORS protocol)";
    let exposed = |answer: Answer| {
        answer
            .with("access-control-allow-origin", PAGE)
            .with("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate")
            .with("vary", "origin")
    };
    let preflight = HttpRequest::new("OPTIONS", Par)
        .header("origin", PAGE)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "dpop, content-type");
    let permission = Answer { status: 204, headers: Vec::new(), body: Body::Empty }
        .with("access-control-allow-methods", "POST")
        .with("access-control-allow-headers", "authorization, content-type, dpop")
        .with("access-control-max-age", "7200");
    let cases = [
        case("a_known_page_may_push", source, preflight, exposed(permission)).without_the_store(),
        case("a_known_page_may_read_a_reference", source, push(SPA, &[]).header("origin", PAGE), exposed(pushed())),
        case(
            "a_foreign_page_may_not_read_a_reference",
            source,
            push(SPA, &[]).header("origin", "https://evil.example"),
            pushed().with("vary", "origin"),
        ),
    ];
    let with_cors =
        |case: Case| case.with_endpoints(|endpoints| served(endpoints).with_cors(Cors::origins([PAGE]).unwrap()));
    cases.map(with_cors).into()
}

fn without_an_authorization_endpoint() -> [Case; 2] {
    let name = |how: &str| format!("without_an_authorization_endpoint_{how}");
    [
        case(name("nothing_is_pushed"), SOURCE, push(SPA, &[]), not_served()).without_the_store(),
        case(name("a_get_finds_nothing"), SOURCE, push(SPA, &[]).method("GET"), not_served()).without_the_store(),
    ]
}

fn without_a_verifier() -> Case {
    let request = post(Par, SPA, &[("request", "e30.e30.")]);
    case("without_a_verifier_no_signed_request_is_pushed", "RFC 9101 section 7", request, request_not_supported())
        .with_endpoints(with_page)
        .without_the_store()
}
