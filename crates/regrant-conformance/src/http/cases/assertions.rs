//! RFC 7521 and RFC 7523: clients that authenticate with a JWT. The verifier checks its content. These cases check that
//! it reaches the verifier, once and as the only credential.

use regrant::wire::Endpoint::{self, Token};

use super::{ENDPOINTS, valid, valid_answer};
use crate::http::answer::{Answer, invalid_client_at, missing, repeated, several_authentications, tokens, unavailable};
use crate::http::case::{Case, case};
use crate::http::clients::{ASSERTING, Auth, PASSWORD, SECRET, USER, basic, post};
use crate::http::message::HttpRequest;
use crate::http::ports::assertion;
use crate::http::variables::Form;

const TYPE: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

pub(super) fn cases() -> Vec<Case> {
    let at_each_endpoint = ENDPOINTS.into_iter().flat_map(|(name, endpoint)| {
        let mut cases = accepted(name, endpoint);
        cases.extend(refused(name, endpoint));
        cases
    });
    at_each_endpoint.chain(nothing_is_consumed()).collect()
}

fn with(endpoint: Endpoint, more: Form<'_>) -> HttpRequest {
    post(endpoint, Auth::Missing, &[valid(endpoint), more].concat())
}

fn accepted(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let good = assertion(ASSERTING, 1, "right");
    let good = ("client_assertion", good.as_str());
    vec![
        case(
            format!("an_assertion_is_accepted_at_{name}"),
            "RFC 7523 section 2.2",
            with(endpoint, &[TYPE, good, ("client_id", ASSERTING)]),
            valid_answer(endpoint),
        )
        .like_a_valid_one(),
        case(
            format!("an_assertion_needs_no_client_id_at_{name}"),
            "RFC 7521 section 4.2",
            with(endpoint, &[TYPE, good]),
            valid_answer(endpoint),
        )
        .like_a_valid_one(),
    ]
}

fn refused(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let good = assertion(ASSERTING, 1, "right");
    let good = ("client_assertion", good.as_str());
    let of = |subject: &str, signature: &str| assertion(subject, 1, signature);
    let text = |text: &str| with(endpoint, &[TYPE, ("client_assertion", text)]);
    let header = basic("app", SECRET);
    let invalid_client = || invalid_client_at(endpoint);
    let other_type = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    let cases: Vec<(&str, HttpRequest, Answer)> = vec![
        ("an_assertion_of_another_signature", text(&of(ASSERTING, "wrong")), invalid_client()),
        ("an_assertion_without_a_signature", text(of(ASSERTING, "").trim_end_matches('.')), invalid_client()),
        ("an_assertion_of_an_unknown_client", text(&of("nobody", "right")), invalid_client()),
        ("an_assertion_of_a_client_with_a_secret", text(&of("app", "right")), invalid_client()),
        ("an_assertion_of_a_public_client", text(&of("spa", "right")), invalid_client()),
        ("an_assertion_that_is_no_jwt", text("garbage"), invalid_client()),
        ("an_assertion_without_a_subject", text("e30.e30.right"), invalid_client()),
        (
            "an_assertion_of_another_client_than_client_id",
            with(endpoint, &[TYPE, good, ("client_id", "app")]),
            invalid_client(),
        ),
        ("an_assertion_of_another_type", with(endpoint, &[other_type, good]), invalid_client()),
        ("an_assertion_without_a_type", with(endpoint, &[good]), missing("client_assertion_type")),
        ("a_type_without_an_assertion", with(endpoint, &[TYPE]), missing("client_assertion")),
        ("an_empty_assertion", with(endpoint, &[TYPE, ("client_assertion", "")]), missing("client_assertion")),
        (
            "an_assertion_beside_a_secret",
            with(endpoint, &[TYPE, good, ("client_secret", "x")]),
            several_authentications(),
        ),
        (
            "an_assertion_beside_a_header",
            with(endpoint, &[TYPE, good]).header("authorization", &header),
            several_authentications(),
        ),
        ("a_second_assertion_beside_the_first", with(endpoint, &[TYPE, good, good]), repeated()),
        ("its_id_alone", with(endpoint, &[("client_id", ASSERTING)]), invalid_client()),
        (
            "a_secret_of_a_client_that_has_none",
            with(endpoint, &[("client_id", ASSERTING), ("client_secret", "x")]),
            invalid_client(),
        ),
        ("an_assertion_whose_keys_are_out_of_reach", text(&of(ASSERTING, "unreachable")), unavailable()),
    ];
    let refused = cases.into_iter().map(|(what, request, answer)| {
        case(format!("{what}_is_refused_at_{name}"), "RFC 7523 section 3, RFC 7521 section 4.2", request, answer)
            .without_the_store()
    });
    let again = case(
        format!("an_assertion_is_good_once_at_{name}"),
        "RFC 7523 section 3, CVE-2020-15222",
        text(&of(ASSERTING, "right")),
        invalid_client(),
    )
    // First used at another endpoint: all endpoints share the memory of used assertions.
    .after(post(Endpoint::Introspection, Auth::Missing, &[("token", "garbage"), TYPE, good]))
    .without_the_store();
    refused.chain([again]).collect()
}

fn nothing_is_consumed() -> [Case; 1] {
    let with = |number, signature| {
        let assertion = assertion(ASSERTING, number, signature);
        let parameters = [("grant_type", "password"), ("username", USER), ("password", PASSWORD), TYPE];
        post(Token, Auth::Missing, &[&parameters[..], &[("client_assertion", &assertion)]].concat())
    };
    [case("a_second_assertion_is_good_behind_a_bad_one", "pomerium/pomerium#1513", with(2, "right"), tokens())
        .after(with(1, "wrong"))]
}
