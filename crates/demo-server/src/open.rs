//! Opens an address in the browser of the desktop.

use std::process::{Command, Stdio};
use std::thread;

use tracing::warn;

/// The program that opens an address, and its arguments before the address.
const PROGRAM: (&str, &[&str]) = if cfg!(target_os = "macos") {
    ("open", &[])
} else if cfg!(windows) {
    ("cmd", &["/C", "start", ""])
} else {
    ("xdg-open", &[])
};

/// Opens `url`. Without a desktop the server goes on, and the log says why no page was opened.
pub(crate) fn open(url: &str) {
    let (program, arguments) = PROGRAM;
    let mut command = Command::new(program);
    command.args(arguments).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        // Somebody has to ask for the exit code, or the process table keeps the entry.
        Ok(mut child) => drop(thread::spawn(move || child.wait())),
        Err(error) => warn!("--open: cannot start {program}: {error}"),
    }
}
