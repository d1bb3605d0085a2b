//! Tables as tab-separated values.

use std::fs;
use std::path::Path;

/// Rows of a table under their header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Cells of the rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    #[must_use]
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Adds a row, and prints it to the error stream as progress.
    pub fn push(&mut self, row: Vec<String>) {
        assert_eq!(row.len(), self.header.len(), "a cell for each column");
        eprintln!("{}", row.join("\t"));
        self.rows.push(row);
    }

    /// Returns the place of the column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> usize {
        self.header.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"))
    }

    /// Reads a table from a file; `None` if there is no such file.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect());
        Some(Self { header: lines.next()?, rows: lines.collect() })
    }

    /// Writes the rows to a file, in place of its rows with the same first two cells.
    pub fn replace_in(&self, path: &Path) {
        let mut all = Self::read(path).filter(|found| found.header == self.header).unwrap_or_default();
        all.header.clone_from(&self.header);
        all.rows.retain(|row| self.rows.iter().all(|new| new[..2] != row[..2]));
        all.rows.extend(self.rows.iter().cloned());
        all.write(path);
    }

    /// Writes the table to a file.
    pub fn write(&self, path: &Path) {
        let lines: Vec<String> = std::iter::once(&self.header).chain(&self.rows).map(|row| row.join("\t")).collect();
        fs::write(path, lines.join("\n") + "\n").unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
