//! Client authentication (RFC 6749 section 2.3). ARCHITECTURE.md, order of checks: limit, client.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::outcome::{Operation, Refusal};
use crate::policy::PolicyError;
use crate::ports::authenticator::{AuthenticatedClient, ClientCredentials};
use crate::ports::host::{AttemptKind, AttemptOutcome};
use crate::ports::store::TokenStore;
use crate::vocabulary::Peer;

impl<S: TokenStore> TokenService<S> {
    /// Authenticates the client that `credentials` name. The other calls of the client take the result.
    ///
    /// Afterwards the policy is applied, which may require a private key
    /// ([`require_asymmetric_authentication`](crate::Policy::require_asymmetric_authentication)). A client with the
    /// right password and too weak a method is refused like one with a wrong password.
    ///
    /// # Errors
    /// * [`TokenError::Refused`] when the credentials are not accepted: `invalid_client`. A retry does not help.
    /// * [`TokenError::RateLimited`] when there were too many attempts, and [`TokenError::RateLimit`] when the limit
    ///   failed. The credentials were not checked.
    /// * [`TokenError::Authenticator`] when the authenticator failed. Try again if the error [is
    ///   transient](TokenError::is_transient).
    /// * [`TokenError::Policy`] when the overrides of the client contradict the policy of the provider.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{ClientCredentials, TokenError};
    ///
    /// let credentials = ClientCredentials::Basic(ClientId::from_static("app"), "a guess".into());
    /// let refused = service.authenticate(&credentials).await; // the registry of this service has no clients
    /// assert!(matches!(refused, Err(error @ TokenError::Refused(_)) if error.code().as_str() == "invalid_client"));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, TokenError> {
        self.authenticate_at(AttemptKind::Client, credentials, None).await
    }

    /// Authenticates the client of a request from `peer`, at the endpoint that `kind` names.
    ///
    /// # Errors
    /// As for [`authenticate`](Self::authenticate).
    pub(crate) async fn authenticate_at(
        &self,
        kind: AttemptKind,
        credentials: &ClientCredentials,
        peer: Option<&Peer>,
    ) -> Result<AuthenticatedClient, TokenError> {
        let call = Call::new(self, Operation::Authenticate).from(peer);
        let _timer = self.timer(call.operation);
        let permit = call.permit(kind, Some(credentials.client_id())).await?;
        let verdict = self.0.authenticator.authenticate(credentials).await;
        let outcome = match &verdict {
            Ok(_) => AttemptOutcome::Right,
            Err(error) if error.is_refused() => AttemptOutcome::Wrong,
            Err(_) => AttemptOutcome::Unknown,
        };
        permit.settle(outcome).await;
        match verdict {
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
                None => Err(call.fail(TokenError::authenticator(error))),
            },
        }
    }

    fn is_strong_enough(&self, client: &Client) -> Result<bool, PolicyError> {
        let policy = self.0.policy.in_force(&client.policy, None)?;
        Ok(!policy.require_asymmetric_authentication || client.authentication_methods.are_asymmetric())
    }
}
