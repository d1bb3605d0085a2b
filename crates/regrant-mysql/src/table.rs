use std::fmt;

use crate::open_error::OpenError;

/// Table of the grants. Default: `regrant_grants`. The single-use marks are in a second table, whose name ends with
/// `_marks`, the clients in a third one, `_clients`, and the version of the schema in a fourth one, `_schema`.
///
/// ```
/// use regrant_mysql::Table;
///
/// let table = Table::new("auth_grants")?;
/// assert_eq!(table.to_string(), "`auth_grants`");
/// assert!(Table::new("grants; DROP TABLE users").is_err());
/// # Ok::<(), regrant_mysql::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table(String);

impl Table {
    /// The table `name` in the database that the URL names: 1 to 48 lower-case ASCII letters, digits and underscores,
    /// which do not begin with a digit. Some servers distinguish upper case, and some do not.
    ///
    /// # Errors
    /// [`OpenError::InvalidName`] for any other name.
    pub fn new(name: &str) -> Result<Self, OpenError> {
        let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let starts_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        // Names have at most 64 bytes; a suffix follows.
        if is_word && starts_well && name.len() <= 48 { Ok(Self(name.to_owned())) } else { Err(OpenError::InvalidName) }
    }

    /// Quoted name of the marks table.
    pub(crate) fn marks(&self) -> String {
        self.beside("marks")
    }

    /// Quoted name of the table of clients.
    pub(crate) fn clients(&self) -> String {
        self.beside("clients")
    }

    /// Quoted name with `suffix`.
    pub(crate) fn beside(&self, suffix: &str) -> String {
        format!("`{}_{suffix}`", self.0)
    }
}

impl Default for Table {
    fn default() -> Self {
        Self("regrant_grants".to_owned())
    }
}

impl fmt::Display for Table {
    /// Quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}
