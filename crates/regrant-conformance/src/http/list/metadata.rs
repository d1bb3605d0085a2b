// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_metadata {
    ($group:ident) => {
        $group! { metadata: a_get_is_answered a_get_with_credentials_is_answered a_get_with_a_query_is_answered
        a_get_with_a_body_is_answered a_get_that_accepts_html_alone_is_answered a_head_is_answered_without_a_body
        post_is_refused_with_allow put_is_refused_with_allow patch_is_refused_with_allow delete_is_refused_with_allow
        options_is_refused_with_allow trace_is_refused_with_allow lower_case_get_is_refused_with_allow }
    };
}
