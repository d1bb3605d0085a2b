use std::fmt;
use std::num::NonZeroU16;

use crate::open_error::OpenError;

/// Table of the grants, its schema and its layout. Default: `public.regrant_grants`. The single-use marks are in a
/// second table, whose name ends with `_marks`, and the clients in a third one, `_clients`.
///
/// ```
/// use regrant_postgres::Table;
///
/// let table = Table::new("auth", "grants")?;
/// assert_eq!(table.to_string(), r#""auth"."grants""#);
/// assert!(Table::new("auth", "grants; DROP TABLE users").is_err());
/// # Ok::<(), regrant_postgres::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    schema: String,
    name: String,
    partitions: Option<NonZeroU16>,
}

impl Table {
    /// The table `name` in `schema`. Both are 1 to 48 ASCII letters, digits and underscores, do not begin with a digit,
    /// and are case-sensitive. The schema must exist. The names of the tables, their indexes and partitions begin with
    /// `name`.
    ///
    /// # Errors
    /// [`OpenError::InvalidName`] for any other name.
    pub fn new(schema: &str, name: &str) -> Result<Self, OpenError> {
        Ok(Self { schema: identifier(schema)?, name: identifier(name)?, partitions: None })
    }

    /// Partitions the grants by the hash of their id (`PARTITION BY HASH`) when the table is created. An existing table
    /// keeps its layout; the store works with both.
    ///
    /// Useful from some hundred million grants on: each partition has a small index and is vacuumed on its own.
    #[must_use]
    pub const fn partitioned(mut self, partitions: NonZeroU16) -> Self {
        self.partitions = Some(partitions);
        self
    }

    pub(crate) const fn partitions(&self) -> Option<NonZeroU16> {
        self.partitions
    }

    /// Quoted name of the marks table, with the schema.
    pub(crate) fn marks(&self) -> String {
        self.beside("marks")
    }

    /// Quoted name of the table of clients, with the schema.
    pub(crate) fn clients(&self) -> String {
        self.beside("clients")
    }

    /// Quoted name with `suffix`, without the schema: for an index, which is created in the schema of its table.
    pub(crate) fn index(&self, suffix: &str) -> String {
        format!("\"{}_{suffix}\"", self.name)
    }

    /// Quoted name with `suffix` and schema.
    pub(crate) fn beside(&self, suffix: impl fmt::Display) -> String {
        format!("\"{}\".\"{}_{suffix}\"", self.schema, self.name)
    }
}

impl Default for Table {
    fn default() -> Self {
        Self { schema: "public".to_owned(), name: "regrant_grants".to_owned(), partitions: None }
    }
}

impl fmt::Display for Table {
    /// Quoted, and always with the schema, so that no `search_path` can select another table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\".\"{}\"", self.schema, self.name)
    }
}

/// Checks a name. 48 bytes leave space for a suffix: the server truncates names at 63 bytes, and two truncated names
/// may be equal.
fn identifier(text: &str) -> Result<String, OpenError> {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts_well = text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if is_word && starts_well && text.len() <= 48 { Ok(text.to_owned()) } else { Err(OpenError::InvalidName) }
}
