//! Pushed authorization requests (RFC 9126): the call of the client, and that of the authorization endpoint.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, Context, PushRequest, PushedRequest, PushedRequestResponse};
use crate::outcome::{EventKind, Operation, Refusal};
use crate::ports::authenticator::AuthenticatedClient;
use crate::ports::store::TokenStore;
use crate::token::{Opened, TokenKind};
use crate::vocabulary::{Confirmation, GrantType};

impl<S: TokenStore> TokenService<S> {
    /// Takes an authorization request of `client` (RFC 9126 section 2), and returns the reference by which the browser
    /// names it. Public clients may push requests too.
    ///
    /// The request is judged as [`authorize`](Self::authorize) will judge it, so that the client learns of a mistake
    /// before it sends its user away. Nothing of a refused request is stored.
    ///
    /// # Errors
    /// [`TokenError::Refused`] for all that [`authorize`](Self::authorize) would refuse, for parameters of more than 16
    /// KiB, and when the DPoP proof is invalid or of another key than `dpop_jkt`; otherwise as [`issue`](Self::issue).
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::authorization::PushRequest;
    /// use regrant::{AuthorizeRequest, Refusal, TokenError};
    ///
    /// let asked = AuthorizeRequest::new(approval.clone()).with_redirect_uri(callback.clone());
    /// let parameters = "response_type=code&client_id=app&state=af0ifjsldkj";
    /// let pushed = service.push_authorization_request(&client, PushRequest::new(parameters, asked.clone())).await?;
    /// assert_eq!(pushed.expires_in, Duration::from_secs(60));
    ///
    /// // The authorization endpoint, each time that the browser shows the page:
    /// let request = service.pushed_request(&client, pushed.request_uri.expose()).await?;
    /// assert_eq!(request.parameters, parameters.as_bytes());
    ///
    /// // The user approves, once.
    /// let approved = asked.with_pushed_request(pushed.request_uri);
    /// assert!(service.authorize(&client, approved.clone()).await.is_ok());
    /// let again = service.authorize(&client, approved).await;
    /// assert!(matches!(again, Err(TokenError::Refused(Refusal::PushedRequestUsed))));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn push_authorization_request(
        &self,
        client: &AuthenticatedClient,
        request: PushRequest,
    ) -> Result<PushedRequestResponse, TokenError> {
        let flow = GrantType::AuthorizationCode;
        let call = Call::entitled(self, Operation::PushAuthorizationRequest, client, &flow)?;
        let _timer = self.timer(call.operation);
        let terms = call.terms(client, &flow)?;
        let refuse = |refusal| call.refuse(refusal);
        engine::check_push(&request, &self.context(client, &terms)).map_err(refuse)?;
        let key = call.prove(&request.presented_keys).await?.proven;
        let pushed = engine::push(request, &Context { key, ..self.context(client, &terms) });
        let (mut record, response) = pushed.map_err(refuse)?;
        call.insert(&mut record, EventKind::RequestPushed).await.map(|()| response)
    }

    /// Returns the request that `client` pushed, to the authorization endpoint (RFC 9126 section 4). The parameter
    /// `client_id` names the client, which is looked up and not authenticated.
    ///
    /// The first call must come within the [`pushed_request_lifetime`](crate::Policy::pushed_request_lifetime). From
    /// then on the user has 30 minutes to sign in and to decide, and may reload the page. The request is used up by
    /// [`authorize`](Self::authorize). See [`push_authorization_request`](Self::push_authorization_request) for an
    /// example.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the service does not know the `request_uri`, when it has expired, was used, or
    /// belongs to another client. The code of all of these is `invalid_request_uri`; do not redirect the error to a URI
    /// of the same request (RFC 9126 section 4). Otherwise the failure of the store: show it to the user, who can
    /// reload the page.
    pub async fn pushed_request(&self, client: &Client, request_uri: &str) -> Result<PushedRequest, TokenError> {
        let call = Call::new(self, Operation::Authorize).by(&client.id);
        let _timer = self.timer(call.operation);
        let presented = call.open_request_uri(request_uri)?;
        call.transact(presented.grant_id, |record| engine::arrive(record, &presented, client, self.now())).await
    }
}

impl<S: TokenStore> Call<'_, S> {
    /// Returns the key of a pushed request that may be used up now.
    ///
    /// # Errors
    /// As for [`pushed_request`](TokenService::pushed_request).
    pub(super) async fn pushed_key(
        &self,
        client: &Client,
        presented: &Opened,
    ) -> Result<Option<Confirmation>, TokenError> {
        let Some((record, _)) = self.load(presented.grant_id).await? else {
            return Err(self.refuse(Refusal::PushedRequestUnknown));
        };
        let pending = engine::pending(&record, presented, client, self.service.now());
        pending.map(|(request, _)| request.confirmation).map_err(|refusal| self.refuse_for(refusal, &record))
    }
}

impl<S> Call<'_, S> {
    /// Opens a `request_uri`. Reads no store, so that an invented one costs nothing.
    ///
    /// # Errors
    /// [`Refusal::PushedRequestUnknown`].
    pub(super) fn open_request_uri(&self, text: &str) -> Result<Box<Opened>, TokenError> {
        let opened = self.service.0.tokens.open(TokenKind::RequestUri, text);
        opened.ok_or_else(|| self.refuse(Refusal::PushedRequestUnknown))
    }
}
