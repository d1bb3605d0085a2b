use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A program that prints its address when it listens. It is killed on drop.
pub(crate) struct Listener {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Listener {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").map(str::to_owned);
        let listener = Self { child, address: address.clone().unwrap_or_default() };
        assert!(address.is_some(), "{command:?} does not listen: {line:?}");
        listener
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // An error means that the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
