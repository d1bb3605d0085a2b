// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_device {
    ($group:ident) => {
        $group! { device: a_public_client_gets_a_device_and_a_user_code
        a_client_of_the_header_gets_a_device_and_a_user_code a_client_of_the_body_gets_a_device_and_a_user_code
        a_device_may_ask_for_scope_and_resource a_device_authorization_by_nobody_is_refused
        a_device_authorization_by_an_unknown_client_is_refused a_device_authorization_with_a_wrong_secret_is_refused
        a_device_authorization_by_a_client_without_its_secret_is_refused
        a_device_authorization_by_a_client_that_may_not_is_refused a_device_authorization_for_a_foreign_scope_is_refused
        a_device_authorization_for_a_malformed_scope_is_refused a_device_authorization_for_a_foreign_resource_is_refused
        a_device_authorization_with_a_repeated_scope_is_refused a_device_authorization_by_get_is_refused
        a_device_authorization_by_options_is_refused a_device_authorization_without_a_content_type_is_refused
        a_device_authorization_that_breaks_off_is_refused
        a_device_authorization_while_the_store_is_down_may_be_tried_again a_first_poll_is_pending
        a_second_poll_at_once_is_too_fast a_poll_after_the_interval_is_pending
        a_device_that_was_too_fast_must_wait_longer a_device_that_waited_longer_is_pending
        a_poll_of_an_approved_device_gives_tokens a_device_that_is_approved_late_gets_its_tokens
        a_second_poll_of_an_approved_device_is_an_invalid_grant a_poll_of_a_denied_device_is_denied
        a_poll_of_an_expired_device_is_told_so a_device_that_was_approved_and_expired_is_told_so
        a_device_code_is_no_active_token a_poll_by_another_public_client_is_refused a_poll_by_another_client_is_refused
        a_poll_by_nobody_is_refused a_poll_of_the_user_code_is_refused a_poll_of_garbage_is_refused
        a_poll_of_a_code_with_a_letter_behind_it_is_refused a_poll_of_nothing_is_refused a_poll_as_a_refresh_is_refused
        a_poll_as_a_code_is_refused a_poll_behind_a_strangers_gives_tokens
        a_poll_while_the_store_is_down_may_be_tried_again a_poll_for_a_closed_account_is_an_invalid_grant
        without_a_page_for_users_there_is_no_device_flow without_a_page_for_users_a_get_finds_nothing
        without_a_page_for_users_there_is_nothing_to_poll }
    };
}
