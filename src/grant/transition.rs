//! The legal moves of a grant. Each leaves it consistent; none reads a clock or a policy.

use std::time::Duration;

use super::{Grant, GrantSummary, Head, LiveAccessToken, Phase, RedeemedCode, Replayable, Retired, RevocationReason};
use crate::clock::Timestamp;
use crate::policy::{Lifetime, Limit, Policy};
use crate::secret::Digest;
use crate::token::Salt;

/// How many former heads a record remembers one by one.
pub(super) const MAX_RETIRED: usize = 8;

/// How long the record of a revoked grant that would never have expired is kept for the audit trail.
const REVOKED_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Where the grace clock of a retired refresh token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grace {
    /// It was retired less than the grace period ago.
    Running,
    /// The grace period is over.
    Over,
    /// It was retired in the future: the clock stepped back, or another node's runs ahead.
    NotYet,
}

/// The successor of the head, and what is kept to repeat the rotation.
pub(crate) struct Rotation {
    pub(crate) generation: u32,
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

    /// The entry that covers a former generation, unless its clock ran out long enough ago to be forgotten.
    pub(crate) fn retired(&self, generation: u32) -> Option<&Retired> {
        self.retired.iter().find(|retired| retired.covers(generation))
    }

    /// When the refresh token of `generation` expires or expired, as far as the record still knows.
    pub(crate) fn refresh_token_end(&self, generation: u32) -> Option<Timestamp> {
        match &self.head {
            Some(head) if head.generation == generation => head.expires_at,
            _ => self.retired(generation)?.replay.as_ref()?.expires_at,
        }
    }

    /// The code was shown: tokens are out.
    pub(crate) fn redeem(&mut self, redeemed: RedeemedCode) {
        debug_assert!(matches!(self.phase, Phase::AwaitingRedemption(_)), "a code is redeemed once");
        self.phase = Phase::Active { redeemed: Some(redeemed) };
    }

    /// Retires the head for its successor.
    pub(crate) fn rotate(&mut self, rotation: &Rotation, now: Timestamp) {
        let successor = Head {
            generation: rotation.generation,
            digest: rotation.digest,
            issued_at: now,
            expires_at: rotation.expires_at,
        };
        self.retired.extend(self.head.replace(successor).map(|head| Retired {
            generation: head.generation,
            merged: 0,
            retired_at: now,
            replay: Some(Replayable {
                digest: head.digest,
                salt: rotation.salt,
                key_id: rotation.key_id,
                replays: 0,
                expires_at: head.expires_at,
            }),
        }));
    }

    /// The head is in use, so the answer that carried it has arrived: its predecessors need no replay any more.
    pub(crate) fn end_replays(&mut self) {
        self.retired.iter_mut().for_each(|retired| retired.replay = None);
    }

    /// Takes a genuine refresh token that is ahead of the record for the head: the store lost the writes in between, and
    /// with them everything the record could know of its predecessors.
    pub(crate) fn adopt(&mut self, generation: u32, digest: Digest, now: Timestamp, expires_at: Option<Timestamp>) {
        self.retired.clear();
        self.head = Some(Head { generation, digest, issued_at: now, expires_at });
        if matches!(self.phase, Phase::AwaitingRedemption(_)) {
            // A refresh token exists, so the code was redeemed: it must not be a second time.
            self.phase = Phase::Active { redeemed: None };
        }
    }

    /// Notes one more replay of a retired refresh token.
    pub(crate) fn count_replay(&mut self, generation: u32) {
        let retired = self.retired.iter_mut().find(|retired| retired.covers(generation));
        if let Some(replay) = retired.and_then(|retired| retired.replay.as_mut()) {
            replay.replays = replay.replays.saturating_add(1);
        }
    }

    /// Adds an access token; when there are too many the oldest make room.
    pub(crate) fn add_access_token(&mut self, token: LiveAccessToken, limit: Limit) {
        while limit.is_reached_by(u32::try_from(self.access.len()).unwrap_or(u32::MAX)) {
            self.access.pop_front();
        }
        self.access.push_back(token);
    }

    /// Ends the grant with all its tokens. Revoking twice changes nothing: the first reason and time stand.
    pub(crate) fn revoke(&mut self, at: Timestamp, reason: RevocationReason) {
        if matches!(self.phase, Phase::Revoked { .. }) {
            return;
        }
        self.phase = Phase::Revoked { at, reason };
        self.retired.clear();
        self.access.clear();
    }

    /// Forgets what can matter to nobody any more. Done with every write, so that the record stays as small after
    /// 100 000 rotations as after one.
    pub(crate) fn prune(&mut self, now: Timestamp, policy: &Policy) {
        self.access.retain(|token| now < token.expires_at);
        // From the oldest on, and not beyond one whose clock still runs: generations stay in one unbroken row, also when a
        // clock was set back in between.
        let over = self.retired.iter().take_while(|retired| retired.grace(now, policy) == Grace::Over).count();
        self.retired.drain(..over);
        while self.retired.len() > MAX_RETIRED {
            self.merge_oldest();
        }
        if let Phase::Active { redeemed } = &mut self.phase {
            redeemed.take_if(|code| code.expires_at <= now);
        }
    }

    /// Lets the second-oldest entry speak for the oldest too, by the later of the two clocks: a token of the merged
    /// generation looks retired a little later than it was, so it is refused all the same, and never taken for theft too
    /// early.
    fn merge_oldest(&mut self) {
        if let (Some(oldest), Some(next)) = (self.retired.pop_front(), self.retired.front_mut()) {
            next.merged += oldest.merged + 1;
            next.retired_at = next.retired_at.max(oldest.retired_at);
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
            Phase::Revoked { at, .. } => {
                return Some(head_end.map_or(*at, |end| end.unwrap_or(*at + REVOKED_RETENTION)));
            }
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
        earlier(self.expires_at, end_of(self.issued_at, policy.refresh_token_lifetime))
    }
}

impl Retired {
    /// Where its grace clock stands. It began with the rotation and never begins anew; its end is exclusive, so a period of
    /// 0 has no instant at all.
    pub(crate) fn grace(&self, now: Timestamp, policy: &Policy) -> Grace {
        match now.since(self.retired_at) {
            Some(age) if age < policy.grace_period => Grace::Running,
            Some(_) => Grace::Over,
            None => Grace::NotYet,
        }
    }

    fn covers(&self, generation: u32) -> bool {
        (self.generation.saturating_sub(self.merged)..=self.generation).contains(&generation)
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
