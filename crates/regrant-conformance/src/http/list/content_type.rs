// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_content_type {
    ($group:ident) => {
        $group! { content_type: the_form_type_with_its_charset_is_read_at_token
        the_form_type_with_its_charset_in_lower_case_is_read_at_token
        the_form_type_with_its_charset_quoted_is_read_at_token
        the_form_type_with_its_charset_named_in_upper_case_is_read_at_token the_form_type_in_mixed_case_is_read_at_token
        the_form_type_with_a_semicolon_behind_it_is_read_at_token
        the_form_type_with_a_parameter_that_means_nothing_is_read_at_token a_type_that_is_empty_is_refused_at_token
        a_type_that_is_text_is_refused_at_token a_type_of_plain_text_is_refused_at_token
        a_type_of_html_in_brackets_is_refused_at_token a_type_of_forbidden_characters_is_refused_at_token
        a_type_that_is_a_script_is_refused_at_token a_type_of_json_is_refused_at_token
        a_type_of_multipart_is_refused_at_token a_type_in_latin_1_is_refused_at_token
        a_type_in_utf_16_is_refused_at_token a_type_with_an_empty_charset_is_refused_at_token
        a_type_with_two_charsets_is_refused_at_token a_type_with_a_letter_too_many_is_refused_at_token
        a_type_that_is_two_in_one_is_refused_at_token a_type_with_a_word_before_it_is_refused_at_token
        a_type_with_a_byte_that_is_no_text_is_refused_at_token a_type_that_is_no_text_is_refused_at_token
        no_type_at_all_is_refused_at_token the_type_twice_is_refused_at_token
        another_type_behind_the_right_one_is_refused_at_token a_json_body_with_its_type_is_refused_at_token
        the_form_type_with_its_charset_is_read_at_revocation
        the_form_type_with_its_charset_in_lower_case_is_read_at_revocation
        the_form_type_with_its_charset_quoted_is_read_at_revocation
        the_form_type_with_its_charset_named_in_upper_case_is_read_at_revocation
        the_form_type_in_mixed_case_is_read_at_revocation the_form_type_with_a_semicolon_behind_it_is_read_at_revocation
        the_form_type_with_a_parameter_that_means_nothing_is_read_at_revocation
        a_type_that_is_empty_is_refused_at_revocation a_type_that_is_text_is_refused_at_revocation
        a_type_of_plain_text_is_refused_at_revocation a_type_of_html_in_brackets_is_refused_at_revocation
        a_type_of_forbidden_characters_is_refused_at_revocation a_type_that_is_a_script_is_refused_at_revocation
        a_type_of_json_is_refused_at_revocation a_type_of_multipart_is_refused_at_revocation
        a_type_in_latin_1_is_refused_at_revocation a_type_in_utf_16_is_refused_at_revocation
        a_type_with_an_empty_charset_is_refused_at_revocation a_type_with_two_charsets_is_refused_at_revocation
        a_type_with_a_letter_too_many_is_refused_at_revocation a_type_that_is_two_in_one_is_refused_at_revocation
        a_type_with_a_word_before_it_is_refused_at_revocation
        a_type_with_a_byte_that_is_no_text_is_refused_at_revocation a_type_that_is_no_text_is_refused_at_revocation
        no_type_at_all_is_refused_at_revocation the_type_twice_is_refused_at_revocation
        another_type_behind_the_right_one_is_refused_at_revocation a_json_body_with_its_type_is_refused_at_revocation
        the_form_type_with_its_charset_is_read_at_introspection
        the_form_type_with_its_charset_in_lower_case_is_read_at_introspection
        the_form_type_with_its_charset_quoted_is_read_at_introspection
        the_form_type_with_its_charset_named_in_upper_case_is_read_at_introspection
        the_form_type_in_mixed_case_is_read_at_introspection
        the_form_type_with_a_semicolon_behind_it_is_read_at_introspection
        the_form_type_with_a_parameter_that_means_nothing_is_read_at_introspection
        a_type_that_is_empty_is_refused_at_introspection a_type_that_is_text_is_refused_at_introspection
        a_type_of_plain_text_is_refused_at_introspection a_type_of_html_in_brackets_is_refused_at_introspection
        a_type_of_forbidden_characters_is_refused_at_introspection a_type_that_is_a_script_is_refused_at_introspection
        a_type_of_json_is_refused_at_introspection a_type_of_multipart_is_refused_at_introspection
        a_type_in_latin_1_is_refused_at_introspection a_type_in_utf_16_is_refused_at_introspection
        a_type_with_an_empty_charset_is_refused_at_introspection a_type_with_two_charsets_is_refused_at_introspection
        a_type_with_a_letter_too_many_is_refused_at_introspection a_type_that_is_two_in_one_is_refused_at_introspection
        a_type_with_a_word_before_it_is_refused_at_introspection
        a_type_with_a_byte_that_is_no_text_is_refused_at_introspection
        a_type_that_is_no_text_is_refused_at_introspection no_type_at_all_is_refused_at_introspection
        the_type_twice_is_refused_at_introspection another_type_behind_the_right_one_is_refused_at_introspection
        a_json_body_with_its_type_is_refused_at_introspection }
    };
}
