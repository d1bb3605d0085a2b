// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_revocation {
    ($group:ident) => {
        $group! { revocation: revoking_the_refresh_token_ends_the_grant_of_a_header_client
        revoking_a_spent_refresh_token_ends_the_grant_of_a_header_client
        revoking_an_access_token_ends_that_one_alone_of_a_header_client
        another_grant_survives_a_revocation_of_a_header_client
        a_refresh_token_outlives_its_access_token_and_is_revocable_of_a_header_client
        revoking_the_refresh_token_ends_the_grant_of_a_body_client
        revoking_a_spent_refresh_token_ends_the_grant_of_a_body_client
        revoking_an_access_token_ends_that_one_alone_of_a_body_client
        another_grant_survives_a_revocation_of_a_body_client
        a_refresh_token_outlives_its_access_token_and_is_revocable_of_a_body_client
        revoking_the_refresh_token_ends_the_grant_of_a_public_client
        revoking_a_spent_refresh_token_ends_the_grant_of_a_public_client
        revoking_an_access_token_ends_that_one_alone_of_a_public_client
        another_grant_survives_a_revocation_of_a_public_client
        a_refresh_token_outlives_its_access_token_and_is_revocable_of_a_public_client
        the_hint_refresh_token_does_not_save_a_refresh_token the_hint_refresh_token_does_not_save_a_access_token
        the_hint_access_token_does_not_save_a_refresh_token the_hint_access_token_does_not_save_a_access_token
        the_hint_id_token_does_not_save_a_refresh_token the_hint_id_token_does_not_save_a_access_token
        the_hint_nonsense_does_not_save_a_refresh_token the_hint_nonsense_does_not_save_a_access_token
        the_hint_nothing_does_not_save_a_refresh_token the_hint_nothing_does_not_save_a_access_token
        garbage_is_revoked_already a_token_that_is_not_ascii_is_revoked_already a_very_long_token_is_revoked_already
        a_token_with_a_letter_behind_it_is_revoked_already a_token_with_a_space_behind_it_is_revoked_already
        a_token_cut_by_one_is_revoked_already a_token_of_the_other_kind_is_revoked_already
        a_web_token_is_revoked_already a_refresh_token_revoked_before_is_revoked_already
        an_access_token_of_a_revoked_grant_is_revoked_already a_code_is_revoked_already
        an_expired_refresh_token_may_be_revoked an_expired_access_token_may_be_revoked
        another_client_cannot_revoke_an_access_token_of_a_confidential_client
        another_client_cannot_revoke_a_refresh_token_of_a_confidential_client
        another_client_cannot_revoke_a_spent_refresh_token_of_a_confidential_client
        a_client_of_the_body_cannot_revoke_an_access_token_of_a_confidential_client
        a_client_of_the_body_cannot_revoke_a_refresh_token_of_a_confidential_client
        a_client_of_the_body_cannot_revoke_a_spent_refresh_token_of_a_confidential_client
        an_auditor_cannot_revoke_an_access_token_of_a_confidential_client
        an_auditor_cannot_revoke_a_refresh_token_of_a_confidential_client
        an_auditor_cannot_revoke_a_spent_refresh_token_of_a_confidential_client
        a_public_client_cannot_revoke_an_access_token_of_a_confidential_client
        a_public_client_cannot_revoke_a_refresh_token_of_a_confidential_client
        a_public_client_cannot_revoke_a_spent_refresh_token_of_a_confidential_client
        another_client_cannot_revoke_an_access_token_of_a_public_client
        another_client_cannot_revoke_a_refresh_token_of_a_public_client
        another_client_cannot_revoke_a_spent_refresh_token_of_a_public_client
        a_client_of_the_body_cannot_revoke_an_access_token_of_a_public_client
        a_client_of_the_body_cannot_revoke_a_refresh_token_of_a_public_client
        a_client_of_the_body_cannot_revoke_a_spent_refresh_token_of_a_public_client
        an_auditor_cannot_revoke_an_access_token_of_a_public_client
        an_auditor_cannot_revoke_a_refresh_token_of_a_public_client
        an_auditor_cannot_revoke_a_spent_refresh_token_of_a_public_client a_wrong_secret_revokes_nothing
        a_wrong_secret_in_the_body_revokes_nothing a_confidential_client_without_its_secret_revokes_nothing
        an_unknown_client_revokes_nothing nobody_revokes_nothing the_first_refresh_token_of_four_revokes_the_grant
        the_second_refresh_token_of_four_revokes_the_grant the_third_refresh_token_of_four_revokes_the_grant
        the_fourth_refresh_token_of_four_revokes_the_grant a_refresh_token_that_does_not_rotate_is_revocable
        revoking_a_refresh_token_while_the_store_is_down_is_no_success
        revoking_an_access_token_while_the_store_is_down_is_no_success garbage_needs_no_store_to_be_revoked
        the_tokens_of_a_closed_account_are_revocable }
    };
}
