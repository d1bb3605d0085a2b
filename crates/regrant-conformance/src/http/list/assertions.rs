// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_assertions {
    ($group:ident) => {
        $group! { assertions: an_assertion_is_accepted_at_token an_assertion_needs_no_client_id_at_token
        an_assertion_of_another_signature_is_refused_at_token an_assertion_without_a_signature_is_refused_at_token
        an_assertion_of_an_unknown_client_is_refused_at_token an_assertion_of_a_client_with_a_secret_is_refused_at_token
        an_assertion_of_a_public_client_is_refused_at_token an_assertion_that_is_no_jwt_is_refused_at_token
        an_assertion_without_a_subject_is_refused_at_token
        an_assertion_of_another_client_than_client_id_is_refused_at_token
        an_assertion_of_another_type_is_refused_at_token an_assertion_without_a_type_is_refused_at_token
        a_type_without_an_assertion_is_refused_at_token an_empty_assertion_is_refused_at_token
        an_assertion_beside_a_secret_is_refused_at_token an_assertion_beside_a_header_is_refused_at_token
        a_second_assertion_beside_the_first_is_refused_at_token its_id_alone_is_refused_at_token
        a_secret_of_a_client_that_has_none_is_refused_at_token
        an_assertion_whose_keys_are_out_of_reach_is_refused_at_token an_assertion_is_good_once_at_token
        an_assertion_is_accepted_at_revocation an_assertion_needs_no_client_id_at_revocation
        an_assertion_of_another_signature_is_refused_at_revocation
        an_assertion_without_a_signature_is_refused_at_revocation
        an_assertion_of_an_unknown_client_is_refused_at_revocation
        an_assertion_of_a_client_with_a_secret_is_refused_at_revocation
        an_assertion_of_a_public_client_is_refused_at_revocation an_assertion_that_is_no_jwt_is_refused_at_revocation
        an_assertion_without_a_subject_is_refused_at_revocation
        an_assertion_of_another_client_than_client_id_is_refused_at_revocation
        an_assertion_of_another_type_is_refused_at_revocation an_assertion_without_a_type_is_refused_at_revocation
        a_type_without_an_assertion_is_refused_at_revocation an_empty_assertion_is_refused_at_revocation
        an_assertion_beside_a_secret_is_refused_at_revocation an_assertion_beside_a_header_is_refused_at_revocation
        a_second_assertion_beside_the_first_is_refused_at_revocation its_id_alone_is_refused_at_revocation
        a_secret_of_a_client_that_has_none_is_refused_at_revocation
        an_assertion_whose_keys_are_out_of_reach_is_refused_at_revocation an_assertion_is_good_once_at_revocation
        an_assertion_is_accepted_at_introspection an_assertion_needs_no_client_id_at_introspection
        an_assertion_of_another_signature_is_refused_at_introspection
        an_assertion_without_a_signature_is_refused_at_introspection
        an_assertion_of_an_unknown_client_is_refused_at_introspection
        an_assertion_of_a_client_with_a_secret_is_refused_at_introspection
        an_assertion_of_a_public_client_is_refused_at_introspection
        an_assertion_that_is_no_jwt_is_refused_at_introspection
        an_assertion_without_a_subject_is_refused_at_introspection
        an_assertion_of_another_client_than_client_id_is_refused_at_introspection
        an_assertion_of_another_type_is_refused_at_introspection an_assertion_without_a_type_is_refused_at_introspection
        a_type_without_an_assertion_is_refused_at_introspection an_empty_assertion_is_refused_at_introspection
        an_assertion_beside_a_secret_is_refused_at_introspection
        an_assertion_beside_a_header_is_refused_at_introspection
        a_second_assertion_beside_the_first_is_refused_at_introspection its_id_alone_is_refused_at_introspection
        a_secret_of_a_client_that_has_none_is_refused_at_introspection
        an_assertion_whose_keys_are_out_of_reach_is_refused_at_introspection an_assertion_is_good_once_at_introspection
        a_second_assertion_is_good_behind_a_bad_one }
    };
}
