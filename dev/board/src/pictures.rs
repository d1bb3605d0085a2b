//! The pictures of `docs/manual/dashboards.md`, and the tables behind them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use scaling::plot::{Axis, Chart, Scale, Series};
use scaling::table::Table;
use serde_json::Value;

use crate::days::BEGIN;
use crate::prometheus::Prometheus;

const BOARD: &str = include_str!("../../../docs/operations/dashboard.json");

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// A picture of a panel over a part of the three days.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// Name of the files: `board-NAME.svg` and `board-NAME.tsv`.
    pub name: &'static str,
    /// Title of the panel.
    pub panel: &'static str,
    /// Scene, which is a part of the title.
    scene: &'static str,
    /// Text alternative.
    description: &'static str,
    /// Seconds after the begin of the first day.
    from: u64,
    until: u64,
}

const OUTAGE: [u64; 2] = [DAY + 9 * HOUR + HOUR / 2, DAY + 12 * HOUR];
const THEFT: [u64; 2] = [2 * DAY + 12 * HOUR, 2 * DAY + 19 * HOUR];

/// All pictures.
pub const PICTURES: [Picture; 7] = [
    Picture {
        name: "day-refreshes",
        panel: "Refreshes per second",
        scene: "an ordinary day",
        description: "rotated follows the day of the users, low at night and high from 9 to 16 o'clock. replayed is a \
                      hundredth of it.",
        from: 0,
        until: DAY,
    },
    Picture {
        name: "day-calls",
        panel: "Calls per second",
        scene: "an ordinary day",
        description: "introspect and refresh follow the day of the users, low at night and high from 9 to 16 o'clock. \
                      introspect is several times refresh. issue, revoke and purge_expired are near zero.",
        from: 0,
        until: DAY,
    },
    Picture {
        name: "outage-store",
        panel: "Duration of store calls, 99th percentile",
        scene: "the store is down from minute 30 to 50",
        description: "All calls get slower from minute 20 on. While the store is down they reach the bucket of the \
                      deadline, and a few minutes after they are as before.",
        from: OUTAGE[0],
        until: OUTAGE[1],
    },
    Picture {
        name: "outage-failures",
        panel: "Failures per second",
        scene: "the store is down from minute 30 to 50",
        description: "unavailable store rises from minute 30 on, because more and more clients try again, and falls \
                      to zero after minute 50.",
        from: OUTAGE[0],
        until: OUTAGE[1],
    },
    Picture {
        name: "outage-refreshes",
        panel: "Refreshes per second",
        scene: "the store is down from minute 30 to 50",
        description: "rotated falls to zero while the store is down. After minute 50 it is several times the usual \
                      rate for a few minutes. An hour later the same clients come again, in a lower and wider wave.",
        from: OUTAGE[0],
        until: OUTAGE[1],
    },
    Picture {
        name: "theft-signs",
        panel: "Signs of theft per hour",
        scene: "300 tokens copied at hour 1, used from hour 2",
        description: "reuse_detected is zero, rises within minutes after hour 2, stays high for an hour, and falls \
                      when the copied tokens are used up.",
        from: THEFT[0],
        until: THEFT[1],
    },
    Picture {
        name: "theft-grants",
        panel: "Grants begun and ended per second",
        scene: "300 tokens copied at hour 1, used from hour 2",
        description: "revoked: refresh_token_reuse appears at hour 2. issued rises with it, because the users sign in \
                      again.",
        from: THEFT[0],
        until: THEFT[1],
    },
];

impl Picture {
    /// Returns the expressions of the panel with the forms of their legends.
    #[must_use]
    pub fn expressions(&self) -> Vec<(String, String)> {
        let board: Value = serde_json::from_str(BOARD).expect("the board is JSON");
        let panels = board["panels"].as_array().expect("panels");
        let panel = panels.iter().find(|panel| panel["title"] == self.panel);
        let panel = panel.unwrap_or_else(|| panic!("the board has no panel {}", self.panel));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let targets = panel["targets"].as_array().expect("targets").iter();
        targets.map(|target| (text(&target["expr"]), text(&target["legendFormat"]))).collect()
    }

    /// Evaluates the panel into the table of the picture.
    pub fn evaluate(&self, prometheus: &Prometheus, folder: &Path) {
        let mut table = Table::new(&["expression", "line", "seconds", "value"]);
        // The resolution of a panel on a screen.
        let (start, end) = (BEGIN / 1000 + self.from, BEGIN / 1000 + self.until);
        let step = ((end - start) / 180).next_multiple_of(60);
        for (expression, legend) in self.expressions() {
            for line in prometheus.range(&expression, start, end, step) {
                let name = filled(&legend, &line.labels);
                let values: Vec<_> = line.points.iter().filter(|(_, value)| value.is_finite()).collect();
                // A counter that stood still: a line of zeros shows nothing.
                if values.iter().any(|(_, value)| *value > 0.0) {
                    table.rows.extend(values.iter().map(|(time, value)| {
                        vec![expression.clone(), name.clone(), (time - start).to_string(), format!("{value:.4}")]
                    }));
                }
            }
        }
        table.write(&folder.join(format!("board-{}.tsv", self.name)));
    }

    /// Returns the expressions that the table of the picture was made with.
    #[must_use]
    pub fn evaluated(&self, folder: &Path) -> Vec<String> {
        let table = self.table(folder);
        let mut found: Vec<String> = table.rows.iter().map(|row| row[table.column("expression")].clone()).collect();
        found.dedup();
        found
    }

    /// Draws the table of the picture.
    #[must_use]
    pub fn draw(&self, folder: &Path) -> String {
        let table = self.table(folder);
        let [line, seconds, value] = ["line", "seconds", "value"].map(|name| table.column(name));
        let (unit, label) = if self.until - self.from > 3 * HOUR { (3600.0, "hours") } else { (60.0, "minutes") };
        let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for row in &table.rows {
            let number = |column: usize| row[column].parse::<f64>().expect("a number");
            lines.entry(&row[line]).or_default().push((number(seconds) / unit, number(value)));
        }
        let series = lines.into_iter().map(|(name, points)| Series { name: name.to_owned(), points }).collect();
        let y = if self.panel.starts_with("Duration") { "seconds" } else { "" };
        Chart {
            title: format!("{}: {}", self.panel, self.scene),
            description: self.description.to_owned(),
            x: Axis::new(label, Scale::Linear),
            y: Axis::new(y, Scale::Linear),
            series,
        }
        .svg()
    }

    /// Path of the picture.
    #[must_use]
    pub fn file(&self) -> String {
        format!("board-{}.svg", self.name)
    }

    fn table(&self, folder: &Path) -> Table {
        let path = folder.join(format!("board-{}.tsv", self.name));
        Table::read(&path).unwrap_or_else(|| panic!("no table {}", path.display()))
    }
}

/// Draws each picture from its table.
pub fn draw(folder: &Path) {
    for picture in PICTURES {
        fs::write(folder.join(picture.file()), picture.draw(folder)).expect("a file for the picture");
    }
}

/// Fills in a legend such as `revoked: {{cause}}`.
fn filled(legend: &str, labels: &Value) -> String {
    let mut text = legend.to_owned();
    while let Some((before, rest)) = text.split_once("{{") {
        let (label, after) = rest.split_once("}}").expect("a closed label");
        text = format!("{before}{}{after}", labels[label].as_str().unwrap_or_default());
    }
    text.trim().to_owned()
}
