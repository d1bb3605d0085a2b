//! The comparison of tables, and the operations without callgrind.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::path::Path;
use std::process::{Command, Output};

const TABLE: &str = "# a comment\noperation\tinstructions\tallocations\nrefresh\t20000\t8\nissue\t10000\t12.5\n";

fn costs(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_costs")).args(arguments).output().unwrap()
}

/// Returns the verdict on a table in which the text `old` is `new`, and the output.
fn compared(name: &str, old: &str, new: &str) -> (bool, String) {
    let files = ["old", "new"].map(|which| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{which}.tsv")));
    std::fs::write(&files[0], TABLE).unwrap();
    std::fs::write(&files[1], TABLE.replace(old, new)).unwrap();
    let output = costs(&["compare", files[0].to_str().unwrap(), files[1].to_str().unwrap()]);
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_cost_that_is_five_percent_higher_is_an_error() {
    let (is_accepted, output) = compared("higher", "20000", "21000");
    assert!(!is_accepted);
    assert!(output.contains("error: higher: refresh: instructions 20000 -> 21000 (+5.0 %)"), "{output}");
    let (is_accepted, output) = compared("allocation", "\t8\n", "\t9\n");
    assert!(!is_accepted && output.contains("refresh: allocations 8 -> 9 (+12.5 %)"), "{output}");
}

#[test]
fn a_gain_is_accepted_and_the_developer_is_asked_to_keep_it() {
    let (is_accepted, output) = compared("lower", "20000", "19000");
    assert!(is_accepted);
    assert!(output.contains("lower: refresh: instructions 20000 -> 19000 (-5.0 %)\nkeep the gain"), "{output}");
}

#[test]
fn a_difference_of_two_percent_is_no_change() {
    for new in ["20400", "19600"] {
        let (is_accepted, output) = compared(new, "20000", new);
        assert!(is_accepted && output.starts_with("no figure differs"), "{output}");
    }
}

#[test]
fn a_figure_that_the_table_does_not_have_is_an_error() {
    let (is_accepted, output) = compared("missing", "issue", "redeem");
    assert!(!is_accepted && output.contains("not in the table: redeem: instructions 10000"), "{output}");
}

#[test]
fn each_operation_of_the_table_runs() {
    let table = include_str!("../../costs.tsv").lines().filter(|line| !line.starts_with('#')).skip(1);
    let operations: Vec<&str> = table.filter_map(|line| line.split('\t').next()).collect();
    assert!(!operations.is_empty());
    for operation in operations {
        let output = costs(&["run", operation]);
        assert!(output.status.success(), "{operation}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
