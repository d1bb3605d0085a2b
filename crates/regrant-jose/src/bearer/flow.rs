use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::clock::{Clock, Timestamp};
use regrant::host::{ApproveError, ApproveRequest, GrantApprover, Unavailable};
use regrant::store::{SingleUse, Use, UseId};
use regrant::token::Realm;
use regrant::{Approval, AuthenticatedClient, Issuer};

use super::TrustedIssuer;
use crate::assertion::{self, Audience, Rules, jti, remembered_until};
use crate::jwk::JwkSet;
use crate::jws::Claims;
use crate::jws::Jws;

/// Approves the JWT bearer grant for registered issuers. Register it with `Endpoints::with_approver` for
/// `GrantType::JwtBearer`. The client authenticates as usual, and must be allowed to use the grant type.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{Issuer, MemoryStore, Subject};
/// use regrant::clock::SystemClock;
/// use regrant_jose::bearer::{JwtBearerFlow, TrustedIssuer};
/// use regrant_jose::jws::Claims;
/// use regrant_jose::JwkSet;
///
/// # fn example(jwks: &serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
/// let partner = TrustedIssuer::new("https://idp.partner.example", JwkSet::from_value(jwks)?, |claims: &Claims| {
///     let account = claims.text("sub").ok()?;
///     Subject::new(format!("partner:{account}")).ok()
/// });
/// let issuer = Issuer::from_static("https://as.example");
/// let flow = JwtBearerFlow::new(issuer, Arc::new(SystemClock), Arc::new(MemoryStore::new()))
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
    /// The default tolerance for the clocks of issuers: ten seconds.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts assertions for this server; `issuer` is its name in the metadata. `used` remembers each assertion until
    /// it has expired.
    #[must_use]
    pub fn new(issuer: Issuer, clock: Arc<dyn Clock>, used: Arc<dyn SingleUse>) -> Self {
        let (issuers, audiences, realm) = (HashMap::new(), vec![issuer.into()], Realm::default());
        Self { issuers, audiences, leeway: Self::LEEWAY, realm, clock, used }
    }

    /// Trusts `issuer`. Replaces an earlier entry with the same name.
    #[must_use]
    pub fn with_issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.insert(issuer.issuer.clone(), issuer);
        self
    }

    /// Also accepts these names of this server in `aud`, for example the URL of the token endpoint, which many issuers
    /// send.
    #[must_use]
    pub fn with_audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.audiences.extend(audiences.into_iter().map(Into::into));
        self
    }

    /// Sets the tolerance for the clocks of issuers, in both directions. Default: ten seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets the realm of the service.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// Verifies the signature and the rules. Returns the claims and the end of the time in which the assertion is
    /// accepted.
    async fn verify_assertion(
        &self,
        jws: &Jws<'_>,
        issuer: &TrustedIssuer,
        now: Timestamp,
    ) -> Result<(Claims, Timestamp), ApproveError> {
        let find = |keys: &JwkSet| assertion::verify(jws, keys);
        let found = issuer.keys.find(now, find).await.map_err(|cause| ApproveError::Unavailable(cause.into()))?;
        let claims = found.map_err(|_| ApproveError::Denied)?;
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
        // The type keeps an access token of the same issuer from serving as an assertion. RFC 7523bis names it.
        let jws = assertion::parse(assertion, "authorization-grant+jwt").map_err(|_| ApproveError::Denied)?;
        let unverified = jws.claims_unverified();
        let issuer = unverified.text("iss").ok().and_then(|iss| self.issuers.get(iss)).ok_or(ApproveError::Denied)?;
        if !issuer.algorithms.allows(jws.alg()) {
            return Err(ApproveError::Denied);
        }
        let (claims, end) = self.verify_assertion(&jws, issuer, self.clock.now()).await?;
        let names_somebody = claims.text("sub").is_ok_and(|sub| !sub.is_empty());
        let scope = issuer.narrow_scope(&request.scope).map_err(|_| ApproveError::Denied)?;
        if !names_somebody || (scope.is_empty() && !request.scope.is_empty()) {
            return Err(ApproveError::Denied);
        }
        let subject = issuer.subjects.resolve(&claims).await.map_err(Unavailable::new)?;
        let approval = request.approve_for(subject.ok_or(ApproveError::Denied)?).with_scope(scope);
        // Comes last: a client may send an assertion again after any other failure.
        self.use_once(issuer, &claims, end).await?;
        Ok(approval)
    }
}

impl fmt::Debug for JwtBearerFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtBearerFlow").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}
