//! Replays the corpus of each target and mutates it, on stable Rust.
//!
//! ```text
//! cargo run --profile verify -p fuzz -- --seconds 60 form token
//! ```
//!
//! An input that fails, or that needs more than 10 ms of CPU time in four runs, is written to `target/fuzz-failures/`.

#![allow(clippy::expect_used, reason = "a driver that cannot go on fails")]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fuzz::mutator::Mutator;
use fuzz::{Cost, TARGETS, Target, corpus, take_cost, target};
use regrant::{Entropy as _, SystemEntropy};
use rustix::time::{ClockId, clock_gettime};

/// The CPU time that one call of the product may need.
const LIMIT: Duration = Duration::from_millis(10);

#[derive(Parser)]
#[command(about = "Replays and mutates the corpus of each target")]
struct Arguments {
    /// The targets. Default: all.
    targets: Vec<String>,
    /// Mutations of each target for this long.
    #[arg(long, default_value_t = 10, conflicts_with = "runs")]
    seconds: u64,
    /// The number of mutations of each target.
    #[arg(long)]
    runs: Option<u64>,
    /// Repeats a run.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs these files and nothing else, on the one target that is named.
    #[arg(long, num_args = 1..)]
    inputs: Vec<PathBuf>,
    /// Writes the corpus into a folder for each target, for libFuzzer.
    #[arg(long)]
    export: Option<PathBuf>,
    /// Packs the inputs of a folder for each target into the corpus.
    #[arg(long)]
    pack: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen: Vec<&Target> = match &arguments.targets[..] {
        [] => TARGETS.iter().collect(),
        names => names.iter().map(|name| target(name).expect("no such target")).collect(),
    };
    let seed = arguments.seed.unwrap_or_else(|| {
        let mut seed = [0; 4];
        SystemEntropy.fill(&mut seed);
        u32::from_be_bytes(seed).into()
    });
    let mut is_good = true;
    for target in chosen {
        let name = target.name;
        if let Some(folder) = &arguments.export {
            corpus::export(target, &folder.join(name));
            println!("{name} {}", target.max_len);
        } else if let Some(folder) = &arguments.pack {
            println!("{name}: {} inputs packed", corpus::pack(target, &folder.join(name), 32 * 1024));
        } else if arguments.inputs.is_empty() {
            is_good &= campaign(target, &arguments, seed);
        } else {
            for path in &arguments.inputs {
                is_good &= run(target, &fs::read(path).expect("a file"), &mut Cost::default());
            }
        }
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns true if everything held.
fn campaign(target: &Target, arguments: &Arguments, seed: u64) -> bool {
    let (corpus, mut worst, mut is_good, mut runs) = (corpus::load(target), Cost::default(), true, 0);
    for input in &corpus {
        is_good &= run(target, input, &mut worst);
    }
    let (mut mutator, start) = (Mutator::new(seed), wall_time());
    let is_over = |runs: u64| match arguments.runs {
        Some(limit) => runs >= limit,
        None => wall_time().saturating_sub(start) >= Duration::from_secs(arguments.seconds),
    };
    while !is_over(runs) && is_good {
        is_good &= run(target, &mutator.mutation(&corpus, target.max_len), &mut worst);
        runs += 1;
    }
    let (seconds, millis) = (wall_time().saturating_sub(start).as_secs_f64(), worst.time.as_secs_f64() * 1000.0);
    println!(
        "{:18} seed {seed}: {} of the corpus, {runs} mutations in {seconds:.1} s, at most {millis:.2} ms and {} bytes",
        target.name,
        corpus.len(),
        worst.memory
    );
    is_good
}

/// Runs an input once, and a slow one again: another process may have been the cause.
fn run(target: &Target, input: &[u8], worst: &mut Cost) -> bool {
    let Some(mut cost) = cost(target, input) else {
        println!("{}: FAILED by {}", target.name, keep(target, input).display());
        return false;
    };
    for _ in 0..3 {
        if cost.time > LIMIT {
            cost.time = cost.time.min(self::cost(target, input).map_or(Duration::ZERO, |again| again.time));
        }
    }
    worst.time = worst.time.max(cost.time);
    worst.memory = worst.memory.max(cost.memory);
    if cost.time > LIMIT {
        println!("{}: SLOW, {:?} by {}", target.name, cost.time, keep(target, input).display());
        return false;
    }
    true
}

/// Returns the cost of an input; `None` if a property does not hold.
fn cost(target: &Target, input: &[u8]) -> Option<Cost> {
    take_cost();
    catch_unwind(|| (target.run)(input)).ok().map(|()| take_cost())
}

fn keep(target: &Target, input: &[u8]) -> PathBuf {
    let folder = Path::new("target/fuzz-failures");
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let path = folder.join(format!("{}-{hash:016x}", target.name));
    fs::create_dir_all(folder).expect("a folder");
    fs::write(&path, input).expect("a file");
    path
}

fn wall_time() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}
