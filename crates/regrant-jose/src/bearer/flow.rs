use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::clock::{Clock, Timestamp};
use regrant::host::{ApproveError, ApproveRequest, GrantApprover};
use regrant::store::{SingleUse, Use, UseId};
use regrant::token::Realm;
use regrant::{Approval, AuthenticatedClient};

use super::TrustedIssuer;
use crate::assertion::{Audience, Rules, jti, remembered_until};
use crate::claims::Claims;
use crate::jwk::JwkSet;
use crate::jws::Jws;

/// Approves the JWT bearer grant for registered issuers. Register it with `Endpoints::with_approver` for
/// `GrantType::JwtBearer`; the client authenticates as always, and must be allowed the grant type.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{MemoryStore, Subject};
/// use regrant::clock::SystemClock;
/// use regrant_jose::{Claims, JwkSet, JwtBearerFlow, TrustedIssuer};
///
/// # fn example(jwks: &serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
/// let partner = TrustedIssuer::new("https://idp.partner.example", JwkSet::from_value(jwks)?, |claims: &Claims| {
///     let account = claims.text("sub").ok()?;
///     Subject::new(format!("partner:{account}")).ok()
/// });
/// let flow = JwtBearerFlow::new("https://as.example", Arc::new(SystemClock), Arc::new(MemoryStore::new()))
///     .with_audiences(["https://as.example/oauth2/token"])
///     .with_issuer(partner.with_scope("orders".parse()?));
/// # Ok(())
/// # }
/// ```
pub struct JwtBearerFlow {
    issuers: HashMap<String, TrustedIssuer>,
    audiences: Vec<String>,
    leeway: Duration,
    realm: Realm,
    clock: Arc<dyn Clock>,
    used: Arc<dyn SingleUse>,
}

impl JwtBearerFlow {
    /// How far the clock of an issuer may be off by default.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts assertions for this server, `issuer` in its metadata. `used` remembers them until they have expired.
    #[must_use]
    pub fn new(issuer: impl Into<String>, clock: Arc<dyn Clock>, used: Arc<dyn SingleUse>) -> Self {
        let (issuers, audiences, realm) = (HashMap::new(), vec![issuer.into()], Realm::default());
        Self { issuers, audiences, leeway: Self::LEEWAY, realm, clock, used }
    }

    /// Trusts `issuer`, in place of what it was trusted with before.
    #[must_use]
    pub fn with_issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.insert(issuer.issuer.clone(), issuer);
        self
    }

    /// Accepts these names of this server in `aud`, too: the URL of the token endpoint, as many issuers send it.
    #[must_use]
    pub fn with_audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.audiences.extend(audiences.into_iter().map(Into::into));
        self
    }

    /// Sets how far the clocks of issuers may be off. Default ten seconds, either way.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets the realm: that of the service.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// What the assertion says, and until when it is accepted, if it is one of `issuer`.
    async fn verified(
        &self,
        jws: &Jws<'_>,
        issuer: &TrustedIssuer,
        now: Timestamp,
    ) -> Result<(Claims, Timestamp), ApproveError> {
        let find = |keys: &JwkSet| {
            let key = keys.find(jws.kid(), jws.alg()).ok_or(ApproveError::Denied)?;
            jws.verify(key).map_err(|_| ApproveError::Denied)
        };
        let claims = issuer.keys.find(now, find).await.map_err(|cause| ApproveError::Unavailable(cause.into()))??;
        let audience = Audience::Any(self.audiences.clone());
        let rules = Rules { audience, max_lifetime: issuer.max_lifetime, leeway: self.leeway };
        let end = rules.accepted_until(&claims, now).map_err(|_| ApproveError::Denied)?;
        Ok((claims, end))
    }

    async fn use_once(&self, issuer: &TrustedIssuer, claims: &Claims, end: Timestamp) -> Result<(), ApproveError> {
        let jti = match jti(claims) {
            Some(jti) => jti,
            None if claims.value("jti").is_none() && !issuer.requires_jti => return Ok(()),
            None => return Err(ApproveError::Denied),
        };
        let id = UseId::new(&self.realm, "jwt_bearer", &issuer.issuer, jti);
        match self.used.use_once(&id, remembered_until(end)).await {
            Ok(Use::First) => Ok(()),
            Ok(Use::Again) => Err(ApproveError::Denied),
            Err(cause) => Err(ApproveError::Unavailable(cause.into())),
        }
    }
}

#[async_trait]
impl GrantApprover for JwtBearerFlow {
    async fn approve(&self, _: &AuthenticatedClient, request: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        let assertion = request.parameters.required("assertion")?;
        let jws = Jws::parse(assertion).map_err(|_| ApproveError::Denied)?;
        let unverified = jws.claims_unverified();
        let issuer = unverified.text("iss").ok().and_then(|iss| self.issuers.get(iss)).ok_or(ApproveError::Denied)?;
        // An access token of the same issuer is no assertion. 7523bis names the type; before, it was `JWT` or left out.
        let fits = jws.typ().is_none() || jws.is_typ("JWT") || jws.is_typ("authorization-grant+jwt");
        if !fits || !issuer.algorithms.accept(jws.alg()) {
            return Err(ApproveError::Denied);
        }
        let (claims, end) = self.verified(&jws, issuer, self.clock.now()).await?;
        let names_somebody = claims.text("sub").is_ok_and(|sub| !sub.is_empty());
        let scope = issuer.narrowed(&request.scope).map_err(|_| ApproveError::Denied)?;
        if !names_somebody || (scope.is_empty() && !request.scope.is_empty()) {
            return Err(ApproveError::Denied);
        }
        let subject = issuer.subjects.resolve(&claims).await.map_err(ApproveError::Unavailable)?;
        let approval = request.approve_for(subject.ok_or(ApproveError::Denied)?).with_scope(scope);
        // Last: whatever else is wrong with it, the client may send it again.
        self.use_once(issuer, &claims, end).await?;
        Ok(approval)
    }
}

impl fmt::Debug for JwtBearerFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtBearerFlow").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}
