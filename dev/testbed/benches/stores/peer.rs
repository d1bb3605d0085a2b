//! A peer on the same database, as a process of its own: `benches/peers/sessions`. Its crates cannot be in this
//! workspace, since two versions of SQLite do not link.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A running peer. It works only while a rate is measured.
pub(crate) struct Peer {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start(program: &Path, store: &str, place: &str) -> Self {
        let mut command = Command::new(program);
        let mut child = command.args([store, place]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (questions, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, questions, answers: BufReader::new(answers) }
    }

    /// Returns how often per second `tasks` tasks together do the work.
    pub(crate) fn rate(&mut self, operation: &str, tasks: usize, turn: Duration) -> f64 {
        writeln!(self.questions, "{operation} {tasks} {}", turn.as_millis()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().parse().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
