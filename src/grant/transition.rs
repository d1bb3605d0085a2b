//! The legal moves of a grant. Each leaves the grant consistent; none reads a clock.

use std::time::Duration;

use super::{Grant, GrantSummary, Head, LiveAccessToken, Phase, RedeemedCode, Retired, RevocationReason};
use crate::policy::{Lifetime, Policy};
use crate::token::{Binding, Salt};
use crate::vocabulary::{Digest, Timestamp};

/// How many former heads a record remembers.
pub(super) const MAX_RECENT: usize = 8;

/// How long the record of a revoked grant that would never have expired is kept for the audit trail.
const REVOKED_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// The successor of the head, and what is kept to repeat the rotation.
pub(crate) struct Rotation {
    pub(crate) digest: Digest,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) salt: Salt,
    pub(crate) key_id: u8,
}

impl Grant {
    /// The absolute end under `policy`: the one set at creation, or an earlier one if the policy was tightened since.
    pub(crate) fn absolute_end(&self, policy: &Policy) -> Option<Timestamp> {
        earlier(self.expires_at, end_of(self.created_at, policy.grant_lifetime))
    }

    /// When a refresh token or access token issued at `now` to live for `lifetime` expires: never after the grant.
    pub(crate) fn capped(&self, now: Timestamp, lifetime: Lifetime, policy: &Policy) -> Option<Timestamp> {
        earlier(end_of(now, lifetime), self.absolute_end(policy))
    }

    /// The rotations from the token of `generation`, a former head, up to the head; `None` when the record no longer
    /// knows them all.
    pub(crate) fn rotations_from(&self, generation: u32) -> Option<impl ExactSizeIterator<Item = &Retired>> {
        let steps = usize::try_from(self.head.as_ref()?.generation.checked_sub(generation)?).ok()?;
        let first = self.recent.len().checked_sub(steps)?;
        Some(self.recent.range(first..))
    }

    /// Tells whether the refresh token of `generation` is bound to the key of the grant.
    pub(crate) const fn is_bound(&self, generation: u32) -> bool {
        self.approval.confirmation.is_some() && self.bound_from <= generation
    }

    /// What a refresh token of `generation` says of the key that it is bound to.
    pub(crate) fn binding_of(&self, generation: u32) -> Binding {
        Binding::of(self.approval.confirmation.as_ref().filter(|_| self.is_bound(generation)))
    }

    /// The code was shown: tokens are out.
    pub(crate) fn redeem(&mut self, redeemed: RedeemedCode) {
        debug_assert!(matches!(self.phase, Phase::AwaitingRedemption(_)), "a code is redeemed once");
        self.phase = Phase::Active { redeemed: Some(redeemed) };
    }

    /// Retires the head for its successor.
    pub(crate) fn rotate(&mut self, rotation: &Rotation, now: Timestamp) {
        let Some(head) = &mut self.head else { return };
        self.recent.push_back(Retired {
            mark: head.digest.mark(),
            salt: rotation.salt,
            key_id: rotation.key_id,
            retired_at: now,
            replays: 0,
        });
        *head = Head {
            root: head.root,
            generation: head.generation.saturating_add(1),
            digest: rotation.digest,
            issued_at: now,
            used_at: None,
            expires_at: rotation.expires_at,
        };
    }

    /// Takes a refresh token that is ahead of the record for the head: the store lost the writes in between, and with
    /// them everything that the record could know of its predecessors.
    pub(crate) fn adopt(&mut self, generation: u32, digest: Digest, now: Timestamp, expires_at: Option<Timestamp>) {
        self.recent.clear();
        if let Some(head) = &mut self.head {
            *head = Head { root: head.root, generation, digest, issued_at: now, used_at: None, expires_at };
        }
    }

    /// Notes one more replay of a former head.
    pub(crate) fn count_replay(&mut self, generation: u32) {
        let remembered = self.rotations_from(generation).map_or(0, |rotations| rotations.len());
        if let Some(retired) = self.recent.iter_mut().rev().take(remembered).last() {
            retired.replays = retired.replays.saturating_add(1);
        }
    }

