//! Below the form: framing and size of bodies, and the independence of requests on one connection.

use regrant::wire::Cors;
use regrant::wire::Endpoint::{self, Introspection, Metadata, Revocation, Token};

use super::{ENDPOINTS, cors, metadata, valid, valid_answer, valid_request};
use crate::http::answer::{
    Answer, access_token_for, inactive, incomplete, missing, no_client, not_utf_8, revoked, several_authentications,
    tokens, too_large,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, SCOPE, SPA, basic, post};
use crate::http::message::{Framing, HttpRequest};
use crate::http::server::{Given, signed_in};
use crate::http::variables::form;

/// The limit of `Endpoints`, unless the host sets another one.
const LIMIT: usize = 64 * 1024;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, endpoint) in ENDPOINTS {
        cases.extend(framings(name, endpoint));
        cases.extend(limits(name, endpoint));
        cases.extend(headers(name, endpoint));
    }
    cases.extend(own_limits());
    cases.extend(broken_refreshes());
    cases.extend(one_connection());
    cases
}

fn framings(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let whole = form(valid(endpoint)).len();
    let valid = |framing| valid_request(endpoint, APP).framed(framing);
    let read = [
        ("a_body_in_one_chunk", Framing::Chunked(1024)),
        ("a_body_in_chunks_of_one_byte", Framing::Chunked(1)),
        ("a_body_of_a_few_bytes_at_a_time", Framing::Dribbled),
    ]
    .map(|(what, framing)| {
        case(format!("{what}_is_read_at_{name}"), "RFC 9112 section 7", valid(framing), valid_answer(endpoint))
            .like_a_valid_one()
    });
    let lacking = missing(if endpoint == Token { "grant_type" } else { "token" });
    let refused: [(&str, Framing, Answer); 4] = [
        ("a_body_shorter_than_announced", Framing::Announced(whole + 1), incomplete()),
        ("a_body_shorter_than_a_great_announcement", Framing::Announced(LIMIT * 100), incomplete()),
        ("a_body_of_chunks_without_the_last_one", Framing::Broken(8), incomplete()),
        ("a_body_that_nothing_announces", Framing::Untold, lacking),
    ];
    let refused = refused.map(|(what, framing, answer)| {
        case(format!("{what}_is_refused_at_{name}"), "RFC 9110 section 15.5.14", valid(framing), answer)
            .without_the_store()
    });
    read.into_iter().chain(refused).collect()
}

fn limits(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let of_length = |length: usize| {
        let valid = form(valid(endpoint));
        let padding = "a".repeat(length - valid.len() - "&x=".len());
        valid_request(endpoint, APP).body(format!("{valid}&x={padding}"))
    };
    let chunked = |length| of_length(length).framed(Framing::Chunked(4096));
    let at_the_limit = [("an_announced", of_length(LIMIT)), ("a_chunked", chunked(LIMIT))].map(|(how, request)| {
        case(
            format!("{how}_body_at_the_limit_is_read_at_{name}"),
            "RFC 9110 section 15.5.14",
            request,
            valid_answer(endpoint),
        )
        .like_a_valid_one()
    });
    let above = [
        ("an_announced_body_one_byte_above_the_limit", of_length(LIMIT + 1)),
        ("a_chunked_body_one_byte_above_the_limit", chunked(LIMIT + 1)),
        ("a_body_of_twice_the_limit", of_length(LIMIT * 2)),
    ];
    let above = above.map(|(what, request)| {
        case(format!("{what}_is_too_large_at_{name}"), "RFC 9110 section 15.5.14", request, too_large())
            .without_the_store()
    });
    at_the_limit.into_iter().chain(above).collect()
}

fn headers(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let good = basic(APP.id(), APP.secret().unwrap_or_default());
    let bare = || valid_request(endpoint, APP).without("authorization");
    let read: [(&str, HttpRequest); 7] = [
        ("a_header_name_in_upper_case", bare().header("AUTHORIZATION", &good)),
        ("a_header_value_in_white_space", bare().header("authorization", format!("  {good} \t"))),
        ("a_client_that_waits_to_go_on", valid_request(endpoint, APP).header("expect", "100-continue")),
        ("a_method_in_a_header", valid_request(endpoint, APP).header("x-http-method-override", "PUT")),
        ("a_cookie_and_an_origin", valid_request(endpoint, APP).header("cookie", "a=b").header("origin", "null")),
        ("a_header_that_is_no_text", valid_request(endpoint, APP).header("x-anything", b"\xff\xfe")),
        (
            "a_query_string",
            valid_request(endpoint, APP).query("grant_type=password&token=x&client_id=spa&client_id=other"),
        ),
    ];
    let read = read.map(|(what, request)| {
        case(format!("{what}_makes_no_difference_at_{name}"), "RFC 9110", request, valid_answer(endpoint))
            .like_a_valid_one()
    });
    let accepts = [("html", "text/html"), ("no_json", "application/json;q=0"), ("anything", "*/*")];
    let accepting = accepts.map(|(what, accept)| {
        let request = valid_request(endpoint, APP).header("accept", accept);
        let name = format!("the_answer_is_json_for_who_accepts_{what}_at_{name}");
        case(name, "RFC 6749 section 5.1", request, valid_answer(endpoint)).like_a_valid_one()
    });
    // The length of a compressed answer tells of a token in it.
    let compressed = valid_request(endpoint, APP).header("accept-encoding", "gzip, br;q=1.0, deflate, zstd");
    let name_of_case = format!("the_answer_is_not_compressed_for_who_accepts_that_at_{name}");
    let uncompressed =
        case(name_of_case, "RFC 9110 section 12.5.3", compressed, valid_answer(endpoint)).like_a_valid_one();
    // A body that is inflated before regrant sees it may be larger than the limit.
    let inflated = valid_request(endpoint, APP).header("content-encoding", "gzip").body(gzip(&form(valid(endpoint))));
    let inflated =
        case(format!("a_compressed_body_is_not_inflated_at_{name}"), "RFC 9110 section 8.4", inflated, not_utf_8());
    let twice = case(
        format!("two_authorization_lines_in_different_case_are_two_at_{name}"),
        "RFC 6749 section 2.3",
        valid_request(endpoint, APP).header("AUTHORIZATION", &good),
        several_authentications(),
    );
    let refused = [twice, inflated].map(Case::without_the_store);
    read.into_iter().chain(accepting).chain([uncompressed]).chain(refused).collect()
}

