use std::time::Duration;

use regrant::Timestamp;
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

    /// Until when the assertion is accepted, apart from its being used; `None` when it is not accepted at `now`.
    pub(crate) fn accepted_until(&self, claims: &Claims, now: Timestamp) -> Option<Timestamp> {
        let expires_at = claims.time("exp").ok()?;
        let end = expires_at + self.leeway;
        let latest_start = now + self.leeway;
        let has_begun = |name| Some(claims.optional_time(name).ok()?.is_none_or(|start| start <= latest_start));
        let is_acceptable = self.audience.accepts(claims)
            && now < end
            && expires_at <= latest_start + self.max_lifetime
            && has_begun("nbf")?
            && has_begun("iat")?;
        is_acceptable.then_some(end)
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
