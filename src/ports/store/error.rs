use std::error::Error;
use std::fmt;

/// A failure of the store. Its text names the kind; the cause is the [`source`](Error::source).
///
/// ```
/// use std::error::Error;
/// use std::io;
///
/// use regrant::store::StoreError;
///
/// let error = StoreError::unavailable(io::Error::from(io::ErrorKind::ConnectionRefused));
/// assert!(error.is_transient());
/// assert_eq!(error.to_string(), "the store is unavailable");
/// assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("connection refused"));
/// ```
#[derive(Debug)]
pub struct StoreError {
    kind: Kind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unavailable,
    Corrupt,
    Rejected,
}

impl StoreError {
    /// The store could not be reached, did not answer in time, or cannot write now: a failover, a full disk, no memory
    /// left. The next attempt may succeed without anybody's doing, since a purge frees space.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Unavailable, source: Some(source.into()) }
    }

    /// The store holds something that is no grant record.
    pub fn corrupt(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Corrupt, source: Some(source.into()) }
    }

    /// The store answered, and will answer the same until somebody mends it: a missing table, a missing permission, a
    /// wrong password. Clients are told 500 and not to try again; an outage of any kind, a failover for instance,
    /// belongs in [`unavailable`](Self::unavailable).
    pub fn rejected(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Rejected, source: Some(source.into()) }
    }

    /// Whether trying again may help without anybody's doing.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// Whether the store holds something that is no grant record.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        self.kind == Kind::Corrupt
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Unavailable => "the store is unavailable",
            Kind::Corrupt => "the store holds an unreadable record",
            Kind::Rejected => "the store rejected the operation",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
