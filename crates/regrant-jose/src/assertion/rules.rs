use std::time::Duration;

use regrant::authenticator::AssertionFault;
use regrant::clock::Timestamp;
use serde_json::Value;

use crate::jws::Claims;

/// The longest `jti` that is accepted, in bytes.
const MAX_JTI: usize = 256;

/// The rules for each assertion, of a client or of an issuer (RFC 7523 section 3).
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) audience: Audience,
    pub(crate) max_lifetime: Duration,
    pub(crate) leeway: Duration,
}

/// The accepted values of `aud`.
#[derive(Clone)]
pub(crate) enum Audience {
    /// One of these, or a list that contains one of them.
    Any(Vec<String>),
    /// This value as a single string. An attacker's server can have talked the client into a list, or into the URL of
    /// an endpoint.
    Only(String),
}

impl Rules {
    /// The upper bound for any configured lifetime: one day, AM's `jwtTokenUnreasonableLifetime`.
    pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(86_400);

    /// Checks audience and times. Returns the end of the time in which the assertion is accepted.
    pub(crate) fn accepted_until(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, AssertionFault> {
        let time = |name| claims.optional_time(name).map_err(|_| AssertionFault::Malformed);
        let expires_at = time("exp")?.ok_or(AssertionFault::Malformed)?;
        let begins = time("nbf")?.max(time("iat")?);
        let (latest_start, end) = (now + self.leeway, expires_at + self.leeway);
        if !self.audience.accepts(claims) {
            Err(AssertionFault::Audience)
        } else if now >= end {
            Err(AssertionFault::Expired)
        } else if expires_at > latest_start + self.max_lifetime {
            Err(AssertionFault::Lifetime)
        } else if begins.is_some_and(|begins| begins > latest_start) {
            Err(AssertionFault::NotYetValid)
        } else {
            Ok(end)
        }
    }
}

impl Audience {
    fn accepts(&self, claims: &Claims) -> bool {
        match self {
            Self::Only(issuer) => claims.value("aud").and_then(Value::as_str) == Some(issuer),
            Self::Any(accepted) => claims
                .audience()
                .is_ok_and(|audience| audience.iter().any(|named| accepted.iter().any(|own| own == named))),
        }
    }
}

/// The end of the time for which the use of a token is remembered, for a token that is accepted until `end`. The extra
/// time covers nodes whose clocks differ: a node whose clock is ahead must not purge the mark while another still
/// accepts the token, or while a request waits for keys or for the store.
pub(crate) fn remembered_until(end: Timestamp) -> Timestamp {
    end + Duration::from_secs(30)
}

/// The `jti`, if it has a valid length.
pub(crate) fn jti(claims: &Claims) -> Option<&str> {
    claims.text("jti").ok().filter(|jti| (1..=MAX_JTI).contains(&jti.len()))
}
