//! The service as one caller after the other sees it: the sequential specification of a grant.
//!
//! Written from the documentation, not from the code, and without clocks: the clocks of a recorded run stand still, so
//! each window is open (or, in the strict policy, closed) for the whole run.
//!
//! | call | awaiting redemption | active | revoked |
//! |---|---|---|---|
//! | redeem | first tokens; active | refused (`CodeReused`); revoked | refused |
//! | refresh, head | | rotated: a new head | refused |
//! | refresh, one of the last 8 heads | | the head again (strict policy: refused and revoked) | refused |
//! | refresh, an older head, or another token of a generation | | refused; revoked | refused |
//! | refresh, ahead of the head | | only after a failover that lost writes: adopted, and a new head | refused |
//! | revoke | nothing changes | revoked | nothing changes |
//! | introspect | not active | active for the head and for each access token that was not revoked | not active |
//!
//! A token of another root is refused (`RootMismatch`) and changes nothing.

use regrant::Refusal;

use crate::history::{Access, Answer, Call, Refresh};

/// Rotations that a record remembers.
const REMEMBERED: usize = 8;

/// The policy of a recorded run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "runs choose one")]
pub enum Windows {
    /// A recent token is answered with the head.
    Open,
    /// Every spent token is reuse.
    Closed,
}

/// The record of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grant {
    phase: Phase,
    root: Option<u32>,
    /// The heads in order, the current one last.
    chain: Vec<Entry>,
    /// The number of heads directly before the current one that the record remembers.
    remembered: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Phase {
    #[default]
    Absent,
    Pending,
    Active,
    Revoked,
}

/// A head, and the live access tokens of its rotation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry {
    token: Name<Refresh>,
    generation: u32,
    access: Vec<Name<Access>>,
}

/// A token, or the one of this generation that was issued without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name<T> {
    Seen(T),
    Unseen(u32),
}

/// The identity of tokens that were issued without an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    generation: u32,
    refresh: Refresh,
    access: Access,
}

/// Acknowledged writes that a failover undid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "reports count each kind")]
pub enum Loss {
    /// A revoked grant is active again.
    Revocation,
    /// The head is this many rotations older, and the next refresh heals that.
    Rotations(u32),
    /// The redemption of the code, or the code, is unknown: the user signs in again.
    SignIn,
    /// An access token: its issue or its revocation.
    AccessToken,
}

impl Grant {
    /// Returns the next state, if the call may have this answer. `may_heal`: a failover has lost writes before.
    pub(crate) fn apply(
        &self,
        call: &Call,
        answer: Option<&Answer>,
        windows: Windows,
        may_heal: bool,
    ) -> Option<(Self, Option<Seen>)> {
        let mut next = self.clone();
        let mut seen = None;
        let expected = match call {
            Call::Authorize => {
                if self.phase != Phase::Absent {
                    return None;
                }
                next.phase = Phase::Pending;
                Expected::Is(Answer::Done)
            }
            Call::Redeem => next.redeem(answer),
            Call::Refresh(token) => {
                let (expected, found) = next.refresh(*token, answer, windows, may_heal)?;
                seen = found;
                expected
            }
            Call::Revoke(token) => {
                if self.phase == Phase::Active && self.root == Some(token.root) {
                    next.revoke();
                }
                Expected::Is(Answer::Done)
            }
            Call::RevokeAccess(token) => {
                for entry in &mut next.chain {
                    entry.access.retain(|access| *access != Name::Seen(*token));
                }
                Expected::Is(Answer::Done)
            }
            Call::Introspect(token) => Expected::Is(Answer::Active(self.is_head(*token))),
            Call::IntrospectAccess(token) => {
                let is_live = self.chain.iter().any(|entry| entry.access.contains(&Name::Seen(*token)));
                Expected::Is(Answer::Active(self.phase == Phase::Active && is_live))
            }
        };
        expected.permits(answer).then_some((next, seen))
    }

    /// Names tokens that were issued without an answer.
    pub(crate) fn reveal(&mut self, seen: &Seen) {
        for entry in &mut self.chain {
            if entry.token == Name::Unseen(seen.generation) {
                entry.token = Name::Seen(seen.refresh);
            }
            for access in &mut entry.access {
                if *access == Name::Unseen(seen.generation) {
                    *access = Name::Seen(seen.access);
                }
            }
        }
    }

    /// Returns the loss of going back to `earlier`; `None` if that loses nothing.
    pub(crate) fn loss(&self, earlier: &Self) -> Option<Loss> {
        if self == earlier {
            return None;
        }
        Some(match (self.phase, earlier.phase) {
            (Phase::Revoked, Phase::Active | Phase::Pending | Phase::Absent) => Loss::Revocation,
            (_, Phase::Pending | Phase::Absent) => Loss::SignIn,
            _ => match self.generation().checked_sub(earlier.generation()) {
                Some(rotations @ 1..) => Loss::Rotations(rotations),
                _ => Loss::AccessToken,
            },
        })
    }

    /// True for the last state.
    pub(crate) fn is_revoked(&self) -> bool {
        self.phase == Phase::Revoked
    }

