use std::error::Error;
use std::fmt;
use std::ops::Deref;

/// The answer of a port that cannot decide now: a database is down, a key service does not respond.
///
/// This is the only shape of an outage in all ports. An outage is never a refusal: a client that reads
/// `invalid_grant` or `invalid_client` discards its tokens. The client gets 503 and tries again with the same token,
/// because nothing was consumed. A [`StoreError`](crate::store::StoreError) among the causes that is not transient
/// makes the answer 500.
///
/// Every error converts into it, so `?` is enough inside a port. For that reason the type does not implement [`Error`]
/// itself. It dereferences to its cause, and converts into a boxed error.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::Subject;
/// use regrant::host::{SubjectGate, Unavailable};
///
/// # struct Database;
/// # impl Database { async fn is_enabled(&self, _: &str) -> Result<bool, std::io::Error> { Ok(true) } }
/// struct Accounts(Database);
///
/// #[async_trait]
/// impl SubjectGate for Accounts {
///     async fn may_be_served(&self, subject: &Subject) -> Result<bool, Unavailable> {
///         Ok(self.0.is_enabled(subject.as_str()).await?)
///     }
/// }
/// ```
pub struct Unavailable(Box<dyn Error + Send + Sync>);

impl Unavailable {
    /// An outage with this cause: an error, or a text for hosts and logs. Clients never see the cause.
    ///
    /// ```
    /// use regrant::host::Unavailable;
    ///
    /// assert_eq!(Unavailable::new("the directory is down").to_string(), "the directory is down");
    /// ```
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Unavailable {
    fn from(cause: E) -> Self {
        Self::new(cause)
    }
}

impl From<Unavailable> for Box<dyn Error + Send + Sync> {
    fn from(outage: Unavailable) -> Self {
        outage.0
    }
}

impl From<Unavailable> for Box<dyn Error> {
    fn from(outage: Unavailable) -> Self {
        outage.0
    }
}

impl Deref for Unavailable {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
