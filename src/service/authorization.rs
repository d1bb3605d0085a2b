//! The parts of an authorization request that are decided before [`TokenService::authorize`]: the client, and the
//! request object.

use std::sync::Arc;

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::outcome::{Operation, Refusal};
use crate::ports::authenticator::CredentialError;
use crate::ports::store::TokenStore;
use crate::vocabulary::{ClientId, GrantType, Scope};

impl<S: TokenStore> TokenService<S> {
    /// Looks up the client of an authorization request. The client has not authenticated.
    ///
    /// # Errors
    /// [`Refusal::ClientUnknown`], or [`TokenError::Authenticator`].
    pub(crate) async fn find_client_for_authorization(&self, client_id: &ClientId) -> Result<Arc<Client>, TokenError> {
        let call = Call::new(self, Operation::Authorize);
        let client = call.find_client(client_id).await?;
        client.ok_or_else(|| call.refuse(Refusal::ClientUnknown))
    }
}

impl<S> TokenService<S> {
    /// Returns the scope to decide about, as [`requested_scope`](Self::requested_scope) does, for an authorization
    /// request that is pushed or shown to its user.
    ///
    /// # Errors
    /// As for [`requested_scope`](Self::requested_scope).
    pub(crate) fn authorization_scope(
        &self,
        operation: Operation,
        client: &Client,
        requested: Option<Scope>,
    ) -> Result<Scope, TokenError> {
        Call::entitled(self, operation, client, &GrantType::AuthorizationCode)?.requested_scope(
            client,
            &GrantType::AuthorizationCode,
            requested,
        )
    }

    /// Returns true if the client must sign its authorization requests (RFC 9101 section 10.5).
    ///
    /// # Errors
    /// [`TokenError::Policy`] when the overrides of the client contradict the policy of the provider.
    pub(crate) fn requires_signed_request(&self, operation: Operation, client: &Client) -> Result<bool, TokenError> {
        let policy = Call::new(self, operation).by(&client.id).policy(client, &GrantType::AuthorizationCode)?;
        Ok(client.require_signed_request_object || policy.require_signed_request_object)
    }

    /// Reports that an authorization request was refused before it reached a call, and returns the error.
    pub(crate) fn refuse_authorization(&self, operation: Operation, client: &Client, refusal: Refusal) -> TokenError {
        Call::new(self, operation).by(&client.id).refuse(refusal)
    }

    /// Reports that a request object was not accepted, or could not be verified, and returns the error.
    pub(crate) fn reject_request_object(
        &self,
        operation: Operation,
        client: &Client,
        error: CredentialError,
    ) -> TokenError {
        let call = Call::new(self, operation).by(&client.id);
        match error {
            CredentialError::Refused(reason) => call.refuse(Refusal::RequestObjectRefused(reason)),
            CredentialError::Unavailable(cause) => call.fail(TokenError::RequestObject(cause)),
        }
    }
}
