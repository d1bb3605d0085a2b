//! Explores every configuration and prints a table. Ends with an error, and a counterexample in words, when a property
//! is broken or an expected event cannot be reached.
//!
//! ```text
//! cargo run --profile verify -p model                    every configuration, completely
//! cargo run --profile verify -p model -- failover        those with the word in their names
//! cargo run --profile verify -p model -- --wide 5000000  with wider bounds, up to so many states each
//! cargo run --profile verify -p model -- --faults        each defect of the model, and the property that finds it
//! ```

use std::process::ExitCode;
use std::time::Instant;

use model::config::Config;
use model::explore::{Failure, explore_up_to};
use model::fault::Fault;
use model::rules::Rules;
use model::words::story;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_kept = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => table(Config::all(), usize::MAX),
        ["--faults"] => defects(),
        ["--wide", limit] => {
            let wide = Config::all().into_iter().map(Config::wide).collect();
            limit.parse().is_ok_and(|limit| table(wide, limit))
        }
        [word] => table(Config::all().into_iter().filter(|config| config.name.contains(word)).collect(), usize::MAX),
        _ => false,
    };
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::disallowed_methods, reason = "the time that the exploration takes is printed")]
fn table(configs: Vec<Config>, limit: usize) -> bool {
    let start = Instant::now();
    let (mut states, mut is_kept) = (0, true);
    println!("{:<48} {:>10} {:>11} {:>5} {:>6} {:>6}", "configuration", "states", "steps", "depth", "events", "s");
    for config in configs {
        let begin = Instant::now();
        let report = explore_up_to(limit, &config);
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
            println!("  broken: {:?}\n{}", failure.property, story(&config, &failure.trace));
        }
        let missed: Vec<_> = config.expects.iter().filter(|landmark| !report.seen.contains(**landmark)).collect();
        if !missed.is_empty() {
            println!("  not reached: {missed:?}");
        }
        is_kept &= report.failure.is_none() && missed.is_empty();
    }
    println!("{states} states in {:.1} s", start.elapsed().as_secs_f32());
    is_kept
}

/// Prints the configuration that needs the fewest states to find each defect.
fn defects() -> bool {
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
        if let Some((states, config, failure)) = best {
            println!("{fault:?}: {:?} in {:?}, {states} states", failure.property, config.name);
            println!("{}", story(&config, &failure.trace));
        } else {
            println!("{fault:?}: not found");
            are_all_found = false;
        }
    }
    are_all_found
}
