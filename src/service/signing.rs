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
use crate::ports::host::{ClaimsRequest, ClaimsTarget};
use crate::ports::jwt::{AccessTokenClaims, IdTokenClaims, JwtIssuer};
use crate::ports::store::TokenStore;
use crate::vocabulary::{AccessToken, IdToken, KeyId, Scope, Subject};

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
        let id_token = match self.id_token_issuer(&facts.scope, grant) {
            // Boxed: a refresh without `openid` would carry the size of this future.
            Some(about) => {
                Some(Box::pin(self.sign_id_token(about, &facts, &access_token, client, grant, policy)).await?)
            }
            None => None,
        };
        Ok(facts.signed(access_token, id_token, grant, grant.remaining(|| self.service.now(), policy)))
    }

    async fn sign_access_token(
        &self,
        facts: &ResponseFacts,
        jti: &str,
        key: &KeyId,
        client: &Client,
        grant: &Grant,
    ) -> Result<AccessToken, TokenError> {
        let host_claims = self.host_claims(ClaimsRequest {
            target: ClaimsTarget::AccessToken,
            client_id: &client.id,
            approval: grant.approval(),
            scope: &facts.scope,
            resources: &facts.resources,
        });
        let host_claims = host_claims.await?;
        let claims = AccessTokenClaims {
            jti,
            client,
            grant_type: grant.grant_type(),
            scope: &facts.scope,
            resources: &facts.resources,
            authorization_details: facts.authorization_details.as_ref(),
            issued_at: facts.issued_at,
            expires_at: facts.expires_at,
            confirmation: facts.confirmation.as_ref(),
            approval: grant.approval(),
            host_claims: &host_claims,
        };
        let jwt = match self.service.0.jwt_issuer.as_deref() {
            Some(issuer) => issuer.access_token(key, &claims).await,
            None => Err(Unavailable::new("the service has no JWT issuer")),
        };
        jwt.map(AccessToken::new).map_err(|error| self.fail(TokenError::Sign(error)))
    }

    /// Returns the issuer of the `id_token` that goes with an access token of scope `openid`, at redemption and at
    /// refresh (OpenID Connect Core sections 3.1.3.3 and 12.2), and its subject. Returns `None` for other responses.
    fn id_token_issuer<'g>(&self, scope: &Scope, grant: &'g Grant) -> Option<(&dyn JwtIssuer, &'g Subject)> {
        let about = self.service.0.jwt_issuer.as_deref().zip(grant.approval().subject.as_ref());
        about.filter(|_| scope.contains(Scope::OPENID) && !matches!(self.operation, Operation::Exchange))
    }

    async fn sign_id_token(
        &self,
        (issuer, subject): (&dyn JwtIssuer, &Subject),
        facts: &ResponseFacts,
        access_token: &AccessToken,
        client: &Client,
        grant: &Grant,
        policy: &Policy,
    ) -> Result<IdToken, TokenError> {
        let (approval, scope) = (grant.approval(), &facts.scope);
        let (client_id, resources) = (&client.id, &facts.resources);
        let asked = ClaimsRequest { target: ClaimsTarget::IdToken, client_id, approval, scope, resources };
        let host_claims = self.host_claims(asked).await?;
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
            host_claims: &host_claims,
        };
        let jwt = issuer.id_token(&claims).await;
        jwt.map(IdToken::new).map_err(|error| self.fail(TokenError::Sign(error)))
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
