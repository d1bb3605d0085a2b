// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_keys {
    ($group:ident) => {
        $group! { keys: a_get_is_answered_at_keys a_head_is_answered_at_keys post_is_refused_at_keys
        put_is_refused_at_keys options_is_refused_at_keys a_get_is_answered_at_openid_configuration
        a_head_is_answered_at_openid_configuration post_is_refused_at_openid_configuration
        put_is_refused_at_openid_configuration options_is_refused_at_openid_configuration
        who_accepts_a_jwt_alone_gets_one who_accepts_a_jwt_in_upper_case_gets_one
        who_accepts_a_jwt_among_others_gets_one who_accepts_a_jwt_with_a_weight_gets_one
        what_is_not_active_is_told_in_a_jwt_too who_accepts_anything_gets_json who_accepts_json_gets_json
        who_accepts_no_jwt_gets_json who_accepts_another_jwt_gets_json a_refusal_is_json_whatever_is_accepted
        who_asks_for_openid_gets_an_id_token without_keys_there_is_no_key_document
        without_keys_there_is_no_openid_configuration without_keys_an_introspection_is_json }
    };
}
