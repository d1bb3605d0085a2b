//! RFC 6749 sections 2.3 and 3.2.1: client authentication at each endpoint.

use regrant::wire::Endpoint::{self, Introspection, Token};

use super::{ENDPOINTS, valid, valid_answer, valid_request};
use crate::http::answer::{
    Answer, access_token_for, invalid_client, invalid_client_at, malformed_authorization, malformed_client_id,
    no_client, several_authentications, tokens,
};
use crate::http::case::{Case, case};
use crate::http::clients::{
    APP, Auth, DIFFICULT, EITHER, NEW_SECRET, OLD_SECRET, OTHER, POSTER, ROBOT, SCOPE, SECRET, SPA, basic, basic_of,
    post,
};
use crate::http::message::HttpRequest;
use crate::http::server::signed_in;
use crate::http::variables::{Form, form};

pub(super) fn cases() -> Vec<Case> {
    let at_each_endpoint = ENDPOINTS.into_iter().flat_map(|(name, endpoint)| {
        let mut cases = Vec::new();
        cases.extend(wrong_credentials(name, endpoint));
        cases.extend(malformed_headers(name, endpoint));
        cases.extend(two_ways(name, endpoint));
        cases.extend(malformed_ids(name, endpoint));
        cases.push(without_a_client(name, endpoint));
        cases.extend(registered_methods(name, endpoint));
        cases
    });
    at_each_endpoint
        .chain(spellings_of_basic())
        .chain(difficult_secrets())
        .chain(changed_secrets())
        .chain(nothing_is_consumed())
        .chain(both_methods_in_one_grant())
        .collect()
}

/// A valid request without a client, with these header lines and parameters.
fn with(endpoint: Endpoint, authorization: &[&[u8]], more: Form<'_>) -> HttpRequest {
    let request = post(endpoint, Auth::Missing, &[valid(endpoint), more].concat());
    authorization.iter().fold(request, |request, value| request.header("authorization", value))
}

/// A challenge answers a client that used the header (RFC 6749 section 5.2), and any client at introspection (RFC 7662
/// section 2.3).
fn wrong_credentials(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let other = OTHER.secret().unwrap();
    let in_the_header: [(&str, &str, &str); 11] = [
        ("an_unknown_client", "nobody", SECRET),
        ("a_wrong_secret", "app", "wrong"),
        ("an_empty_secret", "app", ""),
        ("the_secret_of_another_client", "app", other),
        ("a_secret_cut_by_one", "app", &SECRET[..SECRET.len() - 1]),
        ("a_secret_with_a_space_behind_it", "app", "hD3kq0vX7ZrYc2LmN8sTpW "),
        ("a_client_id_in_another_case", "APP", SECRET),
        ("a_client_id_with_a_space_behind_it", "app ", SECRET),
        ("a_client_registered_for_the_body", "poster", "mZ7uTc3JfW9eXh2SaB4vQy"),
        ("a_public_client_with_a_secret", "spa", "anything"),
        ("a_public_client_with_an_empty_secret", "spa", ""),
    ];
    let in_the_body = [
        ("an_unknown_client", Auth::Post("nobody", SECRET)),
        ("a_wrong_secret", Auth::Post("poster", "wrong")),
        ("an_empty_secret", Auth::Post("poster", "")),
        ("a_client_registered_for_the_header", Auth::Post("app", SECRET)),
        ("a_public_client_with_a_secret", Auth::Post("spa", "anything")),
        ("an_unknown_public_client", Auth::Public("nobody")),
        ("a_client_without_its_secret", Auth::Public("app")),
        ("a_client_for_the_body_without_its_secret", Auth::Public("poster")),
    ];
    let headers = in_the_header.map(|(fault, id, secret)| {
        let name = format!("{fault}_in_the_header_is_challenged_at_{name}");
        case(
            name,
            "RFC 6749 section 3.2.1, RFC 6749 section 5.2, RFC 7591 section 2",
            with(endpoint, &[basic(id, secret).as_bytes()], &[]),
            invalid_client().challenging(),
        )
    });
    let reaction = if endpoint == Introspection { "challenged" } else { "not_challenged" };
    let bodies = in_the_body.map(|(fault, auth)| {
        let name = format!("{fault}_in_the_body_is_{reaction}_at_{name}");
        case(
            name,
            "RFC 6749 section 3.2.1, RFC 6749 section 5.2, RFC 6749 section 2.3, RFC 7591 section 2",
            valid_request(endpoint, auth),
            invalid_client_at(endpoint),
        )
    });
    headers.into_iter().chain(bodies).map(Case::without_the_store).collect()
}

