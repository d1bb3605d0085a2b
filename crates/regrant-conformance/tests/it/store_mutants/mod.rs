//! Stores that are wrong in one way each, and the cases that must reject them.

mod broken;
mod marks;

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use regrant_conformance::Trial;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};

use self::broken::{Broken, Flaw};

struct Mutant(Flaw);

#[async_trait]
impl StoreHarness for Mutant {
    type Store = Broken;

    async fn fresh(&self) -> Fixture<Broken> {
        let store = Broken::new(self.0);
        let (cable, silent, loses) = (store.cable(), store.cable(), store.cable());
        Fixture::new(store.handle())
            .with_second_handle(store.handle())
            .with_outage(async move || cable.pull())
            .with_silence(async move || silent.silence())
            .with_lost_reply(move || {
                loses.lose_next();
                std::future::ready(())
            })
    }
}

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    // Without a flaw the store passes, so each verdict on the others is about the flaw.
    let right = suite(Flaw::None).named("store_without_a_flaw");
    // A store may answer with the conflict that its client library met when it repeated a write: the service settles
    // it.
    let repeating = suite(Flaw::SwapRepeatedBlindly)
        .named("store_whose_client_repeats_swaps")
        .without("single_use", "its uses are repeated as well");
    let wrong = MUTANTS.iter().map(|(name, flaw, cases)| {
        crate::test(format!("store_mutants::{name}"), move || {
            for case in *cases {
                let verdict = catch_unwind(AssertUnwindSafe(|| suite(*flaw).judge(case)));
                assert!(verdict.is_err(), "{case} lets {flaw:?} pass");
            }
        })
    });
    right.into_iter().chain(repeating).chain(wrong)
}

fn suite(flaw: Flaw) -> Suite<Mutant> {
    Suite::new(Mutant(flaw)).grant_index().purge_expired().single_use().single_use_purge()
}

