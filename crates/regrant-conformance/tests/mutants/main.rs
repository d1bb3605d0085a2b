//! Who judges the judge? Stores that are wrong in one way each, and the case that must find it.

mod broken;
mod marks;

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use regrant_conformance::{Fixture, StoreHarness};

use crate::broken::{Broken, Flaw};

struct Mutant(Flaw);

#[async_trait]
impl StoreHarness for Mutant {
    type Store = Broken;

    async fn fresh(&self) -> Fixture<Broken> {
        let store = Broken::new(self.0);
        let (cable, loses) = (store.cable(), store.cable());
        Fixture::new(store.handle())
            .with_second_handle(store.handle())
            .with_outage(async move || cable.pull())
            .with_lost_reply(move || {
                loses.lose_next();
                std::future::ready(())
            })
    }
}

// Without a flaw it passes, so what the cases find in the others is the flaw.
regrant_conformance::store_tests!(Mutant(Flaw::None));

/// A store may answer with the conflict that its client library met when it repeated a write: the service settles it.
mod whose_client_repeats_swaps {
    use super::{Flaw, Mutant};

    regrant_conformance::store_tests!(Mutant(Flaw::SwapRepeatedBlindly), without: {
        single_use: "its uses are repeated as well",
    });
}

/// One test for each mutant: `flaw: the cases that reject it`.
macro_rules! mutants {
    ($($test:ident: $flaw:ident is rejected by $($group:ident::$case:ident),+;)+) => {$(
        #[test]
        fn $test() {
            $(
                let verdict = catch_unwind(AssertUnwindSafe(|| {
                    regrant_conformance::run::case(regrant_conformance::cases::$group::$case(&Mutant(Flaw::$flaw)));
                }));
                assert!(verdict.is_err(), "{} let {:?} pass", stringify!($group::$case), Flaw::$flaw);
            )+
        }
    )+};
}

