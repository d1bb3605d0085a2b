//! What leaves the service signed: JWT access tokens and `id_token`s.

use serde_json::{Map, Value};

use super::commit::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::TokenResponse;
use crate::grant::Grant;
use crate::outcome::Operation;
use crate::policy::Policy;
use crate::ports::jwt::{AccessTokenClaims, IdTokenClaims, JwtIssuer};
use crate::ports::store::TokenStore;
use crate::token::{Opened, TokenKind};
use crate::vocabulary::{AccessToken, IdToken, KeyId};

/// The scope that asks for an `id_token` (OpenID Connect Core section 3.1.2.1).
const OPENID: &str = "openid";

impl<S: TokenStore> Call<'_, S> {
    /// Signs what the decision lets go. Done before the decision is stored: afterwards a code would be spent for nothing.
    pub(super) async fn sign(
        &self,
        tokens: &mut TokenResponse,
        client: &Client,
        grant: &Grant,
        policy: &Policy,
    ) -> Result<(), TokenError> {
        let Some(issuer) = self.service.0.jwt_issuer.as_deref() else { return Ok(()) };
        self.sign_access_token(issuer, tokens, client, grant).await?;
        self.sign_id_token(issuer, tokens, client, grant, policy).await
    }

    async fn sign_access_token(
        &self,
        issuer: &dyn JwtIssuer,
        tokens: &mut TokenResponse,
        client: &Client,
        grant: &Grant,
    ) -> Result<(), TokenError> {
        let Some(unsigned) = tokens.unsigned.take() else { return Ok(()) };
        let claims = AccessTokenClaims {
            jti: tokens.access_token.expose(),
            client,
            grant_type: &grant.grant_type,
            scope: &tokens.scope,
            resources: &tokens.resources,
            issued_at: unsigned.issued_at,
            expires_at: unsigned.expires_at,
            confirmation: unsigned.confirmation.as_ref(),
            approval: &grant.approval,
        };
        let jwt = issuer.access_token(&unsigned.key, &claims).await;
        tokens.access_token = AccessToken::new(jwt.map_err(|error| self.failed(TokenError::Sign(error)))?);
        Ok(())
    }

    /// OpenID Connect Core sections 3.1.3.3 and 12.2: with the access token that has the scope, at redemption and at refresh.
    async fn sign_id_token(
        &self,
        issuer: &dyn JwtIssuer,
        tokens: &mut TokenResponse,
        client: &Client,
        grant: &Grant,
        policy: &Policy,
    ) -> Result<(), TokenError> {
        let Some(subject) = grant.approval.subject.as_ref().filter(|_| tokens.scope.contains(OPENID)) else {
            return Ok(());
        };
        if matches!(self.operation, Operation::Exchange) {
            return Ok(());
        }
        let now = self.service.now();
        let claims = IdTokenClaims {
            client,
            subject,
            approval: &grant.approval,
            scope: &tokens.scope,
            nonce: grant.approval.nonce.as_deref().filter(|_| matches!(self.operation, Operation::Redeem)),
            issued_at: now,
            expires_at: now + policy.id_token_lifetime,
            access_token: tokens.access_token.expose(),
        };
        let jwt = issuer.id_token(&claims).await.map_err(|error| self.failed(TokenError::Sign(error)))?;
        tokens.id_token = Some(IdToken::new(jwt));
        Ok(())
    }
}

impl<S: TokenStore> TokenService<S> {
    /// The signing keys to publish now; `None` when the service makes no JWTs.
    #[must_use]
    pub fn jwks(&self) -> Option<Map<String, Value>> {
        self.0.jwt_issuer.as_ref().map(|issuer| issuer.jwks(self.now()))
    }

    /// An answer of introspection, signed for `caller` (RFC 9701); `None` when the service makes no JWTs.
    pub(crate) async fn sign_introspection(
        &self,
        caller: &Client,
        answer: &Map<String, Value>,
    ) -> Result<Option<String>, TokenError> {
        let Some(issuer) = self.0.jwt_issuer.as_deref() else { return Ok(None) };
        let call = Call::new(self, Operation::Introspect).by(&caller.id);
        let signed = issuer.introspection(&caller.id, answer, self.now()).await;
        signed.map(Some).map_err(|error| call.failed(TokenError::Sign(error)))
    }

    /// A token that introspection or revocation is asked about, whatever its form. Reads no store.
    pub(super) fn open_any(&self, text: &str) -> Option<(TokenKind, Opened)> {
        self.0.tokens.open_any(text).or_else(|| {
            let jti = self.0.jwt_issuer.as_deref()?.read_access_token(text)?;
            self.0.tokens.open(TokenKind::JwtId, &jti).map(|opened| (TokenKind::AccessToken, opened))
        })
    }

    /// Forgets the access tokens whose signing key was withdrawn, a leaked one for instance, or together with all of them:
    /// nobody accepts them any more, and a replay cannot repeat them.
    pub(super) fn forget_unheld(&self, grant: &mut Grant) {
        let issuer = self.0.jwt_issuer.as_deref();
        let holds = |key: &KeyId| issuer.is_some_and(|issuer| issuer.holds(key));
        grant.access.retain(|token| token.signing_key.as_ref().is_none_or(holds));
    }
}
