//! A case that the macro does not name would judge nobody.
#![expect(clippy::unwrap_used, reason = "a list that cannot be written fails the test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use regrant_conformance::http::{Group, cases};

#[test]
fn every_case_is_named_by_the_macro() {
    for (path, list) in lists() {
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == list, "{} is out of date: write it anew, as it says", path.display());
    }
    assert_eq!(fs::read_dir(folder()).unwrap().count(), lists().len(), "a list of no group is left over");
}

#[test]
#[ignore = "writes src/http/list"]
fn write_the_list() {
    for (path, list) in lists() {
        fs::write(path, list).unwrap();
    }
}

#[test]
fn there_are_at_least_300_cases_each_with_a_name_and_a_source_of_its_own() {
    let mut count = 0;
    for group in cases() {
        println!("{}: {}", group.name, group.cases.len());
        let names: BTreeSet<_> = group.cases.iter().map(|case| case.name().to_owned()).collect();
        assert_eq!(names.len(), group.cases.len(), "a name of {} is there twice", group.name);
        assert!(group.cases.iter().all(|case| !case.source().is_empty()), "{}", group.name);
        count += names.len();
    }
    println!("all: {count}");
    assert!(count >= 300, "only {count}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/list")
}

/// What stands in each file.
fn lists() -> Vec<(PathBuf, String)> {
    let mut all = format!("{WRITTEN}\n\n");
    let names: BTreeSet<_> = cases().iter().map(|group| group.name).collect();
    for name in names {
        writeln!(all, "mod {name};").unwrap();
    }
    all += ALL;
    for group in cases() {
        writeln!(all, "        $crate::__http_{}!($group);", group.name).unwrap();
    }
    all += END;
    let groups = cases().iter().map(|group| (folder().join(group.name).with_extension("rs"), list(group)));
    groups.chain([(folder().join("mod.rs"), all)]).collect()
}

fn list(group: &Group) -> String {
    let mut list = format!("{WRITTEN}\n\n#[doc(hidden)]\n#[macro_export]\nmacro_rules! __http_{} {{\n", group.name);
    list += "    ($group:ident) => {\n";
    let mut line = format!("        $group! {{ {}:", group.name);
    for case in &group.cases {
        if line.len() + case.name().len() >= 120 {
            writeln!(list, "{line}").unwrap();
            line = " ".repeat(7);
        }
        write!(line, " {}", case.name()).unwrap();
    }
    writeln!(list, "{line} }}").unwrap();
    list + END
}

const WRITTEN: &str = "// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.";

const ALL: &str = "
/// Gives each group of cases by name to the macro `$group`.
#[doc(hidden)]
#[macro_export]
macro_rules! __http_cases {
    ($group:ident) => {
";

const END: &str = "    };\n}\n";