mutants! {
    a_swap_that_checks_then_acts: CheckThenAct is rejected by
        token_store::of_two_swaps_polled_in_turns_one_wins,
        token_store::a_count_by_32_writers_is_exact;
    a_creation_that_checks_then_acts: NonAtomicInsert is rejected by
        token_store::of_two_creations_polled_in_turns_one_wins;
    a_swap_that_ignores_the_version: IgnoredVersion is rejected by
        token_store::a_stale_version_conflicts,
        token_store::a_conflict_changes_nothing,
        second_handle::a_stale_version_conflicts_on_the_other_handle;
    a_creation_that_overwrites: Upsert is rejected by
        token_store::creating_twice_conflicts;
    a_swap_that_creates: CreatingSwap is rejected by
        token_store::swapping_what_is_not_there_conflicts,
        purge_expired::a_version_is_not_used_again_after_a_purge;
    an_acknowledged_write_that_is_lost: LostWrite is rejected by
        token_store::each_write_is_seen_by_the_next_load,
        lifecycle::a_lost_answer_is_given_again;
    a_read_behind_the_writes: StaleRead is rejected by
        token_store::each_write_is_seen_by_the_next_load,
        second_handle::a_write_is_seen_by_a_second_handle;
    a_handle_that_remembers_what_it_read: HandleCache is rejected by
        second_handle::a_write_is_seen_by_a_second_handle,
        second_handle::a_load_on_one_handle_never_falls_behind_the_other;
    a_handle_that_takes_its_writes_with_it: WriteBehind is rejected by
        second_handle::what_was_acknowledged_outlives_the_handle;
    versions_that_count_anew_after_a_delete: VersionReuse is rejected by
        purge_expired::a_version_is_not_used_again_after_a_purge;
    versions_made_of_the_content: VersionOfContent is rejected by
        token_store::every_write_has_a_version_of_its_own;
    a_conflict_that_writes: TouchingConflict is rejected by
        token_store::a_conflict_changes_nothing;
    an_outage_told_as_absence: AbsentOnError is rejected by
        outage::an_unreachable_store_fails_transiently,
        outage::an_unreachable_store_is_no_absence_to_the_service;
    an_outage_told_as_conflict: ConflictOnError is rejected by
        outage::an_unreachable_store_fails_transiently;
    an_outage_told_as_success: StoredOnError is rejected by
        outage::an_unreachable_store_fails_transiently;
    an_outage_told_as_final: FinalError is rejected by
        outage::an_unreachable_store_fails_transiently;
    a_write_repeated_and_told_as_conflict: DoubleApply is rejected by
        token_store::of_two_swaps_polled_in_turns_one_wins,
        token_store::a_count_by_32_writers_is_exact;
    a_realm_folded_to_lower_case: RealmCaseFolded is rejected by
        token_store::a_realm_is_part_of_the_key,
        grant_index::a_listing_stays_in_its_realm;
    a_realm_that_is_forgotten: RealmIgnored is rejected by
        token_store::a_realm_is_part_of_the_key;
    an_id_cut_at_its_first_zero: IdCutAtZero is rejected by
        token_store::keys_are_compared_byte_for_byte;
    a_payload_cut_short: TruncatedPayload is rejected by
        token_store::payloads_of_any_bytes_and_of_0_to_64_kib;
    a_payload_kept_as_text: TextPayload is rejected by
        token_store::payloads_of_any_bytes_and_of_0_to_64_kib,
        token_store::keys_are_compared_byte_for_byte;
    an_end_that_never_moves: FrozenEnd is rejected by
        token_store::the_end_may_move_either_way,
        purge_expired::a_grant_whose_end_moved_away_is_kept;
    an_end_rounded_to_seconds: RoundedEnd is rejected by
        token_store::ends_of_every_kind;
    a_dropped_swap_that_is_half_done: HalfWrite is rejected by
        token_store::a_dropped_swap_is_all_or_nothing;
    a_dead_record_that_returns: Resurrection is rejected by
        token_store::a_record_past_its_end_may_vanish_but_never_returns;
    an_index_that_forgets_at_the_next_write: ForgetfulIndex is rejected by
        grant_index::a_listing_shows_the_latest_record,
        grant_index::a_listing_among_writers_neither_skips_nor_repeats;
    an_index_of_old_records: StaleIndex is rejected by
        grant_index::a_listing_shows_the_latest_record;
    an_index_that_lags: LaggingIndex is rejected by
        grant_index::what_is_acknowledged_is_listed;
    an_index_written_before_the_condition: IndexBeforeTheCondition is rejected by
        grant_index::a_creation_that_conflicts_enters_no_owner;
    an_index_taken_back_from_its_owner: IndexTakenBack is rejected by
        grant_index::a_creation_that_conflicts_enters_no_owner;
    an_index_that_folds_case: OwnerCaseFolded is rejected by
        grant_index::owners_are_compared_byte_for_byte;
    an_index_by_prefix: OwnerPrefix is rejected by
        grant_index::owners_are_compared_byte_for_byte;
    an_index_of_all_realms: IndexOfAllRealms is rejected by
        grant_index::a_listing_stays_in_its_realm;
    a_page_that_repeats_its_last: InclusivePage is rejected by
        grant_index::pages_ascend_and_are_full_until_the_last;
    a_page_filtered_after_the_limit: FilteredAfterLimit is rejected by
        grant_index::pages_of_one_by_both_owners;
    a_page_in_order_of_creation: UnorderedPage is rejected by
        grant_index::pages_ascend_and_are_full_until_the_last;
    a_purge_a_second_early: EarlyPurge is rejected by
        purge_expired::what_lives_is_kept;
    a_purge_that_is_late: LatePurge is rejected by
        purge_expired::what_has_ended_is_purged_at_that_very_moment;
    a_purge_by_the_first_end: PurgeByFirstEnd is rejected by
        purge_expired::a_grant_whose_end_moved_away_is_kept,
        purge_expired::a_purge_among_refreshes_takes_no_living_grant;
    a_purge_without_bounds: UnboundedPurge is rejected by
        purge_expired::a_purge_stays_within_its_limit_and_says_how_much;
    a_purge_of_what_never_ends: PurgeOfTheEndless is rejected by
        purge_expired::what_lives_is_kept,
        purge_expired::a_grant_that_no_longer_ends_is_kept;
    a_purge_that_stops_at_the_first_that_lives: ImpatientPurge is rejected by
        purge_expired::a_grant_whose_end_moved_away_is_kept;
    a_purge_that_leaves_the_index: GhostsInTheIndex is rejected by
        purge_expired::what_was_purged_is_not_listed;
    a_use_that_checks_then_acts: UseCheckedThenMarked is rejected by
        single_use::of_two_uses_polled_in_turns_one_is_first;
    a_handle_that_remembers_uses_alone: UseSeenByOwnHandleOnly is rejected by
        single_use::a_use_is_seen_by_a_second_handle,
        single_use::of_many_uses_at_once_one_is_first;
    a_use_sent_twice_that_meets_itself: UseSentTwice is rejected by
        single_use::the_first_use_is_the_only_one,
        single_use::of_many_uses_at_once_one_is_first;
    a_use_whose_repetition_meets_itself: UseRepeatedBlindly is rejected by
        single_use_lost_reply::a_use_whose_reply_was_lost_is_no_replay;
    a_lost_reply_told_as_final: LostReplyIsFinal is rejected by
        lost_reply::a_swap_whose_reply_was_lost_is_no_conflict_with_nobody,
        lost_reply::a_creation_whose_reply_was_lost_is_no_conflict_with_nobody,
        single_use_lost_reply::a_use_whose_reply_was_lost_is_no_replay;
    a_lost_reply_told_as_success: LostReplyIsStored is rejected by
        lost_reply::a_swap_whose_reply_was_lost_is_no_conflict_with_nobody,
        lost_reply::a_lost_reply_costs_no_session_at_refresh;
    a_use_id_cut_in_half: HalfUseId is rejected by
        single_use::ids_that_differ_in_one_bit_are_two;
    an_outage_told_as_first_use: FirstOnError is rejected by
        single_use_outage::an_unreachable_store_knows_neither_first_nor_again;
    an_outage_told_as_replay: AgainOnError is rejected by
        single_use_outage::an_unreachable_store_knows_neither_first_nor_again;
    a_replay_that_moves_the_end: ReplayMovesEnd is rejected by
        single_use_purge::a_replay_does_not_move_the_end_of_a_mark;
    a_mark_forgotten_too_early: MarksForgottenEarly is rejected by
        single_use_purge::a_mark_holds_until_its_end_and_goes_then;
    a_mark_kept_for_ever: MarksKeptForever is rejected by
        single_use_purge::a_mark_holds_until_its_end_and_goes_then;
    marks_purged_beyond_the_limit: MarksBeyondLimit is rejected by
        single_use_purge::a_purge_of_marks_stays_within_its_limit_and_says_how_much,
        single_use_purge::marks_and_grants_are_purged_side_by_side;
    marks_purged_and_not_counted: MarksNotCounted is rejected by
        single_use_purge::a_purge_of_marks_stays_within_its_limit_and_says_how_much,
        single_use_purge::marks_and_grants_are_purged_side_by_side;
}
