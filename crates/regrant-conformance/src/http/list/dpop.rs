// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_dpop {
    ($group:ident) => {
        $group! { dpop: a_client_of_the_header_that_shows_a_key_gets_bound_tokens
        a_client_of_the_header_that_shows_none_gets_bearer_tokens
        a_client_of_the_body_that_shows_a_key_gets_bound_tokens a_client_of_the_body_that_shows_none_gets_bearer_tokens
        a_public_client_that_shows_a_key_gets_bound_tokens a_public_client_that_shows_none_gets_bearer_tokens
        a_refresh_with_garbage_consumes_nothing a_refresh_with_an_empty_one_consumes_nothing
        a_refresh_with_one_of_another_method_consumes_nothing a_refresh_with_one_of_another_path_consumes_nothing
        a_refresh_with_one_of_another_host_consumes_nothing a_refresh_with_one_used_before_consumes_nothing
        a_refresh_with_two_consumes_nothing a_refresh_with_the_same_one_twice_consumes_nothing
        a_refresh_with_one_that_is_no_text_consumes_nothing
        a_refresh_with_one_that_cannot_be_verified_now_consumes_nothing a_public_client_refreshes_with_its_key
        a_public_client_does_not_refresh_with_another_key a_public_client_does_not_refresh_without_its_key
        a_repeated_refresh_needs_the_key_too a_repeated_refresh_with_another_key_is_refused
        a_repeated_refresh_with_the_key_gives_the_same_tokens a_spent_token_without_the_key_ends_nothing
        a_spent_token_with_the_key_is_reuse a_public_client_may_begin_to_show_a_key
        a_thiefs_key_does_not_hide_the_owners_token_that_is_spent a_thiefs_key_is_found_out_within_grace_too
        a_thiefs_key_shown_in_a_replay_binds_nothing a_thiefs_key_does_not_hide_the_second_use_of_a_code
        a_confidential_client_may_change_its_key a_confidential_client_may_stop_showing_a_key
        another_client_with_the_right_key_is_refused another_client_with_a_bad_proof_is_refused_as_ever
        a_client_acting_for_itself_gets_a_bound_token a_bound_token_tells_its_key an_introspection_reads_no_proof
        a_revocation_reads_no_proof a_proof_names_the_path_that_was_asked
        a_proof_of_the_default_path_is_not_one_of_another a_query_is_no_part_of_what_a_proof_names
        the_host_header_is_no_part_of_what_a_proof_names a_code_redeemed_with_a_key_gives_bound_tokens
        a_redemption_with_a_bad_proof_is_refused a_code_is_good_behind_a_bad_proof
        a_proof_without_a_nonce_is_told_the_nonce a_proof_with_an_old_nonce_is_told_the_nonce
        the_same_token_is_good_with_the_nonce a_refusal_tells_the_nonce_too a_bad_proof_is_told_the_nonce
        a_request_without_a_proof_is_told_none a_server_without_proofs_ignores_one
        a_server_without_proofs_ignores_garbage }
    };
}
