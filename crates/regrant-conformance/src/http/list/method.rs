// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_method {
    ($group:ident) => {
        $group! { method: get_is_refused_with_allow_at_token get_is_refused_with_allow_at_revocation
        get_is_refused_with_allow_at_introspection head_is_refused_with_allow_at_token
        head_is_refused_with_allow_at_revocation head_is_refused_with_allow_at_introspection
        put_is_refused_with_allow_at_token put_is_refused_with_allow_at_revocation
        put_is_refused_with_allow_at_introspection patch_is_refused_with_allow_at_token
        patch_is_refused_with_allow_at_revocation patch_is_refused_with_allow_at_introspection
        delete_is_refused_with_allow_at_token delete_is_refused_with_allow_at_revocation
        delete_is_refused_with_allow_at_introspection options_is_refused_with_allow_at_token
        options_is_refused_with_allow_at_revocation options_is_refused_with_allow_at_introspection
        trace_is_refused_with_allow_at_token trace_is_refused_with_allow_at_revocation
        trace_is_refused_with_allow_at_introspection purge_is_refused_with_allow_at_token
        purge_is_refused_with_allow_at_revocation purge_is_refused_with_allow_at_introspection
        lower_case_post_is_refused_with_allow_at_token lower_case_post_is_refused_with_allow_at_revocation
        lower_case_post_is_refused_with_allow_at_introspection postpost_is_refused_with_allow_at_token
        postpost_is_refused_with_allow_at_revocation postpost_is_refused_with_allow_at_introspection
        a_refresh_by_get_consumes_nothing a_refresh_by_put_consumes_nothing a_refresh_by_delete_consumes_nothing
        a_get_with_everything_in_its_query_is_refused a_put_above_the_limit_is_refused_with_allow }
    };
}
