//! Userinfo (OpenID Connect Core section 5.3). It writes nothing.
//!
//! The checks are in the order of ARCHITECTURE.md, without the check of a client: the token is the credential. A token
//! is found in its grant before a proof is verified, since the verification uses the proof up. Without a live token a
//! stranger could fill the cache of used proofs.

use std::sync::Arc;

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, FoundToken, UserInfoRequest, UserInfoResponse};
use crate::grant::{Grant, Phase};
use crate::outcome::{Operation, Refusal};
use crate::ports::Unavailable;
use crate::ports::host::{ClaimsTarget, HostClaims};
use crate::ports::jwt::UserInfoClaims;
use crate::ports::store::TokenStore;
use crate::token::{Reference, TokenFormat, TokenKind};
use crate::vocabulary::{ClientCertificate, ClientId, Confirmation, Scope, Subject, TokenType};

impl<S: TokenStore> TokenService<S> {
    /// Returns the claims about the resource owner of an access token (OpenID Connect Core section 5.3).
    ///
    /// The token may be opaque or a JWT and must have the scope `openid`. Its audience is not compared: the scope is
    /// the permission. A bound token needs its key (RFC 9449 section 7, RFC 8705 section 3).
    ///
    /// If the authenticator [knows the client](crate::authenticator::ClientAuthenticator::find_client), a policy that
    /// was tightened since the issue counts at once, and a token of a former registration is refused.
    ///
    /// # Errors
    /// * [`TokenError::Refused`] when the token or the proof is not accepted. Whatever the cause, a resource answers
    ///   `invalid_token` where the [code](TokenError::code) is `invalid_grant` (RFC 6750 section 3.1).
    /// * The failure of a port. It is no statement about the token.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::openid::UserInfoRequest;
    /// use regrant::{GrantType, IssueRequest, Refusal, TokenError};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let answer = service.user_info(&UserInfoRequest::new(tokens.access_token)).await;
    /// assert!(matches!(answer, Err(TokenError::Refused(Refusal::ScopeInsufficient)))); // without `openid`
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn user_info(&self, request: &UserInfoRequest) -> Result<UserInfoResponse, TokenError> {
        let call = Call::new(self, Operation::UserInfo);
        let _timer = self.timer(call.operation);
        let token = self.open_any(request.access_token.expose(), TokenFormat::refer);
        let token = token.filter(|token| matches!(token.kind, TokenKind::AccessToken | TokenKind::JwtId));
        let token = token.ok_or_else(|| call.refuse(Refusal::TokenUnrecognized))?;
        let call = call.about(token.grant_id);
        let (mut grant, _) = call.load(token.grant_id).await?.ok_or_else(|| call.refuse(Refusal::GrantUnknown))?;
        self.drop_withdrawn(&mut grant);
        let client = call.find_client(grant.client_id()).await?;
        let found = call.active(grant, &token, client.as_deref())?;
        call.prove_at_resource(request, &found).await?;
        let refuse = |refusal| Err(call.refuse_for(refusal, found.grant()));
        let Some(subject) = found.subject() else { return refuse(Refusal::SubjectMissing) };
        if !call.subject_may_be_served(Some(subject)).await? {
            return refuse(Refusal::SubjectNotServed);
        }
        if !found.scope().contains(Scope::OPENID) {
            return refuse(Refusal::ScopeInsufficient);
        }
        let host_claims = call.claims_of(&found, ClaimsTarget::UserInfo).await?;
        let jwt = match client.as_deref().filter(|client| client.userinfo_signed_response) {
            Some(client) => Some(call.sign_user_info(client, subject, &host_claims).await?),
            None => None,
        };
        let (subject, client_id, grant_id) = (subject.clone(), found.grant().client_id().clone(), found.grant().id());
        Ok(UserInfoResponse { subject, host_claims, jwt, client_id, grant_id })
    }
}

impl<S: TokenStore> Call<'_, S> {
    /// Looks the client up that is named without its credentials.
    ///
    /// # Errors
    /// [`TokenError::Authenticator`], and [`TokenError::RateLimited`].
    pub(super) async fn find_client(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, TokenError> {
        let found = self.service.0.authenticator.find_client(client_id).await;
        found.map_err(|outage| self.fail(TokenError::authenticator(outage)))
    }

    /// Finds the access token in its grant.
    ///
    /// # Errors
    /// [`TokenError::Refused`] with the reason for the host. The sender gets one answer for all of them.
    fn active(&self, grant: Box<Grant>, token: &Reference, client: Option<&Client>) -> Result<FoundToken, TokenError> {
        let own_policy = match client {
            Some(client) => {
                engine::owned_by(client, &grant).map_err(|refusal| self.refuse_for(refusal, &grant))?;
                Some(self.policy(client, grant.grant_type())?)
            }
            None => None,
        };
        let found = engine::introspect(grant, token, None, own_policy.as_deref(), self.service.now());
        found.map_err(|grant| {
            let is_revoked = matches!(grant.phase(), Phase::Revoked { .. });
            let refusal = if is_revoked { Refusal::GrantRevoked } else { Refusal::AccessTokenInactive };
            self.refuse_for(refusal, &grant)
        })
    }

    /// Verifies that the sender has the key to which the token is bound.
    ///
    /// # Errors
    /// [`TokenError::Refused`], or [`TokenError::Proof`] when the verifier failed.
    async fn prove_at_resource(&self, request: &UserInfoRequest, found: &FoundToken) -> Result<(), TokenError> {
        let refuse = |refusal| Err(self.refuse_for(refusal, found.grant()));
        let keys = &request.presented_keys;
        match (request.token_type, found.confirmation()) {
            (TokenType::Bearer, None) => Ok(()),
            // A key that the host has verified, or the certificate of the connection (RFC 8705 section 3).
            (TokenType::Bearer, Some(bound @ Confirmation::Certificate(_))) => {
                let shown =
                    keys.confirmation.or_else(|| keys.certificate.as_ref().map(ClientCertificate::confirmation));
                if shown.as_ref() == Some(bound) { Ok(()) } else { refuse(Refusal::ProofOfPossessionFailed) }
            }
            (TokenType::Dpop, Some(Confirmation::DpopKey(jkt))) => {
                let Some(proof) = &keys.dpop else { return refuse(Refusal::ProofMissing) };
                let Some(verifier) = &self.service.0.proof_verifier else {
                    return refuse(Refusal::ProofOfPossessionFailed);
                };
                let outcome = verifier.verify_at_resource(proof, &request.access_token, jkt, self.service.now()).await;
                outcome.map_err(|error| self.proof_error(error, Some(found.grant())))
            }
            // RFC 9449 section 7.1: a thief could leave out the proof. And a token that is bound to no key gains
            // nothing by a proof of any key.
            _ => refuse(Refusal::ProofOfPossessionFailed),
        }
    }

    /// Signs the response for a client that is registered for JWTs.
    ///
    /// # Errors
    /// [`TokenError::Sign`]. The client must not get an unsigned response instead.
    async fn sign_user_info(
        &self,
        client: &Client,
        subject: &Subject,
        host_claims: &HostClaims,
    ) -> Result<String, TokenError> {
        let claims = UserInfoClaims { client, subject, issued_at: self.service.now(), host_claims };
        let jwt = match self.service.0.jwt_issuer.as_deref() {
            Some(issuer) => issuer.user_info(&claims).await,
            None => Err(Unavailable::new("the service has no JWT issuer")),
        };
        jwt.map_err(|error| self.fail(TokenError::Sign(error)))
    }
}
