use std::time::Duration;

use regrant::authenticator::AssertionFault;
use regrant::clock::Timestamp;
use serde_json::Value;

use crate::claims::Claims;

/// The longest `jti` that is accepted, in bytes.
const MAX_JTI: usize = 256;

/// What every assertion is held to, whoever made it and for what (RFC 7523 section 3).
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) audience: Audience,
    pub(crate) max_lifetime: Duration,
    pub(crate) leeway: Duration,
}

/// What `aud` must be.
#[derive(Clone)]
pub(crate) enum Audience {
    /// One of these, or a list with one of them.
    Any(Vec<String>),
    /// This, as a single string. A list, or the URL of an endpoint, may be what another server talked the client into.
    Only(String),
}

impl Rules {
    /// No assertion may live for longer, whatever the host sets: that of AM (`jwtTokenUnreasonableLifetime`).
    pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(86_400);

    /// Until when the assertion is accepted at `now`, apart from its being used.
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

/// Until when the use of a token is remembered that is accepted until `end`: longer, because the marks may be purged by a node
/// whose clock is ahead of the one that still accepts it, or while a request waits for keys or for the store.
pub(crate) fn remembered_until(end: Timestamp) -> Timestamp {
    end + Duration::from_secs(30)
}

/// The id of a token that can be used once.
pub(crate) fn jti(claims: &Claims) -> Option<&str> {
    claims.text("jti").ok().filter(|jti| (1..=MAX_JTI).contains(&jti.len()))
}
