//! Revocation of a token (RFC 7009) and of a grant.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::engine::{self, Decision};
use crate::grant::{Grant, RevocationReason};
use crate::outcome::Operation;
use crate::ports::authenticator::AuthenticatedClient;
use crate::ports::store::TokenStore;
use crate::token::TokenFormat;
use crate::vocabulary::{GrantId, Subject};

impl<S: TokenStore> TokenService<S> {
    /// Revokes the token that the client presents (RFC 7009). A refresh token of any generation revokes its whole
    /// grant. An access token is revoked alone. A token that is unknown, no longer valid or another client's changes
    /// nothing and is no error: the responses are equal, so that a caller cannot learn who holds a token.
    ///
    /// # Errors
    /// The failure of the store. The token may still be valid then.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let refresh_token = tokens.refresh_token.ok_or("no refresh token")?;
    /// service.revoke(&client, refresh_token.expose()).await?;
    /// assert!(service.introspect(&client, tokens.access_token.expose()).await?.is_none());
    /// service.revoke(&client, "no token at all").await?; // no error: nothing is left to revoke
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn revoke(&self, client: &AuthenticatedClient, token: &str) -> Result<(), TokenError> {
        let call = Call::new(self, Operation::Revoke).of(client);
        let _timer = self.timer(call.operation);
        let Some(opened) = self.open_any(token, TokenFormat::open) else { return Ok(()) };
        let revoked =
            call.transact(opened.grant_id, |grant| engine::revoke(grant, &opened, client, self.0.clock.now())).await;
        match revoked {
            Ok(_) | Err(TokenError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Revokes a grant with all its tokens. Returns true when something was alive.
    ///
    /// Nobody is asked whose grant it is: this is the call of an administrator. For a page of the user call
    /// [`revoke_grant_of`](Self::revoke_grant_of).
    ///
    /// # Errors
    /// The failure of the store. The grant may still be alive then.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// assert!(service.revoke_grant(tokens.grant_id).await?);
    /// assert!(!service.revoke_grant(tokens.grant_id).await?);
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn revoke_grant(&self, grant_id: GrantId) -> Result<bool, TokenError> {
        let reason = RevocationReason::HostRequest;
        self.revoke_by_host(grant_id, |grant| engine::revoke_grant(grant, reason, self.0.clock.now())).await
    }

    /// Revokes a grant of `subject` with all its tokens: one session of a "my sessions" page. Returns true when
    /// something was alive.
    ///
    /// The id of a grant is no permission: a user can send the id of another user's session. A grant of another
    /// resource owner stays as it is, and the answer is that for an unknown grant. The event is
    /// [`Refusal::OtherSubject`](crate::Refusal::OtherSubject).
    ///
    /// # Errors
    /// As for [`revoke_grant`](Self::revoke_grant).
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// assert!(!service.revoke_grant_of(&Subject::new("mallory")?, tokens.grant_id).await?);
    /// assert!(service.revoke_grant_of(&demo, tokens.grant_id).await?);
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn revoke_grant_of(&self, subject: &Subject, grant_id: GrantId) -> Result<bool, TokenError> {
        self.revoke_by_host(grant_id, |grant| engine::revoke_grant_of(grant, subject, self.0.clock.now())).await
    }

    async fn revoke_by_host(
        &self,
        grant_id: GrantId,
        decide: impl Fn(&mut Grant) -> Decision<bool>,
    ) -> Result<bool, TokenError> {
        let call = Call::new(self, Operation::RevokeGrant);
        let _timer = self.timer(call.operation);
        match call.transact(grant_id, decide).await {
            Err(TokenError::Refused(_)) => Ok(false),
            other => other,
        }
    }
}
