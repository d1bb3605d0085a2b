use async_trait::async_trait;

use crate::grant::Approval;
use crate::ports::Unavailable;
use crate::ports::authenticator::AuthenticatedClient;
use crate::vocabulary::{
    AuthorizationDetails, GrantType, MissingParameter, Parameters, Resources, Scope, Subject, forward_to_arc,
};

/// A token request of a flow that the library does not decide itself: password (RFC 6749 section 4.3), assertion (RFC
/// 7523 section 2.1), an extension grant (RFC 6749 section 4.5). The client has authenticated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApproveRequest<'a> {
    /// The flow.
    pub grant_type: GrantType,
    /// The requested scope. If the request has none, the default of the client: see
    /// [`Client::scope_of`](crate::Client::scope_of).
    pub scope: Scope,
    /// The requested resources (RFC 8707). Empty if the request has none.
    pub resources: Resources,
    /// The requested authorization details (RFC 9396), if there are some. Only the approver can check their members, so
    /// [`approve_for`](Self::approve_for) leaves them out.
    pub authorization_details: Option<AuthorizationDetails>,
    /// All parameters of the request, for the flow's own ones. They contain secrets: do not log them.
    pub parameters: &'a Parameters<'a>,
}

impl ApproveRequest<'_> {
    /// Approves the requested scope and resources, on behalf of `subject`. To approve less, set a smaller scope:
    ///
    /// ```
    /// use regrant::host::ApproveRequest;
    /// use regrant::{Approval, Scope, Subject};
    ///
    /// fn read_only(request: &ApproveRequest<'_>, subject: Subject) -> Approval {
    ///     request.approve_for(subject).with_scope(Scope::from_static("read"))
    /// }
    /// ```
    #[must_use]
    pub fn approve_for(&self, subject: Subject) -> Approval {
        Approval::of(subject).with_scope(self.scope.clone()).with_resources(self.resources.clone())
    }
}

/// Decides a flow at the token endpoint. Register it with
/// [`Endpoints::with_approver`](crate::wire::Endpoints::with_approver).
///
/// The approver is asked only after the client has authenticated, may use the flow, and has shown a valid proof if it
/// sent one.
///
/// # Contract
/// * **Guessing of passwords is limited** (RFC 6749 section 4.3.2). Otherwise the token endpoint is an oracle for
///   passwords. A [`RateLimit`](super::RateLimit) counts denied approvals by the sender. A limit for each user is the
///   approver's own: the library does not know which parameter names the user.
/// * **An assertion is accepted once, and only for this server** (RFC 7523 section 3). Otherwise an eavesdropper, or
///   another server that received the assertion, gets tokens. [`SingleUse`](crate::store::SingleUse) remembers ids.
/// * **An outage is [`ApproveError::Unavailable`]**, never `Denied`: the client would ask its user for the password
///   again.
/// * **The approval grants no more than the subject may delegate.** The service compares it with the registration of
///   the client, and cannot know the rights of the subject.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::{Approval, AuthenticatedClient, Subject};
/// use regrant::host::{ApproveError, ApproveRequest, GrantApprover};
///
/// # trait Directory: Send + Sync { fn sign_in(&self, username: &str, password: &str) -> Option<Subject>; }
/// struct PasswordFlow<D>(D);
///
/// #[async_trait]
/// impl<D: Directory> GrantApprover for PasswordFlow<D> {
///     async fn approve(
///         &self,
///         _: &AuthenticatedClient,
///         request: &ApproveRequest<'_>,
///     ) -> Result<Approval, ApproveError> {
///         let username = request.parameters.required("username")?;
///         let password = request.parameters.required("password")?;
///         let subject = self.0.sign_in(username, password).ok_or(ApproveError::Denied)?;
///         Ok(request.approve_for(subject))
///     }
/// }
/// ```
#[async_trait]
pub trait GrantApprover: Send + Sync {
    /// Returns the approval, from which tokens are issued at once.
    ///
    /// # Errors
    /// [`ApproveError`] when the request is denied, lacks a parameter, or cannot be decided now. No grant is created
    /// then.
    async fn approve(
        &self,
        client: &AuthenticatedClient,
        request: &ApproveRequest<'_>,
    ) -> Result<Approval, ApproveError>;
}

forward_to_arc! {
    GrantApprover {
        async fn approve(
            &self,
            client: &AuthenticatedClient,
            request: &ApproveRequest<'_>
        ) -> Result<Approval, ApproveError>;
    }
}

/// The reason why a flow was not approved. A missing parameter and an [`Unavailable`] convert with `?`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApproveError {
    /// The credentials of the resource owner, or the assertion in their place, are not accepted: `invalid_grant`. The
    /// client does not learn whether the user or the password was wrong.
    #[error("not approved")]
    Denied,
    /// The request lacks a parameter: `invalid_request`.
    #[error(transparent)]
    Missing(#[from] MissingParameter),
    /// The approver cannot decide now: 503.
    #[error("approval is unavailable")]
    Unavailable(#[from] Unavailable),
}
