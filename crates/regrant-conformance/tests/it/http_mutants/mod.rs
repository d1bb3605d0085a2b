//! Adapters that are wrong in one way each, and the cases that must reject them.

pub(crate) mod broken;
#[cfg(feature = "http2")]
mod over_http2;

use std::panic::{AssertUnwindSafe, catch_unwind};

use regrant_conformance::Trial;
use regrant_conformance::http::{Case, HttpHarness, Verdict, cases, judge};

use self::broken::{Broken, Flaw};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let silent = crate::test("http_mutants::no_answer_to_a_body_that_breaks_off_is_no_flaw", || {
        for case in BREAKING_OFF {
            assert!(accepts(&Broken(Flaw::NoAnswerToHalf), case), "{case} demands an answer");
        }
    });
    let in_process = MUTANTS.iter().map(|(name, flaw, cases)| {
        crate::test(format!("http_mutants::{name}"), move || {
            for case in *cases {
                assert!(accepts(&Broken(Flaw::None), case), "{case} rejects a correct adapter");
                assert!(!accepts(&Broken(*flaw), case), "{case} lets {flaw:?} pass");
            }
        })
    });
    let trials = in_process.chain([silent]);
    #[cfg(feature = "http2")]
    let trials = trials.chain(over_http2::trials());
    trials
}

fn accepts(harness: &dyn HttpHarness, case: &str) -> bool {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // The client panics on bytes that are no answer.
    let verdict = catch_unwind(AssertUnwindSafe(|| runtime.block_on(judge(harness, named(case)))));
    matches!(verdict, Ok(Verdict::Passed))
}

/// The case of this name.
pub(crate) fn named(case: &str) -> &'static Case {
    let named = cases().iter().flat_map(|group| group.cases.iter().map(move |own| (group.name, own)));
    let (_, case) = named.into_iter().find(|(group, own)| case == format!("{group}::{}", own.name())).expect(case);
    case
}

const BREAKING_OFF: [&str; 4] = [
    "transport::an_announced_refresh_that_breaks_off_consumes_nothing",
    "transport::a_chunked_refresh_that_breaks_off_consumes_nothing",
    "transport::a_body_of_chunks_without_the_last_one_is_refused_at_token",
    "userinfo::a_form_that_is_cut_off_is_refused",
];