/// A malformed header is refused even when the body has valid credentials.
fn malformed_headers(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let good = basic("app", SECRET);
    let faults: Vec<(&str, Vec<u8>)> = vec![
        ("an_empty_header", Vec::new()),
        ("a_scheme_alone", b"Basic".to_vec()),
        ("credentials_without_a_scheme", good.as_bytes()[6..].to_vec()),
        ("a_scheme_without_a_space", good.replace(' ', "").into_bytes()),
        ("the_credentials_under_another_scheme", good.replace("Basic", "Bearer").into_bytes()),
        ("a_tab_behind_the_scheme", good.replace(' ', "\t").into_bytes()),
        ("bad_base64", b"Basic !!!!".to_vec()),
        ("base64_of_the_url_alphabet", b"Basic YXBwOn4_fn4_".to_vec()),
        ("something_behind_the_credentials", format!("{good} x").into_bytes()),
        ("two_credentials_in_one_line", format!("{good}, {good}").into_bytes()),
        ("a_pair_without_a_colon", basic_of("app").into_bytes()),
        ("a_pair_without_a_client_id", basic_of(":secret").into_bytes()),
        ("a_lone_percent_sign", basic_of("app:%").into_bytes()),
        ("an_escape_of_one_digit", basic_of("app:%4").into_bytes()),
        ("an_escape_that_is_not_hexadecimal", basic_of("app:%zz").into_bytes()),
        ("a_broken_escape_in_the_id", basic_of("%G1:secret").into_bytes()),
        ("an_escape_that_is_not_utf_8", basic_of("app:%ff").into_bytes()),
        ("a_pair_that_is_not_utf_8", basic_of(b"app:\xff").into_bytes()),
        ("an_escaped_nul", basic_of("app:%00").into_bytes()),
        ("a_bearer_token", b"Bearer at_AAAA".to_vec()),
        ("digest_authentication", b"Digest username=\"app\"".to_vec()),
        ("a_header_that_is_not_text", b"Basic \xff\xfe".to_vec()),
    ];
    let ids = [
        ("a_line_feed_in_the_id", basic_of("app%0a:secret")),
        ("an_id_that_is_not_ascii", basic_of("caf\u{e9}:secret")),
        ("an_id_of_256_characters", basic_of(format!("{}:secret", "a".repeat(256)))),
    ];
    let cases = faults.into_iter().enumerate().map(|(index, (fault, header))| {
        let name = format!("{fault}_is_malformed_at_{name}");
        // Every other case also has a client id that would suffice by itself.
        let more: &[_] = if index % 2 == 0 { &[] } else { &[("client_id", "spa")] };
        let answer =
            if fault == "a_pair_without_a_client_id" { malformed_client_id() } else { malformed_authorization() };
        case(name, "RFC 6749 appendix B, RFC 7617 section 2", with(endpoint, &[&header], more), answer)
    });
    let ids = ids.map(|(fault, header)| {
        let name = format!("{fault}_is_malformed_at_{name}");
        case(name, "RFC 6749 appendix A.1", with(endpoint, &[header.as_bytes()], &[]), malformed_client_id())
    });
    cases.chain(ids).map(Case::without_the_store).collect()
}

