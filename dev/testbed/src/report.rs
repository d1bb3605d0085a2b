//! What came of an ordeal.

use std::fmt;
use std::ops::AddAssign;

/// What came of an ordeal: harm first, then how much was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Sessions whose client was refused although nobody had revoked them.
    pub lost_sessions: usize,
    /// Sessions in which a token was live that the client did not hold.
    pub forks: usize,
    /// Acknowledged revocations that no longer held.
    pub lost_revocations: usize,
    /// Requests that were repeated and answered with another refresh token.
    pub changed_answers: usize,
    /// Grants whose first tokens the store had acknowledged and did not know any more; the client signed in again.
    pub forgotten_grants: usize,
    /// Things that were used a second time with success: at once, or because the store forgot the first.
    pub double_uses: usize,
    /// Things that were taken for a replay although nobody had used them.
    pub false_replays: usize,
    /// Refresh tokens that were ahead of their record: the store had lost what it acknowledged, and the client went on.
    pub heals: usize,
    /// Rounds.
    pub rounds: usize,
    /// Sessions that were begun.
    pub sessions: usize,
    /// Sessions whose revocation was acknowledged.
    pub revocations: usize,
    /// Requests that were sent again because of a fault.
    pub retries: usize,
    /// Codes that were spent without an answer; the client signed in again.
    pub spent_codes: usize,
    /// Things that were used with success.
    pub uses: usize,
    /// Things that were shown again and refused.
    pub replays: usize,
    /// Things of which the store could not tell whether they are used.
    pub doubtful_uses: usize,
}

impl Report {
    /// Whether nobody noticed: what a store must achieve that loses nothing it has acknowledged.
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
        self.doubtful_uses += other.doubtful_uses;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost_sessions, forks, lost_revocations, changed_answers, forgotten_grants, heals, .. } = self;
        let Self { double_uses, false_replays, rounds, sessions, revocations, retries, spent_codes, .. } = self;
        let Self { uses, replays, doubtful_uses, .. } = self;
        write!(
            f,
            "sessions lost {lost_sessions}, forks {forks}, revocations lost {lost_revocations}, changed answers \
             {changed_answers}, forgotten grants {forgotten_grants}, double uses {double_uses}, false replays \
             {false_replays}, heals {heals} (rounds {rounds}, sessions {sessions}, revocations {revocations}, retries \
             {retries}, spent codes {spent_codes}, uses {uses}, replays {replays}, doubtful uses {doubtful_uses})"
        )
    }
}
