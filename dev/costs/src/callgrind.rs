//! An operation under callgrind, and the profile that callgrind writes.

use std::collections::BTreeMap;
use std::process::Command;

/// All calls of an operation together.
pub(crate) struct Profile {
    /// All instructions.
    pub(crate) instructions: u64,
    /// The instructions at each address of this program, with those of the functions that are called there.
    pub(crate) by_address: BTreeMap<String, u64>,
    /// The calls of each function.
    calls: BTreeMap<String, u64>,
}

impl Profile {
    /// Returns the number of calls of `functions`.
    pub(crate) fn calls(&self, functions: &[&str]) -> u64 {
        functions.iter().filter_map(|function| self.calls.get(*function)).sum()
    }
}

/// Runs `operation`, and counts from the start of the function `measured` to its end, without the instructions of the
/// functions `left_out`. The profile does not have the calls of those.
pub(crate) fn profile(operation: &str, measured: &str, left_out: &[&str]) -> Profile {
    let program = std::env::current_exe().expect("a program");
    let file = program.with_file_name("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind", "--dump-instr=yes", "--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .args([format!("--zero-before={measured}"), format!("--dump-after={measured}")]);
    // The order counts: a toggle turns the collection off at the start.
    valgrind.args(left_out.iter().map(|function| format!("--toggle-collect={function}"))).arg("--collect-atstart=yes");
    let status = valgrind.arg(&program).args(["run", operation]).status().expect("valgrind is installed");
    assert!(status.success(), "{operation}: {status}");
    // The first dump is written at the end of the function, the last one at the end of the program.
    let first = file.with_extension("out.1");
    let text = std::fs::read_to_string(&first).expect("a dump: callgrind met the function");
    for dump in [first, file] {
        std::fs::remove_file(dump).expect("a dump");
    }
    read(&text, &program.to_string_lossy())
}

/// Reads the format that the manual of callgrind describes, without compression.
fn read(text: &str, program: &str) -> Profile {
    let mut profile = Profile { instructions: 0, by_address: BTreeMap::new(), calls: BTreeMap::new() };
    let (mut is_of_program, mut callee) = (false, "");
    for line in text.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            is_of_program = object == program;
        } else if let Some(function) = line.strip_prefix("cfn=") {
            callee = function;
        } else if let Some(calls) = line.strip_prefix("calls=") {
            *profile.calls.entry(callee.to_owned()).or_default() += number(calls.split(' ').next());
        } else if let Some(sum) = line.strip_prefix("totals: ") {
            profile.instructions = number(Some(sum));
        } else if line.starts_with("0x") && is_of_program {
            // Address, line of the source, instructions. The line after `calls=` has those of the callee.
            let mut fields = line.split(' ');
            let address = fields.next().unwrap_or_default().to_owned();
            *profile.by_address.entry(address).or_default() += number(fields.nth(1));
        }
    }
    profile
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("not a number in the profile: {text:?}"))
}