    fn redeem(&mut self, answer: Option<&Answer>) -> Expected {
        match self.phase {
            Phase::Absent => Expected::refused(Refusal::GrantUnknown),
            Phase::Revoked => Expected::refused(Refusal::GrantRevoked),
            Phase::Active => {
                self.revoke();
                Expected::refused(Refusal::CodeReused)
            }
            Phase::Pending => {
                let (token, access) = names(0, answer);
                self.phase = Phase::Active;
                self.root = match answer {
                    Some(Answer::Tokens(refresh, _)) => Some(refresh.root),
                    _ => None,
                };
                self.remembered = 0;
                self.chain = vec![Entry { token, generation: 0, access: vec![access] }];
                Expected::Tokens { generation: 0, root: self.root }
            }
        }
    }

    fn refresh(
        &mut self,
        token: Refresh,
        answer: Option<&Answer>,
        windows: Windows,
        may_heal: bool,
    ) -> Option<(Expected, Option<Seen>)> {
        if self.phase == Phase::Absent {
            return Some((Expected::refused(Refusal::GrantUnknown), None));
        }
        if self.phase == Phase::Pending || self.root != Some(token.root) {
            return Some((Expected::refused(Refusal::RootMismatch), None));
        }
        if self.phase == Phase::Revoked {
            return Some((Expected::refused(Refusal::GrantRevoked), None));
        }
        let head = self.generation();
        if token.generation > head {
            if !may_heal {
                return None;
            }
            // The record knows nothing of the predecessors, and remembers none of them.
            self.chain.push(Entry { token: Name::Seen(token), generation: token.generation, access: Vec::new() });
            self.remembered = 0;
        }
        if token.generation >= head {
            if !self.is_head(token) {
                return Some((self.reuse(Refusal::RefreshTokenForked), None));
            }
            let generation = token.generation + 1;
            let (name, access) = names(generation, answer);
            self.chain.push(Entry { token: name, generation, access: vec![access] });
            self.remembered = (self.remembered + 1).min(REMEMBERED);
            return Some((Expected::Tokens { generation, root: self.root }, None));
        }
        Some(self.replay(token, answer, windows))
    }

    /// Answers a former head.
    fn replay(&mut self, token: Refresh, answer: Option<&Answer>, windows: Windows) -> (Expected, Option<Seen>) {
        let steps = (self.generation() - token.generation) as usize;
        if steps > self.remembered || windows == Windows::Closed {
            return (self.reuse(Refusal::RefreshTokenReused), None);
        }
        let former = self.chain.len() - 1 - steps;
        if self.chain.get(former).is_none_or(|entry| entry.token != Name::Seen(token)) {
            return (self.reuse(Refusal::RefreshTokenForked), None);
        }
        let (root, Some(head)) = (self.root, self.chain.last_mut()) else { return (Expected::Nothing, None) };
        if head.access.is_empty() {
            head.access.push(names(head.generation, answer).1);
        }
        let Some(Answer::Tokens(refresh, access)) = answer else {
            return (Expected::Tokens { generation: head.generation, root }, None);
        };
        let is_token = match head.token {
            Name::Seen(token) => token == *refresh,
            Name::Unseen(_) => refresh.generation == head.generation && Some(refresh.root) == root,
        };
        let is_access = match head.access[..] {
            [Name::Seen(token), ..] => token == *access,
            _ => true,
        };
        if !is_token || !is_access {
            return (Expected::Nothing, None);
        }
        let is_unseen = matches!(head.token, Name::Unseen(_)) || matches!(head.access[..], [Name::Unseen(_), ..]);
        let seen = is_unseen.then_some(Seen { generation: head.generation, refresh: *refresh, access: *access });
        (Expected::Is(Answer::Tokens(*refresh, *access)), seen)
    }

    fn reuse(&mut self, refusal: Refusal) -> Expected {
        self.revoke();
        Expected::refused(refusal)
    }

    fn revoke(&mut self) {
        self.phase = Phase::Revoked;
        self.chain.clear();
        self.remembered = 0;
    }

    fn is_head(&self, token: Refresh) -> bool {
        self.phase == Phase::Active && self.chain.last().is_some_and(|head| head.token == Name::Seen(token))
    }

    fn generation(&self) -> u32 {
        self.chain.last().map_or(0, |head| head.generation)
    }
}

/// The answers that a call may have.
enum Expected {
    Is(Answer),
    /// New tokens of this generation.
    Tokens {
        generation: u32,
        root: Option<u32>,
    },
    Nothing,
}

impl Expected {
    const fn refused(refusal: Refusal) -> Self {
        Self::Is(Answer::Refused(refusal))
    }

    fn permits(&self, answer: Option<&Answer>) -> bool {
        let Some(answer) = answer else { return true };
        match (self, answer) {
            (Self::Is(expected), _) => expected == answer,
            (Self::Tokens { generation, root }, Answer::Tokens(refresh, _)) => {
                refresh.generation == *generation && Some(refresh.root) == *root
            }
            _ => false,
        }
    }
}

fn names(generation: u32, answer: Option<&Answer>) -> (Name<Refresh>, Name<Access>) {
    match answer {
        Some(Answer::Tokens(refresh, access)) => (Name::Seen(*refresh), Name::Seen(*access)),
        _ => (Name::Unseen(generation), Name::Unseen(generation)),
    }
}
