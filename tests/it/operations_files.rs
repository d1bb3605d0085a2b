//! The alarms and the board of docs/operations.md: a name in them that the library does not report would never fire.

use std::collections::BTreeSet;

const ALERTS: &str = include_str!("../../docs/operations/alerts.yml");
const BOARD: &str = include_str!("../../docs/operations/dashboard.json");

/// The sources of all names of kinds, causes and operations.
const SOURCES: [&str; 6] = [
    include_str!("../../src/outcome/event.rs"),
    include_str!("../../src/outcome/refusal.rs"),
    include_str!("../../src/outcome/malformed.rs"),
    include_str!("../../src/outcome/sink/metrics_sink.rs"),
    include_str!("../../src/ports/authenticator/credential_error.rs"),
    include_str!("../../src/grant/summary.rs"),
];

#[test]
fn alarms_and_board_use_names_that_the_library_reports() {
    for (file, text) in [("alerts.yml", ALERTS), ("dashboard.json", BOARD)] {
        let names = names(&text.replace("\\\"", "\""));
        assert!(names.len() > 10, "{file} has {} names", names.len());
        for name in names {
            let is_known = match name.strip_suffix(".*") {
                Some(start) => SOURCES.iter().any(|source| source.contains(&format!("\"{start}"))),
                None => SOURCES.iter().any(|source| source.contains(&format!("\"{name}\""))),
            };
            assert!(is_known, "{file}: the library reports no {name}");
        }
    }
}

#[test]
fn the_page_explains_each_alarm() {
    let page = include_str!("../../docs/operations.md");
    let alarms: Vec<&str> = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alarms.len() >= 10);
    for alarm in alarms {
        assert!(page.contains(&format!("| `{alarm}`")), "docs/operations.md does not explain {alarm}");
    }
}

#[test]
fn the_board_is_json_and_no_panel_is_empty() {
    let board: serde_json::Value = serde_json::from_str(BOARD).expect("the board is JSON");
    let panels = board["panels"].as_array().expect("the board has panels");
    assert!(panels.iter().all(|panel| panel["targets"].as_array().is_some_and(|targets| !targets.is_empty())));
}

#[test]
fn the_manual_explains_each_panel() {
    let page = include_str!("../../docs/manual/dashboards.md");
    let board: serde_json::Value = serde_json::from_str(BOARD).expect("the board is JSON");
    let rows: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| ")).filter_map(|line| line.split(" |").next()).collect();
    for panel in board["panels"].as_array().expect("the board has panels") {
        let title = panel["title"].as_str().expect("a panel has a title");
        assert!(rows.contains(&title), "docs/manual/dashboards.md does not explain {title}");
    }
}

/// Returns the metrics, and the values of the labels `kind`, `cause` and `operation`.
fn names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for label in ["kind=", "cause=", "operation="] {
        for (_, rest) in text.match_indices(label).map(|(at, _)| text.split_at(at + label.len())) {
            let value = rest.trim_start_matches('~').strip_prefix('"').and_then(|rest| rest.split_once('"'));
            names.extend(value.into_iter().flat_map(|(value, _)| value.split('|')).map(str::to_owned));
        }
    }
    for word in text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_') {
        let series = ["_count", "_bucket", "_sum"].into_iter().find_map(|suffix| word.strip_suffix(suffix));
        if word.starts_with("regrant_") {
            names.insert(series.unwrap_or(word).to_owned());
        }
    }
    names
}
