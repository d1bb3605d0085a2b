use async_trait::async_trait;

use crate::ports::Unavailable;
use crate::vocabulary::{Subject, forward_to_arc};

/// Lets the host stop serving a resource owner, for example because the account was disabled. A host that revokes the
/// grants of a subject when it closes the account needs none.
///
/// The gate is asked at redemption, refresh, token exchange, introspection and userinfo, so that tokens stop working
/// together with the account. In AM refresh went on after the account was disabled (security advisory #201801-06).
///
/// # Contract
/// * **It is quick.** It is asked within each request, also once more when a race repeats the decision. A cache of a
///   few seconds is fine, and delays the end of a closed account by as much.
/// * **An outage is an error.** `Ok(false)` is answered with `invalid_grant`, on which clients discard their tokens.
/// * **It does not replace revocation.** The gate cannot stop JWT access tokens that a resource server verifies by
///   itself. When an account is closed for good, call
///   [`TokenService::revoke_subject`](crate::TokenService::revoke_subject) as well.
///
/// ```
/// use std::collections::HashSet;
///
/// use async_trait::async_trait;
/// use regrant::Subject;
/// use regrant::host::{SubjectGate, Unavailable};
///
/// struct OpenAccounts(HashSet<Subject>);
///
/// #[async_trait]
/// impl SubjectGate for OpenAccounts {
///     async fn may_be_served(&self, subject: &Subject) -> Result<bool, Unavailable> {
///         Ok(self.0.contains(subject))
///     }
/// }
/// ```
#[async_trait]
pub trait SubjectGate: Send + Sync {
    /// Returns true if `subject` may still be served. False refuses the request with `invalid_grant`, and makes
    /// introspection report the token as inactive. The grant itself stays as it is.
    ///
    /// # Errors
    /// [`Unavailable`] when the gate cannot decide. No token is consumed then.
    async fn may_be_served(&self, subject: &Subject) -> Result<bool, Unavailable>;
}

forward_to_arc! {
    SubjectGate {
        async fn may_be_served(&self, subject: &Subject) -> Result<bool, Unavailable>;
    }
}
