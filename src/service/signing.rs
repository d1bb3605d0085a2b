//! The JWTs of a response: access tokens (RFC 9068) and `id_token`s.
//!
//! The engine returns an unsigned response, since a signer may be a remote key service and the engine does not await.
//!
//! A failed signature therefore costs nothing: the grant is stored afterwards, so the retry of the client finds it
//! unchanged.

use serde_json::{Map, Value};

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{AccessTokenForm, ResponseFacts, TokenResponse, UnsignedResponse};
use crate::grant::Grant;
use crate::outcome::Operation;
use crate::policy::Policy;
use crate::ports::Unavailable;
use crate::ports::jwt::{AccessTokenClaims, IdTokenClaims};
use crate::ports::store::TokenStore;
use crate::vocabulary::{AccessToken, IdToken, KeyId, Scope};

/// The scope that asks for an `id_token` (OpenID Connect Core section 3.1.2.1).
const OPENID: &str = "openid";

impl<S: TokenStore> Call<'_, S> {
    /// Signs the tokens of a response. Done before the decision is stored: afterwards a failure would have used up a
    /// code for no token.
    ///
    /// # Errors
    /// [`TokenError::Sign`].
    pub(super) async fn sign(
        &self,
        unsigned: UnsignedResponse,
        client: &Client,
        grant: &Grant,
        policy: &Policy,
    ) -> Result<TokenResponse, TokenError> {
        let UnsignedResponse { access_token, facts } = unsigned;
        let access_token = match access_token {
            AccessTokenForm::Opaque(token) => token,
            AccessTokenForm::Jwt { jti, key } => {
                Box::pin(self.sign_access_token(&facts, &jti, &key, client, grant)).await?
            }
        };
        let id_token = self.sign_id_token(&facts.scope, &access_token, client, grant, policy).await?;
        Ok(facts.signed(access_token, id_token, grant.remaining(|| self.service.now(), policy)))
    }

    async fn sign_access_token(
        &self,
        facts: &ResponseFacts,
        jti: &str,
        key: &KeyId,
        client: &Client,
        grant: &Grant,
    ) -> Result<AccessToken, TokenError> {
        let claims = AccessTokenClaims {
            jti,
            client,
            grant_type: grant.grant_type(),
            scope: &facts.scope,
            resources: &facts.resources,
            issued_at: facts.issued_at,
            expires_at: facts.expires_at,
            confirmation: facts.confirmation.as_ref(),
            approval: grant.approval(),
        };
        let jwt = match self.service.0.jwt_issuer.as_deref() {
            Some(issuer) => issuer.access_token(key, &claims).await,
            None => Err(Unavailable::new("the service has no JWT issuer")),
        };
        jwt.map(AccessToken::new).map_err(|error| self.fail(TokenError::Sign(error)))
    }

    /// Signs the `id_token` that goes with an access token of scope `openid`, at redemption and at refresh (OpenID
    /// Connect Core sections 3.1.3.3 and 12.2).
    async fn sign_id_token(
        &self,
        scope: &Scope,
        access_token: &AccessToken,
        client: &Client,
        grant: &Grant,
        policy: &Policy,
    ) -> Result<Option<IdToken>, TokenError> {
        let approval = grant.approval();
        let (Some(issuer), Some(subject)) = (self.service.0.jwt_issuer.as_deref(), &approval.subject) else {
            return Ok(None);
        };
        if !scope.contains(OPENID) || matches!(self.operation, Operation::Exchange) {
            return Ok(None);
        }
        let now = self.service.now();
        let claims = IdTokenClaims {
            client,
            subject,
            approval,
            scope,
            nonce: approval.nonce.as_deref().filter(|_| matches!(self.operation, Operation::Redeem)),
            issued_at: now,
            expires_at: now + policy.id_token_lifetime,
            access_token: access_token.expose(),
        };
        let jwt = issuer.id_token(&claims).await;
        jwt.map(|jwt| Some(IdToken::new(jwt))).map_err(|error| self.fail(TokenError::Sign(error)))
    }
}

impl<S: TokenStore> TokenService<S> {
    /// Returns the signing keys to publish now (RFC 7517 section 5); `None` when the service makes no JWTs.
    ///
    /// The wire layer serves them at [`Paths::jwks`](crate::wire::Paths::jwks). Caches may keep them for 300 s, so an
    /// issuer publishes a key for longer than that before it signs with it.
    #[must_use]
    pub fn jwks(&self) -> Option<Map<String, Value>> {
        self.0.jwt_issuer.as_ref().map(|issuer| issuer.jwks(self.now()))
    }

    /// Signs a response of introspection for `caller` (RFC 9701); `None` when the service makes no JWTs.
    ///
    /// # Errors
    /// [`TokenError::Sign`].
    pub(crate) async fn sign_introspection(
        &self,
        caller: &Client,
        answer: &Map<String, Value>,
    ) -> Result<Option<String>, TokenError> {
        let Some(issuer) = self.0.jwt_issuer.as_deref() else { return Ok(None) };
        let call = Call::new(self, Operation::Introspect).by(&caller.id);
        let signed = issuer.introspection(&caller.id, answer, self.now()).await;
        signed.map(Some).map_err(|error| call.fail(TokenError::Sign(error)))
    }

    /// Drops the access tokens whose signing key was withdrawn, for example because it leaked. No resource server
    /// accepts them any more, and a replay cannot repeat them.
    pub(super) fn drop_withdrawn(&self, grant: &mut Grant) {
        let issuer = self.0.jwt_issuer.as_deref();
        grant.drop_access_tokens_unless(|key: &KeyId| issuer.is_some_and(|issuer| issuer.holds(key)));
    }
}
