// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_tokens {
    ($group:ident) => {
        $group! { tokens: a_password_of_a_client_of_the_header_gives_tokens
        a_password_of_a_client_of_the_body_gives_tokens a_password_of_a_public_client_gives_tokens
        a_code_of_a_client_of_the_header_gives_tokens a_code_of_a_client_of_the_body_gives_tokens
        a_code_of_a_public_client_gives_tokens client_credentials_give_an_access_token_alone
        a_wrong_password_is_an_invalid_grant an_unknown_user_is_an_invalid_grant
        a_directory_out_of_reach_is_told_as_such a_client_that_may_not_use_a_flow_is_told_so_with_the_right_password
        a_client_that_may_not_use_a_flow_is_told_so_with_a_wrong_password one_resource_may_be_asked_for
        two_resources_may_be_asked_for a_resource_that_is_not_registered_is_an_invalid_target
        a_resource_with_a_fragment_is_an_invalid_target a_relative_resource_is_an_invalid_target
        a_resource_that_is_no_url_is_an_invalid_target a_refresh_with_garbage_is_an_invalid_grant
        a_refresh_with_a_prefix_alone_is_an_invalid_grant a_refresh_with_a_token_of_nothing_is_an_invalid_grant
        a_refresh_with_an_access_token_is_an_invalid_grant
        a_refresh_with_an_access_token_with_another_prefix_is_an_invalid_grant a_refresh_with_a_code_is_an_invalid_grant
        a_refresh_with_a_refresh_token_cut_by_one_is_an_invalid_grant
        a_refresh_with_a_refresh_token_with_a_letter_behind_it_is_an_invalid_grant
        a_refresh_with_a_refresh_token_with_padding_is_an_invalid_grant
        a_refresh_with_a_refresh_token_with_a_space_behind_it_is_an_invalid_grant
        a_refresh_with_a_refresh_token_in_upper_case_is_an_invalid_grant a_refresh_with_a_web_token_is_an_invalid_grant
        a_refresh_with_another_clients_token_is_an_invalid_grant
        a_refresh_with_a_public_clients_token_is_an_invalid_grant
        a_redemption_of_another_clients_code_is_an_invalid_grant a_redemption_of_a_refresh_token_is_an_invalid_grant
        a_redemption_of_garbage_is_an_invalid_grant a_redemption_of_a_code_with_a_letter_behind_it_is_an_invalid_grant
        a_resource_server_without_grants_gets_no_tokens a_refresh_while_the_store_is_down_may_be_tried_again
        a_redemption_while_the_store_is_down_may_be_tried_again an_issue_while_the_store_is_down_may_be_tried_again
        a_password_while_the_store_is_down_may_be_tried_again
        a_refresh_while_nobody_knows_the_account_may_be_tried_again
        a_redemption_while_nobody_knows_the_account_may_be_tried_again a_refresh_of_a_closed_account_is_an_invalid_grant
        a_redemption_of_a_closed_account_is_an_invalid_grant a_refresh_without_rotation_gives_no_refresh_token
        a_password_for_one_resource_and_scope_gives_tokens a_clients_own_lifetime_is_told }
    };
}
