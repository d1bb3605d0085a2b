//! The policy of a client, resolved once per call: the provider's, overridden by the client's, overridden by the
//! client's for one flow.

use std::borrow::Cow;

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, Context};
use crate::outcome::Refusal;
use crate::policy::{AccessTokenFormat, Policy};
use crate::vocabulary::{GrantType, KeyId, Scope};

/// The terms of a client for one flow: the policy in force, and the key that signs its access tokens if they are JWTs.
///
/// The key is chosen together with the policy and before the decision, so that the decision can record it.
pub(super) struct Terms<'a> {
    pub(super) policy: Cow<'a, Policy>,
    signing_key: Option<KeyId>,
}

impl<'a, S> Call<'a, S> {
    /// Resolves the terms of `client` for `grant_type`. Done once per call.
    ///
    /// # Errors
    /// [`TokenError::Policy`] when the overrides of the client contradict the policy of the provider.
    pub(super) fn terms(&self, client: &Client, grant_type: &GrantType) -> Result<Terms<'a>, TokenError> {
        let policy = self.policy(client, grant_type)?;
        let inner = &self.service.0;
        let is_jwt = policy.access_token_format == AccessTokenFormat::Jwt;
        let issuer = inner.jwt_issuer.as_deref().filter(|_| is_jwt);
        Ok(Terms { policy, signing_key: issuer.map(|issuer| issuer.signing_key(client, inner.clock.now())) })
    }

    /// Returns the scope to decide about, for a client that may use the flow.
    ///
    /// # Errors
    /// As for [`TokenService::requested_scope`].
    pub(super) fn requested_scope(
        &self,
        client: &Client,
        grant_type: &GrantType,
        requested: Option<Scope>,
    ) -> Result<Scope, TokenError> {
        let policy = self.policy(client, grant_type)?;
        let requested = client.scope_of(requested).ok_or(Refusal::ScopeMissing);
        requested.and_then(|scope| engine::known_scope(scope, client, &policy)).map_err(|refusal| self.refuse(refusal))
    }

    /// Resolves the policy of `client` for `grant_type`.
    ///
    /// # Errors
    /// As for [`terms`](Self::terms).
    pub(super) fn policy(&self, client: &Client, grant_type: &GrantType) -> Result<Cow<'a, Policy>, TokenError> {
        let inner = &self.service.0;
        let policy = inner
            .policy
            .in_force(&client.policy, Some(grant_type))
            .and_then(|policy| policy.require(inner.ports()).map(|()| policy));
        policy.map_err(|error| self.fail(TokenError::Policy(error)))
    }
}

impl<S> TokenService<S> {
    /// Returns the context of a decision that is made now, without a key.
    pub(super) fn context<'a>(&'a self, client: &'a Client, terms: &'a Terms<'_>) -> Context<'a> {
        Context {
            client,
            policy: &terms.policy,
            default_audience: client.default_audience_or(self.0.default_audience.as_ref()),
            tokens: &self.0.tokens,
            entropy: &*self.0.entropy,
            now: self.0.clock.now(),
            key: None,
            signing_key: terms.signing_key.as_ref(),
            has_raced: false,
        }
    }
}
