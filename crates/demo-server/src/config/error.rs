use std::error::Error;
use std::ops::Range;
use std::{fmt, io};

use regrant_am::ImportError;
use toml::Spanned;

/// The reason why the configuration is refused: file, line, key and problem. It never contains a value of the file,
/// which may be a secret.
#[derive(Debug)]
pub(crate) struct ConfigError(String);

impl ConfigError {
    pub(super) fn unreadable(file: &str, error: &io::Error) -> Self {
        Self(format!("{file}: {error}"))
    }
}

impl From<ImportError> for ConfigError {
    fn from(error: ImportError) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ConfigError {}

/// A problem and its position in the text.
pub(super) struct Fault {
    span: Range<usize>,
    message: String,
}

impl Fault {
    /// A problem with the value of `key`.
    pub(super) fn at<T>(value: &Spanned<T>, key: &str, why: impl fmt::Display) -> Self {
        Self { span: value.span(), message: format!("{why} (in `{key}`)") }
    }

    /// A problem without a line.
    pub(super) fn of_all(why: impl fmt::Display, key: &str) -> Self {
        Self { span: 0..0, message: format!("{why} (in `{key}`)") }
    }

    pub(super) fn in_file(self, file: &str, text: &str) -> ConfigError {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ConfigError(format!("{file}, line {line}, column {column}: {}", self.message))
    }
}

impl From<toml::de::Error> for Fault {
    fn from(mut error: toml::de::Error) -> Self {
        let span = error.span().unwrap_or_default();
        // Without the input, the error shows the key instead of the line of the file.
        error.set_input(None);
        let shown = error.to_string();
        let key = shown.strip_prefix(error.message()).unwrap_or_default().trim();
        let message = meant(&without_value(error.message()));
        Self { span, message: if key.is_empty() { message } else { format!("{message} ({key})") } }
    }
}

/// serde repeats a value that it does not expect: this keeps only what is expected. The names of keys stay.
fn without_value(message: &str) -> String {
    if let Some((_, expected)) = message.strip_prefix("unknown variant").and_then(|rest| rest.split_once(", ")) {
        return format!("unknown value, {expected}");
    }
    for kind in ["invalid type", "invalid value"] {
        if message.starts_with(&format!("{kind}: ")) {
            return message
                .rsplit_once(", expected ")
                .map_or(kind.to_owned(), |(_, expected)| format!("{kind}, expected {expected}"));
        }
    }
    message.to_owned()
}

/// Adds the expected key that resembles the unknown one. serde puts all of them into backticks, the unknown one first.
fn meant(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().filter(|_| message.starts_with("unknown field"));
    let nearest = unknown.and_then(|unknown| {
        let near = names.map(|name| (distance(unknown, name), name)).min()?;
        (near.0 <= 1 + unknown.len() / 4).then_some(near.1)
    });
    match nearest {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message.to_owned(),
    }
}

/// The number of letters to insert, remove or change (Levenshtein distance).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (length, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], length + 1);
        for (column, other) in to.chars().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
