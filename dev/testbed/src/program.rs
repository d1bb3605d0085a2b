//! Programs of the system.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

/// Path of the program `name`: on `PATH`, or where Debian keeps the programs of PostgreSQL.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    env::split_paths(&path)
        .chain(debian.into_iter().rev())
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("there is no program {name}: install the Debian package {package}"))
}

/// Runs `command` to its end and returns its output without the last line break.
pub(crate) fn run(command: &mut Command) -> String {
    try_run(command).unwrap_or_else(|complaint| panic!("{}: {complaint}", command.get_program().display()))
}

/// Runs `command` with this text as its input.
pub(crate) fn run_with_input(command: &mut Command, input: &str) {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a program that can be run");
    let written = process.stdin.take().expect("is piped").write_all(input.as_bytes());
    let status = process.wait().expect("a child process");
    assert!(written.is_ok() && status.success(), "{}: {status}", command.get_program().display());
}

/// Same as [`run`]; an error is the output of a failed command.
pub(crate) fn try_run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().expect("a program that can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr) + &text(&output.stdout)) }
}