/// Returns a gzip file (RFC 1952) that holds `text` as it is. Its second byte is no UTF-8.
fn gzip(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let crc = !text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // RFC 1951 section 3.2.4: one last block, not compressed.
    let block = [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), text.as_bytes()].concat();
    [&head[..], &block, &crc.to_le_bytes(), &u32::from(length).to_le_bytes()].concat()
}

/// The host sets the limit. The adapter has none of its own, above or below it.
fn own_limits() -> [Case; 3] {
    let padded = |length: usize| {
        let body = form(valid(Revocation));
        let padding = "a".repeat(length - body.len() - "&x=".len());
        valid_request(Revocation, APP).body(format!("{body}&x={padding}"))
    };
    let large = case("a_limit_of_4_mib_is_the_hosts_to_set", "RFC 9110 section 15.5.14", padded(3 << 20), revoked());
    let small = case("a_limit_of_32_bytes_is_the_hosts_to_set", "RFC 9110 section 15.5.14", padded(32), revoked());
    let above = case("a_byte_above_a_limit_of_32_is_too_large", "RFC 9110 section 15.5.14", padded(33), too_large());
    [
        large.with_endpoints(|endpoints| endpoints.with_body_limit(4 << 20)).without_the_store(),
        small.with_endpoints(|endpoints| endpoints.with_body_limit(32)).without_the_store(),
        above.with_endpoints(|endpoints| endpoints.with_body_limit(32)).without_the_store(),
    ]
}

/// A truncated body whose beginning is a valid request: a narrowing parameter behind it would be lost.
fn broken_refreshes() -> Vec<Case> {
    let refresh = |framing| {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")];
        post(Token, SPA, &parameters).framed(framing)
    };
    [("an_announced", Framing::Announced(1000)), ("a_chunked", Framing::Broken(1000))]
        .into_iter()
        .map(|(how, framing)| {
            let name = format!("{how}_refresh_that_breaks_off_consumes_nothing");
            case(name, "RFC 9110 section 15.5.14", refresh(framing), incomplete())
                .given([signed_in("old", SPA)])
                .without_the_store()
                .active(&["{old.refresh_token}"])
        })
        .collect()
}

fn one_connection() -> Vec<Case> {
    let introspect = || post(Introspection, APP, &[("token", "{old.access_token}")]);
    let revoke = || post(Revocation, APP, &[("token", "{old.refresh_token}")]);
    let given = || -> [Given; 1] { [signed_in("old", APP)] };
    let issue = || valid_request(Token, APP);
    vec![
        case("an_introspection_behind_a_revocation_sees_it", "RFC 7009 section 2.1", introspect(), inactive())
            .given(given())
            .after(introspect())
            .after(revoke())
            .writing(),
        case("a_second_issue_gives_another_token", "RFC 6749 section 5.1", issue(), access_token_for(SCOPE))
            .after(issue()),
        case("a_request_behind_a_refused_one_is_served", "RFC 9112 section 9.3", issue(), access_token_for(SCOPE))
            .after(valid_request(Token, APP).without("content-type")),
        case(
            "a_request_behind_one_of_another_method_is_served",
            "RFC 9112 section 9.3",
            issue(),
            access_token_for(SCOPE),
        )
        .after(valid_request(Token, APP).method("PUT")),
        case(
            "a_client_is_not_remembered_by_its_connection",
            "RFC 6749 section 3.2.1",
            valid_request(Token, Auth::Missing),
            no_client(),
        )
        .after(issue())
        .writing(),
        case(
            "a_refresh_behind_a_refresh_is_another_one",
            "RFC 6749 section 6",
            post(Token, APP, &[("grant_type", "password"), ("username", "demo"), ("password", "Ch4ngeItNow-pw")]),
            tokens(),
        )
        .after(post(Token, APP, &[("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")]))
        .given(given()),
        // Content behind an answer that must have none would be taken for the next answer.
        case(
            "a_request_behind_a_head_is_answered",
            "RFC 9110 section 9.3.2",
            HttpRequest::new("GET", Metadata),
            metadata::document(),
        )
        .after(HttpRequest::new("HEAD", Metadata))
        .without_the_store(),
        case("a_request_behind_a_refused_head_is_served", "RFC 9110 section 9.3.2", issue(), access_token_for(SCOPE))
            .after(valid_request(Token, APP).method("HEAD").body("")),
        case(
            "a_request_behind_a_preflight_is_served",
            "RFC 9110 section 15.3.5",
            issue(),
            cors::varying(access_token_for(SCOPE)),
        )
        .after(cors::preflight(Token, cors::PAGE))
        .with_endpoints(|endpoints| endpoints.with_cors(Cors::origins([cors::PAGE]).unwrap())),
    ]
}
