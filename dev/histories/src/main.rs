//! Records histories on real stores under faults and checks them; explores the interleavings of a few calls.
//!
//! `histories --seconds N [--store NAME]` repeats all scenarios until the time is over. `REGRANT_SEED` repeats the
//! choices of a run, as far as they depend on a seed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]
#![expect(clippy::expect_used, reason = "a campaign that cannot start ends")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use histories::process::{SERVE, serve};
use histories::report::Table;
use histories::scenarios::{Plan, STORES, run};
use histories::schedules::{SCENARIOS, explore};
use histories::shuttled::{self, Schedules};
use histories::specification::Windows;
use testbed::Random;

/// The name of the interleavings, which need no server.
const INTERLEAVINGS: &str = "interleavings";

/// Schedules of a scenario in one repetition.
const SCHEDULES: usize = 5000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let all: Vec<&str> = STORES.into_iter().chain([INTERLEAVINGS]).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [SERVE, ..] => {
            runtime().block_on(serve(&arguments[1..]));
            ExitCode::SUCCESS
        }
        ["--seconds", seconds] => campaign(seconds.parse().ok(), &all),
        ["--seconds", seconds, "--store", store] if all.contains(&store) => campaign(seconds.parse().ok(), &[store]),
        _ => campaign(None, &all),
    }
}

fn campaign(seconds: Option<u64>, stores: &[&str]) -> ExitCode {
    let Some(seconds) = seconds else {
        eprintln!("usage: histories --seconds N [--store {}]", stores.join("|"));
        return ExitCode::FAILURE;
    };
    let plan = Plan { calls: 400, program: std::env::current_exe().expect("a program") };
    let (mut random, mut table) = (Random::seeded(), Table::default());
    let (runtime, begin) = (runtime(), now());
    let has_time = || begin.elapsed() < Duration::from_secs(seconds);
    while has_time() && table.is_linearizable() {
        for store in stores {
            if *store == INTERLEAVINGS {
                interleavings(&mut random, has_time);
            } else {
                runtime.block_on(run(store, &plan, &mut random, &mut table));
            }
        }
    }
    println!("{table}");
    if table.is_linearizable() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Explores scenarios while there is time, from a random one on. A property that does not hold ends the program with
/// the schedule or the history.
fn interleavings(random: &mut Random, has_time: impl Fn() -> bool) {
    let first = usize::try_from(random.below(SCENARIOS.len() as u64)).unwrap_or(0);
    for scenario in SCENARIOS.iter().cycle().skip(first).take(SCENARIOS.len()) {
        for windows in [Windows::Open, Windows::Closed] {
            if !has_time() {
                return;
            }
            let all = explore(scenario, windows, 0, 8 * SCHEDULES, None);
            let one = explore(scenario, windows, 1, SCHEDULES, None);
            let three = explore(scenario, windows, 3, SCHEDULES, Some(random));
            println!("{}, {windows:?}: no fault {all:?}; one fault {one:?}; three, at random {three:?}", scenario.name);
        }
    }
    let seed = random.below(u64::MAX);
    for explored in shuttled::explore(Schedules { exhaustive: 2 * SCHEDULES, random: SCHEDULES, seed }) {
        println!("{explored:?}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

#[expect(clippy::disallowed_methods, reason = "a budget of real time")]
fn now() -> Instant {
    Instant::now()
}
