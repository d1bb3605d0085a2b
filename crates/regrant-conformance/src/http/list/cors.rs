// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_cors {
    ($group:ident) => {
        $group! { cors: a_known_page_may_call_token a_known_page_may_call_revocation
        a_known_page_may_call_device_authorization a_known_page_may_call_jwks a_known_page_may_call_metadata
        a_known_page_may_call_openid_configuration a_foreign_page_may_not_call_token
        a_page_of_another_scheme_may_not_call_token a_page_of_another_port_may_not_call_token
        a_page_of_a_longer_name_may_not_call_token a_page_without_an_origin_of_its_own_may_not_call_token
        a_page_of_the_name_in_upper_case_may_not_call_token no_page_may_call_introspection
        a_preflight_of_two_origins_is_none an_options_request_that_asks_for_nothing_is_no_preflight
        without_cors_there_is_no_permission a_known_page_may_read_tokens a_known_page_may_read_a_revocation
        a_known_page_may_read_a_challenge a_known_page_may_read_a_malformed_request a_known_page_may_read_a_wrong_method
        a_known_page_may_read_that_its_body_is_too_large a_foreign_page_may_not_read_tokens
        a_program_that_is_no_page_is_answered_as_ever no_page_may_read_an_introspection any_page_may_call_token
        any_page_may_read_tokens any_page_may_read_a_cached_document even_then_no_page_may_call_introspection }
    };
}
