//! The parts of an authorization request that are decided before [`TokenService::authorize`]: the client, and the
//! request object.

use std::sync::Arc;

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::outcome::{Operation, Refusal};
use crate::ports::authenticator::CredentialError;
use crate::ports::store::TokenStore;
use crate::vocabulary::ClientId;

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
    /// Reports that an authorization request was refused before [`authorize`](Self::authorize), and returns the error.
    pub(crate) fn refuse_authorization(&self, client: &Client, refusal: Refusal) -> TokenError {
        Call::new(self, Operation::Authorize).by(&client.id).refuse(refusal)
    }

    /// Reports that a request object was not accepted, or could not be verified, and returns the error.
    pub(crate) fn reject_request_object(&self, client: &Client, error: CredentialError) -> TokenError {
        let call = Call::new(self, Operation::Authorize).by(&client.id);
        match error {
            CredentialError::Refused(reason) => call.refuse(Refusal::RequestObjectRefused(reason)),
            CredentialError::Unavailable(cause) => call.fail(TokenError::RequestObject(cause)),
        }
    }
}
