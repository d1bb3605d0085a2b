//! Token introspection (RFC 7662). It writes nothing.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, ActiveToken, FoundToken};
use crate::outcome::{Operation, Refusal};
use crate::ports::authenticator::AuthenticatedClient;
use crate::ports::host::{ClaimsRequest, ClaimsTarget, HostClaims};
use crate::ports::store::TokenStore;
use crate::token::{TokenFormat, TokenKind};

impl<S: TokenStore> TokenService<S> {
    /// Introspects an access or refresh token (RFC 7662). `None`: the token is not active, or `caller` may not know of
    /// it.
    ///
    /// A policy that was tightened since the issue counts at once when the client asks about its own tokens. Other
    /// callers see the expiry fixed at issue: the policy of the holder is not applied for them.
    ///
    /// # Errors
    /// [`TokenError::Refused`] for a public client, which may not introspect (RFC 7662 section 2.1); otherwise the
    /// failure of the store or the subject gate. A resource server must not serve the request then: an error is no
    /// statement about the token.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::clock::Clock as _;
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let active = service.introspect(&client, tokens.access_token.expose()).await?.ok_or("not active")?;
    /// assert_eq!(active.approval.subject, Some(demo));
    /// assert_eq!(active.expires_at, Some(clock.now() + Duration::from_secs(3600)));
    ///
    /// clock.advance(Duration::from_secs(3600));
    /// assert!(service.introspect(&client, tokens.access_token.expose()).await?.is_none());
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn introspect(
        &self,
        caller: &AuthenticatedClient,
        token: &str,
    ) -> Result<Option<ActiveToken>, TokenError> {
        self.find_token(caller, token).await.map(|found| found.map(FoundToken::into_active))
    }

    /// Introspects a token for the wire layer, which reads the facts in the grant.
    ///
    /// # Errors
    /// As for [`introspect`](Self::introspect).
    pub(crate) async fn find_token(
        &self,
        caller: &AuthenticatedClient,
        token: &str,
    ) -> Result<Option<FoundToken>, TokenError> {
        let call = Call::new(self, Operation::Introspect).of(caller);
        let _timer = self.timer(call.operation);
        if !caller.is_confidential() {
            return Err(call.refuse(Refusal::PublicCaller));
        }
        let Some(mut found) = call.find(caller, token).await? else { return Ok(None) };
        if self.0.claims_source.is_some() && found.is_access_token() {
            // Boxed: without a source the call would carry the size of this future.
            found.host_claims = Box::pin(call.claims_of(&found, ClaimsTarget::AccessToken)).await?;
        }
        Ok(Some(found))
    }

    /// Opens a token of any kind and form with `open`, a method of the format. Reads no store.
    pub(super) fn open_any<T>(
        &self,
        text: &str,
        open: impl Fn(&TokenFormat, TokenKind, &str) -> Option<T>,
    ) -> Option<T> {
        let tokens = &self.0.tokens;
        tokens.kind_of(text).and_then(|kind| open(tokens, kind, text)).or_else(|| {
            let jti = self.0.jwt_issuer.as_deref()?.read_access_token(text)?;
            open(tokens, TokenKind::JwtId, &jti)
        })
    }
}

impl<S: TokenStore> Call<'_, S> {
    /// Asks the host for its claims about the owner of an access token.
    ///
    /// # Errors
    /// [`TokenError::Claims`].
    pub(super) async fn claims_of(&self, found: &FoundToken, target: ClaimsTarget) -> Result<HostClaims, TokenError> {
        let (client_id, approval) = (found.grant().client_id(), found.grant().approval());
        let (scope, resources) = (found.scope(), found.resources());
        self.about(found.grant().id())
            .host_claims(ClaimsRequest { target, client_id, approval, scope, resources })
            .await
    }

    /// Finds the active token `token`; `None` when it is not active or `caller` may not know of it.
    pub(super) async fn find(&self, caller: &Client, token: &str) -> Result<Option<FoundToken>, TokenError> {
        let Some(token) = self.service.open_any(token, TokenFormat::refer) else { return Ok(None) };
        let call = self.about(token.grant_id);
        let Some((mut grant, _)) = call.load(token.grant_id).await? else { return Ok(None) };
        // Covers also an opaque token that a thief of a ring key sealed from the `jti` of a withdrawn JWT.
        self.service.drop_withdrawn(&mut grant);
        let is_own = engine::owned_by(caller, &grant).is_ok();
        let own_policy = is_own.then(|| call.policy(caller, grant.grant_type())).transpose()?;
        let now = self.service.now();
        let found = engine::introspect(grant, &token, Some(caller), own_policy.as_deref(), now);
        let Ok(found) = found else { return Ok(None) };
        Ok(call.subject_may_be_served(found.subject()).await?.then_some(found))
    }
}
