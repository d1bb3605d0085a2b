/// Makes one named test of each case, for the store of a [`StoreHarness`](crate::StoreHarness).
///
/// ```
/// # use regrant::MemoryStore;
/// # use regrant_conformance::{Fixture, StoreHarness};
/// # struct Memory;
/// # #[async_trait::async_trait]
/// # impl StoreHarness for Memory {
/// #     type Store = MemoryStore;
/// #     async fn fresh(&self) -> Fixture<MemoryStore> {
/// #         let store = MemoryStore::new();
/// #         Fixture::new(store.clone()).with_second_handle(store)
/// #     }
/// # }
/// regrant_conformance::store_tests!(Memory, without: {
///     outage: "nothing lies between a store in memory and its data",
///     lost_reply: "nothing lies between a store in memory and its data",
/// });
/// ```
///
/// The tests stand in a module `conformance`, in groups as [`cases`](crate::cases) has them. A group that a store has no
/// part in is left out with a reason, and its tests are shown as ignored, with that reason. `token_store` and `lifecycle`
/// are never left out; `single_use_purge`, `single_use_outage` and `single_use_lost_reply` go with either of the two
/// that they join.
#[macro_export]
macro_rules! store_tests {
    ($harness:expr) => {
        $crate::store_tests!($harness, without: {});
    };
    ($harness:expr, without: { $($group:ident: $reason:literal),* $(,)? }) => {
        $crate::__store_tests!(($) $harness, $($group $reason)*);
    };
}

