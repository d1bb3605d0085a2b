// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_introspection {
    ($group:ident) => {
        $group! { introspection: a_client_of_the_header_sees_its_access_token
        a_client_of_the_header_sees_its_refresh_token a_client_of_the_body_sees_its_access_token
        a_client_of_the_body_sees_its_refresh_token a_client_acting_for_itself_has_no_subject
        several_audiences_are_a_list the_hint_access_token_does_not_hide_an_access_token
        the_hint_access_token_does_not_hide_a_refresh_token the_hint_refresh_token_does_not_hide_an_access_token
        the_hint_refresh_token_does_not_hide_a_refresh_token the_hint_something_else_does_not_hide_an_access_token
        the_hint_something_else_does_not_hide_a_refresh_token the_hint_nonsense_does_not_hide_an_access_token
        the_hint_nonsense_does_not_hide_a_refresh_token the_hint_nothing_does_not_hide_an_access_token
        the_hint_nothing_does_not_hide_a_refresh_token an_expired_access_token_is_inactive
        an_expired_refresh_token_is_inactive a_spent_refresh_token_in_its_grace_is_inactive
        a_revoked_refresh_token_is_inactive an_access_token_of_a_revoked_grant_is_inactive
        a_revoked_access_token_is_inactive a_code_is_inactive a_redeemed_code_is_inactive garbage_is_inactive
        a_token_that_is_not_ascii_is_inactive a_token_cut_by_one_is_inactive a_token_with_a_letter_behind_it_is_inactive
        a_token_with_padding_is_inactive a_token_with_a_space_behind_it_is_inactive
        a_token_with_the_prefix_of_another_kind_is_inactive a_web_token_without_algorithm_is_inactive
        a_web_token_without_signature_is_inactive another_client_learns_nothing_of_a_foreign_access_token
        another_client_learns_nothing_of_a_foreign_refresh_token
        a_client_of_the_body_learns_nothing_of_a_foreign_access_token
        a_client_of_the_body_learns_nothing_of_a_foreign_refresh_token
        a_resource_server_of_another_audience_learns_nothing_of_a_foreign_access_token
        a_resource_server_of_another_audience_learns_nothing_of_a_foreign_refresh_token
        an_auditor_sees_every_access_token an_auditor_sees_every_refresh_token
        a_resource_server_sees_a_token_made_for_it a_resource_server_sees_a_token_made_for_it_and_another
        a_resource_server_sees_no_refresh_token a_resource_server_sees_no_token_without_an_audience
        a_token_narrowed_to_another_audience_is_not_seen a_token_narrowed_to_its_audience_is_seen
        nobody_gets_no_word_about_an_active_token nobody_gets_no_word_about_an_unknown_token
        a_public_client_gets_no_word_about_an_active_token a_public_client_gets_no_word_about_an_unknown_token
        a_confidential_client_without_its_secret_gets_no_word_about_an_active_token
        a_confidential_client_without_its_secret_gets_no_word_about_an_unknown_token
        a_wrong_secret_gets_no_word_about_an_active_token a_wrong_secret_gets_no_word_about_an_unknown_token
        a_wrong_secret_in_the_body_gets_no_word_about_an_active_token
        a_wrong_secret_in_the_body_gets_no_word_about_an_unknown_token a_token_does_not_authorize_its_own_introspection
        an_access_token_is_active_in_its_last_second an_access_token_is_inactive_at_its_end
        a_refresh_token_is_active_in_its_last_second a_refresh_token_is_inactive_at_its_end
        an_access_token_of_a_closed_account_is_inactive an_access_token_of_an_account_that_nobody_knows_is_told_as_such
        an_access_token_in_a_store_that_is_down_is_told_as_such a_refresh_token_of_a_closed_account_is_inactive
        a_refresh_token_of_an_account_that_nobody_knows_is_told_as_such
        a_refresh_token_in_a_store_that_is_down_is_told_as_such garbage_needs_no_store_to_be_inactive }
    };
}
