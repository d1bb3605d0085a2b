// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_certificates {
    ($group:ident) => {
        $group! { certificates: a_certificate_is_accepted_at_token
        the_certificate_of_a_client_with_a_secret_is_accepted_at_token another_certificate_is_refused_at_token
        no_certificate_is_refused_at_token an_empty_certificate_header_is_refused_at_token
        a_certificate_header_of_garbage_is_refused_at_token a_certificate_header_that_is_no_text_is_refused_at_token
        a_certificate_that_is_no_sequence_is_refused_at_token two_certificates_is_refused_at_token
        a_certificate_behind_another_is_refused_at_token a_certificate_of_an_unknown_client_is_refused_at_token
        a_certificate_is_accepted_at_revocation the_certificate_of_a_client_with_a_secret_is_accepted_at_revocation
        another_certificate_is_refused_at_revocation no_certificate_is_refused_at_revocation
        an_empty_certificate_header_is_refused_at_revocation a_certificate_header_of_garbage_is_refused_at_revocation
        a_certificate_header_that_is_no_text_is_refused_at_revocation
        a_certificate_that_is_no_sequence_is_refused_at_revocation two_certificates_is_refused_at_revocation
        a_certificate_behind_another_is_refused_at_revocation
        a_certificate_of_an_unknown_client_is_refused_at_revocation a_certificate_is_accepted_at_introspection
        the_certificate_of_a_client_with_a_secret_is_accepted_at_introspection
        another_certificate_is_refused_at_introspection no_certificate_is_refused_at_introspection
        an_empty_certificate_header_is_refused_at_introspection
        a_certificate_header_of_garbage_is_refused_at_introspection
        a_certificate_header_that_is_no_text_is_refused_at_introspection
        a_certificate_that_is_no_sequence_is_refused_at_introspection two_certificates_is_refused_at_introspection
        a_certificate_behind_another_is_refused_at_introspection
        a_certificate_of_an_unknown_client_is_refused_at_introspection a_certificate_binds_tokens
        a_request_without_a_certificate_gets_no_tokens a_token_bound_to_a_certificate_tells_it
        a_refresh_with_the_certificate_is_answered a_refresh_with_another_certificate_is_refused
        a_refresh_without_the_certificate_is_refused a_certificate_header_that_nobody_asked_for_is_nothing }
    };
}