/// RFC 6749 section 2.3: at most one method in a request.
fn two_ways(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let header = basic("app", SECRET);
    let header = header.as_bytes();
    let (either, its_secret) = (EITHER[0].id(), EITHER[0].secret().unwrap());
    let either_header = basic(either, its_secret);
    let refused: [(&str, &[&[u8]], Form<'_>, Answer); 8] = [
        ("another_client_id_in_the_body", &[header], &[("client_id", "other")], several_authentications()),
        ("the_client_id_in_another_case_in_the_body", &[header], &[("client_id", "App")], several_authentications()),
        ("a_secret_in_the_body_too", &[header], &[("client_secret", SECRET)], several_authentications()),
        (
            "id_and_secret_in_the_body_too",
            &[header],
            &[("client_id", "app"), ("client_secret", SECRET)],
            several_authentications(),
        ),
        (
            "both_methods_of_a_client_that_has_both",
            &[either_header.as_bytes()],
            &[("client_id", either), ("client_secret", its_secret)],
            several_authentications(),
        ),
        ("a_malformed_id_beside_the_header", &[header], &[("client_id", "app\n")], malformed_client_id()),
        ("the_same_header_twice", &[header, header], &[], several_authentications()),
        ("a_good_header_behind_an_empty_one", &[b"", header], &[], several_authentications()),
    ];
    let harmless: [(&str, Form<'_>); 3] = [
        ("the_same_client_id_in_the_body", &[("client_id", "app")]),
        ("an_empty_client_id_in_the_body", &[("client_id", "")]),
        ("an_empty_secret_in_the_body", &[("client_secret", "")]),
    ];
    let refused = refused.into_iter().map(|(fault, headers, more, answer)| {
        let name = format!("{fault}_is_refused_at_{name}");
        case(name, "RFC 6749 section 2.3", with(endpoint, headers, more), answer).without_the_store()
    });
    let harmless = harmless.into_iter().map(|(what, more)| {
        let name = format!("{what}_does_no_harm_at_{name}");
        case(
            name,
            "RFC 6749 section 2.3, RFC 6749 section 3.2",
            with(endpoint, &[header], more),
            valid_answer(endpoint),
        )
        .like_a_valid_one()
    });
    let query = case(
        format!("credentials_in_the_query_string_are_not_read_at_{name}"),
        "RFC 6749 section 2.3.1",
        with(endpoint, &[], &[]).query(&format!("client_id=app&client_secret={SECRET}")),
        answer_without_a_client(endpoint),
    );
    refused.chain(harmless).chain([query.without_the_store()]).collect()
}

fn malformed_ids(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let too_long: &'static str = Box::leak("a".repeat(256).into_boxed_str());
    let ids = [
        ("a_line_feed", "app\n"),
        ("a_delete_character", "app\u{7f}"),
        ("an_accent", "caf\u{e9}"),
        ("a_byte_order_mark", "\u{feff}app"),
        ("256_characters", too_long),
    ];
    let cases = ids.into_iter().map(|(fault, id)| {
        let name = format!("a_client_id_with_{fault}_in_the_body_is_malformed_at_{name}");
        case(name, "RFC 6749 appendix A.1", valid_request(endpoint, Auth::Public(id)), malformed_client_id())
    });
    cases.map(Case::without_the_store).collect()
}

/// RFC 7662 section 2.3: introspection answers 401.
fn answer_without_a_client(endpoint: Endpoint) -> Answer {
    if endpoint == Introspection { invalid_client_at(endpoint) } else { no_client() }
}

fn without_a_client(name: &str, endpoint: Endpoint) -> Case {
    let name = format!("a_request_without_a_client_is_refused_at_{name}");
    case(
        name,
        "RFC 6749 section 3.2.1, RFC 7662 section 2.1",
        valid_request(endpoint, Auth::Missing),
        answer_without_a_client(endpoint),
    )
    .without_the_store()
}

fn registered_methods(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let served = [("the_header", APP), ("the_body", POSTER)].map(|(way, auth)| {
        let name = format!("a_client_registered_for_{way}_is_served_at_{name}");
        case(name, "RFC 7591 section 2", valid_request(endpoint, auth), valid_answer(endpoint)).like_a_valid_one()
    });
    let either = ["the_header", "the_body"].into_iter().zip(EITHER).map(|(way, auth)| {
        let name = format!("a_client_of_both_methods_is_served_by_{way}_at_{name}");
        case(name, "RFC 6749 section 2.3", valid_request(endpoint, auth), valid_answer(endpoint)).like_a_valid_one()
    });
    served.into_iter().chain(either).collect()
}

/// Claude.ai and the MCP SDK differ for one client id; social-auth-core logs in by Basic and refreshes in the body.
fn both_methods_in_one_grant() -> Vec<Case> {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")];
    let [header, body] = EITHER;
    [("the_header_is_refreshed_in_the_body", header, body), ("the_body_is_refreshed_in_the_header", body, header)]
        .into_iter()
        .map(|(what, first, then)| {
            case(format!("a_grant_begun_in_{what}"), "RFC 6749 section 2.3", post(Token, then, &refresh), tokens())
                .given([signed_in("old", first)])
        })
        .collect()
}

/// RFC 9110 section 11.1, RFC 7617: the scheme has no case, and padding does not matter.
fn spellings_of_basic() -> Vec<Case> {
    let padded = basic_of(format!("app:{SECRET}"));
    let unpadded = padded.trim_end_matches('=').to_owned();
    assert_ne!(padded, unpadded, "the pair is of a length that is padded");
    let unencoded = basic_of(format!("other:{}", OTHER.secret().unwrap()));
    let credentials = &padded[6..];
    [
        ("in_lower_case", format!("basic {credentials}")),
        ("in_upper_case", format!("BASIC {credentials}")),
        ("in_mixed_case", format!("bAsIc {credentials}")),
        ("with_two_spaces", format!("Basic  {credentials}")),
        ("without_padding", unpadded),
        // As curl and requests send it: a secret of letters, digits, dash and underscore reads the same either way.
        ("without_form_encoding", unencoded),
    ]
    .into_iter()
    .map(|(how, header)| {
        let request = with(Token, &[header.as_bytes()], &[]);
        case(format!("basic_{how}_is_accepted"), "RFC 9110 section 11.1", request, access_token_for(SCOPE))
    })
    .collect()
}

/// RFC 6749 section 2.3.1 and appendix B.
fn difficult_secrets() -> Vec<Case> {
    let accepted = DIFFICULT.iter().map(|(what, auth)| {
        let name = format!("{what}_is_accepted_when_it_is_encoded");
        case(name, "RFC 6749 section 2.3.1", valid_request(Token, *auth), access_token_for(SCOPE))
    });
    // Characters with a meaning in a form must be encoded.
    let unencoded = case(
        "a_secret_with_plus_and_percent_that_was_not_encoded_is_malformed",
        "RFC 6749 section 2.3.1, RFC 6749 appendix B",
        with(Token, &[basic_of("difficult-2:100%+more").as_bytes()], &[]),
        malformed_authorization(),
    );
    accepted.chain([unencoded.without_the_store()]).collect()
}

/// While a secret is replaced, the old and the new one work, and no other.
fn changed_secrets() -> [Case; 3] {
    [
        case(
            "a_secret_that_is_being_replaced_works",
            "RFC 6749 section 2.3.1",
            valid_request(Token, OLD_SECRET),
            access_token_for(SCOPE),
        ),
        case(
            "a_secret_that_replaces_another_works",
            "RFC 6749 section 2.3.1",
            valid_request(Token, NEW_SECRET),
            access_token_for(SCOPE),
        ),
        case(
            "a_secret_before_the_one_that_is_being_replaced_does_not_work",
            "RFC 6749 section 2.3.1",
            valid_request(Token, Auth::Basic("renewing", "Hs5Fk8Pz3Rw6Tn1Xb4Mc9J")),
            invalid_client().challenging(),
        )
        .without_the_store(),
    ]
}

/// A failed authentication consumes nothing: Go's client tries Basic, then the body, with the same code
/// (pomerium/pomerium#1513).
fn nothing_is_consumed() -> Vec<Case> {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")];
    let ways: [(&str, Auth, Answer); 4] = [
        ("by_the_wrong_method", Auth::Basic("poster", "mZ7uTc3JfW9eXh2SaB4vQy"), invalid_client().challenging()),
        ("with_a_wrong_secret", Auth::Post("poster", "wrong"), invalid_client()),
        ("without_a_secret", Auth::Public("poster"), invalid_client()),
        ("by_nobody", Auth::Missing, no_client()),
    ];
    let refused = ways.into_iter().map(|(how, auth, answer)| {
        case(
            format!("a_refresh_{how}_leaves_the_token_as_it_was"),
            "RFC 6749 section 3.2.1, pomerium/pomerium#1513",
            post(Token, auth, &refresh),
            answer,
        )
        .given([signed_in("old", POSTER)])
        .without_the_store()
        .active(&["{old.access_token}", "{old.refresh_token}"])
    });
    // RFC 6749 section 3.2: a parameter without a value is an omitted one.
    let empty_secret = [("client_id", "spa"), ("client_secret", "")];
    let public = case(
        "an_empty_secret_of_a_public_client_is_an_omitted_one",
        "RFC 6749 section 2.3, RFC 6749 section 3.2",
        post(Token, Auth::Missing, &[&refresh[..], &empty_secret].concat()),
        tokens(),
    )
    .given([signed_in("old", SPA)]);
    let after_a_refusal = case(
        "a_second_try_by_the_right_method_succeeds",
        "pomerium/pomerium#1513",
        HttpRequest::new("POST", Token).header("content-type", "application/x-www-form-urlencoded").body(form(
            &[&refresh[..], &[("client_id", "poster"), ("client_secret", POSTER.secret().unwrap())]].concat(),
        )),
        tokens(),
    )
    .given([signed_in("old", POSTER)])
    .after(post(Token, Auth::Basic("poster", "mZ7uTc3JfW9eXh2SaB4vQy"), &refresh));
    let robot = case(
        "a_client_that_may_only_act_for_itself_does",
        "RFC 6749 section 5.1, RFC 6749 section 4.4",
        valid_request(Token, ROBOT),
        crate::http::answer::ok(serde_json::json!({
            "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": 60, "scope": SCOPE,
        })),
    );
    refused.chain([public, after_a_refusal, robot]).collect()
}
