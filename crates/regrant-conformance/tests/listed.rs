//! A case that the macro does not name would judge nobody.

use std::fs;
use std::path::Path;

#[test]
fn every_case_is_named_by_the_macro() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let named = fs::read_to_string(source.join("macros.rs")).unwrap();
    let named: Vec<&str> = named.lines().map(str::trim).collect();
    let mut cases = 0;
    let mut folders = vec![source.join("cases")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for line in fs::read_to_string(&path).unwrap().lines() {
                let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
                let case = rest.split(['(', '<']).next().unwrap();
                assert!(named.contains(&case), "{case} of {} is in no group", path.display());
                cases += 1;
            }
        }
    }
    assert!(cases >= 60, "only {cases} cases were found");
}
