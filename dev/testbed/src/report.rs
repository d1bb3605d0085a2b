//! Result of a workload.

use std::fmt;
use std::ops::AddAssign;

/// Result of a workload: errors first, then the amount of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Sessions whose client was refused although they were not revoked.
    pub lost_sessions: usize,
    /// Sessions with an active token that the client did not hold.
    pub forks: usize,
    /// Acknowledged revocations that no longer held.
    pub lost_revocations: usize,
    /// Repeated requests answered with another refresh token.
    pub changed_answers: usize,
    /// Grants whose first tokens the store acknowledged and later lost; the client signed in again.
    pub forgotten_grants: usize,
    /// Ids used a second time with success: at once, or because the store lost the first use.
    pub double_uses: usize,
    /// Ids refused as a replay although they were not used.
    pub false_replays: usize,
    /// Refresh tokens ahead of their record: the store had lost an acknowledged write, and the client went on.
    pub heals: usize,
    /// Rounds.
    pub rounds: usize,
    /// Sessions started.
    pub sessions: usize,
    /// Sessions whose revocation was acknowledged.
    pub revocations: usize,
    /// Requests repeated because of a fault.
    pub retries: usize,
    /// Codes redeemed without an answer; the client signed in again.
    pub spent_codes: usize,
    /// Ids used with success.
    pub uses: usize,
    /// Ids used again and refused.
    pub replays: usize,
    /// Ids of which a use had an unknown outcome.
    pub uncertain_uses: usize,
}

impl Report {
    /// True if there are no errors, as required of a store that loses no acknowledged write.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.lost_sessions + self.forks + self.lost_revocations + self.changed_answers == 0
            && self.forgotten_grants + self.double_uses + self.false_replays + self.heals == 0
    }
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.lost_sessions += other.lost_sessions;
        self.forks += other.forks;
        self.lost_revocations += other.lost_revocations;
        self.changed_answers += other.changed_answers;
        self.forgotten_grants += other.forgotten_grants;
        self.heals += other.heals;
        self.rounds += other.rounds;
        self.sessions += other.sessions;
        self.revocations += other.revocations;
        self.retries += other.retries;
        self.spent_codes += other.spent_codes;
        self.double_uses += other.double_uses;
        self.false_replays += other.false_replays;
        self.uses += other.uses;
        self.replays += other.replays;
        self.uncertain_uses += other.uncertain_uses;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost_sessions, forks, lost_revocations, changed_answers, forgotten_grants, heals, .. } = self;
        let Self { double_uses, false_replays, rounds, sessions, revocations, retries, spent_codes, .. } = self;
        let Self { uses, replays, uncertain_uses, .. } = self;
        write!(
            f,
            "sessions lost {lost_sessions}, forks {forks}, revocations lost {lost_revocations}, changed answers \
             {changed_answers}, forgotten grants {forgotten_grants}, double uses {double_uses}, false replays \
             {false_replays}, heals {heals} (rounds {rounds}, sessions {sessions}, revocations {revocations}, retries \
             {retries}, spent codes {spent_codes}, uses {uses}, replays {replays}, uncertain uses {uncertain_uses})"
        )
    }
}
