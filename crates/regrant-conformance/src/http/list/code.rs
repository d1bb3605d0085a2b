// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_code {
    ($group:ident) => {
        $group! { code: a_redemption_without_a_verifier_by_a_header_client_is_refused
        a_redemption_with_an_empty_verifier_by_a_header_client_is_refused
        a_redemption_with_a_wrong_verifier_by_a_header_client_is_refused
        a_redemption_with_the_verifier_in_another_case_by_a_header_client_is_refused
        a_redemption_with_a_verifier_of_42_characters_by_a_header_client_is_refused
        a_redemption_with_a_verifier_of_129_characters_by_a_header_client_is_refused
        a_redemption_with_padding_behind_the_verifier_by_a_header_client_is_refused
        a_redemption_with_a_space_behind_the_verifier_by_a_header_client_is_refused
        a_redemption_with_a_verifier_that_is_not_ascii_by_a_header_client_is_refused
        a_redemption_with_the_challenge_as_verifier_by_a_header_client_is_refused
        a_redemption_with_the_longest_verifier_by_a_header_client_is_refused
        a_refused_redemption_by_a_header_client_leaves_the_code_good
        a_redemption_without_a_verifier_by_a_body_client_is_refused
        a_redemption_with_an_empty_verifier_by_a_body_client_is_refused
        a_redemption_with_a_wrong_verifier_by_a_body_client_is_refused
        a_redemption_with_the_verifier_in_another_case_by_a_body_client_is_refused
        a_redemption_with_a_verifier_of_42_characters_by_a_body_client_is_refused
        a_redemption_with_a_verifier_of_129_characters_by_a_body_client_is_refused
        a_redemption_with_padding_behind_the_verifier_by_a_body_client_is_refused
        a_redemption_with_a_space_behind_the_verifier_by_a_body_client_is_refused
        a_redemption_with_a_verifier_that_is_not_ascii_by_a_body_client_is_refused
        a_redemption_with_the_challenge_as_verifier_by_a_body_client_is_refused
        a_redemption_with_the_longest_verifier_by_a_body_client_is_refused
        a_refused_redemption_by_a_body_client_leaves_the_code_good
        a_redemption_without_a_verifier_by_a_public_client_is_refused
        a_redemption_with_an_empty_verifier_by_a_public_client_is_refused
        a_redemption_with_a_wrong_verifier_by_a_public_client_is_refused
        a_redemption_with_the_verifier_in_another_case_by_a_public_client_is_refused
        a_redemption_with_a_verifier_of_42_characters_by_a_public_client_is_refused
        a_redemption_with_a_verifier_of_129_characters_by_a_public_client_is_refused
        a_redemption_with_padding_behind_the_verifier_by_a_public_client_is_refused
        a_redemption_with_a_space_behind_the_verifier_by_a_public_client_is_refused
        a_redemption_with_a_verifier_that_is_not_ascii_by_a_public_client_is_refused
        a_redemption_with_the_challenge_as_verifier_by_a_public_client_is_refused
        a_redemption_with_the_longest_verifier_by_a_public_client_is_refused
        a_refused_redemption_by_a_public_client_leaves_the_code_good a_good_verifier_without_a_challenge_is_a_downgrade
        the_longest_verifier_without_a_challenge_is_a_downgrade a_short_verifier_without_a_challenge_is_a_downgrade
        a_strange_verifier_without_a_challenge_is_a_downgrade an_empty_verifier_without_a_challenge_is_an_omitted_one
        a_redemption_without_the_redirect_uri_is_refused a_redemption_with_an_empty_redirect_uri_is_refused
        a_redemption_with_another_redirect_uri_is_refused a_redemption_with_a_slash_behind_the_redirect_uri_is_refused
        a_redemption_with_the_host_in_upper_case_is_refused a_redemption_with_the_port_spelled_out_is_refused
        a_redemption_with_a_redirect_uri_that_is_none_is_refused a_code_of_a_request_without_redirect_uri_needs_none
        a_code_used_twice_by_a_confidential_client_ends_what_it_gave
        a_code_used_twice_by_a_public_client_ends_what_it_gave
        a_second_use_of_a_code_without_its_redirect_uri_ends_nothing
        a_second_use_of_a_code_with_another_redirect_uri_ends_nothing
        a_second_use_of_a_code_without_its_verifier_ends_nothing
        a_second_use_of_a_code_with_a_wrong_verifier_ends_nothing a_second_use_of_a_code_by_another_client_ends_nothing
        a_second_use_of_a_code_by_a_public_client_ends_nothing a_second_use_of_a_code_with_a_wrong_secret_ends_nothing
        a_code_is_good_in_its_last_second a_code_is_no_longer_good_at_its_end nobody_redeems_nothing
        a_confidential_client_without_its_secret_redeems_nothing a_wrong_secret_redeems_nothing }
    };
}
