//! Explores every configuration and prints a table. Ends with an error, and a counterexample in words, when a property
//! is broken or an expected event cannot be reached.
//!
//! ```text
//! cargo run --profile verify -p model              every configuration
//! cargo run --profile verify -p model -- failover  those with the word in their names
//! cargo run --profile verify -p model -- --faults  each defect of the model, and the property that finds it
//! ```

use std::process::ExitCode;
use std::time::Instant;

use model::config::Config;
use model::explore::{Failure, explore, explore_up_to};
use model::fault::Fault;
use model::rules::Rules;
use model::words::story;

fn main() -> ExitCode {
    let word = std::env::args().nth(1).unwrap_or_default();
    if word == "--faults" {
        return defects();
    }
    let start = Instant::now();
    let (mut states, mut is_kept) = (0, true);
    println!("{:<48} {:>10} {:>11} {:>5} {:>6} {:>6}", "configuration", "states", "steps", "depth", "events", "s");
    for config in Config::all().iter().filter(|config| config.name.contains(&word)) {
        let begin = Instant::now();
        let report = explore(config);
        states += report.states;
        println!(
            "{:<48} {:>10} {:>11} {:>5} {:>6} {:>6.1}",
            config.name,
            report.states,
            report.steps,
            report.depth,
            report.seen.len(),
            begin.elapsed().as_secs_f32()
        );
        if let Some(failure) = &report.failure {
            println!("  broken: {:?}\n{}", failure.property, story(config, &failure.trace));
            is_kept = false;
        } else {
            for missed in config.expects.iter().filter(|landmark| !report.seen.contains(**landmark)) {
                println!("  not reached: {missed:?}");
                is_kept = false;
            }
        }
    }
    println!("{states} states in {:.1} s", start.elapsed().as_secs_f32());
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the configuration that needs the fewest states to find each defect.
fn defects() -> ExitCode {
    let mut are_all_found = true;
    for fault in Fault::ALL {
        let mut best: Option<(usize, Config, Failure)> = None;
        for config in Config::all() {
            let config = Config { rules: Rules { fault: Some(fault), ..config.rules }, ..config };
            let limit = best.as_ref().map_or(usize::MAX, |(states, ..)| *states);
            let report = explore_up_to(limit, &config);
            if let Some(failure) = report.failure {
                best = Some((report.states, config, failure));
            }
        }
        match best {
            Some((states, config, failure)) => {
                println!("{fault:?}: {:?} in {:?}, {states} states", failure.property, config.name);
                println!("{}", story(&config, &failure.trace));
            }
            None => {
                println!("{fault:?}: not found");
                are_all_found = false;
            }
        }
    }
    if are_all_found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
