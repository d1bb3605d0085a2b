// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_not_http {
    ($group:ident) => {
        $group! { not_http: two_content_lengths_reaches_nobody a_content_length_that_is_no_number_reaches_nobody
        a_negative_content_length_reaches_nobody a_content_length_with_a_sign_reaches_nobody
        an_unknown_transfer_encoding_reaches_nobody a_space_before_the_colon_reaches_nobody
        a_nul_in_a_header_reaches_nobody a_method_of_forbidden_characters_reaches_nobody an_empty_method_reaches_nobody
        another_protocol_reaches_nobody an_unknown_version_reaches_nobody a_line_that_is_no_header_reaches_nobody }
    };
}
