use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use regrant::AccessToken;
use regrant::clock::Timestamp;

use super::{InvalidToken, VerifiedToken, VerifyAccessToken, VerifyError};
use crate::algorithm::Algorithm;
use crate::assertion::{Algorithms, KeySource};
use crate::claims::Claims;
use crate::jwk::JwkSet;
use crate::jws::Jws;
use crate::tokens::ACCESS_TOKEN;

/// Verifies JWT access tokens with the keys of their issuer (RFC 9068 section 4), asking nobody.
///
/// **It does not know what happened since.** A token that was revoked is good until it expires: keep the lifetime of JWTs
/// short, or use an [`IntrospectionVerifier`](super::IntrospectionVerifier).
///
/// A key is found by its `kid` in what the issuer publishes. New keys are read when a token names one, old ones serve as
/// long as they are published, so a rotation at the issuer needs nothing here; see [`KeySource`] for how often the issuer
/// is asked, and for how long it may be out of reach.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use regrant_jose::{JwtVerifier, KeySource, ResolveKeys};
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
    /// How far the clock of the issuer may be off by default.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts tokens with this `iss`, character for character, and with this `aud`, perhaps among others: the name of this
    /// resource server (RFC 8707 section 2).
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: impl Into<KeySource>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            keys: keys.into(),
            algorithms: Algorithms::of_key_pairs(),
            leeway: Self::LEEWAY,
        }
    }

    /// Accepts these names of this resource server in `aud`, too.
    #[must_use]
    pub fn with_audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.audiences.extend(audiences.into_iter().map(Into::into));
        self
    }

    /// Accepts these algorithms alone. Default all that use a key pair; others are never accepted.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.among(algorithms);
        self
    }

    /// Sets how far the clock of the issuer may be off. Default ten seconds: a token is good from ten seconds before `nbf` and
    /// `iat`, and until ten seconds after `exp`.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// What the claims say, if they are those of an access token for this server that is good at `now`.
    fn accepted(&self, claims: Claims, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
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
        // All that RFC 9068 section 2.2 wants in it: without, it would be somebody's, but nobody knows whose.
        for name in ["sub", "client_id", "jti"] {
            claims.text(name)?;
        }
        Ok(VerifiedToken::of(claims)?)
    }
}

#[async_trait]
impl VerifyAccessToken for JwtVerifier {
    async fn verify(&self, token: &AccessToken, now: Timestamp) -> Result<VerifiedToken, VerifyError> {
        let jws = Jws::parse(token.expose()).map_err(InvalidToken::from)?;
        // RFC 8725 section 3.11: an `id_token`, or a logout token, is signed with the same keys.
        if !jws.is_typ(ACCESS_TOKEN) {
            return Err(InvalidToken::NotAccessToken.into());
        }
        if !self.algorithms.accept(jws.alg()) {
            return Err(InvalidToken::Algorithm.into());
        }
        let find = |keys: &JwkSet| {
            let key = keys.find(jws.kid(), jws.alg()).ok_or(InvalidToken::Key)?;
            jws.verify(key).map_err(|_| InvalidToken::Signature)
        };
        let claims = self.keys.find(now, find).await.map_err(|cause| VerifyError::Unavailable(cause.into()))??;
        Ok(self.accepted(claims, now)?)
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
