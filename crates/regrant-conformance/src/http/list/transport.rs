// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

#[doc(hidden)]
#[macro_export]
macro_rules! __http_transport {
    ($group:ident) => {
        $group! { transport: a_body_in_one_chunk_is_read_at_token a_body_in_chunks_of_one_byte_is_read_at_token
        a_body_of_a_few_bytes_at_a_time_is_read_at_token a_body_shorter_than_announced_is_refused_at_token
        a_body_shorter_than_a_great_announcement_is_refused_at_token
        a_body_of_chunks_without_the_last_one_is_refused_at_token a_body_that_nothing_announces_is_refused_at_token
        an_announced_body_at_the_limit_is_read_at_token an_chunked_body_at_the_limit_is_read_at_token
        an_announced_body_one_byte_above_the_limit_is_too_large_at_token
        a_chunked_body_one_byte_above_the_limit_is_too_large_at_token a_body_of_twice_the_limit_is_too_large_at_token
        a_header_name_in_upper_case_makes_no_difference_at_token
        a_header_value_in_white_space_makes_no_difference_at_token
        a_client_that_waits_to_go_on_makes_no_difference_at_token a_cookie_and_an_origin_makes_no_difference_at_token
        a_header_that_is_no_text_makes_no_difference_at_token a_query_string_makes_no_difference_at_token
        the_answer_is_json_for_who_accepts_html_at_token the_answer_is_json_for_who_accepts_no_json_at_token
        the_answer_is_json_for_who_accepts_anything_at_token two_authorization_lines_in_different_case_are_two_at_token
        a_body_in_one_chunk_is_read_at_revocation a_body_in_chunks_of_one_byte_is_read_at_revocation
        a_body_of_a_few_bytes_at_a_time_is_read_at_revocation a_body_shorter_than_announced_is_refused_at_revocation
        a_body_shorter_than_a_great_announcement_is_refused_at_revocation
        a_body_of_chunks_without_the_last_one_is_refused_at_revocation
        a_body_that_nothing_announces_is_refused_at_revocation an_announced_body_at_the_limit_is_read_at_revocation
        an_chunked_body_at_the_limit_is_read_at_revocation
        an_announced_body_one_byte_above_the_limit_is_too_large_at_revocation
        a_chunked_body_one_byte_above_the_limit_is_too_large_at_revocation
        a_body_of_twice_the_limit_is_too_large_at_revocation
        a_header_name_in_upper_case_makes_no_difference_at_revocation
        a_header_value_in_white_space_makes_no_difference_at_revocation
        a_client_that_waits_to_go_on_makes_no_difference_at_revocation
        a_cookie_and_an_origin_makes_no_difference_at_revocation
        a_header_that_is_no_text_makes_no_difference_at_revocation a_query_string_makes_no_difference_at_revocation
        the_answer_is_json_for_who_accepts_html_at_revocation the_answer_is_json_for_who_accepts_no_json_at_revocation
        the_answer_is_json_for_who_accepts_anything_at_revocation
        two_authorization_lines_in_different_case_are_two_at_revocation a_body_in_one_chunk_is_read_at_introspection
        a_body_in_chunks_of_one_byte_is_read_at_introspection a_body_of_a_few_bytes_at_a_time_is_read_at_introspection
        a_body_shorter_than_announced_is_refused_at_introspection
        a_body_shorter_than_a_great_announcement_is_refused_at_introspection
        a_body_of_chunks_without_the_last_one_is_refused_at_introspection
        a_body_that_nothing_announces_is_refused_at_introspection
        an_announced_body_at_the_limit_is_read_at_introspection an_chunked_body_at_the_limit_is_read_at_introspection
        an_announced_body_one_byte_above_the_limit_is_too_large_at_introspection
        a_chunked_body_one_byte_above_the_limit_is_too_large_at_introspection
        a_body_of_twice_the_limit_is_too_large_at_introspection
        a_header_name_in_upper_case_makes_no_difference_at_introspection
        a_header_value_in_white_space_makes_no_difference_at_introspection
        a_client_that_waits_to_go_on_makes_no_difference_at_introspection
        a_cookie_and_an_origin_makes_no_difference_at_introspection
        a_header_that_is_no_text_makes_no_difference_at_introspection
        a_query_string_makes_no_difference_at_introspection the_answer_is_json_for_who_accepts_html_at_introspection
        the_answer_is_json_for_who_accepts_no_json_at_introspection
        the_answer_is_json_for_who_accepts_anything_at_introspection
        two_authorization_lines_in_different_case_are_two_at_introspection a_limit_of_4_mib_is_the_hosts_to_set
        a_limit_of_32_bytes_is_the_hosts_to_set a_byte_above_a_limit_of_32_is_too_large
        an_announced_refresh_that_breaks_off_consumes_nothing an_chunked_refresh_that_breaks_off_consumes_nothing
        an_introspection_behind_a_revocation_sees_it a_second_issue_gives_another_token
        a_request_behind_a_refused_one_is_served a_request_behind_one_of_another_method_is_served
        a_client_is_not_remembered_by_its_connection a_refresh_behind_a_refresh_is_another_one }
    };
}
