//! The stages of an operation. A stage is a function of the source.
//!
//! The compiler may have copied a function into its callers. Debug information names all functions to which an
//! instruction belongs, from the innermost to the one that is in the symbol table, so the product needs no
//! `#[inline(never)]`.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::callgrind::Profile;

/// Name of the stage, file, function.
const STAGES: [(&str, &str, &str); 12] = [
    ("form", "src/wire/form.rs", "form"),
    ("open", "src/token/format.rs", "open"),
    ("open", "src/token/format.rs", "refer"),
    ("decode", "src/grant/codec.rs", "decode_sharing"),
    ("decide", "src/engine/issue.rs", "issue"),
    ("decide", "src/engine/refresh.rs", "refresh"),
    ("decide", "src/engine/introspect.rs", "introspect"),
    ("seal", "src/token/format.rs", "seal"),
    ("encode", "src/grant/codec.rs", "encode"),
    ("JSON", "src/wire/response.rs", "json"),
    ("JSON", "src/wire/response.rs", "object"),
    ("JSON", "src/wire/introspection.rs", "body"),
];

pub(crate) struct Stages(Vec<Stage>);

struct Stage {
    name: &'static str,
    functions: Vec<(PathBuf, Range<usize>)>,
}

impl Stages {
    pub(crate) fn of_the_core() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a workspace");
        let mut stages: Vec<Stage> = Vec::new();
        for (name, file, function) in STAGES {
            let file = root.join(file);
            let lines = lines_of(&file, function);
            match stages.last_mut() {
                Some(last) if last.name == name => last.functions.push((file, lines)),
                _ => stages.push(Stage { name, functions: vec![(file, lines)] }),
            }
        }
        Self(stages)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|stage| stage.name)
    }

    /// Returns the instructions of each stage, with those of the functions that it calls.
    pub(crate) fn instructions(&self, profile: &Profile) -> Vec<u64> {
        let mut sums = vec![0; self.0.len()];
        for ((_, instructions), positions) in profile.by_address.iter().zip(positions(profile.by_address.keys())) {
            for (sum, stage) in sums.iter_mut().zip(&self.0) {
                if positions.iter().any(|position| stage.contains(position)) {
                    *sum += instructions;
                }
            }
        }
        sums
    }
}

impl Stage {
    fn contains(&self, (file, line): &(PathBuf, usize)) -> bool {
        self.functions.iter().any(|(of, lines)| of == file && lines.contains(line))
    }
}

/// Returns the lines of the one function of that name, up to the brace below its beginning.
fn lines_of(file: &Path, function: &str) -> Range<usize> {
    let source = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = source.lines().collect();
    let starts: Vec<usize> = (0..lines.len())
        .filter(|&line| ["(", "<"].iter().any(|after| lines[line].contains(&format!(" fn {function}{after}"))))
        .collect();
    let [start] = starts[..] else { panic!("not one function {function} in {}: see STAGES", file.display()) };
    let indent = lines[start].len() - lines[start].trim_start().len();
    let brace = format!("{}}}", " ".repeat(indent));
    let length = lines[start..].iter().position(|line| *line == brace).expect("an end of the function");
    // Lines are counted from one.
    start + 1..start + length + 2
}

/// Returns the positions in the source of each address: one in every function to which the instruction belongs.
fn positions<'a>(addresses: impl Iterator<Item = &'a String>) -> Vec<Vec<(PathBuf, usize)>> {
    let program = std::env::current_exe().expect("a program");
    let output = Command::new("addr2line")
        .args(["--inlines", "--addresses", "--exe"])
        .arg(program)
        .args(addresses)
        .output()
        .expect("addr2line is installed, as the linker is");
    let mut positions: Vec<Vec<_>> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if line.starts_with("0x") {
            positions.push(Vec::new());
        } else if let (Some((file, line)), Some(last)) = (line.rsplit_once(':'), positions.last_mut()) {
            // A discriminator may follow the number.
            let line = line.split(' ').next().and_then(|line| line.parse().ok());
            last.extend(line.map(|line| (PathBuf::from(file), line)));
        }
    }
    positions
}