/// Each mutant, and the cases that must reject it.
const MUTANTS: [(&str, Flaw, &[&str]); 64] = [
    (
        "a_swap_that_checks_then_acts",
        Flaw::CheckThenAct,
        &["token_store::of_two_swaps_polled_in_turns_one_wins", "token_store::a_count_by_32_writers_is_exact"],
    ),
    (
        "a_creation_that_checks_then_acts",
        Flaw::NonAtomicInsert,
        &["token_store::of_two_creations_polled_in_turns_one_wins"],
    ),
    (
        "a_swap_that_ignores_the_version",
        Flaw::IgnoredVersion,
        &[
            "token_store::a_stale_version_conflicts",
            "token_store::a_conflict_changes_nothing",
            "second_handle::a_stale_version_conflicts_on_the_other_handle",
        ],
    ),
    ("a_creation_that_overwrites", Flaw::Upsert, &["token_store::creating_twice_conflicts"]),
    (
        "a_swap_that_creates",
        Flaw::CreatingSwap,
        &[
            "token_store::swapping_what_is_not_there_conflicts",
            "purge_expired::a_version_is_not_used_again_after_a_purge",
        ],
    ),
    (
        "an_acknowledged_write_that_is_lost",
        Flaw::LostWrite,
        &["token_store::each_write_is_seen_by_the_next_load", "lifecycle::a_lost_answer_is_given_again"],
    ),
    (
        "a_read_behind_the_writes",
        Flaw::StaleRead,
        &["token_store::each_write_is_seen_by_the_next_load", "second_handle::a_write_is_seen_by_a_second_handle"],
    ),
    (
        "a_replica_that_lags",
        Flaw::LaggingReplica,
        &[
            "token_store::each_write_is_seen_by_the_next_load",
            "token_store::a_load_among_writers_never_goes_back",
            "second_handle::a_write_is_seen_by_a_second_handle",
            "second_handle::a_load_on_one_handle_never_falls_behind_the_other",
            "lifecycle::two_nodes_are_one_server",
        ],
    ),
    (
        "a_handle_that_remembers_what_it_read",
        Flaw::HandleCache,
        &[
            "second_handle::a_write_is_seen_by_a_second_handle",
            "second_handle::a_load_on_one_handle_never_falls_behind_the_other",
        ],
    ),
    (
        "a_handle_that_takes_its_writes_with_it",
        Flaw::WriteBehind,
        &["second_handle::what_was_acknowledged_outlives_the_handle"],
    ),
    (
        "versions_that_count_anew_after_a_delete",
        Flaw::VersionReuse,
        &[
            "token_store::a_version_is_no_count_of_the_writes_of_its_record",
            "purge_expired::a_version_is_not_used_again_after_a_purge",
        ],
    ),
    ("versions_made_of_the_content", Flaw::VersionOfContent, &["token_store::every_write_has_a_version_of_its_own"]),
    ("a_conflict_that_writes", Flaw::TouchingConflict, &["token_store::a_conflict_changes_nothing"]),
    (
        "an_outage_told_as_absence",
        Flaw::AbsentOnError,
        &[
            "outage::an_unreachable_store_fails_transiently",
            "outage::an_unreachable_store_is_no_absence_to_the_service",
            "silence::a_silent_store_fails_transiently_in_time",
            "silence::a_silent_store_is_no_absence_to_the_service",
        ],
    ),
    (
        "an_outage_told_as_conflict",
        Flaw::ConflictOnError,
        &["outage::an_unreachable_store_fails_transiently", "silence::a_silent_store_fails_transiently_in_time"],
    ),
    (
        "an_outage_told_as_success",
        Flaw::StoredOnError,
        &["outage::an_unreachable_store_fails_transiently", "silence::a_silent_store_fails_transiently_in_time"],
    ),
    (
        "an_outage_told_as_final",
        Flaw::FinalError,
        &[
            "outage::an_unreachable_store_fails_transiently",
            "grant_index_outage::an_unreachable_store_has_no_empty_page",
            "single_use_outage::an_unreachable_store_knows_neither_first_nor_again",
        ],
    ),
    (
        "an_outage_told_as_an_empty_page",
        Flaw::EmptyPageOnError,
        &[
            "grant_index_outage::an_unreachable_store_has_no_empty_page",
            "grant_index_silence::a_silent_store_has_no_empty_page",
        ],
    ),
    ("a_call_that_waits_for_ever", Flaw::NoDeadline, &["silence::a_silent_store_fails_transiently_in_time"]),
    (
        "a_write_repeated_and_told_as_conflict",
        Flaw::DoubleApply,
        &["token_store::of_two_swaps_polled_in_turns_one_wins", "token_store::a_count_by_32_writers_is_exact"],
    ),
    (
        "a_realm_folded_to_lower_case",
        Flaw::RealmCaseFolded,
        &["token_store::a_realm_is_part_of_the_key", "grant_index::a_listing_stays_in_its_realm"],
    ),
    ("a_realm_that_is_forgotten", Flaw::RealmIgnored, &["token_store::a_realm_is_part_of_the_key"]),
    ("an_id_cut_at_its_first_zero", Flaw::IdCutAtZero, &["token_store::keys_are_compared_byte_for_byte"]),
    ("a_payload_cut_short", Flaw::TruncatedPayload, &["token_store::payloads_of_any_bytes_and_of_0_to_64_kib"]),
    (
        "a_payload_kept_as_text",
        Flaw::TextPayload,
        &["token_store::payloads_of_any_bytes_and_of_0_to_64_kib", "token_store::keys_are_compared_byte_for_byte"],
    ),
    (
        "an_end_that_never_moves",
        Flaw::FrozenEnd,
        &["token_store::the_end_may_move_either_way", "purge_expired::a_grant_whose_end_moved_away_is_kept"],
    ),
    ("an_end_rounded_to_seconds", Flaw::RoundedEnd, &["token_store::ends_of_every_kind"]),
    ("a_dropped_swap_that_is_half_done", Flaw::HalfWrite, &["token_store::a_dropped_swap_is_all_or_nothing"]),
    (
        "a_dead_record_that_returns",
        Flaw::Resurrection,
        &["token_store::a_record_past_its_end_may_vanish_but_never_returns"],
    ),
    (
        "an_index_that_forgets_at_the_next_write",
        Flaw::ForgetfulIndex,
        &[
            "grant_index::a_listing_shows_the_latest_record",
            "grant_index::a_listing_among_writers_neither_skips_nor_repeats",
        ],
    ),
    ("an_index_of_old_records", Flaw::StaleIndex, &["grant_index::a_listing_shows_the_latest_record"]),
    ("an_index_that_lags", Flaw::LaggingIndex, &["grant_index::what_is_acknowledged_is_listed"]),
    ("an_index_at_a_replica_that_lags", Flaw::IndexOfReplica, &["grant_index::what_is_acknowledged_is_listed"]),
    (
        "an_index_written_before_the_condition",
        Flaw::IndexBeforeTheCondition,
        &["grant_index::a_creation_that_conflicts_enters_no_owner"],
    ),
    (
        "an_index_written_before_the_swap",
        Flaw::IndexBeforeTheSwap,
        &["grant_index::a_swap_that_conflicts_changes_no_listing"],
    ),
    (
        "an_index_that_shows_a_refused_record",
        Flaw::IndexOfRefusedRecord,
        &["grant_index::a_swap_that_conflicts_changes_no_listing"],
    ),
    (
        "an_index_taken_back_from_its_owner",
        Flaw::IndexTakenBack,
        &["grant_index::a_creation_that_conflicts_enters_no_owner"],
    ),
    ("an_index_that_folds_case", Flaw::OwnerCaseFolded, &["grant_index::owners_are_compared_byte_for_byte"]),
    ("an_index_by_prefix", Flaw::OwnerPrefix, &["grant_index::owners_are_compared_byte_for_byte"]),
    ("an_index_of_all_realms", Flaw::IndexOfAllRealms, &["grant_index::a_listing_stays_in_its_realm"]),
    ("a_page_that_repeats_its_last", Flaw::InclusivePage, &["grant_index::pages_ascend_and_are_full_until_the_last"]),
    ("a_page_filtered_after_the_limit", Flaw::FilteredAfterLimit, &["grant_index::pages_of_one_by_both_owners"]),
    ("a_page_in_order_of_creation", Flaw::UnorderedPage, &["grant_index::pages_ascend_and_are_full_until_the_last"]),
    ("a_purge_a_second_early", Flaw::EarlyPurge, &["purge_expired::what_lives_is_kept"]),
    ("a_purge_that_is_late", Flaw::LatePurge, &["purge_expired::what_has_ended_is_purged_at_that_very_moment"]),
    (
        "a_purge_by_the_first_end",
        Flaw::PurgeByFirstEnd,
        &[
            "purge_expired::a_grant_whose_end_moved_away_is_kept",
            "purge_expired::a_purge_among_refreshes_takes_no_living_grant",
        ],
    ),
    (
        "a_purge_without_bounds",
        Flaw::UnboundedPurge,
        &["purge_expired::a_purge_stays_within_its_limit_and_says_how_much"],
    ),
    (
        "a_purge_of_what_never_ends",
        Flaw::PurgeOfTheEndless,
        &["purge_expired::what_lives_is_kept", "purge_expired::a_grant_that_no_longer_ends_is_kept"],
    ),
    (
        "a_purge_that_stops_at_the_first_that_lives",
        Flaw::ImpatientPurge,
        &["purge_expired::a_grant_whose_end_moved_away_is_kept"],
    ),
    ("a_purge_that_leaves_the_index", Flaw::GhostsInTheIndex, &["purge_expired::what_was_purged_is_not_listed"]),
    (
        "a_use_that_checks_then_acts",
        Flaw::UseCheckedThenMarked,
        &["single_use::of_two_uses_polled_in_turns_one_is_first"],
    ),
    (
        "a_handle_that_remembers_uses_alone",
        Flaw::UseSeenByOwnHandleOnly,
        &["single_use::a_use_is_seen_by_a_second_handle", "single_use::of_many_uses_at_once_one_is_first"],
    ),
    (
        "a_use_sent_twice_that_meets_itself",
        Flaw::UseSentTwice,
        &["single_use::the_first_use_is_the_only_one", "single_use::of_many_uses_at_once_one_is_first"],
    ),
    (
        "a_use_whose_repetition_meets_itself",
        Flaw::UseRepeatedBlindly,
        &["single_use_lost_reply::a_use_whose_reply_was_lost_is_no_replay"],
    ),
    (
        "a_lost_reply_told_as_final",
        Flaw::LostReplyIsFinal,
        &[
            "lost_reply::a_swap_whose_reply_was_lost_is_no_conflict_with_nobody",
            "lost_reply::a_creation_whose_reply_was_lost_is_no_conflict_with_nobody",
            "single_use_lost_reply::a_use_whose_reply_was_lost_is_no_replay",
        ],
    ),
    (
        "a_lost_reply_told_as_success",
        Flaw::LostReplyIsStored,
        &[
            "lost_reply::a_swap_whose_reply_was_lost_is_no_conflict_with_nobody",
            "lost_reply::a_lost_reply_costs_no_session_at_refresh",
        ],
    ),
    ("a_use_id_cut_in_half", Flaw::HalfUseId, &["single_use::ids_that_differ_in_one_bit_are_two"]),
    (
        "an_outage_told_as_first_use",
        Flaw::FirstOnError,
        &[
            "single_use_outage::an_unreachable_store_knows_neither_first_nor_again",
            "single_use_silence::a_silent_store_knows_neither_first_nor_again",
        ],
    ),
    (
        "an_outage_told_as_replay",
        Flaw::AgainOnError,
        &[
            "single_use_outage::an_unreachable_store_knows_neither_first_nor_again",
            "single_use_silence::a_silent_store_knows_neither_first_nor_again",
        ],
    ),
    (
        "a_replay_that_moves_the_end",
        Flaw::ReplayMovesEnd,
        &["single_use_purge::a_replay_does_not_move_the_end_of_a_mark"],
    ),
    (
        "a_mark_forgotten_too_early",
        Flaw::MarksForgottenEarly,
        &["single_use_purge::a_mark_holds_until_its_end_and_goes_then"],
    ),
    ("a_mark_kept_for_ever", Flaw::MarksKeptForever, &["single_use_purge::a_mark_holds_until_its_end_and_goes_then"]),
    (
        "marks_purged_beyond_the_limit",
        Flaw::MarksBeyondLimit,
        &[
            "single_use_purge::a_purge_of_marks_stays_within_its_limit_and_says_how_much",
            "single_use_purge::marks_and_grants_are_purged_side_by_side",
        ],
    ),
    (
        "marks_purged_and_not_counted",
        Flaw::MarksNotCounted,
        &[
            "single_use_purge::a_purge_of_marks_stays_within_its_limit_and_says_how_much",
            "single_use_purge::marks_and_grants_are_purged_side_by_side",
        ],
    ),
];
