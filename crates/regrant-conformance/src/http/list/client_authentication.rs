// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_client_authentication {
    ($group:ident) => {
        $group! { client_authentication: an_unknown_client_in_the_header_is_challenged_at_token
        a_wrong_secret_in_the_header_is_challenged_at_token an_empty_secret_in_the_header_is_challenged_at_token
        the_secret_of_another_client_in_the_header_is_challenged_at_token
        a_secret_cut_by_one_in_the_header_is_challenged_at_token
        a_secret_with_a_space_behind_it_in_the_header_is_challenged_at_token
        a_client_id_in_another_case_in_the_header_is_challenged_at_token
        a_client_id_with_a_space_behind_it_in_the_header_is_challenged_at_token
        a_client_registered_for_the_body_in_the_header_is_challenged_at_token
        a_public_client_with_a_secret_in_the_header_is_challenged_at_token
        a_public_client_with_an_empty_secret_in_the_header_is_challenged_at_token
        an_unknown_client_in_the_body_is_not_challenged_at_token a_wrong_secret_in_the_body_is_not_challenged_at_token
        an_empty_secret_in_the_body_is_not_challenged_at_token
        a_client_registered_for_the_header_in_the_body_is_not_challenged_at_token
        a_public_client_with_a_secret_in_the_body_is_not_challenged_at_token
        an_unknown_public_client_in_the_body_is_not_challenged_at_token
        a_client_without_its_secret_in_the_body_is_not_challenged_at_token
        a_client_for_the_body_without_its_secret_in_the_body_is_not_challenged_at_token
        an_empty_header_is_malformed_at_token a_scheme_alone_is_malformed_at_token
        credentials_without_a_scheme_is_malformed_at_token a_scheme_without_a_space_is_malformed_at_token
        a_tab_behind_the_scheme_is_malformed_at_token bad_base64_is_malformed_at_token
        base64_of_the_url_alphabet_is_malformed_at_token something_behind_the_credentials_is_malformed_at_token
        two_credentials_in_one_line_is_malformed_at_token a_pair_without_a_colon_is_malformed_at_token
        a_pair_without_a_client_id_is_malformed_at_token a_lone_percent_sign_is_malformed_at_token
        an_escape_of_one_digit_is_malformed_at_token an_escape_that_is_not_hexadecimal_is_malformed_at_token
        a_broken_escape_in_the_id_is_malformed_at_token an_escape_that_is_not_utf_8_is_malformed_at_token
        a_pair_that_is_not_utf_8_is_malformed_at_token an_escaped_nul_is_malformed_at_token
        a_bearer_token_is_malformed_at_token digest_authentication_is_malformed_at_token
        a_header_that_is_not_text_is_malformed_at_token a_line_feed_in_the_id_is_malformed_at_token
        an_id_that_is_not_ascii_is_malformed_at_token an_id_of_256_characters_is_malformed_at_token
        another_client_id_in_the_body_is_refused_at_token the_client_id_in_another_case_in_the_body_is_refused_at_token
        a_secret_in_the_body_too_is_refused_at_token id_and_secret_in_the_body_too_is_refused_at_token
        both_methods_of_a_client_that_has_both_is_refused_at_token a_malformed_id_beside_the_header_is_refused_at_token
        the_same_header_twice_is_refused_at_token a_good_header_behind_an_empty_one_is_refused_at_token
        the_same_client_id_in_the_body_does_no_harm_at_token an_empty_client_id_in_the_body_does_no_harm_at_token
        an_empty_secret_in_the_body_does_no_harm_at_token credentials_in_the_query_string_are_not_read_at_token
        a_client_id_with_a_line_feed_in_the_body_is_malformed_at_token
        a_client_id_with_a_delete_character_in_the_body_is_malformed_at_token
        a_client_id_with_an_accent_in_the_body_is_malformed_at_token
        a_client_id_with_a_byte_order_mark_in_the_body_is_malformed_at_token
        a_client_id_with_256_characters_in_the_body_is_malformed_at_token a_request_without_a_client_is_refused_at_token
        a_client_registered_for_the_header_is_served_at_token a_client_registered_for_the_body_is_served_at_token
        a_client_of_both_methods_is_served_by_the_header_at_token
        a_client_of_both_methods_is_served_by_the_body_at_token
        an_unknown_client_in_the_header_is_challenged_at_revocation
        a_wrong_secret_in_the_header_is_challenged_at_revocation
        an_empty_secret_in_the_header_is_challenged_at_revocation
        the_secret_of_another_client_in_the_header_is_challenged_at_revocation
        a_secret_cut_by_one_in_the_header_is_challenged_at_revocation
        a_secret_with_a_space_behind_it_in_the_header_is_challenged_at_revocation
        a_client_id_in_another_case_in_the_header_is_challenged_at_revocation
        a_client_id_with_a_space_behind_it_in_the_header_is_challenged_at_revocation
        a_client_registered_for_the_body_in_the_header_is_challenged_at_revocation
        a_public_client_with_a_secret_in_the_header_is_challenged_at_revocation
        a_public_client_with_an_empty_secret_in_the_header_is_challenged_at_revocation
        an_unknown_client_in_the_body_is_not_challenged_at_revocation
        a_wrong_secret_in_the_body_is_not_challenged_at_revocation
        an_empty_secret_in_the_body_is_not_challenged_at_revocation
        a_client_registered_for_the_header_in_the_body_is_not_challenged_at_revocation
        a_public_client_with_a_secret_in_the_body_is_not_challenged_at_revocation
        an_unknown_public_client_in_the_body_is_not_challenged_at_revocation
        a_client_without_its_secret_in_the_body_is_not_challenged_at_revocation
        a_client_for_the_body_without_its_secret_in_the_body_is_not_challenged_at_revocation
        an_empty_header_is_malformed_at_revocation a_scheme_alone_is_malformed_at_revocation
        credentials_without_a_scheme_is_malformed_at_revocation a_scheme_without_a_space_is_malformed_at_revocation
        a_tab_behind_the_scheme_is_malformed_at_revocation bad_base64_is_malformed_at_revocation
        base64_of_the_url_alphabet_is_malformed_at_revocation
        something_behind_the_credentials_is_malformed_at_revocation
        two_credentials_in_one_line_is_malformed_at_revocation a_pair_without_a_colon_is_malformed_at_revocation
        a_pair_without_a_client_id_is_malformed_at_revocation a_lone_percent_sign_is_malformed_at_revocation
        an_escape_of_one_digit_is_malformed_at_revocation an_escape_that_is_not_hexadecimal_is_malformed_at_revocation
        a_broken_escape_in_the_id_is_malformed_at_revocation an_escape_that_is_not_utf_8_is_malformed_at_revocation
        a_pair_that_is_not_utf_8_is_malformed_at_revocation an_escaped_nul_is_malformed_at_revocation
        a_bearer_token_is_malformed_at_revocation digest_authentication_is_malformed_at_revocation
        a_header_that_is_not_text_is_malformed_at_revocation a_line_feed_in_the_id_is_malformed_at_revocation
        an_id_that_is_not_ascii_is_malformed_at_revocation an_id_of_256_characters_is_malformed_at_revocation
        another_client_id_in_the_body_is_refused_at_revocation
        the_client_id_in_another_case_in_the_body_is_refused_at_revocation
        a_secret_in_the_body_too_is_refused_at_revocation id_and_secret_in_the_body_too_is_refused_at_revocation
        both_methods_of_a_client_that_has_both_is_refused_at_revocation
        a_malformed_id_beside_the_header_is_refused_at_revocation the_same_header_twice_is_refused_at_revocation
        a_good_header_behind_an_empty_one_is_refused_at_revocation
        the_same_client_id_in_the_body_does_no_harm_at_revocation
        an_empty_client_id_in_the_body_does_no_harm_at_revocation an_empty_secret_in_the_body_does_no_harm_at_revocation
        credentials_in_the_query_string_are_not_read_at_revocation
        a_client_id_with_a_line_feed_in_the_body_is_malformed_at_revocation
        a_client_id_with_a_delete_character_in_the_body_is_malformed_at_revocation
        a_client_id_with_an_accent_in_the_body_is_malformed_at_revocation
        a_client_id_with_a_byte_order_mark_in_the_body_is_malformed_at_revocation
        a_client_id_with_256_characters_in_the_body_is_malformed_at_revocation
        a_request_without_a_client_is_refused_at_revocation a_client_registered_for_the_header_is_served_at_revocation
        a_client_registered_for_the_body_is_served_at_revocation
        a_client_of_both_methods_is_served_by_the_header_at_revocation
        a_client_of_both_methods_is_served_by_the_body_at_revocation
        an_unknown_client_in_the_header_is_challenged_at_introspection
        a_wrong_secret_in_the_header_is_challenged_at_introspection
        an_empty_secret_in_the_header_is_challenged_at_introspection
        the_secret_of_another_client_in_the_header_is_challenged_at_introspection
        a_secret_cut_by_one_in_the_header_is_challenged_at_introspection
        a_secret_with_a_space_behind_it_in_the_header_is_challenged_at_introspection
        a_client_id_in_another_case_in_the_header_is_challenged_at_introspection
        a_client_id_with_a_space_behind_it_in_the_header_is_challenged_at_introspection
        a_client_registered_for_the_body_in_the_header_is_challenged_at_introspection
        a_public_client_with_a_secret_in_the_header_is_challenged_at_introspection
        a_public_client_with_an_empty_secret_in_the_header_is_challenged_at_introspection
        an_unknown_client_in_the_body_is_challenged_at_introspection
        a_wrong_secret_in_the_body_is_challenged_at_introspection
        an_empty_secret_in_the_body_is_challenged_at_introspection
        a_client_registered_for_the_header_in_the_body_is_challenged_at_introspection
        a_public_client_with_a_secret_in_the_body_is_challenged_at_introspection
        an_unknown_public_client_in_the_body_is_challenged_at_introspection
        a_client_without_its_secret_in_the_body_is_challenged_at_introspection
        a_client_for_the_body_without_its_secret_in_the_body_is_challenged_at_introspection
        an_empty_header_is_malformed_at_introspection a_scheme_alone_is_malformed_at_introspection
        credentials_without_a_scheme_is_malformed_at_introspection
        a_scheme_without_a_space_is_malformed_at_introspection a_tab_behind_the_scheme_is_malformed_at_introspection
        bad_base64_is_malformed_at_introspection base64_of_the_url_alphabet_is_malformed_at_introspection
        something_behind_the_credentials_is_malformed_at_introspection
        two_credentials_in_one_line_is_malformed_at_introspection a_pair_without_a_colon_is_malformed_at_introspection
        a_pair_without_a_client_id_is_malformed_at_introspection a_lone_percent_sign_is_malformed_at_introspection
        an_escape_of_one_digit_is_malformed_at_introspection
        an_escape_that_is_not_hexadecimal_is_malformed_at_introspection
        a_broken_escape_in_the_id_is_malformed_at_introspection
        an_escape_that_is_not_utf_8_is_malformed_at_introspection a_pair_that_is_not_utf_8_is_malformed_at_introspection
        an_escaped_nul_is_malformed_at_introspection a_bearer_token_is_malformed_at_introspection
        digest_authentication_is_malformed_at_introspection a_header_that_is_not_text_is_malformed_at_introspection
        a_line_feed_in_the_id_is_malformed_at_introspection an_id_that_is_not_ascii_is_malformed_at_introspection
        an_id_of_256_characters_is_malformed_at_introspection another_client_id_in_the_body_is_refused_at_introspection
        the_client_id_in_another_case_in_the_body_is_refused_at_introspection
        a_secret_in_the_body_too_is_refused_at_introspection id_and_secret_in_the_body_too_is_refused_at_introspection
        both_methods_of_a_client_that_has_both_is_refused_at_introspection
        a_malformed_id_beside_the_header_is_refused_at_introspection the_same_header_twice_is_refused_at_introspection
        a_good_header_behind_an_empty_one_is_refused_at_introspection
        the_same_client_id_in_the_body_does_no_harm_at_introspection
        an_empty_client_id_in_the_body_does_no_harm_at_introspection
        an_empty_secret_in_the_body_does_no_harm_at_introspection
        credentials_in_the_query_string_are_not_read_at_introspection
        a_client_id_with_a_line_feed_in_the_body_is_malformed_at_introspection
        a_client_id_with_a_delete_character_in_the_body_is_malformed_at_introspection
        a_client_id_with_an_accent_in_the_body_is_malformed_at_introspection
        a_client_id_with_a_byte_order_mark_in_the_body_is_malformed_at_introspection
        a_client_id_with_256_characters_in_the_body_is_malformed_at_introspection
        a_request_without_a_client_is_refused_at_introspection
        a_client_registered_for_the_header_is_served_at_introspection
        a_client_registered_for_the_body_is_served_at_introspection
        a_client_of_both_methods_is_served_by_the_header_at_introspection
        a_client_of_both_methods_is_served_by_the_body_at_introspection basic_in_lower_case_is_accepted
        basic_in_upper_case_is_accepted basic_in_mixed_case_is_accepted basic_with_two_spaces_is_accepted
        basic_without_padding_is_accepted basic_without_form_encoding_is_accepted
        a_secret_with_a_space_is_accepted_when_it_is_encoded
        a_secret_with_percent_and_plus_is_accepted_when_it_is_encoded
        a_secret_like_a_form_is_accepted_when_it_is_encoded a_secret_with_colons_is_accepted_when_it_is_encoded
        a_secret_that_is_not_ascii_is_accepted_when_it_is_encoded an_id_that_is_a_url_is_accepted_when_it_is_encoded
        an_id_with_a_colon_is_accepted_when_it_is_encoded
        a_secret_with_plus_and_percent_that_was_not_encoded_is_malformed a_secret_that_is_being_replaced_works
        a_secret_that_replaces_another_works a_secret_before_the_one_that_is_being_replaced_does_not_work
        a_refresh_by_the_wrong_method_leaves_the_token_as_it_was
        a_refresh_with_a_wrong_secret_leaves_the_token_as_it_was a_refresh_without_a_secret_leaves_the_token_as_it_was
        a_refresh_by_nobody_leaves_the_token_as_it_was an_empty_secret_of_a_public_client_is_an_omitted_one
        a_second_try_by_the_right_method_succeeds a_client_that_may_only_act_for_itself_does
        a_grant_begun_in_the_header_is_refreshed_in_the_body a_grant_begun_in_the_body_is_refreshed_in_the_header }
    };
}
