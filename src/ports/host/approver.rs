//! Flows of the host's own at the token endpoint.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::grant::Approval;
use crate::ports::authenticator::AuthenticatedClient;
use crate::vocabulary::{GrantType, MissingParameter, Parameters, Resources, Scope, Subject};

/// A token request of a flow that the library does not decide: password, device code, assertion, an extension.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApproveRequest<'a> {
    /// The flow.
    pub grant_type: GrantType,
    /// The scope asked for; what [`Client::scope_of`](crate::Client::scope_of) has for a request
    /// that names none.
    pub scope: Scope,
    /// The resources asked for (RFC 8707); the empty when the request names none.
    pub resources: Resources,
    /// All parameters, for what the flow needs besides.
    pub parameters: &'a Parameters,
}

impl ApproveRequest<'_> {
    /// The approval of all that is asked for, on behalf of `subject`.
    #[must_use]
    pub fn approve_for(&self, subject: Subject) -> Approval {
        Approval::of(subject).with_scope(self.scope.clone()).with_resources(self.resources.clone())
    }
}

/// Decides a flow at the token endpoint. Registered with [`Endpoints::with_approver`](crate::wire::Endpoints::with_approver);
/// asked only for clients that authenticated and may use the flow.
///
/// The host must slow down guessing (RFC 6749 section 4.3.2).
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
    /// What is approved.
    ///
    /// # Errors
    /// When the request is not approved, lacks a parameter, or cannot be decided now.
    async fn approve(
        &self,
        client: &AuthenticatedClient,
        request: &ApproveRequest<'_>,
    ) -> Result<Approval, ApproveError>;
}

#[async_trait]
impl<T: GrantApprover + ?Sized> GrantApprover for Arc<T> {
    async fn approve(
        &self,
        client: &AuthenticatedClient,
        request: &ApproveRequest<'_>,
    ) -> Result<Approval, ApproveError> {
        (**self).approve(client, request).await
    }
}

/// Why a flow was not approved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApproveError {
    /// The resource owner's credentials, or what stands in their place, are not accepted: `invalid_grant`.
    #[error("not approved")]
    Denied,
    /// The request lacks a parameter: `invalid_request`.
    #[error(transparent)]
    Missing(#[from] MissingParameter),
    /// It cannot be decided: 503, or 500 if a [`StoreError`](crate::store::StoreError) among the causes says that
    /// trying again does not help.
    #[error("approval is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}
