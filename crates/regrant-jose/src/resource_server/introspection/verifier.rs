use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::AccessToken;
use regrant::clock::Timestamp;
use regrant::grant::Confirmation;

use super::super::{InvalidToken, VerifiedToken, VerifyAccessToken, VerifyError};
use super::Introspect;
use super::answer_cache::AnswerCache;
use crate::JwtVerifier;
use crate::jws::{Jws, JwsError};

/// Verifies access tokens, opaque ones and JWTs, by introspection (RFC 7662).
///
/// **Staleness is bounded.** A revoked token is refused after at most [`max_staleness`](Self::with_max_staleness), 10
/// seconds by default. No token is accepted after its `exp`. A busy token costs one introspection request per
/// `max_staleness`, even with many requests at once.
///
/// Only active tokens are cached, at most [`capacity`](Self::with_capacity) of them; the least recently used one is
/// evicted. An inactive token is introspected each time: garbage cannot fill the cache, and a token that the server did
/// not know for a moment is accepted in the next. Put a rate limit in front.
///
/// If the server is unreachable, the client is asked to try again; its token is not reported as invalid.
///
/// ```
/// use std::error::Error;
/// use std::time::Duration;
///
/// use async_trait::async_trait;
/// use regrant_jose::resource_server::{Introspect, IntrospectionResponse, IntrospectionVerifier};
///
/// struct Endpoint; // an HTTP client, and the credentials of this resource server
///
/// #[async_trait]
/// impl Introspect for Endpoint {
///     async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
///         # let (status, body) = (200, Vec::new());
///         // POST `form` to https://as.example/oauth2/introspect
///         Ok(IntrospectionResponse { status, body })
///     }
/// }
///
/// let verifier = IntrospectionVerifier::new(Endpoint)
///     .with_audience("https://api.example")
///     .with_max_staleness(Duration::from_secs(5));
/// ```
pub struct IntrospectionVerifier {
    answers: AnswerCache,
    audiences: Vec<String>,
    requires_token_type: bool,
}

impl IntrospectionVerifier {
    /// The default maximum age of an answer: ten seconds.
    pub const MAX_STALENESS: Duration = Duration::from_secs(10);
    /// The default number of cached tokens: about 40 MB, as a token with a dozen claims takes 4 KiB.
    pub const CAPACITY: usize = 10_000;

    /// Creates a verifier that sends requests with `introspect`.
    #[must_use]
    pub fn new(introspect: impl Introspect + 'static) -> Self {
        let answers = AnswerCache::new(Arc::new(introspect), Self::MAX_STALENESS, Self::CAPACITY);
        Self { answers, audiences: Vec::new(), requires_token_type: true }
    }

    /// Accepts only tokens for this audience; further calls add audiences. Tokens without `aud` are then refused.
    ///
    /// By default the authorization server checks `aud`: it may report to each resource server only its own tokens (RFC
    /// 7662 section 4; in regrant `IntrospectionAccess::Audiences`). If yours reports all tokens to all callers, set
    /// the audience.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets the maximum age of an answer, counted from the request. Default: 10 seconds. With zero, each request is
    /// introspected. A clock that is set back by less than this value prolongs the time by as much.
    #[must_use]
    pub const fn with_max_staleness(mut self, max_staleness: Duration) -> Self {
        self.answers.max_staleness = max_staleness;
        self
    }

    /// Sets the maximum age of an answer while the server is unreachable. Default: zero. A token revoked during the
    /// outage is accepted for this long. Tokens that were not in use before are not served.
    #[must_use]
    pub const fn with_outage_staleness(mut self, outage_staleness: Duration) -> Self {
        self.answers.outage_staleness = outage_staleness;
        self
    }

    /// Sets the number of cached tokens, at least one. Default: 10 000.
    #[must_use]
    pub fn with_capacity(self, tokens: usize) -> Self {
        self.answers.resize(tokens);
        self
    }

    /// Accepts answers without `token_type`, which RFC 7662 leaves optional. Make sure that the server reports no
    /// refresh tokens as active to this resource server: only the type distinguishes them from access tokens.
    #[must_use]
    pub const fn without_token_type(mut self) -> Self {
        self.requires_token_type = false;
        self
    }

    /// The number of cached tokens.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.answers.len()
    }

    fn check_claims(&self, token: VerifiedToken, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        match token.claims().optional_text("token_type")? {
            // RFC 6749 section 7.1: token types are case-insensitive.
            Some(dpop) if dpop.eq_ignore_ascii_case("DPoP") => match token.confirmation() {
                Some(Confirmation::DpopKey(_)) => {}
                _ => return Err(JwsError::Claim("cnf").into()),
            },
            Some(bearer) if bearer.eq_ignore_ascii_case("Bearer") => {}
            None if !self.requires_token_type => {}
            _ => return Err(InvalidToken::NotAccessToken),
        }
        let is_meant = |audience: &&str| self.audiences.iter().any(|own| own == audience);
        if !self.audiences.is_empty() && !token.audience().iter().any(is_meant) {
            return Err(InvalidToken::Audience);
        }
        if token.expires_at().is_some_and(|expires_at| now >= expires_at) {
            return Err(InvalidToken::Expired);
        }
        // The server has checked `nbf`, by a clock that may be ahead of this one.
        if token.claims().optional_time("nbf")?.is_some_and(|begins| begins > now + JwtVerifier::LEEWAY) {
            return Err(InvalidToken::NotYetValid);
        }
        Ok(token)
    }
}

#[async_trait]
impl VerifyAccessToken for IntrospectionVerifier {
    async fn verify(&self, token: &AccessToken, now: Timestamp) -> Result<VerifiedToken, VerifyError> {
        if token.expose().len() > Jws::MAX_LENGTH {
            return Err(InvalidToken::TooLong.into());
        }
        let answer =
            self.answers.answer_for(token, now).await.map_err(|error| VerifyError::Unavailable(error.into()))?;
        Ok(self.check_claims(answer?, now)?)
    }
}

impl fmt::Debug for IntrospectionVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionVerifier")
            .field("audiences", &self.audiences)
            .field("max_staleness", &self.answers.max_staleness)
            .field("outage_staleness", &self.answers.outage_staleness)
            .field("remembered", &self.remembered())
            .finish_non_exhaustive()
    }
}
