//! The raw figures, and what is computed from them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A series: part, work, subject and unit. Each has one figure a turn.
type Series = (String, String, String, String);

#[derive(Default)]
pub(crate) struct Rows(BTreeMap<Series, BTreeMap<usize, f64>>);

/// The place of a figure in the ordered figures of all turns.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// A series of one part and unit: the work and the subject.
pub(crate) type Of<'a> = (&'a str, &'a str);

impl Rows {
    /// Reads all files of the folder that end in `.tsv`.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut rows = Self::default();
        let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for file in files.map(|file| file.expect("a file").path()) {
            if file.extension().is_some_and(|extension| extension == "tsv") {
                fs::read_to_string(&file).expect("text").lines().for_each(|line| rows.add(line));
            }
        }
        rows
    }

    fn add(&mut self, line: &str) {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[part, work, subject, turn, value, unit] = &fields[..] else { panic!("six columns: {line}") };
        // The heads of the files.
        let (Ok(turn), Ok(value)) = (turn.parse(), value.parse()) else { return };
        let series = [part, work, subject, unit].map(str::to_owned).into();
        self.0.entry(series).or_default().insert(turn, value);
    }

    fn turns(&self, part: &str, unit: &str, (work, subject): Of) -> Option<&BTreeMap<usize, f64>> {
        self.0.get(&[part, work, subject, unit].map(str::to_owned).into())
    }

    /// Returns the figures of all turns.
    pub(crate) fn spread(&self, part: &str, unit: &str, of: Of) -> Option<Spread> {
        self.turns(part, unit, of).map(|turns| Spread::over(turns.values().copied()))
    }

    /// Returns the ratio of `one` to `other` within each turn: what disturbs the machine disturbs both.
    pub(crate) fn ratio(&self, part: &str, unit: &str, one: Of, other: Of) -> Option<Spread> {
        let (one, other) = (self.turns(part, unit, one)?, self.turns(part, unit, other)?);
        let ratios: Vec<f64> = one.iter().filter_map(|(turn, value)| Some(value / other.get(turn)?)).collect();
        (!ratios.is_empty()).then(|| Spread::over(ratios.into_iter()))
    }
}

impl Spread {
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        Self { low: at(0.1), median: at(0.5), high: at(0.9) }
    }
}

/// Writes a figure with three digits that count.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        size if size < 100.0 && size.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 100.0 => thousands(value),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Groups the digits before the point, as in 12 345.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && digits.len() > 4 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
