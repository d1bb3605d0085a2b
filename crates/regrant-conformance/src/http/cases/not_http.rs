//! Bytes that are not HTTP. The server refuses them in its own words, before regrant sees a request. Nothing may
//! happen, above all where two parsers could read two different requests (RFC 9112 section 11.2).

use crate::http::answer::refused_by_the_server;
use crate::http::case::{Case, case};
use crate::http::clients::APP;
use crate::http::message::{Framing, HttpRequest};
use crate::http::server::signed_in;

const REQUESTS: [(&str, &[u8]); 12] = [
    (
        "two_content_lengths",
        b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 29\r\n\r\n\
          grant_type=client_credentials",
    ),
    ("a_content_length_that_is_no_number", b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n"),
    ("a_negative_content_length", b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n"),
    (
        "a_content_length_with_a_sign",
        b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\ncontent-length: +29\r\n\r\ngrant_type=client_credentials",
    ),
    (
        "an_unknown_transfer_encoding",
        b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\ngrant_type=client_credentials",
    ),
    (
        "a_space_before_the_colon",
        b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\ncontent-length : 29\r\n\r\ngrant_type=client_credentials",
    ),
    ("a_nul_in_a_header", b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\nauthorization: Basic \0\r\n\r\n"),
    ("a_method_of_forbidden_characters", b"PO(ST /oauth2/token HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("an_empty_method", b" /oauth2/token HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("another_protocol", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    ("an_unknown_version", b"POST /oauth2/token HTTP/9.9\r\nhost: a\r\n\r\n"),
    ("a_line_that_is_no_header", b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\nno header\r\n\r\n"),
];

pub(super) fn cases() -> Vec<Case> {
    let cases = REQUESTS.map(|(what, bytes)| {
        let request = HttpRequest::new("POST", regrant::wire::Endpoint::Token).framed(Framing::Raw(bytes));
        case(format!("{what}_reaches_nobody"), "RFC 9112 section 11", request, refused_by_the_server())
            .given([signed_in("old", APP)])
            .without_the_store()
            .active(&["{old.refresh_token}"])
    });
    cases.into()
}
