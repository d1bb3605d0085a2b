//! The host's last word on a resource owner.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::vocabulary::Subject;

/// Whether a resource owner may still be served. Asked at redemption, refresh and introspection, so that tokens stop with
/// the account (AM security advisory #201801-06: refresh went on after the account was disabled).
///
/// ```
/// use std::collections::HashSet;
/// use std::error::Error;
///
/// use async_trait::async_trait;
/// use regrant::Subject;
/// use regrant::host::SubjectGate;
///
/// struct OpenAccounts(HashSet<Subject>);
///
/// #[async_trait]
/// impl SubjectGate for OpenAccounts {
///     async fn may_be_served(&self, subject: &Subject) -> Result<bool, Box<dyn Error + Send + Sync>> {
///         Ok(self.0.contains(subject))
///     }
/// }
/// ```
#[async_trait]
pub trait SubjectGate: Send + Sync {
    /// Whether `subject` may still be served.
    ///
    /// # Errors
    /// When that cannot be told. Nothing is consumed then. The client is told to try again, unless a
    /// [`StoreError`](crate::store::StoreError) among the causes says that it does not help.
    async fn may_be_served(&self, subject: &Subject) -> Result<bool, Box<dyn Error + Send + Sync>>;
}

#[async_trait]
impl<T: SubjectGate + ?Sized> SubjectGate for Arc<T> {
    async fn may_be_served(&self, subject: &Subject) -> Result<bool, Box<dyn Error + Send + Sync>> {
        (**self).may_be_served(subject).await
    }
}

/// Serves everybody: for hosts that revoke a subject's grants when they close its account.
#[derive(Clone, Copy, Debug, Default)]
pub struct EverySubject;

#[async_trait]
impl SubjectGate for EverySubject {
    async fn may_be_served(&self, _subject: &Subject) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}
