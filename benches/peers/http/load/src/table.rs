//! The results: a table of tab-separated values with one row for each value, and a summary for the reader.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

/// The rows so far.
pub(crate) struct Table {
    part: String,
    file: Option<File>,
    rows: Vec<Row>,
}

struct Row {
    work: String,
    subject: String,
    value: f64,
    unit: &'static str,
}

impl Table {
    /// A table that is also written to `path`.
    pub(crate) fn create(part: &str, path: Option<&Path>) -> Self {
        let mut file = path.map(|path| {
            fs::create_dir_all(path.parent().expect("a file")).expect("a folder");
            File::create(path).expect("a file that can be written")
        });
        if let Some(file) = &mut file {
            writeln!(file, "part\twork\tsubject\tturn\tvalue\tunit").expect("a file that can be written");
        }
        Self { part: part.to_owned(), file, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, work: &str, subject: &str, turn: usize, value: f64, unit: &'static str) {
        if let Some(file) = &mut self.file {
            let part = &self.part;
            writeln!(file, "{part}\t{work}\t{subject}\t{turn}\t{value:.3}\t{unit}").expect("a file");
        }
        self.rows.push(Row { work: work.to_owned(), subject: subject.to_owned(), value, unit });
    }

    /// Prints medians over the turns, and medians of the ratios to the first subject within a turn.
    pub(crate) fn summary(&self, subjects: &[&str]) {
        let works = self.rows.iter().map(|row| row.work.as_str()).filter(|work| *work != "growth");
        for work in works.collect::<BTreeSet<_>>() {
            let base = subjects[0];
            println!("\n{work}: server CPU us a request, / {base} [10 % 90 %], p50 us, / {base}, p99 us, / {base}");
            for subject in subjects {
                let of = |unit| (median(self.values(work, subject, unit)), self.ratio(work, subject, base, unit));
                let (cpu, [low, ratio, high]) = of("server CPU us/request");
                let ((p50, [_, middle, _]), (p99, [_, slow, _])) = (of("p50 us"), of("p99 us"));
                println!(
                    "  {subject:18} {cpu:7.1} {ratio:6.2} [{low:.2} {high:.2}] \
                     {p50:8.0} {middle:6.2} {p99:8.0} {slow:6.2}"
                );
            }
        }
        println!("\ngrowth: MB resident at the start, at the end, refreshes, bytes a refresh");
        for subject in subjects {
            let resident = self.values("growth", subject, "MB resident");
            let (first, last) = (resident[0], resident[resident.len() - 1]);
            let refreshes = self.values("growth", subject, "refreshes").last().copied().unwrap_or_default();
            println!("  {subject:24} {first:8.1} {last:8.1} {refreshes:9.0} {:8.0}", (last - first) * 1e6 / refreshes);
        }
    }

    /// The values of all turns, in order.
    fn values(&self, work: &str, subject: &str, unit: &str) -> Vec<f64> {
        let rows = self.rows.iter().filter(|row| row.work == work && row.subject == subject && row.unit == unit);
        rows.map(|row| row.value).collect()
    }

    /// The 10th, 50th and 90th percentile of the ratio of `subject` to `base` within a turn.
    fn ratio(&self, work: &str, subject: &str, base: &str, unit: &str) -> [f64; 3] {
        let (values, base) = (self.values(work, subject, unit), self.values(work, base, unit));
        let ratios: Vec<f64> = values.iter().zip(base).map(|(value, base)| value / base).collect();
        [0.1, 0.5, 0.9].map(|share| percentile(ratios.clone(), share))
    }
}

fn median(values: Vec<f64>) -> f64 {
    percentile(values, 0.5)
}

fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