    /// Notes a use of the head that did not rotate it: its predecessor needs no retry any more.
    pub(crate) fn use_head(&mut self, now: Timestamp, policy: &Policy) {
        let extended = self.capped(now, policy.refresh_token_lifetime, policy);
        if let Some(head) = &mut self.head {
            head.used_at = Some(now);
            if policy.extend_on_use {
                head.expires_at = extended;
            }
        }
    }

    /// Adds an access token; when there are too many the oldest make room.
    pub(crate) fn add_access_token(&mut self, token: LiveAccessToken, limit: u16) {
        while self.access.len() >= usize::from(limit.max(1)) {
            self.access.pop_front();
        }
        self.access.push_back(token);
    }

    /// Ends the grant with all its tokens. Revoking twice changes nothing: the first reason and time stand.
    pub(crate) fn revoke(&mut self, at: Timestamp, reason: RevocationReason) {
        if matches!(self.phase, Phase::Revoked { .. }) {
            return;
        }
        let until = self.ends_at().unwrap_or(at + REVOKED_RETENTION);
        self.phase = Phase::Revoked { at, reason, until };
        self.recent.clear();
        self.access.clear();
    }

    /// Forgets what can matter to nobody any more. Done with every write, so that the record stays as small after
    /// 100 000 rotations as after one.
    pub(crate) fn prune(&mut self, now: Timestamp, policy: &Policy) {
        self.access.retain(|token| now < token.expires_at);
        // The direct predecessor stays: its retry may come late. Others are walked for the catch-up window only.
        let is_out_of_reach =
            |retired: &Retired| now.since(retired.retired_at).is_some_and(|age| age >= policy.walk_window());
        while self.recent.len() > MAX_RECENT
            || (self.recent.len() > 1 && self.recent.front().is_some_and(is_out_of_reach))
        {
            self.recent.pop_front();
        }
        if let Phase::Active { redeemed } = &mut self.phase {
            redeemed.take_if(|code| code.expires_at <= now);
        }
    }

    /// When nothing of the grant is alive any more, so that its record may be deleted. `None` is never.
    ///
    /// A refresh token that is spent says something only as long as there is a live one to protect, so the evidence of
    /// theft may go when the grant does, and not before.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        let head_end = self.head.as_ref().map(|head| head.expires_at);
        let last = match &self.phase {
            Phase::AwaitingApproval(device) => device.expires_at,
            Phase::AwaitingRedemption(code) => code.expires_at,
            Phase::Revoked { until, .. } => return Some(*until),
            Phase::Active { .. } => self.access.iter().map(|token| token.expires_at).max().unwrap_or(self.last_used_at),
        };
        match head_end {
            Some(None) => None,
            Some(Some(head_end)) => Some(last.max(head_end)),
            None => Some(last),
        }
    }

    /// Whether anything of the grant can be used at `now`.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.phase, Phase::Active { .. }) && self.ends_at().is_none_or(|end| now < end)
    }

    pub(crate) fn summary(self) -> GrantSummary {
        GrantSummary {
            id: self.id,
            expires_at: self.ends_at(),
            client_id: self.client_id,
            grant_type: self.grant_type,
            approval: self.approval,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

impl Head {
    /// Its own end under `policy`, which may have been tightened since it was issued.
    pub(crate) fn end(&self, policy: &Policy) -> Option<Timestamp> {
        let since = self.used_at.filter(|_| policy.extend_on_use).unwrap_or(self.issued_at);
        earlier(self.expires_at, end_of(since, policy.refresh_token_lifetime))
    }
}

/// The end of what began at `start` and lives for `lifetime`.
pub(crate) fn end_of(start: Timestamp, lifetime: Lifetime) -> Option<Timestamp> {
    match lifetime {
        Lifetime::Of(span) => Some(start + span),
        Lifetime::Never => None,
    }
}

/// The earlier of two ends, where `None` is never.
pub(crate) fn earlier(left: Option<Timestamp>, right: Option<Timestamp>) -> Option<Timestamp> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}
