use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::AccessToken;
use regrant::clock::Timestamp;
use regrant::grant::Confirmation;

use super::super::{InvalidToken, JwtVerifier, VerifiedToken, VerifyAccessToken, VerifyError};
use super::Introspect;
use super::answers::Answers;
use crate::error::JwsError;
use crate::jws::Jws;

/// Verifies access tokens, opaque ones and JWTs, by asking the authorization server (RFC 7662).
///
/// **How stale it may be is a number.** A token that is revoked is refused after [`max_staleness`](Self::with_max_staleness)
/// at the latest, 10 seconds by default, and never outlives its `exp`. Until then a busy token costs one question, however
/// many requests come with it at once.
///
/// Only active tokens are remembered, [`capacity`](Self::with_capacity) of them at most; the one that was not used for
/// longest gives way. Of an inactive token the server is asked each time, so that nobody can fill the memory with garbage, and
/// so that a token which the server did not know for a moment is good in the next. Limit the rate of requests in front.
///
/// When the server cannot be asked, nothing is known: the client is told to try again, not that its token is invalid.
///
/// ```
/// use std::error::Error;
/// use std::time::Duration;
///
/// use async_trait::async_trait;
/// use regrant_jose::{Introspect, IntrospectionResponse, IntrospectionVerifier};
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
    answers: Answers,
    audiences: Vec<String>,
    requires_token_type: bool,
}

impl IntrospectionVerifier {
    /// How stale an answer may be by default.
    pub const MAX_STALENESS: Duration = Duration::from_secs(10);
    /// How many active tokens are remembered by default: some 40 MB, as a token with a dozen claims takes 4 KiB.
    pub const CAPACITY: usize = 10_000;

    /// Asks by `introspect`.
    #[must_use]
    pub fn new(introspect: impl Introspect + 'static) -> Self {
        let answers = Answers::new(Arc::new(introspect), Self::MAX_STALENESS, Self::CAPACITY);
        Self { answers, audiences: Vec::new(), requires_token_type: true }
    }

    /// Accepts tokens for this audience alone; called again, for that one too. A token that names none is then refused.
    ///
    /// By default `aud` is the authorization server's business, which may tell each resource server of its own tokens only
    /// (RFC 7662 section 4; in regrant `IntrospectionAccess::Audiences`). If yours tells everybody everything, set it.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets for how long an answer is good, from the moment the question was asked. Default 10 seconds; zero asks for each
    /// request anew. A clock that is set back, by less than that, adds what it is set back by.
    #[must_use]
    pub const fn with_max_staleness(mut self, max_staleness: Duration) -> Self {
        self.answers.max_staleness = max_staleness;
        self
    }

    /// Sets for how long an answer is good while the server cannot be asked. Default not at all. A token that is revoked
    /// meanwhile is good for as long; one that was not in use before is not served.
    #[must_use]
    pub const fn with_outage_staleness(mut self, outage_staleness: Duration) -> Self {
        self.answers.outage_staleness = outage_staleness;
        self
    }

    /// Sets how many active tokens are remembered, at least one. Default 10 000.
    #[must_use]
    pub fn with_capacity(self, tokens: usize) -> Self {
        self.answers.resize(tokens);
        self
    }

    /// Accepts answers without `token_type`, which RFC 7662 leaves optional. Make sure that the server does not say `active` of
    /// refresh tokens to this resource server: the type is what tells them from access tokens.
    #[must_use]
    pub const fn without_token_type(mut self) -> Self {
        self.requires_token_type = false;
        self
    }

    /// How many active tokens are remembered now.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.answers.len()
    }

    fn accepted(&self, token: VerifiedToken, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        match token.claims().optional_text("token_type")? {
            // RFC 6749 section 7.1: types are compared without regard to case.
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
        // The server that says `active` has looked at it, by a clock that may be ahead of this one.
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
        let answer = self.answers.of(token, now).await.map_err(|error| VerifyError::Unavailable(error.into()))?;
        Ok(self.accepted(answer?, now)?)
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
