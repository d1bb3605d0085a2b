//! Only `application/x-www-form-urlencoded` in UTF-8 is read.

use super::{ENDPOINTS, valid_answer, valid_request};
use crate::http::answer::content_type;
use crate::http::case::{Case, case};
use crate::http::clients::APP;

const FORM: &[u8] = b"application/x-www-form-urlencoded";

const ACCEPTED: [(&str, &[u8]); 7] = [
    ("with_its_charset", b"application/x-www-form-urlencoded;charset=UTF-8"),
    ("with_its_charset_in_lower_case", b"application/x-www-form-urlencoded; charset=utf-8"),
    ("with_its_charset_quoted", b"application/x-www-form-urlencoded ; charset=\"UTF-8\""),
    ("with_its_charset_named_in_upper_case", b"application/x-www-form-urlencoded; CHARSET=utf-8"),
    ("in_mixed_case", b"Application/X-WWW-Form-Urlencoded"),
    ("with_a_semicolon_behind_it", b"application/x-www-form-urlencoded;"),
    ("with_a_parameter_that_means_nothing", b"application/x-www-form-urlencoded; boundary=x"),
];

const REFUSED: [(&str, &[u8]); 17] = [
    ("that_is_empty", b""),
    ("that_is_text", b"text"),
    ("of_plain_text", b"text/plain"),
    ("of_html_in_brackets", b"text/[html]"),
    ("of_forbidden_characters", b"invalid/@@##"),
    ("that_is_a_script", b"<script>alert(1)</script>"),
    ("of_json", b"application/json"),
    ("of_multipart", b"multipart/form-data; boundary=x"),
    ("in_latin_1", b"application/x-www-form-urlencoded; charset=ISO-8859-1"),
    ("in_utf_16", b"application/x-www-form-urlencoded; charset=utf-16"),
    ("with_an_empty_charset", b"application/x-www-form-urlencoded; charset="),
    ("with_two_charsets", b"application/x-www-form-urlencoded; charset=utf-8; charset=latin1"),
    ("with_a_letter_too_many", b"application/x-www-form-urlencoded2"),
    ("that_is_two_in_one", b"application/x-www-form-urlencoded, application/json"),
    ("with_a_word_before_it", b"x application/x-www-form-urlencoded"),
    ("with_a_byte_that_is_no_text", b"application/x-www-form-urlencoded\xff"),
    ("that_is_no_text", b"\xff\xfe"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, endpoint) in ENDPOINTS {
        let request = || valid_request(endpoint, APP).without("content-type");
        for (what, value) in ACCEPTED {
            let request = request().header("Content-Type", value);
            let name = format!("the_form_type_{what}_is_read_at_{name}");
            cases.push(case(name, "RFC 6749 appendix B", request, valid_answer(endpoint)).like_a_valid_one());
        }
        let refused = REFUSED.map(|(what, value)| (format!("a_type_{what}"), request().header("content-type", value)));
        let several = [
            ("no_type_at_all".to_owned(), request()),
            ("the_type_twice".to_owned(), request().header("content-type", FORM).header("Content-Type", FORM)),
            (
                "another_type_behind_the_right_one".to_owned(),
                request().header("content-type", FORM).header("content-type", "application/json"),
            ),
            (
                "a_json_body_with_its_type".to_owned(),
                request().header("content-type", "application/json").body(r#"{"grant_type":"client_credentials"}"#),
            ),
        ];
        for (what, request) in refused.into_iter().chain(several) {
            let name = format!("{what}_is_refused_at_{name}");
            cases.push(case(name, "RFC 6749 appendix B", request, content_type()).without_the_store());
        }
    }
    cases
}
