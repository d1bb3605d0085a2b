use regrant::InvalidValue;
use regrant::policy::PolicyError;

/// The reason why an export cannot be imported, and the place. It contains no value of the export, which may be a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ImportError {
    place: Place,
    problem: Problem,
}

impl ImportError {
    pub(super) const fn new(place: Place, problem: Problem) -> Self {
        Self { place, problem }
    }

    /// The name of the document, as given to [`Export::document`](super::Export::document).
    #[must_use]
    pub fn document(&self) -> &str {
        &self.place.document
    }

    /// The path in the document: member names with dots between them, empty for the whole document.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.place.path
    }

    /// The problem.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// The problems of an export.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The document is not JSON.
    #[error("not JSON (line {line}, column {column})")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// An object has two members with one name.
    #[error("a member is there twice in one object (line {line}, column {column})")]
    DuplicateMember {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// The document is JSON, but neither an OAuth 2 provider service nor an OAuth 2 client.
    #[error("neither an OAuth 2 provider service nor an OAuth 2 client as AM's REST API, amster or Frodo export it")]
    NotAnExport,
    /// A value is not of the type or in the range that AM allows.
    #[error("must be {0}")]
    Expected(&'static str),
    /// A value is a placeholder, which AM fills in when it starts (`&{...}`).
    #[error("holds a placeholder (&{{...}}): put in the value that AM runs with")]
    Placeholder,
    /// A value does not have the required syntax.
    #[error(transparent)]
    Invalid(InvalidValue),
    /// An attribute is in two groups, with different values.
    #[error("is there twice, with different values")]
    Contradiction,
    /// There is more than one provider service: import each realm by itself.
    #[error("a second, different provider service: import one realm at a time")]
    SecondProvider,
    /// There is more than one client with this id.
    #[error("a second client of this id")]
    SecondClient,
    /// A client's overrides and the provider's settings contradict each other.
    #[error(transparent)]
    Policy(PolicyError),
}

/// A document and a path in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    document: Box<str>,
    path: String,
}

impl Place {
    pub(super) fn document(name: &str) -> Self {
        Self { document: name.into(), path: String::new() }
    }

    pub(super) fn member(&self, name: &str) -> Self {
        let name = name.escape_debug();
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { document: self.document.clone(), path }
    }

    pub(super) fn item(&self, index: usize) -> Self {
        Self { document: self.document.clone(), path: format!("{}[{index}]", self.path) }
    }

    pub(super) const fn fault(self, problem: Problem) -> ImportError {
        ImportError::new(self, problem)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.document)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, ", {}", self.path) }
    }
}
