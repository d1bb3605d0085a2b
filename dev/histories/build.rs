//! Copies `MemoryStore` with the locks of shuttle in place of those of the standard library, so that shuttle decides
//! which thread goes on at each of them. The product itself knows nothing of shuttle.

use std::path::Path;
use std::{env, fs, io};

const STORE: &str = "../../src/ports/store/memory.rs";
const PARTS: [(&str, &str); 2] =
    [("marks", "../../src/ports/store/memory/marks.rs"), ("owners", "../../src/ports/store/memory/owners.rs")];

/// Each of these is in the source once.
const CHANGES: [(&str, &str); 7] = [
    ("use std::sync::atomic::", "use shuttle::sync::atomic::"),
    ("use std::sync::{", "use shuttle::sync::{"),
    // A schedule can be repeated only if the same owners share a lock in every run.
    (
        "use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};",
        "use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher};",
    ),
    ("hasher: RandomState,", "hasher: BuildHasherDefault<DefaultHasher>,"),
    ("hasher: RandomState::new(),", "hasher: BuildHasherDefault::default(),"),
    // Two locks of each kind: some pairs of keys share one, and some do not.
    ("const SHARDS: usize = 64;", "const SHARDS: usize = 2;"),
    ("use crate::vocabulary::", "use super::vocabulary::"),
];

fn main() -> io::Result<()> {
    let mut store = source(STORE)?;
    for (from, to) in CHANGES {
        assert_eq!(store.matches(from).count(), 1, "MemoryStore has changed: {from}");
        store = store.replace(from, to);
    }
    for (name, path) in PARTS {
        let part = source(path)?.replace("use crate::ports::store::", "use super::super::");
        let part = part.replace("use crate::vocabulary::", "use super::super::vocabulary::");
        store = store.replace(&format!("mod {name};"), &format!("mod {name} {{\n{part}}}"));
    }
    let folder = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&folder).join("memory.rs"), store)
}

/// Returns a file without its documentation, whose links do not lead anywhere from here.
fn source(path: &str) -> io::Result<String> {
    println!("cargo::rerun-if-changed={path}");
    let text = fs::read_to_string(path)?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("///")).collect();
    Ok(lines.join("\n") + "\n")
}
