//! Programs of the system.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

/// The program `name`, on the path or where Debian keeps those of PostgreSQL.
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

/// Runs `command` to its end, and gives what it printed without the last line break.
pub(crate) fn run(command: &mut Command) -> String {
    try_run(command).unwrap_or_else(|complaint| panic!("{}: {complaint}", command.get_program().display()))
}

/// The same; an error is what it complained of.
pub(crate) fn try_run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().expect("a program that can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr) + &text(&output.stdout)) }
}
