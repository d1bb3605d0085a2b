//! Counts the cost of each operation of the core: instructions, allocations and SHA-256 compressions, and the
//! instructions of each stage. No clock is read, so a busy machine changes nothing. `scripts/costs` runs this program.
//!
//! ```text
//! costs measure             prints the table of this build
//! costs compare OLD NEW     fails when a figure of the table NEW is more than 3 % above that of the table OLD
//! costs run OPERATION       performs an operation, for callgrind
//! ```
//!
//! Two things are counted by their calls, and their instructions left out:
//!
//! - SHA-256. Valgrind emulates one processor on every machine with AVX2. The emulated processor has AES and carry-less
//!   multiplication, but no SHA instructions. The software that replaces them would be half of the figures and hide the
//!   rest.
//! - The allocator. Its work depends on the addresses that the system gives it, so it differs from run to run.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that cannot be made must stop")]

mod callgrind;
mod operations;
mod stages;
mod table;

use std::process::ExitCode;
use std::thread;

use operations::OPERATIONS;
use stages::Stages;
use table::Table;

/// The function whose calls are measured.
const MEASURED: &str = "costs::operations::measured";
/// The software that replaces the SHA instructions.
const COMPRESSION: [&str; 1] = ["sha2::sha256::compress256"];
const ALLOCATION: [&str; 5] = ["malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", operation] => run(operation),
        ["measure"] => print!("{}", measure()),
        ["compare", old, new] => {
            let comparison = Table::read(old).compare(&Table::read(new));
            print!("{comparison}");
            return if comparison.is_accepted() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        _ => {
            eprintln!("usage: costs measure | compare OLD NEW | run OPERATION");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Performs an operation in a thread. The stack of a thread begins at a page. That of the program begins after the
/// variables of the environment, and the cost of a copy depends on its alignment.
fn run(operation: &str) {
    thread::scope(|scope| scope.spawn(|| operations::run(operation)).join().expect("the operation succeeds"));
}

fn measure() -> Table {
    let stages = Stages::of_the_core();
    let mut table = Table::new(["instructions", "allocations", "SHA-256"].into_iter().chain(stages.names()));
    for operation in OPERATIONS {
        let all = callgrind::profile(operation, MEASURED, &[]);
        let counted_by_calls = [&COMPRESSION[..], &ALLOCATION, &["free"]].concat();
        let rest = callgrind::profile(operation, MEASURED, &counted_by_calls);
        let figures = [rest.instructions, all.calls(&ALLOCATION), all.calls(&COMPRESSION)];
        assert!(operation != "refresh" || !figures.contains(&0), "the profile does not have {COMPRESSION:?}");
        table.push(operation, figures.into_iter().chain(stages.instructions(&rest)));
    }
    table
}
