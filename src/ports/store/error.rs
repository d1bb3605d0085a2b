use std::error::Error;
use std::fmt;

/// A failure of a store. The text names the kind; the cause is the [`source`](Error::source).
///
/// | kind | for example | the client gets | event |
/// |---|---|---|---|
/// | [`unavailable`](Self::unavailable) | no connection, failover, full disk | 503, and retries | `unavailable` |
/// | [`corrupt`](Self::corrupt) | a row without a payload | 500 | `record_corrupt` |
/// | [`rejected`](Self::rejected) | missing table, wrong password | 500 | `rejected` |
///
/// In doubt choose `unavailable`: a client that retries in vain loses nothing.
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
    /// An outage: the store is out of reach, too slow, or cannot write now (a failover, a full disk, no memory left).
    /// The next attempt may succeed without intervention, since a purge frees space. Clients get 503.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Unavailable, source: Some(source.into()) }
    }

    /// A record that cannot be read. Clients get 500.
    pub fn corrupt(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Corrupt, source: Some(source.into()) }
    }

    /// A failure that persists until an operator repairs it: a missing table, a missing permission, a wrong password.
    /// Clients get 500 and do not try again. An outage, such as a failover, is [`unavailable`](Self::unavailable)
    /// instead.
    pub fn rejected(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Rejected, source: Some(source.into()) }
    }

    /// Returns true if the next attempt may succeed without intervention.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// Returns true if a record cannot be read.
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
