// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_refresh {
    ($group:ident) => {
        $group! { refresh: a_refresh_gives_new_tokens_by_a_header_client
        a_repeated_refresh_gives_the_same_tokens_by_a_header_client
        a_repeated_refresh_tells_what_is_left_by_a_header_client
        a_recent_token_behind_a_used_successor_gets_the_current_one_by_a_header_client
        a_token_behind_a_used_successor_is_reuse_ten_seconds_later_by_a_header_client
        a_token_of_long_ago_is_reuse_by_a_header_client an_expired_refresh_token_is_an_invalid_grant_by_a_header_client
        a_refresh_token_lives_to_its_last_second_by_a_header_client
        a_refresh_of_a_revoked_grant_is_an_invalid_grant_by_a_header_client
        a_repetition_in_grace_does_not_see_through_a_revocation_by_a_header_client
        a_refresh_goes_on_when_an_access_token_was_revoked_by_a_header_client
        another_session_survives_a_reuse_by_a_header_client a_refresh_gives_new_tokens_by_a_body_client
        a_repeated_refresh_gives_the_same_tokens_by_a_body_client a_repeated_refresh_tells_what_is_left_by_a_body_client
        a_recent_token_behind_a_used_successor_gets_the_current_one_by_a_body_client
        a_token_behind_a_used_successor_is_reuse_ten_seconds_later_by_a_body_client
        a_token_of_long_ago_is_reuse_by_a_body_client an_expired_refresh_token_is_an_invalid_grant_by_a_body_client
        a_refresh_token_lives_to_its_last_second_by_a_body_client
        a_refresh_of_a_revoked_grant_is_an_invalid_grant_by_a_body_client
        a_repetition_in_grace_does_not_see_through_a_revocation_by_a_body_client
        a_refresh_goes_on_when_an_access_token_was_revoked_by_a_body_client
        another_session_survives_a_reuse_by_a_body_client a_refresh_gives_new_tokens_by_a_public_client
        a_repeated_refresh_gives_the_same_tokens_by_a_public_client
        a_repeated_refresh_tells_what_is_left_by_a_public_client
        a_recent_token_behind_a_used_successor_gets_the_current_one_by_a_public_client
        a_token_behind_a_used_successor_is_reuse_ten_seconds_later_by_a_public_client
        a_token_of_long_ago_is_reuse_by_a_public_client an_expired_refresh_token_is_an_invalid_grant_by_a_public_client
        a_refresh_token_lives_to_its_last_second_by_a_public_client
        a_refresh_of_a_revoked_grant_is_an_invalid_grant_by_a_public_client
        a_repetition_in_grace_does_not_see_through_a_revocation_by_a_public_client
        a_refresh_goes_on_when_an_access_token_was_revoked_by_a_public_client
        another_session_survives_a_reuse_by_a_public_client an_answer_lost_59_seconds_ago_by_a_public_client
        an_answer_lost_60_seconds_ago_by_a_header_client an_answer_lost_3599_seconds_ago_by_a_header_client
        an_answer_lost_60_seconds_ago_by_a_body_client an_answer_lost_3599_seconds_ago_by_a_body_client
        an_answer_lost_60_seconds_ago_is_reuse_by_a_public_client
        a_token_2_rotations_behind_gets_the_head_by_a_header_client
        a_token_3_rotations_behind_gets_the_head_by_a_header_client
        a_token_4_rotations_behind_gets_the_head_by_a_header_client
        a_token_5_rotations_behind_gets_the_head_by_a_header_client
        a_token_6_rotations_behind_gets_the_head_by_a_header_client
        a_token_7_rotations_behind_gets_the_head_by_a_header_client
        a_token_8_rotations_behind_gets_the_head_by_a_header_client
        a_token_9_rotations_behind_is_reuse_by_a_header_client
        a_token_2_rotations_behind_gets_the_head_by_a_public_client
        a_token_3_rotations_behind_gets_the_head_by_a_public_client
        a_token_4_rotations_behind_gets_the_head_by_a_public_client
        a_token_5_rotations_behind_gets_the_head_by_a_public_client
        a_token_6_rotations_behind_gets_the_head_by_a_public_client
        a_token_7_rotations_behind_gets_the_head_by_a_public_client
        a_token_8_rotations_behind_gets_the_head_by_a_public_client
        a_token_9_rotations_behind_is_reuse_by_a_public_client without_grace_a_repetition_is_reuse_at_once
        a_fresh_token_of_another_is_refused_to_a_confidential_client_and_lives
        a_fresh_token_of_another_is_refused_to_a_public_client_and_lives
        a_token_in_grace_of_another_is_refused_to_a_confidential_client_and_lives
        a_token_in_grace_of_another_is_refused_to_a_public_client_and_lives
        a_spent_token_of_another_is_refused_to_a_confidential_client_and_lives
        a_spent_token_of_another_is_refused_to_a_public_client_and_lives }
    };
}
