use std::borrow::Cow;
use std::sync::Arc;

use crate::open_error::OpenError;

/// Prefix of the tables and indexes of a store in a database of the application; see
/// [`table_prefix`](crate::SqliteStoreBuilder::table_prefix).
///
/// ```
/// use regrant_sqlite::TablePrefix;
///
/// TablePrefix::new("oauth_")?;
/// assert!(TablePrefix::new("x; DROP TABLE accounts; --").is_err());
/// # Ok::<(), regrant_sqlite::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePrefix(Arc<str>);

impl TablePrefix {
    /// Creates a prefix of 1 to 32 lower-case ASCII letters, digits and underscores, which begins with a letter. SQLite
    /// ignores the case of names, so there is no other case: two prefixes that differ name different tables. `sqlite_`
    /// belongs to SQLite.
    ///
    /// # Errors
    /// [`OpenError::InvalidTablePrefix`] for any other text.
    pub fn new(prefix: &str) -> Result<Self, OpenError> {
        let is_word = prefix.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        let starts_well =
            prefix.starts_with(|first: char| first.is_ascii_lowercase()) && !prefix.starts_with("sqlite_");
        if is_word && starts_well && prefix.len() <= 32 {
            Ok(Self(prefix.into()))
        } else {
            Err(OpenError::InvalidTablePrefix)
        }
    }
}

/// Names of the tables: those of a file of its own, or those of a prefix.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables(Option<TablePrefix>);

impl Tables {
    pub(crate) const fn under(prefix: Option<TablePrefix>) -> Self {
        Self(prefix)
    }

    pub(crate) const fn are_prefixed(&self) -> bool {
        self.0.is_some()
    }

    /// Puts the prefix into a statement of this crate, in the place of `regrant_`.
    pub(crate) fn named_in<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        match &self.0 {
            None => Cow::Borrowed(sql),
            Some(TablePrefix(prefix)) => Cow::Owned(sql.replace("regrant_", prefix)),
        }
    }
}
