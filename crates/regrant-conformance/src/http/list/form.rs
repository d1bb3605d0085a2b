// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_form {
    ($group:ident) => {
        $group! { form: the_same_grant_type_again_in_a_refresh_is_refused
        another_grant_type_again_in_a_refresh_is_refused the_same_refresh_token_again_in_a_refresh_is_refused
        another_refresh_token_again_in_a_refresh_is_refused the_same_scope_again_in_a_refresh_is_refused
        another_scope_again_in_a_refresh_is_refused the_same_client_id_again_in_a_refresh_is_refused
        another_client_id_again_in_a_refresh_is_refused the_same_grant_type_again_in_a_redemption_is_refused
        another_grant_type_again_in_a_redemption_is_refused the_same_code_again_in_a_redemption_is_refused
        another_code_again_in_a_redemption_is_refused the_same_redirect_uri_again_in_a_redemption_is_refused
        another_redirect_uri_again_in_a_redemption_is_refused the_same_code_verifier_again_in_a_redemption_is_refused
        another_code_verifier_again_in_a_redemption_is_refused the_same_client_id_again_in_a_redemption_is_refused
        another_client_id_again_in_a_redemption_is_refused the_same_grant_type_again_in_a_password_request_is_refused
        another_grant_type_again_in_a_password_request_is_refused
        the_same_username_again_in_a_password_request_is_refused another_username_again_in_a_password_request_is_refused
        the_same_password_again_in_a_password_request_is_refused another_password_again_in_a_password_request_is_refused
        the_same_client_id_again_in_a_password_request_is_refused
        another_client_id_again_in_a_password_request_is_refused
        the_same_grant_type_again_in_a_client_credentials_request_is_refused
        another_grant_type_again_in_a_client_credentials_request_is_refused
        the_same_foo_again_in_a_client_credentials_request_is_refused
        another_foo_again_in_a_client_credentials_request_is_refused
        the_same_client_id_again_in_a_client_credentials_request_is_refused
        another_client_id_again_in_a_client_credentials_request_is_refused
        the_same_client_secret_again_in_a_client_credentials_request_is_refused
        another_client_secret_again_in_a_client_credentials_request_is_refused
        the_same_token_again_in_a_revocation_is_refused another_token_again_in_a_revocation_is_refused
        the_same_token_type_hint_again_in_a_revocation_is_refused
        another_token_type_hint_again_in_a_revocation_is_refused the_same_client_id_again_in_a_revocation_is_refused
        another_client_id_again_in_a_revocation_is_refused the_same_token_again_in_a_introspection_is_refused
        another_token_again_in_a_introspection_is_refused the_same_token_type_hint_again_in_a_introspection_is_refused
        another_token_type_hint_again_in_a_introspection_is_refused
        the_same_client_id_again_in_a_introspection_is_refused another_client_id_again_in_a_introspection_is_refused
        the_same_client_secret_again_in_a_introspection_is_refused
        another_client_secret_again_in_a_introspection_is_refused
        the_same_x_again_in_a_refresh_with_an_unknown_parameter_is_refused
        another_x_again_in_a_refresh_with_an_unknown_parameter_is_refused
        an_empty_scope_before_the_scope_is_a_repetition a_scope_without_a_value_behind_the_scope_is_a_repetition
        a_scope_with_an_escaped_name_is_a_repetition a_refresh_token_with_an_escaped_name_is_a_repetition
        an_empty_name_twice_is_a_repetition resource_and_audience_may_repeat no_grant_type_at_token_is_a_missing_one
        an_empty_grant_type_at_token_is_a_missing_one no_code_at_token_is_a_missing_one
        an_empty_code_at_token_is_a_missing_one no_refresh_token_at_token_is_a_missing_one
        an_empty_refresh_token_at_token_is_a_missing_one no_username_at_token_is_a_missing_one
        an_empty_username_at_token_is_a_missing_one no_password_at_token_is_a_missing_one
        an_empty_password_at_token_is_a_missing_one no_token_at_revocation_is_a_missing_one
        an_empty_token_at_revocation_is_a_missing_one no_token_at_introspection_is_a_missing_one
        an_empty_token_at_introspection_is_a_missing_one an_empty_body_at_token_lacks_everything
        an_empty_body_at_revocation_lacks_everything an_empty_body_at_introspection_lacks_everything
        the_grant_type_implicit_is_unsupported the_grant_type_an_unknown_word_is_unsupported
        the_grant_type_an_unknown_urn_is_unsupported the_grant_type_the_right_word_in_upper_case_is_unsupported
        the_grant_type_the_right_word_with_a_space_is_unsupported the_grant_type_two_words_is_unsupported
        the_grant_type_saml_is_unsupported unknown_parameters_are_ignored_at_token
        unknown_parameters_are_ignored_at_revocation unknown_parameters_are_ignored_at_introspection
        a_lone_percent_sign_is_refused_at_token an_escape_of_one_digit_is_refused_at_token
        an_escape_that_is_not_hexadecimal_is_refused_at_token an_escape_with_a_sign_is_refused_at_token
        an_escape_of_javascript_is_refused_at_token a_byte_that_is_not_utf_8_is_refused_at_token
        an_escape_that_is_not_utf_8_is_refused_at_token an_overlong_escape_is_refused_at_token
        an_escaped_surrogate_is_refused_at_token a_character_cut_short_is_refused_at_token
        an_escaped_nul_is_refused_at_token a_nul_is_refused_at_token a_broken_name_is_refused_at_token
        a_broken_hint_is_refused_at_token a_byte_order_mark_is_refused_at_token
        a_byte_order_mark_before_an_option_is_refused_at_token a_body_in_utf_16_is_refused_at_token
        a_form_with_separators_around_it_is_read_at_token a_form_with_an_empty_pair_is_read_at_token
        a_form_with_a_name_without_a_value_is_read_at_token a_form_with_equals_signs_in_a_value_is_read_at_token
        a_body_of_separators_alone_lacks_everything_at_token a_body_of_equals_signs_alone_lacks_everything_at_token
        a_body_of_json_lacks_everything_at_token a_lone_percent_sign_is_refused_at_revocation
        an_escape_of_one_digit_is_refused_at_revocation an_escape_that_is_not_hexadecimal_is_refused_at_revocation
        an_escape_with_a_sign_is_refused_at_revocation an_escape_of_javascript_is_refused_at_revocation
        a_byte_that_is_not_utf_8_is_refused_at_revocation an_escape_that_is_not_utf_8_is_refused_at_revocation
        an_overlong_escape_is_refused_at_revocation an_escaped_surrogate_is_refused_at_revocation
        a_character_cut_short_is_refused_at_revocation an_escaped_nul_is_refused_at_revocation
        a_nul_is_refused_at_revocation a_broken_name_is_refused_at_revocation a_broken_hint_is_refused_at_revocation
        a_byte_order_mark_is_refused_at_revocation a_byte_order_mark_before_an_option_is_refused_at_revocation
        a_body_in_utf_16_is_refused_at_revocation a_form_with_separators_around_it_is_read_at_revocation
        a_form_with_an_empty_pair_is_read_at_revocation a_form_with_a_name_without_a_value_is_read_at_revocation
        a_form_with_equals_signs_in_a_value_is_read_at_revocation
        a_body_of_separators_alone_lacks_everything_at_revocation
        a_body_of_equals_signs_alone_lacks_everything_at_revocation a_body_of_json_lacks_everything_at_revocation
        a_lone_percent_sign_is_refused_at_introspection an_escape_of_one_digit_is_refused_at_introspection
        an_escape_that_is_not_hexadecimal_is_refused_at_introspection an_escape_with_a_sign_is_refused_at_introspection
        an_escape_of_javascript_is_refused_at_introspection a_byte_that_is_not_utf_8_is_refused_at_introspection
        an_escape_that_is_not_utf_8_is_refused_at_introspection an_overlong_escape_is_refused_at_introspection
        an_escaped_surrogate_is_refused_at_introspection a_character_cut_short_is_refused_at_introspection
        an_escaped_nul_is_refused_at_introspection a_nul_is_refused_at_introspection
        a_broken_name_is_refused_at_introspection a_broken_hint_is_refused_at_introspection
        a_byte_order_mark_is_refused_at_introspection a_byte_order_mark_before_an_option_is_refused_at_introspection
        a_body_in_utf_16_is_refused_at_introspection a_form_with_separators_around_it_is_read_at_introspection
        a_form_with_an_empty_pair_is_read_at_introspection a_form_with_a_name_without_a_value_is_read_at_introspection
        a_form_with_equals_signs_in_a_value_is_read_at_introspection
        a_body_of_separators_alone_lacks_everything_at_introspection
        a_body_of_equals_signs_alone_lacks_everything_at_introspection a_body_of_json_lacks_everything_at_introspection
        a_plus_separates_two_scopes an_escaped_space_separates_two_scopes an_escaped_plus_is_part_of_one_scope
        sixty_four_parameters_are_read sixty_five_parameters_are_too_many five_thousand_parameters_are_too_many
        a_token_of_sixty_thousand_characters_is_garbage a_password_request_gives_tokens }
    };
}
