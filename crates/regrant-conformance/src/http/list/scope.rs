// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_scope {
    ($group:ident) => {
        $group! { scope: a_refresh_without_a_scope_has_the_whole a_refresh_for_an_empty_scope_is_answered
        a_refresh_for_the_whole_scope_is_answered a_refresh_for_the_scope_in_another_order_is_answered
        a_refresh_for_a_scope_with_a_repetition_is_answered a_refresh_for_two_of_three_scopes_is_answered
        a_refresh_for_one_scope_is_answered a_refresh_for_a_wider_scope_is_refused_and_consumes_nothing
        a_refresh_for_a_foreign_scope_is_refused_and_consumes_nothing
        a_refresh_for_a_scope_in_another_case_is_refused_and_consumes_nothing
        a_refresh_for_a_part_of_a_scope_is_refused_and_consumes_nothing
        a_refresh_for_a_scope_with_two_spaces_is_refused_and_consumes_nothing
        a_refresh_for_a_scope_with_a_space_before_it_is_refused_and_consumes_nothing
        a_refresh_for_a_scope_with_a_quote_is_refused_and_consumes_nothing
        a_refresh_for_a_scope_with_a_tab_is_refused_and_consumes_nothing
        a_refresh_for_a_scope_that_is_not_ascii_is_refused_and_consumes_nothing an_issue_for_an_empty_scope_is_answered
        an_issue_for_the_whole_scope_is_answered an_issue_for_the_scope_in_another_order_is_answered
        an_issue_for_a_scope_with_a_repetition_is_answered an_issue_for_two_of_three_scopes_is_answered
        an_issue_for_one_scope_is_answered an_issue_for_a_wider_scope_is_refused an_issue_for_a_foreign_scope_is_refused
        an_issue_for_a_scope_in_another_case_is_refused an_issue_for_a_part_of_a_scope_is_refused
        an_issue_for_a_scope_with_two_spaces_is_refused an_issue_for_a_scope_with_a_space_before_it_is_refused
        an_issue_for_a_scope_with_a_quote_is_refused an_issue_for_a_scope_with_a_tab_is_refused
        an_issue_for_a_scope_that_is_not_ascii_is_refused a_scope_of_read_sent_with_a_code_is_ignored
        a_scope_of_admin_sent_with_a_code_is_ignored a_refresh_for_the_granted_resource_is_answered
        a_refresh_for_a_registered_resource_that_was_not_granted_is_refused_and_consumes_nothing
        a_refresh_for_an_unknown_resource_is_refused_and_consumes_nothing
        a_refresh_for_a_resource_with_a_slash_behind_it_is_refused_and_consumes_nothing
        a_refresh_for_a_resource_with_a_fragment_is_refused_and_consumes_nothing
        a_refresh_for_a_resource_that_is_no_url_is_refused_and_consumes_nothing
        after_a_narrow_refresh_a_confidential_client_has_the_whole_scope_again
        after_a_narrow_refresh_a_public_client_has_the_whole_scope_again a_narrowed_access_token_tells_its_own_scope
        the_refresh_token_beside_a_narrowed_one_tells_the_whole_scope }
    };
}
