//! C146 to C150, RFC 7521 and RFC 7523: clients that authenticate with a JWT. What is in it is the verifier's business; that
//! it comes to the verifier, once and alone, is the wire's.

use regrant::wire::Endpoint::{self, Token};

use super::super::answer::{
    Answer, invalid_client_at, missing, repeated, several_authentications, tokens, unavailable,
};
use super::super::case::{Case, case};
use super::super::cast::{ASSERTING, Auth, PASSWORD, SECRET, USER, basic, post};
use super::super::message::HttpRequest;
use super::super::ports::assertion;
use super::super::variables::Form;
use super::{DOORS, sound, sound_answer};

const TYPE: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

pub(super) fn cases() -> Vec<Case> {
    let at_each_door = DOORS.into_iter().flat_map(|(name, door)| {
        let mut cases = accepted(name, door);
        cases.extend(refused(name, door));
        cases
    });
    at_each_door.chain(nothing_is_consumed()).collect()
}

fn with(door: Endpoint, more: Form<'_>) -> HttpRequest {
    post(door, Auth::Nobody, &[sound(door), more].concat())
}

fn accepted(name: &str, door: Endpoint) -> Vec<Case> {
    let good = assertion(ASSERTING, 1, "right");
    let good = ("client_assertion", good.as_str());
    vec![
        case(
            format!("an_assertion_is_accepted_at_{name}"),
            "RFC 7523 section 2.2",
            with(door, &[TYPE, good, ("client_id", ASSERTING)]),
            sound_answer(door),
        )
        .like_a_sound_one(),
        case(
            format!("an_assertion_needs_no_client_id_at_{name}"),
            "RFC 7521 section 4.2",
            with(door, &[TYPE, good]),
            sound_answer(door),
        )
        .like_a_sound_one(),
    ]
}

fn refused(name: &str, door: Endpoint) -> Vec<Case> {
    let good = assertion(ASSERTING, 1, "right");
    let good = ("client_assertion", good.as_str());
    let of = |subject: &str, signature: &str| assertion(subject, 1, signature);
    let text = |text: &str| with(door, &[TYPE, ("client_assertion", text)]);
    let header = basic("app", SECRET);
    let invalid_client = || invalid_client_at(door);
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
            with(door, &[TYPE, good, ("client_id", "app")]),
            invalid_client(),
        ),
        ("an_assertion_of_another_type", with(door, &[other_type, good]), invalid_client()),
        ("an_assertion_without_a_type", with(door, &[good]), missing("client_assertion_type")),
        ("a_type_without_an_assertion", with(door, &[TYPE]), missing("client_assertion")),
        ("an_empty_assertion", with(door, &[TYPE, ("client_assertion", "")]), missing("client_assertion")),
        ("an_assertion_beside_a_secret", with(door, &[TYPE, good, ("client_secret", "x")]), several_authentications()),
        (
            "an_assertion_beside_a_header",
            with(door, &[TYPE, good]).header("authorization", &header),
            several_authentications(),
        ),
        ("a_second_assertion_beside_the_first", with(door, &[TYPE, good, good]), repeated()),
        ("its_id_alone", with(door, &[("client_id", ASSERTING)]), invalid_client()),
        (
            "a_secret_of_a_client_that_has_none",
            with(door, &[("client_id", ASSERTING), ("client_secret", "x")]),
            invalid_client(),
        ),
        ("an_assertion_whose_keys_are_out_of_reach", text(&of(ASSERTING, "unreachable")), unavailable()),
    ];
    let refused = cases.into_iter().map(|(what, request, answer)| {
        case(format!("{what}_is_refused_at_{name}"), "C146, C148", request, answer).without_the_store()
    });
    let again = case(
        format!("an_assertion_is_good_once_at_{name}"),
        "C147, CVE-2020-15222",
        text(&of(ASSERTING, "right")),
        invalid_client(),
    )
    // At another endpoint, which has the same memory.
    .after(post(Endpoint::Introspection, Auth::Nobody, &[("token", "garbage"), TYPE, good]))
    .without_the_store();
    refused.chain([again]).collect()
}

fn nothing_is_consumed() -> [Case; 1] {
    let with = |number, signature| {
        let assertion = assertion(ASSERTING, number, signature);
        let parameters = [("grant_type", "password"), ("username", USER), ("password", PASSWORD), TYPE];
        post(Token, Auth::Nobody, &[&parameters[..], &[("client_assertion", &assertion)]].concat())
    };
    [case("a_second_assertion_is_good_behind_a_bad_one", "A28", with(2, "right"), tokens()).after(with(1, "wrong"))]
}
