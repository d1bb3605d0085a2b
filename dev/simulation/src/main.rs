//! Deterministic simulation of lives of grants: the real `TokenService` behind its real endpoints, on simulated nodes,
//! clocks, networks and stores, among owners and thieves. Every reply is judged from a ledger that the product cannot
//! see. `docs/verification.md` explains what is judged.
//!
//! | file | content |
//! |---|---|
//! | `life`, `disturb`, `finale` | one life: its plan and steps, what happens to the system, the end |
//! | `world` | clocks, the store and its faults |
//! | `node`, `call` | a node, and one request |
//! | `owner`, `thief` | the actors |
//! | `ledger`, `bounds` | what is known from outside, and the times that the documents promise |
//! | `judge` | the checks |
//! | `campaign` | many lives, and the shortest form of a failing one |
//!
//! `cargo run --profile verify -p simulation -- --seeds 10000` runs lives, and prints those in which a promise broke.

#![allow(clippy::print_stdout, reason = "a command")]
#![allow(clippy::expect_used, reason = "constants of the simulation that do not fit must stop it")]

mod bounds;
mod call;
mod campaign;
mod dice;
mod disturb;
mod facts;
mod finale;
mod judge;
mod ledger;
mod life;
mod node;
mod owner;
mod thief;
mod world;

use std::process::ExitCode;

use clap::Parser;

use campaign::Length;

/// Runs simulated lives of grants, and prints those in which a promise broke.
#[derive(Parser)]
struct Arguments {
    /// The number of lives.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// Runs for this many seconds instead.
    #[arg(long, conflicts_with = "seeds")]
    seconds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The number of threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Stops after this many failures.
    #[arg(long, default_value_t = 10)]
    failures: usize,
    /// Prints the trace of one seed instead.
    #[arg(long)]
    trace: Option<u64>,
    /// Prints the pairs of events and causes that were seen.
    #[arg(long)]
    coverage: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.trace {
        let outcome = campaign::live(seed, true);
        outcome.trace.iter().for_each(|line| println!("{line}"));
        println!("fingerprint {:016x}", outcome.fingerprint);
        if let Some(violation) = &outcome.violation {
            println!("{violation}");
        }
        return ExitCode::from(u8::from(outcome.violation.is_some()));
    }
    let length = match arguments.seconds {
        Some(seconds) => Length::Seconds(seconds),
        None => Length::Lives(arguments.seeds),
    };
    let summary = campaign::run(arguments.from, length, arguments.threads, arguments.failures);
    for failure in &summary.failures {
        println!("seed {}: {}", failure.seed, failure.violation);
        let Some((steps, outcome)) = campaign::shrink(failure.seed) else { continue };
        println!("  in {} steps:", steps.len());
        outcome.trace.iter().for_each(|line| println!("  {line}"));
        outcome.violation.iter().for_each(|violation| println!("  {violation}"));
    }
    if arguments.coverage {
        for (operation, kind, cause) in &summary.seen {
            println!("{operation:<18} {kind:<22} {cause}");
        }
    }
    println!(
        "seeds from {}: {} lives, {} steps, {} requests, {:.1} s, {} requests/s; {} thefts found, {} refreshes by thieves, {} heals; \
         {} pairs of event and cause; {} failures",
        arguments.from,
        summary.lives,
        summary.steps,
        summary.calls,
        summary.seconds,
        summary.rate(),
        summary.thefts_found,
        summary.refreshed_by_thieves,
        summary.heals,
        summary.pairs(),
        summary.failures.len(),
    );
    ExitCode::from(u8::from(!summary.failures.is_empty()))
}
