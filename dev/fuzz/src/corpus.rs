//! The corpus: named files in `corpus/<target>/`, one pack of campaigns in `corpus/<target>.pack`, and the files that
//! the workspace has anyway: golden records and exports of AM.
//!
//! A pack is a list of inputs, each after its length in four bytes (big-endian).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Target;

/// Returns all inputs of a target, in a fixed order.
pub fn load(target: &Target) -> Vec<Vec<u8>> {
    let mut inputs = match target.name {
        "record" => golden_records().iter().map(record).collect(),
        "am_import" => files(&root().join("crates/regrant-am/tests/exports")).iter().map(|json| am(json)).collect(),
        _ => Vec::new(),
    };
    inputs.extend(files(&folder().join(target.name)));
    inputs.extend(unpack(&fs::read(pack_path(target)).unwrap_or_default()));
    inputs
}

/// Writes all inputs of a target as files, as libFuzzer wants them.
pub fn export(target: &Target, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for (index, input) in load(target).iter().enumerate() {
        fs::write(to.join(format!("{index:04}")), input).expect("a file");
    }
}

/// Packs the files of a folder that are no named inputs. Small ones first, until the pack has `limit` bytes. Returns
/// the number of packed inputs.
pub fn pack(target: &Target, from: &Path, limit: usize) -> usize {
    fs::remove_file(pack_path(target)).ok();
    let known = load(target);
    let mut inputs = files(from);
    inputs.retain(|input| !known.contains(input));
    inputs.sort_by_key(|input| (input.len(), input.clone()));
    inputs.dedup();
    let (mut packed, mut count) = (Vec::new(), 0);
    for input in inputs {
        if packed.len() + input.len() + 4 > limit {
            break;
        }
        packed.extend_from_slice(&u32::try_from(input.len()).expect("a short input").to_be_bytes());
        packed.extend_from_slice(&input);
        count += 1;
    }
    fs::write(pack_path(target), packed).expect("a file");
    count
}

fn unpack(mut pack: &[u8]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    while let Some((length, rest)) = pack.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).expect("a length");
        let (input, rest) = rest.split_at(length);
        inputs.push(input.to_vec());
        pack = rest;
    }
    inputs
}

/// Returns the golden records of all layouts: lines of `name value`.
pub(crate) fn golden_records() -> Vec<BTreeMap<String, String>> {
    let read = |text: Vec<u8>| {
        let text = String::from_utf8(text).expect("UTF-8");
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    files(&root().join("tests/golden")).into_iter().map(read).collect()
}

/// The id and the record without its checksum.
fn record(golden: &BTreeMap<String, String>) -> Vec<u8> {
    let record = unhex(&golden["record"]);
    [unhex(&golden["id"]), record[..record.len() - 4].to_vec()].concat()
}

fn am(json: &[u8]) -> Vec<u8> {
    // Shorter by half without the indentation.
    let value: serde_json::Value = serde_json::from_slice(json).expect("JSON");
    [b"\0".to_vec(), value.to_string().into_bytes()].concat()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect();
    paths.sort_unstable();
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pack_path(target: &Target) -> PathBuf {
    folder().join(format!("{}.pack", target.name))
}
