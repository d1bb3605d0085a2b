//! Token exchange (RFC 8693): a service that received a token gets one for the next service, with less reach.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::engine::{self, Context, ExchangeRequest, FoundToken, TokenResponse};
use crate::outcome::{Operation, Refusal};
use crate::ports::authenticator::AuthenticatedClient;
use crate::ports::store::TokenStore;
use crate::token::TokenKind;
use crate::vocabulary::GrantType;

impl<S: TokenStore> TokenService<S> {
    /// Exchanges an access token of this service for another one (RFC 8693). The new token has the same resource owner,
    /// no more scope, no longer life, and an audience that the client is registered for. A client may exchange the
    /// tokens that it may introspect: its own, and those whose audience it is.
    ///
    /// The new token has a grant of its own. Revoking the old one does not end it.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the token is not active, when the client may not exchange it or not ask for the
    /// scope or a resource, or when the token does not admit the actor; otherwise as [`issue`](Self::issue).
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{ExchangeRequest, GrantType, IssueRequest, Scope};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let request = ExchangeRequest::new(tokens.access_token).with_scope(Scope::new("read")?);
    /// let narrow = service.exchange(&client, &request).await?;
    /// assert_eq!(narrow.scope.as_str(), "read");
    /// assert!(narrow.refresh_token.is_none());
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn exchange(
        &self,
        client: &AuthenticatedClient,
        request: &ExchangeRequest,
    ) -> Result<TokenResponse, TokenError> {
        let call = Call::entitled(self, Operation::Exchange, client, &GrantType::TokenExchange)?;
        let _timer = self.timer(call.operation);
        let unfit = || call.refuse(Refusal::SubjectTokenInvalid);
        let subject = call.find(client, request.subject_token.expose()).await?.map(FoundToken::into_active);
        let subject = subject.filter(|token| token.kind == TokenKind::AccessToken).ok_or_else(unfit)?;
        let actor = match &request.actor_token {
            Some(token) => {
                let actor = call.find(client, token.expose()).await?.map(FoundToken::into_active);
                Some(actor.filter(|token| token.kind == TokenKind::AccessToken).ok_or_else(unfit)?)
            }
            None => None,
        };
        let decide = |ctx: &Context<'_>| engine::exchange(request, subject, actor.as_ref(), ctx);
        call.create_grant(client, &GrantType::TokenExchange, &request.presented_keys, None, decide).await
    }
}
