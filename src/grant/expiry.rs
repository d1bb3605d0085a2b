//! The expiries of a grant and its tokens. `None` is never.
//!
//! An expiry that was issued is a promise to the client, so a policy that is relaxed later does not extend it. A policy
//! that is tightened applies at once: the earlier of both counts.
//!
//! | expiry | set | moved by | recorded in |
//! |---|---|---|---|
//! | of the grant | at creation, from `grant_lifetime` | nothing | the grant |
//! | of a refresh token | at issue, from `refresh_token_lifetime` | `extend_on_use`, without rotation | the head |
//! | of an access token | at issue, from `access_token_lifetime` | nothing | its entry |
//! | of the record | with each write, as the last of them | each write, in both directions | the store |
//!
//! An expiry is exclusive: a token is valid while `now < expiry`.

use std::time::Duration;

use super::{Grant, Head, Phase};
use crate::policy::{Lifetime, Policy, RefreshTokenExpiration};
use crate::vocabulary::Timestamp;

/// The remaining times of a refresh token and its authorization, as the client is told
/// (draft-ietf-oauth-refresh-token-expiration section 6.1). An absent time has no end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remaining {
    /// The time until the refresh token expires if it is not used. Never above the other one.
    pub(crate) refresh_token_timeout: Option<Duration>,
    /// The time until the grant ends.
    pub(crate) authorization_expires_in: Option<Duration>,
}

impl Grant {
    /// Returns the absolute expiry of the grant under `policy`: the one set at creation, or an earlier one if the
    /// policy was tightened since.
    pub(crate) fn absolute_expiry(&self, policy: &Policy) -> Option<Timestamp> {
        earlier(self.expires_at, after(self.created_at, policy.grant_lifetime))
    }

    /// Returns the expiry of the current refresh token under `policy`, if it is not used. `None` is never, or a grant
    /// without refresh token.
    pub(crate) fn refresh_token_expiry(&self, policy: &Policy) -> Option<Timestamp> {
        let head = self.head.as_ref()?;
        earlier(head.expiry(policy), self.absolute_expiry(policy))
    }

    /// Returns the remaining times of the current refresh token, if `policy` tells them. They count from the response,
    /// so a replay has what is left. The clock is read only if the policy tells them.
    ///
    /// On a node whose clock is behind the issue they are the whole times, and no more.
    ///
    /// In a box: most policies do not tell them, and a response is moved several times.
    pub(crate) fn remaining(&self, now: impl FnOnce() -> Timestamp, policy: &Policy) -> Option<Box<Remaining>> {
        let (RefreshTokenExpiration::Draft, Some(head)) = (policy.refresh_token_expiration, &self.head) else {
            return None;
        };
        let now = now().max(head.last_start(policy));
        let left = |expiry: Option<Timestamp>| expiry.map(|expiry| expiry.since(now).unwrap_or_default());
        Some(Box::new(Remaining {
            refresh_token_timeout: left(self.refresh_token_expiry(policy)),
            authorization_expires_in: left(self.absolute_expiry(policy)),
        }))
    }

    /// Returns the expiry of a token that is issued at `now` for `lifetime`. No token outlives its grant, so the last
    /// access token of a grant may live for less than its lifetime.
    pub(crate) fn expiry_of(&self, now: Timestamp, lifetime: Lifetime, policy: &Policy) -> Option<Timestamp> {
        earlier(after(now, lifetime), self.absolute_expiry(policy))
    }

    /// Returns the time from which the record may be deleted, because no part of the grant can be used any more.
    ///
    /// A spent refresh token is evidence of theft only while a live one needs protection. So the evidence may go when
    /// the grant ends, and not before.
    ///
    /// The store gets this time with each write, and `None` keeps the record without end. The policy is not an
    /// argument: the recorded expiries count, so that a policy which is relaxed again finds the records.
    pub(crate) fn deletable_from(&self) -> Option<Timestamp> {
        let last = match &self.phase {
            Phase::AwaitingApproval(device) => device.expires_at,
            Phase::AwaitingAuthorization(request) => request.expires_at,
            Phase::AwaitingRedemption(code) => code.expires_at,
            Phase::Revoked { until, .. } => return Some(*until),
            Phase::Active { .. } => {
                self.access_tokens.iter().map(|token| token.expires_at).max().unwrap_or(self.last_used_at)
            }
        };
        match &self.head {
            Some(head) => head.expires_at.map(|expiry| expiry.max(last)),
            None => Some(last),
        }
    }
}

impl Head {
    /// Returns the expiry of the refresh token under `policy`, which may have been tightened since the token was
    /// issued.
    pub(crate) fn expiry(&self, policy: &Policy) -> Option<Timestamp> {
        earlier(self.expires_at, after(self.last_start(policy), policy.refresh_token_lifetime))
    }

    /// Returns the time from which the lifetime counts: the issue, or the last use with `extend_on_use` (an idle
    /// time-out).
    fn last_start(&self, policy: &Policy) -> Timestamp {
        self.used_at.filter(|_| policy.extend_on_use).unwrap_or(self.issued_at)
    }
}

/// Returns the end of `lifetime` when it begins at `start`.
pub(super) fn after(start: Timestamp, lifetime: Lifetime) -> Option<Timestamp> {
    match lifetime {
        Lifetime::Of(span) => Some(start + span),
        Lifetime::Never => None,
    }
}

/// Returns the earlier of two expiries.
pub(crate) fn earlier(left: Option<Timestamp>, right: Option<Timestamp>) -> Option<Timestamp> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}
