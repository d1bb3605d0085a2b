// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_exchange {
    ($group:ident) => {
        $group! { exchange: an_exchange_for_the_same_is_answered an_exchange_for_less_scope_is_answered
        an_exchange_for_a_resource_is_answered an_exchange_for_an_audience_is_answered
        an_exchange_for_an_access_token_by_name_is_answered an_exchange_with_an_actor_is_answered
        an_exchanged_token_lives_no_longer_than_the_first an_exchange_without_a_subject_token_is_refused
        an_exchange_without_a_subject_token_type_is_refused an_exchange_of_a_refresh_token_type_is_refused
        an_exchange_of_an_unknown_type_is_refused an_exchange_for_a_refresh_token_is_refused
        an_exchange_with_an_actor_of_no_type_is_refused an_exchange_with_a_type_of_no_actor_is_refused
        an_exchange_with_two_subject_tokens_is_refused an_exchange_for_an_audience_that_is_no_url_is_refused
        an_exchange_by_nobody_is_refused an_exchange_by_a_wrong_secret_is_refused
        an_exchange_for_a_foreign_scope_is_refused an_exchange_for_more_scope_than_it_has_is_refused
        an_exchange_for_a_foreign_resource_is_refused an_exchange_by_a_client_that_may_not_is_refused
        an_exchange_of_garbage_is_refused an_exchange_of_a_refresh_token_is_refused
        an_exchange_of_a_revoked_token_is_refused an_exchange_of_an_expired_token_is_refused
        an_exchange_of_a_token_with_a_letter_behind_it_is_refused an_exchange_while_the_store_is_down_may_be_tried_again
        a_token_is_not_exchanged_by_another_client the_token_of_a_confidential_client_is_exchanged_by_its_audience
        the_token_of_a_public_client_is_exchanged_by_its_audience
        the_token_of_a_confidential_client_is_not_exchanged_by_another_audience
        the_token_of_a_public_client_is_not_exchanged_by_another_audience a_server_without_token_exchange_has_none }
    };
}
