//! A search in the memory of another process.
//!
//! The searched process has no list of the secrets, so each sighting is a copy that the process itself made or kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use fixtures::Secrets;

/// A copy of a secret in memory.
#[derive(Debug)]
pub struct Copy {
    pub secret: String,
    pub spelling: &'static str,
    /// `[heap]`, `[stack]`, or empty for a mapping without a name, such as the arena or the stack of a thread.
    pub region: String,
    /// Bytes around the copy.
    pub around: String,
    pub length: usize,
}

/// Returns the copies of each secret in the writable memory of a process that may be traced, such as a child.
pub fn copies(process: u32, secrets: &Secrets) -> Vec<Copy> {
    let search = secrets.search();
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("a process");
    let memory = File::open(format!("/proc/{process}/mem")).expect("the right to trace the process");
    let mut copies = Vec::new();
    for (start, end, region) in maps.lines().filter_map(writable) {
        let mut bytes = vec![0; usize::try_from(end - start).expect("an address space")];
        // Guard pages and the like cannot be read.
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        let mut found = BTreeMap::new();
        search.each(&bytes, |spelling, sighting| {
            found.entry((spelling, sighting.position)).or_insert(sighting);
        });
        copies.extend(found.into_values().map(|seen| {
            let around = seen.position.saturating_sub(48)..(seen.position + seen.length + 16).min(bytes.len());
            Copy {
                secret: seen.name,
                spelling: seen.spelling,
                region: region.to_owned(),
                around: bytes[around].escape_ascii().to_string(),
                length: seen.length,
            }
        }));
    }
    copies
}

fn writable(line: &str) -> Option<(u64, u64, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let name = rest.splitn(5, ' ').last()?.trim();
    let is_read = rest.starts_with("rw") && !name.starts_with("[v");
    is_read.then_some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?, name))
}
