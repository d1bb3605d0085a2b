use async_trait::async_trait;
use regrant::host::{ApproveError, ApproveRequest, GrantApprover};
use regrant::{Approval, AuthenticatedClient, TokenService};

use crate::store::SharedStore;
use crate::users::Users;

/// The authentication method of these users (RFC 8176).
pub(crate) const AMR: &str = "pwd";

/// The flow `password` (RFC 6749 section 4.3). The library calls it only for clients with this flow.
pub(crate) struct PasswordFlow {
    pub(crate) users: Users,
    pub(crate) service: TokenService<SharedStore>,
}

#[async_trait]
impl GrantApprover for PasswordFlow {
    async fn approve(&self, _: &AuthenticatedClient, request: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        let username = request.parameters.required("username")?;
        let password = request.parameters.required("password")?;
        let subject = self.users.sign_in(username, password).ok_or(ApproveError::Denied)?;
        Ok(request.approve_for(subject).with_authentication(self.service.now(), None, vec![AMR.to_owned()]))
    }
}
