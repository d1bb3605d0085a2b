//! Every order of a few calls, short form.

use histories::schedules::{SCENARIOS, explore};
use histories::shuttled::{self, Schedules};
use histories::specification::Windows;
use testbed::Random;

/// Schedules of a scenario; most have fewer without faults.
const LIMIT: usize = 400;

#[test]
fn every_order_of_two_or_three_calls_keeps_the_promises() {
    for scenario in &SCENARIOS {
        for windows in [Windows::Open, Windows::Closed] {
            let explored = explore(scenario, windows, 0, LIMIT, None);
            println!("{}, {windows:?}: {explored:?}", scenario.name);
            assert!(explored.is_complete || explored.schedules == LIMIT);
        }
    }
}

#[test]
fn a_fault_at_any_call_of_the_store_keeps_the_promises() {
    let mut random = Random::seeded();
    for scenario in &SCENARIOS {
        for windows in [Windows::Open, Windows::Closed] {
            let one = explore(scenario, windows, 1, LIMIT / 2, None);
            let three = explore(scenario, windows, 3, LIMIT / 4, Some(&mut random));
            println!("{}, {windows:?}: {one:?}, {three:?}", scenario.name);
        }
    }
}

#[test]
fn every_order_of_the_locks_in_memory_keeps_the_contract() {
    for explored in shuttled::explore(Schedules { exhaustive: 300, random: 100, seed: 11 }) {
        println!("{explored:?}");
    }
}
