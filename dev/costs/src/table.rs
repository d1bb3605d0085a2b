//! The table of costs: one row for each operation, one column for each figure, separated by tabs.

use std::collections::BTreeMap;
use std::fmt;

use crate::operations::CALLS;

/// The largest relative difference that is no change: the compiler arranges code anew after any edit.
const TOLERANCE: f64 = 0.03;

/// The figures of one call of each operation.
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<(String, Vec<f64>)>,
}

impl Table {
    pub(crate) fn new(columns: impl Iterator<Item = &'static str>) -> Self {
        Self { columns: columns.map(str::to_owned).collect(), rows: Vec::new() }
    }

    /// Reads a file. Lines that begin with `#` are comments.
    pub(crate) fn read(file: &str) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut lines = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t'));
        let columns = lines.next().expect("a line of titles").skip(1).map(str::to_owned).collect();
        let row = |mut cells: std::str::Split<'_, char>| {
            let operation = cells.next().unwrap_or_default().to_owned();
            (operation, cells.map(|cell| cell.parse().expect("a number")).collect())
        };
        Self { columns, rows: lines.map(row).collect() }
    }

    /// Appends the row of `operation`, from the figures of [`CALLS`] calls.
    pub(crate) fn push(&mut self, operation: &str, figures: impl Iterator<Item = u64>) {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let of_one_call = figures.map(|figure| figure as f64 / CALLS as f64);
        self.rows.push((operation.to_owned(), of_one_call.collect()));
    }

    /// Compares all figures of `new` with those of this table.
    pub(crate) fn compare(&self, new: &Self) -> Comparison {
        let old: BTreeMap<_, _> = self.figures().collect();
        let mut comparison = Comparison::default();
        for (name, new) in new.figures() {
            match old.get(&name) {
                None => comparison.missing.push(format!("{}: {} {new}", name.0, name.1)),
                Some(&old) => comparison.add(&format!("{}: {}", name.0, name.1), old, new),
            }
        }
        comparison
    }

    fn figures(&self) -> impl Iterator<Item = ((&str, &str), f64)> {
        self.rows.iter().flat_map(|(operation, figures)| {
            let names = self.columns.iter().map(|column| (operation.as_str(), column.as_str()));
            names.zip(figures.iter().copied())
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "operation\t{}", self.columns.join("\t"))?;
        for (operation, figures) in &self.rows {
            write!(f, "{operation}")?;
            for figure in figures {
                let decimals = usize::from(*figure < 100.0 && figure.fract() != 0.0);
                write!(f, "\t{figure:.decimals$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// The figures that differ by more than the tolerance, in words.
#[derive(Default)]
pub(crate) struct Comparison {
    higher: Vec<String>,
    lower: Vec<String>,
    missing: Vec<String>,
}

impl Comparison {
    pub(crate) const fn is_accepted(&self) -> bool {
        self.higher.is_empty() && self.missing.is_empty()
    }

    fn add(&mut self, name: &str, old: f64, new: f64) {
        let list = if new > old * (1.0 + TOLERANCE) {
            &mut self.higher
        } else if new < old * (1.0 - TOLERANCE) {
            &mut self.lower
        } else {
            return;
        };
        list.push(format!("{name} {old} -> {new} ({:+.1} %)", (new / old - 1.0) * 100.0));
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.higher.iter().try_for_each(|line| writeln!(f, "error: higher: {line}"))?;
        self.missing.iter().try_for_each(|line| writeln!(f, "error: not in the table: {line}"))?;
        self.lower.iter().try_for_each(|line| writeln!(f, "lower: {line}"))?;
        if !self.is_accepted() {
            writeln!(
                f,
                "if the higher cost has a good reason, run scripts/costs --write, and give the reason in the commit"
            )
        } else if !self.lower.is_empty() {
            writeln!(f, "keep the gain: run scripts/costs --write, and commit the table")
        } else {
            writeln!(f, "no figure differs by more than {} %", TOLERANCE * 100.0)
        }
    }
}