/// Every case by name. `$d` is a dollar sign: the inner macro has variables of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_tests {
    (($d:tt) $harness:expr, $($left_out:ident $reason:literal)*) => {
        #[cfg(test)]
        mod conformance {
            #[allow(unused_imports, reason = "the harness may be named by its full path")]
            use super::*;

            macro_rules! group {
                // A group is left out with any that it joins.
                ($d group:ident $d(joins $d($d joined:ident)+)?: $d($d case:ident)*) => {
                    group!($d group unless $d group $d($d($d joined)+)?: $d($d case)*);
                };
                $(($d group:ident unless $left_out $d($d other:ident)*: $d($d case:ident)*) => {
                    mod $d group {
                        $d(#[test] #[ignore = $reason] fn $d case() {})*
                    }
                };)*
                ($d group:ident unless $d there:ident $d($d other:ident)*: $d($d case:ident)*) => {
                    group!($d group unless $d($d other)*: $d($d case)*);
                };
                ($d group:ident unless: $d($d case:ident)*) => {
                    group!(always $d group: $d($d case)*);
                };
                (always $d group:ident: $d($d case:ident)*) => {
                    mod $d group {
                        #[allow(unused_imports, reason = "the harness may be named by its full path")]
                        use super::*;

                        $d(#[test] fn $d case() {
                            $crate::run::case($crate::cases::$d group::$d case(&$harness));
                        })*
                    }
                };
            }

            group!(always token_store:
                a_key_that_was_never_written_has_no_record
                a_record_comes_back_as_it_was_written
                creating_twice_conflicts
                swapping_what_is_not_there_conflicts
                every_write_has_a_version_of_its_own
                a_stale_version_conflicts
                a_conflict_changes_nothing
                a_version_of_another_key_conflicts
                each_write_is_seen_by_the_next_load
                keys_are_compared_byte_for_byte
                a_realm_is_part_of_the_key
                payloads_of_any_bytes_and_of_0_to_64_kib
                names_with_difficult_characters
                ends_of_every_kind
                the_end_may_move_either_way
                a_dropped_load_disturbs_nothing
                a_dropped_swap_is_all_or_nothing
                of_two_swaps_polled_in_turns_one_wins
                of_two_creations_polled_in_turns_one_wins
                of_many_swaps_at_once_one_wins
                of_many_creations_at_once_one_wins
                a_count_by_32_writers_is_exact
                a_load_among_writers_never_goes_back
                a_record_past_its_end_may_vanish_but_never_returns
            );
            group!(second_handle:
                a_write_is_seen_by_a_second_handle
                a_version_from_one_handle_is_good_for_the_other
                a_stale_version_conflicts_on_the_other_handle
                a_count_by_writers_on_two_handles_is_exact
                a_load_on_one_handle_never_falls_behind_the_other
                what_was_acknowledged_outlives_the_handle
            );
            group!(grant_index:
                grants_are_listed_by_subject_by_client_and_by_both
                a_grant_without_a_subject_is_listed_by_its_client
                a_creation_that_conflicts_enters_no_owner
                nobody_is_an_owner_of_nothing
                owners_are_compared_byte_for_byte
                a_listing_stays_in_its_realm
                pages_ascend_and_are_full_until_the_last
                pages_of_one_by_both_owners
                a_listing_shows_the_latest_record
                what_is_acknowledged_is_listed
                a_listing_among_writers_neither_skips_nor_repeats
            );
            group!(purge_expired:
                what_has_ended_is_purged_at_that_very_moment
                what_lives_is_kept
                a_purge_stays_within_its_limit_and_says_how_much
                a_purge_reaches_every_realm
                a_grant_whose_end_moved_away_is_kept
                a_grant_whose_end_moved_near_is_purged
                a_grant_that_no_longer_ends_is_kept
                what_was_purged_is_not_listed
                a_version_is_not_used_again_after_a_purge
                a_purge_among_refreshes_takes_no_living_grant
                two_purges_at_once_take_each_grant_once
            );
            group!(outage:
                an_unreachable_store_fails_transiently
                an_unreachable_store_is_no_absence_to_the_service
            );
            group!(lost_reply:
                a_swap_whose_reply_was_lost_is_no_conflict_with_nobody
                a_creation_whose_reply_was_lost_is_no_conflict_with_nobody
                a_lost_reply_costs_no_session_at_refresh
                a_lost_reply_costs_no_code
                a_lost_reply_leaves_an_issue_and_a_revocation_as_they_were_told
            );
            group!(single_use:
                the_first_use_is_the_only_one
                another_end_makes_no_other_use
                ids_that_differ_in_one_bit_are_two
                ends_of_every_kind
                a_mark_is_no_grant
                a_use_is_seen_by_a_second_handle
                of_two_uses_polled_in_turns_one_is_first
                of_many_uses_at_once_one_is_first
            );
            group!(single_use_purge joins single_use purge_expired:
                a_mark_holds_until_its_end_and_goes_then
                a_replay_does_not_move_the_end_of_a_mark
                a_purge_of_marks_stays_within_its_limit_and_says_how_much
                marks_and_grants_are_purged_side_by_side
                a_purge_among_uses_takes_each_ended_mark_once_and_no_other
            );
            group!(single_use_outage joins single_use outage:
                an_unreachable_store_knows_neither_first_nor_again
            );
            group!(single_use_lost_reply joins single_use lost_reply:
                a_use_whose_reply_was_lost_is_no_replay
            );
            group!(always lifecycle:
                of_64_refreshes_at_once_all_get_one_successor
                of_many_redemptions_at_once_one_wins
                a_refresh_against_a_revocation_leaves_nothing_active
                a_lost_answer_is_given_again
                a_lost_answer_is_given_again_after_a_restart
                a_spent_token_ends_the_grant_however_late
                a_refused_request_writes_nothing
                no_single_fault_costs_a_session_at_refresh
                no_single_fault_costs_an_issue
                no_single_fault_changes_what_a_replay_answers
                no_single_fault_costs_a_code
                an_acknowledged_revocation_holds_whatever_failed
                the_reaction_to_reuse_is_stored_before_the_refusal
                a_late_write_leaves_one_successor
                a_repeated_write_costs_no_session_at_refresh
                a_repeated_write_costs_no_code
                a_repeated_write_is_an_issue_all_the_same
                a_repeated_revocation_holds
                of_many_refreshes_whose_writes_are_repeated_all_get_one_successor
                a_record_that_went_back_in_time_heals
                a_record_is_as_long_after_many_rotations
                two_nodes_are_one_server
            );
        }
    };
}