/// Each mutant, and the cases that must reject it.
const MUTANTS: [(&str, Flaw, &[&str]); 49] = [
    (
        "the_first_line_of_each_header_alone",
        Flaw::FirstHeaderLine,
        &[
            "client_authentication::the_same_header_twice_is_refused_at_token",
            "content_type::the_type_twice_is_refused_at_revocation",
            "dpop::a_refresh_with_two_consumes_nothing",
        ],
    ),
    (
        "the_last_line_of_each_header_alone",
        Flaw::LastHeaderLine,
        &[
            "client_authentication::a_good_header_behind_an_empty_one_is_refused_at_introspection",
            "certificates::a_certificate_behind_another_is_refused_at_token",
        ],
    ),
    (
        "lines_of_one_header_joined_by_commas",
        Flaw::JoinedHeaderLines,
        &["client_authentication::the_same_header_twice_is_refused_at_token"],
    ),
    (
        "headers_that_are_text_alone",
        Flaw::TextHeaders,
        &[
            "certificates::a_certificate_header_that_is_no_text_is_refused_at_token",
            "dpop::a_refresh_with_one_that_is_no_text_consumes_nothing",
        ],
    ),
    (
        "headers_that_adapters_know_alone",
        Flaw::KnownHeaders,
        &[
            "dpop::a_public_client_that_shows_a_key_gets_bound_tokens",
            "certificates::a_certificate_is_accepted_at_token",
            "keys::who_accepts_a_jwt_alone_gets_one",
        ],
    ),
    ("a_body_that_is_repaired", Flaw::LossyBody, &["form::a_byte_that_is_not_utf_8_is_refused_at_token"]),
    ("a_body_without_its_mark", Flaw::MarklessBody, &["form::a_byte_order_mark_before_an_option_is_refused_at_token"]),
    (
        "a_body_that_was_parsed_before",
        Flaw::ReparsedBody,
        &["form::another_scope_again_in_a_refresh_is_refused", "form::a_lone_percent_sign_is_refused_at_introspection"],
    ),
    ("a_body_that_was_decoded_before", Flaw::DecodedBody, &["form::an_escaped_plus_is_part_of_one_scope"]),
    (
        "half_a_body_taken_for_a_whole_one",
        Flaw::HalfBody,
        &[
            "transport::an_announced_refresh_that_breaks_off_consumes_nothing",
            "transport::a_body_of_chunks_without_the_last_one_is_refused_at_revocation",
        ],
    ),
    (
        "half_a_body_taken_for_a_whole_one_without_an_answer",
        Flaw::HalfBodyUnanswered,
        &[
            "transport::an_announced_refresh_that_breaks_off_consumes_nothing",
            "transport::a_body_of_chunks_without_the_last_one_is_refused_at_token",
        ],
    ),
    (
        "no_answer_at_all",
        Flaw::NoAnswer,
        &[
            "tokens::client_credentials_give_an_access_token_alone",
            "transport::an_announced_refresh_that_breaks_off_consumes_nothing",
        ],
    ),
    ("a_body_that_is_inflated", Flaw::InflatedBody, &["transport::a_compressed_body_is_not_inflated_at_token"]),
    ("no_body_without_a_content_length", Flaw::UnchunkedBody, &["transport::a_body_in_one_chunk_is_read_at_token"]),
    (
        "a_limit_of_its_own_below",
        Flaw::LimitBelow,
        &[
            "transport::an_announced_body_at_the_limit_is_read_at_token",
            "transport::a_limit_of_4_mib_is_the_hosts_to_set",
        ],
    ),
    ("a_limit_of_its_own_above", Flaw::LimitAbove, &["transport::a_limit_of_4_mib_is_the_hosts_to_set"]),
    (
        "a_query_that_is_part_of_the_form",
        Flaw::QueryAsForm,
        &[
            "client_authentication::credentials_in_the_query_string_are_not_read_at_token",
            "method::a_get_with_everything_in_its_query_is_refused",
            "transport::a_query_string_makes_no_difference_at_revocation",
        ],
    ),
    (
        "a_query_that_is_dropped",
        Flaw::NoQuery,
        &[
            "end_session::a_get_with_a_hint_ends_the_session_at_all_clients",
            "end_session::a_parameter_twice_in_the_query_is_refused",
        ],
    ),
    ("a_method_in_upper_case", Flaw::FoldedMethod, &["method::lower_case_post_is_refused_with_allow_at_token"]),
    (
        "a_method_taken_from_a_header",
        Flaw::MethodOfHeader,
        &[
            "method::a_get_with_a_method_in_a_header_is_refused_with_allow",
            "transport::a_method_in_a_header_makes_no_difference_at_token",
        ],
    ),
    (
        "a_method_taken_from_the_form",
        Flaw::MethodOfForm,
        &[
            "method::a_put_with_a_method_in_its_form_is_refused_with_allow",
            "form::a_form_with_a_method_in_front_is_read_at_revocation",
        ],
    ),
    (
        "an_answer_of_its_own_to_options",
        Flaw::OwnOptions,
        &["method::options_is_refused_with_allow_at_token", "cors::a_known_page_may_call_token"],
    ),
    (
        "no_route_for_get",
        Flaw::PostAlone,
        &["method::get_is_refused_with_allow_at_introspection", "metadata::a_get_is_answered"],
    ),
    ("no_route_for_head", Flaw::NoHead, &["metadata::a_head_is_answered_without_a_body"]),
    (
        "content_for_head",
        Flaw::HeadWithContent,
        &["metadata::a_head_is_answered_without_a_body", "method::head_is_refused_with_allow_at_token"],
    ),
    (
        "a_length_of_nothing_for_head",
        Flaw::HeadOfNoLength,
        &["metadata::a_head_is_answered_without_a_body", "userinfo::a_head_is_told_the_user"],
    ),
    (
        "the_path_of_the_issuer_twice",
        Flaw::IssuerTwice,
        &[
            "path::a_proof_names_the_path_of_the_issuer_once",
            "path::a_proof_with_the_path_of_the_issuer_twice_is_refused",
        ],
    ),
    (
        "no_path_of_the_issuer",
        Flaw::NoIssuerPath,
        &[
            "path::a_proof_at_userinfo_names_the_path_of_the_issuer_once",
            "path::a_proof_without_the_path_of_the_issuer_is_refused",
        ],
    ),
    (
        "a_certificate_of_the_connection_that_is_dropped",
        Flaw::NoCertificate,
        &[
            "connection_certificates::a_certificate_is_accepted_at_introspection",
            "connection_certificates::a_certificate_binds_tokens",
            "connection_certificates::a_refresh_with_the_certificate_is_answered",
        ],
    ),
    ("a_sender_that_is_dropped", Flaw::NoSender, &["senders::the_sender_that_is_admitted_is_served_at_token"]),
    ("a_sender_that_is_made_up", Flaw::OwnSender, &["senders::a_request_without_a_sender_is_served_at_token"]),
    ("a_path_of_its_own", Flaw::OwnPath, &["dpop::a_proof_names_the_path_that_was_asked"]),
    ("a_path_with_its_query", Flaw::PathWithQuery, &["dpop::a_query_is_no_part_of_what_a_proof_names"]),
    (
        "a_charset_added_to_json",
        Flaw::AddedCharset,
        &[
            "tokens::client_credentials_give_an_access_token_alone",
            "client_authentication::a_request_without_a_client_is_refused_at_token",
        ],
    ),
    (
        "a_challenge_that_is_dropped",
        Flaw::NoChallenge,
        &[
            "client_authentication::a_wrong_secret_in_the_header_is_challenged_at_token",
            "introspection::nobody_gets_no_word_about_an_active_token",
        ],
    ),
    ("one_line_of_each_header_of_an_answer", Flaw::OneAnswerLine, &["userinfo::a_proof_of_another_key_is_refused"]),
    ("an_allow_that_is_dropped", Flaw::NoAllow, &["method::put_is_refused_with_allow_at_token"]),
    (
        "a_wait_that_is_dropped",
        Flaw::NoRetryAfter,
        &[
            "tokens::a_refresh_while_the_store_is_down_may_be_tried_again",
            "rate_limit::the_right_secret_after_two_wrong_ones_is_one_attempt_too_many_at_introspection",
        ],
    ),
    ("a_nonce_that_is_dropped", Flaw::NoNonce, &["dpop::a_proof_without_a_nonce_is_told_the_nonce"]),
    (
        "answers_that_may_be_stored",
        Flaw::Storable,
        &["tokens::client_credentials_give_an_access_token_alone", "form::no_grant_type_at_token_is_a_missing_one"],
    ),
    (
        "documents_that_may_not_be_stored",
        Flaw::Unstorable,
        &["metadata::a_get_is_answered", "keys::a_get_is_answered_at_keys"],
    ),
    (
        "answers_given_again",
        Flaw::CachedAnswers,
        &["transport::a_second_issue_gives_another_token", "transport::an_introspection_behind_a_revocation_sees_it"],
    ),
    (
        "a_client_remembered_by_its_connection",
        Flaw::RememberedClient,
        &["transport::a_client_is_not_remembered_by_its_connection"],
    ),
    (
        "error_pages_of_its_own",
        Flaw::OwnErrorPages,
        &[
            "client_authentication::a_wrong_secret_in_the_body_is_not_challenged_at_token",
            "form::no_token_at_revocation_is_a_missing_one",
        ],
    ),
    (
        "errors_that_are_no_error",
        Flaw::ErrorsAs200,
        &["refresh::an_expired_refresh_token_is_an_invalid_grant_by_a_header_client"],
    ),
    (
        "failures_told_as_errors_of_the_client",
        Flaw::FailuresAs400,
        &["revocation::revoking_a_refresh_token_while_the_store_is_down_is_no_success"],
    ),
    ("answers_by_what_is_accepted", Flaw::ByAccept, &["transport::the_answer_is_json_for_who_accepts_html_at_token"]),
    (
        "compressed_answers",
        Flaw::Compressed,
        &["transport::the_answer_is_not_compressed_for_who_accepts_that_at_introspection"],
    ),
    ("empty_bodies_left_out", Flaw::NoEmptyObject, &["revocation::garbage_is_revoked_already"]),
];
