//! Client authentication (RFC 6749 section 2.3).

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::outcome::{Operation, Refusal};
use crate::policy::PolicyError;
use crate::ports::authenticator::{AuthenticatedClient, ClientCredentials};
use crate::ports::store::TokenStore;

impl<S: TokenStore> TokenService<S> {
    /// Authenticates the client that `credentials` name.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the credentials are not accepted, [`TokenError::Authenticator`] when the
    /// authenticator failed, [`TokenError::Policy`] when the overrides of the client contradict the policy of the
    /// provider.
    pub async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, TokenError> {
        let call = Call::new(self, Operation::Authenticate);
        let _timer = self.timer(call.operation);
        match self.0.authenticator.authenticate(credentials).await {
            Ok(client) => match self.is_strong_enough(&client) {
                Ok(true) => Ok(client),
                Ok(false) => Err(call.by(&client.id).refuse(Refusal::AuthenticationTooWeak)),
                Err(error) => Err(call.by(&client.id).fail(TokenError::Policy(error))),
            },
            Err(error) => match error.refusal() {
                Some(reason) => {
                    let call = error.known_client().map_or(call, |client_id| call.by(client_id));
                    Err(call.refuse(Refusal::ClientAuthenticationFailed(reason)))
                }
                None => Err(call.fail(TokenError::Authenticator(error))),
            },
        }
    }

    fn is_strong_enough(&self, client: &Client) -> Result<bool, PolicyError> {
        let policy = self.0.policy.for_client_alone(&client.policy)?;
        Ok(!policy.require_asymmetric_authentication || client.authentication_methods.are_asymmetric())
    }
}
