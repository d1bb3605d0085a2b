use std::fmt;
use std::num::NonZeroU16;

use crate::open_error::OpenError;

/// Where the grants are: a table, its schema, and how it is laid out. `public.regrant_grants` by default. What was used once is
/// in a table beside it, whose name ends with `_marks`.
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
    /// The table `name` in `schema`. Both are 1 to 48 ASCII letters, digits and underscores, no digit first; case counts.
    /// The schema must exist; the tables, their indexes and partitions have names that begin with `name`.
    ///
    /// # Errors
    /// [`OpenError::InvalidName`].
    pub fn new(schema: &str, name: &str) -> Result<Self, OpenError> {
        Ok(Self { schema: identifier(schema)?, name: identifier(name)?, partitions: None })
    }

    /// Spreads the grants over so many tables by the hash of their id (`PARTITION BY HASH`). It speaks about a table that
    /// is yet to be made; one that exists stays as it is, and the store works with either.
    ///
    /// For some hundred million grants: each partition has a small index and is vacuumed on its own.
    #[must_use]
    pub const fn partitioned(mut self, partitions: NonZeroU16) -> Self {
        self.partitions = Some(partitions);
        self
    }

    pub(crate) const fn partitions(&self) -> Option<NonZeroU16> {
        self.partitions
    }

    /// The table of what was used, quoted, with the schema.
    pub(crate) fn marks(&self) -> String {
        self.beside("marks")
    }

    /// The name with `suffix`, quoted, without the schema: for an index, which is made where its table is.
    pub(crate) fn index(&self, suffix: &str) -> String {
        format!("\"{}_{suffix}\"", self.name)
    }

    /// The name with `suffix`, quoted, with the schema.
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
    /// As it stands in a statement: always with its schema, so that no `search_path` can mean another table; quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\".\"{}\"", self.schema, self.name)
    }
}

/// 48 bytes leave room for a suffix: the server cuts names at 63 bytes, and two that were cut may be the same.
fn identifier(text: &str) -> Result<String, OpenError> {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts_well = text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if is_word && starts_well && text.len() <= 48 { Ok(text.to_owned()) } else { Err(OpenError::InvalidName) }
}
