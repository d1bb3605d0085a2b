//! Logout: the hint of a client, and the end of a session at all clients.

use std::sync::Arc;

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::outcome::{Operation, Refusal};
use crate::ports::Unavailable;
use crate::ports::jwt::IdTokenHint;
use crate::ports::store::{GrantIndex, GrantOwner, TokenStore};
use crate::vocabulary::{ClientId, Subject};

impl<S: TokenStore + GrantIndex> TokenService<S> {
    /// Revokes the grants of a resource owner that were approved in one session
    /// ([`Approval::session_id`](crate::Approval::session_id), the `sid` of an `id_token`), at all clients. Call it
    /// when the session ends. Returns the number of grants that were alive.
    ///
    /// A grant that was approved in another session, or without a session id, lives on.
    ///
    /// # Errors
    /// The first failure of the store. All grants that could be revoked are revoked. Call again until it succeeds.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// for session in ["laptop", "laptop", "phone"] {
    ///     let approval = approval.clone().with_session_id(session.to_owned());
    ///     service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// }
    /// assert_eq!(service.revoke_session(&demo, "laptop").await?, 2);
    /// assert_eq!(service.revoke_session(&demo, "laptop").await?, 0); // nothing is left
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn revoke_session(&self, subject: &Subject, session_id: &str) -> Result<usize, TokenError> {
        let call = Call::new(self, Operation::RevokeGrant);
        self.revoke_all(&GrantOwner::Subject(subject.clone()), |id, stored| {
            let (grant, _) = call.decode(id, stored)?;
            Ok(grant.approval().session_id.as_deref() == Some(session_id))
        })
        .await
    }
}

impl<S: TokenStore> TokenService<S> {
    /// Reads the `id_token_hint` of a logout request (OpenID Connect RP-Initiated Logout 1.0 section 2). Returns `None`
    /// for a token that this service did not sign, or whose key is no longer held. An expired hint is accepted (section
    /// 4).
    ///
    /// The hint shows which session a client means. It is no authentication: clients and logs have copies of it.
    #[must_use]
    pub fn read_id_token_hint(&self, id_token: &str) -> Option<IdTokenHint> {
        self.0.jwt_issuer.as_deref()?.read_id_token(id_token)
    }

    /// Looks up the client of a logout request.
    ///
    /// # Errors
    /// [`TokenError::Authenticator`].
    pub(crate) async fn find_client_for_logout(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, TokenError> {
        Call::new(self, Operation::EndSession).find_client(client_id).await
    }

    /// Reports a part of a logout request that is not accepted.
    pub(crate) fn refuse_logout(&self, client: Option<&Client>, refusal: Refusal) {
        let call = Call::new(self, Operation::EndSession);
        let _ = client.map_or(call, |client| call.by(&client.id)).refuse(refusal);
    }

    /// Reports that the host could not end its session, and returns the error.
    pub(crate) fn fail_end_session(&self, cause: Unavailable) -> TokenError {
        Call::new(self, Operation::EndSession).fail(TokenError::EndSession(cause))
    }
}
