use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use regrant::AccessToken;
use regrant::clock::Timestamp;

use super::{InvalidToken, VerifiedToken, VerifyAccessToken, VerifyError};
use crate::algorithm::Algorithm;
use crate::assertion::Algorithms;
use crate::jwk::JwkSet;
use crate::jws::Claims;
use crate::jws::Jws;
use crate::key::KeySource;
use crate::tokens::ACCESS_TOKEN;

/// Verifies JWT access tokens locally with the keys of their issuer (RFC 9068 section 4).
///
/// **Revocation is not visible.** A revoked token is accepted until it expires: keep the lifetime of JWTs short, or use
/// an [`IntrospectionVerifier`](super::IntrospectionVerifier).
///
/// A key is found by its `kid` among the published keys of the issuer. New keys are fetched when a token names one, and
/// old ones are used as long as they are published, so a rotation at the issuer needs no action here. See [`KeySource`]
/// for the number of requests to the issuer and for outages.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use regrant_jose::key::ResolveKeys;
/// use regrant_jose::{JwtVerifier, KeySource};
///
/// # fn example(jwks_uri: Arc<dyn ResolveKeys>) {
/// let keys = KeySource::resolved_by(jwks_uri).with_outage_grace(Duration::from_secs(3600));
/// let verifier = JwtVerifier::new("https://as.example", "https://api.example", keys);
/// # }
/// ```
pub struct JwtVerifier {
    issuer: String,
    audiences: Vec<String>,
    keys: KeySource,
    algorithms: Algorithms,
    leeway: Duration,
}

impl JwtVerifier {
    /// The default tolerance for the clock of the issuer: ten seconds.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts tokens with exactly this `iss`, and with this name of the resource server in `aud`, possibly among
    /// others (RFC 8707 section 2).
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: impl Into<KeySource>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            keys: keys.into(),
            algorithms: Algorithms::asymmetric(),
            leeway: Self::LEEWAY,
        }
    }

    /// Also accepts these names of this resource server in `aud`.
    #[must_use]
    pub fn with_audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.audiences.extend(audiences.into_iter().map(Into::into));
        self
    }

    /// Accepts only these algorithms. Default: all with a key pair; others are never accepted.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.limit_to(algorithms);
        self
    }

    /// Sets the tolerance for the clock of the issuer. Default: ten seconds. A token is accepted from ten seconds
    /// before `nbf` and `iat` until ten seconds after `exp`.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Checks the claims of an access token for this server at `now`.
    fn check_claims(&self, claims: Claims, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        if claims.text("iss")? != self.issuer {
            return Err(InvalidToken::Issuer);
        }
        if !claims.audience()?.iter().any(|named| self.audiences.iter().any(|own| own == named)) {
            return Err(InvalidToken::Audience);
        }
        if now >= claims.time("exp")? + self.leeway {
            return Err(InvalidToken::Expired);
        }
        let begins = claims.optional_time("nbf")?.max(Some(claims.time("iat")?));
        if begins.is_some_and(|begins| begins > now + self.leeway) {
            return Err(InvalidToken::NotYetValid);
        }
        // Claims that RFC 9068 section 2.2 requires: without them the token does not say to whom it belongs.
        for name in ["sub", "client_id", "jti"] {
            claims.text(name)?;
        }
        Ok(VerifiedToken::from_claims(claims)?)
    }
}

#[async_trait]
impl VerifyAccessToken for JwtVerifier {
    async fn verify(&self, token: &AccessToken, now: Timestamp) -> Result<VerifiedToken, VerifyError> {
        let jws = Jws::parse(token.expose()).map_err(InvalidToken::from)?;
        // RFC 8725 section 3.11: the same keys sign `id_token`s and logout tokens.
        if !jws.is_typ(ACCESS_TOKEN) {
            return Err(InvalidToken::NotAccessToken.into());
        }
        if !self.algorithms.allows(jws.alg()) {
            return Err(InvalidToken::Algorithm.into());
        }
        let find = |keys: &JwkSet| {
            let key = keys.find(jws.kid(), jws.alg()).ok_or(InvalidToken::Key)?;
            jws.verify(key).map_err(|_| InvalidToken::Signature)
        };
        let claims = self.keys.find(now, find).await.map_err(|cause| VerifyError::Unavailable(cause.into()))??;
        Ok(self.check_claims(claims, now)?)
    }
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, audiences, keys, algorithms, leeway } = self;
        f.debug_struct("JwtVerifier")
            .field("issuer", issuer)
            .field("audiences", audiences)
            .field("keys", keys)
            .field("algorithms", algorithms)
            .field("leeway", leeway)
            .finish()
    }
}
