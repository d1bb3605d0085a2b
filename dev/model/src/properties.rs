//! The promises, checked in every step. ARCHITECTURE.md, the four promises; SECURITY.md, where the promises end.
//!
//! The judge compares two states and reads the [`Ledger`](crate::state::Ledger). It knows the lengths of the windows.
//! It asks the rules in one place only: which tokens would be rotated now.

use crate::config::{Config, DEADLINE};
use crate::rules::{Node, decide};
use crate::state::{
    Answer, Call, Caller, Client, FORGED, Held, Key, Message, Phase, Record, Refusal, Request, Stage, State, Token,
};
use crate::step::{Action, is_usable};

/// A promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// Without a lost write, at most one of all tokens ever made is answered with a new one.
    OneHead,
    /// Without a lost write, no generation has two tokens that differ in a bit.
    OneAnswer,
    /// No token leaves before its compare-and-swap is stored.
    StoredBeforeAnswered,
    /// A request is answered, or writes, only when its sender has the client, a token of the grant and the key.
    NothingBeyondMeans,
    /// A bound token is not answered without its key, and no answer has a bound token for a sender without that key.
    BoundNeedsKey,
    /// The successor of a bound token is bound to the same key.
    BindingStays,
    /// A refused request wrote nothing, but for reuse and the second use of a code.
    RefusedWritesNothing,
    /// A token that was spent for longer than its window ends the grant, whoever presents it.
    TheftIsFound,
    /// No fault ends a session: the owner is not refused for good.
    NoSessionLost,
    /// Revoked is final, unless the store loses the revocation.
    NoResurrection,
    /// A log-out that was answered has revoked the grant.
    LogOutRevokes,
}

/// An event that must be reachable. Without them a model that does nothing has every property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landmark {
    /// A retry one step behind the head was answered.
    Replayed,
    WalkedTwoSteps,
    /// A call lost a race, and decided again.
    DecidedAgain,
    /// A call read its own write back.
    OwnWriteRead,
    /// A write of unknown outcome was answered 503.
    Unknown,
    /// A write that had timed out was stored later.
    LateWrite,
    /// A retry was answered by a node whose clock is behind that of the rotation.
    FutureIsNow,
    /// A rotation after the first one bound the grant.
    BoundLate,
    ProofFailed,
    RootMissing,
    OtherClient,
    /// The thief got tokens.
    ThiefAnswered,
    /// A token that the thief made became the head.
    ForgedAdopted,
    /// After a theft, the owner's request revoked the grant.
    TheftFoundByOwner,
    /// After a theft, the thief's request revoked the grant.
    TheftFoundByThief,
    LoggedOut,
    CodeReused,
    WritesLost,
    /// A token ahead of the record became the head.
    Healed,
    AheadRefused,
    /// Two tokens of one generation exist.
    ForkMade,
    ForkRefused,
    RevocationUndone,
}

/// A set of landmarks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Landmarks(u32);

impl Property {
    /// Every promise.
    pub const ALL: [Self; 11] = [
        Self::OneHead,
        Self::OneAnswer,
        Self::StoredBeforeAnswered,
        Self::NothingBeyondMeans,
        Self::BoundNeedsKey,
        Self::BindingStays,
        Self::RefusedWritesNothing,
        Self::TheftIsFound,
        Self::NoSessionLost,
        Self::NoResurrection,
        Self::LogOutRevokes,
    ];
}

impl Landmarks {
    /// Adds the landmarks of `other`.
    pub const fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Returns true when the set has `landmark`.
    #[must_use]
    pub const fn contains(self, landmark: Landmark) -> bool {
        self.0 & (1 << landmark as u32) != 0
    }

    /// Returns the number of landmarks.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Returns true when the set has no landmark.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn insert_if(&mut self, landmark: Landmark, happened: bool) {
        if happened {
            self.0 |= 1 << landmark as u32;
        }
    }
}

/// Checks one step. Returns the landmarks that it reached.
///
/// # Errors
/// The property that the step breaks.
pub fn judge(config: &Config, before: &State, action: &Action, after: &State) -> Result<Landmarks, Property> {
    let mut seen = Landmarks::default();
    match *action {
        Action::Decides { node } | Action::Swaps { node, .. } | Action::ReadsBack { node, .. } => {
            if let (Some(was), Some(is)) = (&before.nodes[node], &after.nodes[node]) {
                let step = Step { config, before, after, node, was, is };
                step.check()?;
                step.note(action, &mut seen);
            }
        }
        Action::LateWriteArrives => {
            seen.insert_if(Landmark::LateWrite, after.record.version != before.record.version);
        }
        Action::FailsOver => {
            seen.insert_if(Landmark::WritesLost, true);
            let is_undone = before.record.phase == Phase::Revoked && after.record.phase == Phase::Active;
            seen.insert_if(Landmark::RevocationUndone, is_undone);
        }
        _ => {}
    }
    seen.insert_if(Landmark::ForkMade, after.ledger.is_forked && !before.ledger.is_forked);
    if after.record.version != before.record.version {
        check_record(config, after)?;
    }
    Ok(seen)
}

/// Checks the record after a write.
fn check_record(config: &Config, state: &State) -> Result<(), Property> {
    ensure(!state.ledger.is_revoked || state.record.phase == Phase::Revoked, Property::NoResurrection)?;
    if state.ledger.has_lost_writes {
        return Ok(());
    }
    let held = if let Held::Token(token) = state.held { Some(token) } else { None };
    let tokens = state.ledger.answered.iter().chain(&state.loot).copied().flatten().chain(held);
    let mut heads = tokens.filter(|token| token.secret != FORGED && rotates(config, &state.record, token));
    let first = heads.next();
    ensure(heads.all(|token| Some(token.secret) == first.map(|first| first.secret)), Property::OneHead)
}

/// Returns true when the token is answered with a new one, whatever key is shown.
fn rotates(config: &Config, record: &Record, token: &Token) -> bool {
    let node = Node { skew: 0, secret: FORGED - 1, version: 0 };
    let request = |key| Request { message: Message::Refresh(*token), client: Client::Holder, key };
    [None, token.key, record.key].map(request).iter().any(|request| {
        matches!(decide(record, request, &node, &config.rules).answer, Answer::Tokens(new) if new.secret == node.secret)
    })
}

fn ensure(is_kept: bool, property: Property) -> Result<(), Property> {
    if is_kept { Ok(()) } else { Err(property) }
}

/// Checks a decision that writes.
fn check_write(request: &Request, answer: Answer) -> Result<(), Property> {
    let may_write = match answer {
        Answer::Tokens(_) | Answer::Done => true,
        Answer::Refused(refusal) => {
            matches!(refusal, Refusal::RefreshTokenReused | Refusal::RefreshTokenForked | Refusal::CodeReused)
        }
        Answer::Unavailable => false,
    };
    ensure(may_write, Property::RefusedWritesNothing)?;
    ensure(is_usable(request), Property::NothingBeyondMeans)
}

/// A step of a call.
struct Step<'a> {
    config: &'a Config,
    before: &'a State,
    after: &'a State,
    node: usize,
    was: &'a Call,
    is: &'a Call,
}

impl Step<'_> {
    fn check(&self) -> Result<(), Property> {
        let Call { request, caller, .. } = self.was;
        if let (Stage::Decide(record), Stage::Swap { answer, .. }) = (&self.was.stage, &self.is.stage) {
            check_write(request, *answer)?;
            self.check_theft(record, request)?;
        }
        if let (Stage::Decide(record), Stage::Answer(_)) = (&self.was.stage, &self.is.stage) {
            self.check_theft(record, request)?;
        }
        match self.is.stage {
            Stage::Answer(Answer::Tokens(token)) => self.check_token(request, &token),
            Stage::Answer(Answer::Refused(refusal)) if *caller != Caller::Thief => {
                ensure(self.is_excused(refusal), Property::NoSessionLost)
            }
            Stage::Answer(Answer::Done) if is_usable(request) => {
                let is_revoked = self.after.record.phase == Phase::Revoked;
                ensure(is_revoked || self.after.ledger.has_lost_writes, Property::LogOutRevokes)
            }
            _ => Ok(()),
        }
    }

    fn check_token(&self, request: &Request, answered: &Token) -> Result<(), Property> {
        ensure(is_usable(request), Property::NothingBeyondMeans)?;
        ensure(answered.key.is_none() || answered.key == request.key, Property::BoundNeedsKey)?;
        let Self { before, after, .. } = self;
        if let Message::Refresh(presented) = &request.message {
            ensure(presented.key.is_none() || presented.key == request.key, Property::BoundNeedsKey)?;
            ensure(presented.key.is_none() || presented.key == answered.key, Property::BindingStays)?;
            // SECURITY.md, the key ring: with a token, and only while the grant is unbound and heals.
            let may_forge = self.config.means.token && self.config.rules.heals && before.record.key != Some(Key::Owner);
            ensure(presented.secret != FORGED || may_forge, Property::NothingBeyondMeans)?;
        }
        if after.ledger.has_lost_writes {
            return Ok(());
        }
        let first = before.ledger.answered[usize::from(answered.generation)];
        ensure(first.is_none_or(|first| first == *answered), Property::OneAnswer)?;
        if first.is_some() {
            return Ok(());
        }
        let record = &after.record;
        let is_former = |steps: u8| {
            let retired = record.recent.get(usize::from(steps) - 1).copied().flatten();
            retired.is_some_and(|retired| retired.secret == answered.secret)
        };
        let is_stored = match record.generation.checked_sub(answered.generation) {
            _ if record.phase == Phase::Revoked => true,
            Some(0) => record.secret == answered.secret,
            Some(steps) => is_former(steps),
            None => false,
        };
        ensure(is_stored, Property::StoredBeforeAnswered)
    }

    /// A decision about a token that is spent for good must revoke the grant. A decision about a record that is out of
    /// date is not stored, so it does not count.
    fn check_theft(&self, loaded: &Record, request: &Request) -> Result<(), Property> {
        let is_spent = match &request.message {
            Message::Refresh(token) => self.is_spent_for_good(token),
            // The second use of a code, within its lifetime at every clock.
            Message::Redeem { .. } => {
                let lifetime = self.config.rules.code_lifetime - self.config.rules.lead;
                self.before.record.phase == Phase::Active && self.before.record.code < lifetime
            }
            Message::Revoke(_) => false,
        };
        if !is_usable(request) || !is_spent || loaded.version != self.before.record.version {
            return Ok(());
        }
        let is_revoked = match &self.is.stage {
            Stage::Swap { next, answer: Answer::Refused(_), .. } => next.phase == Phase::Revoked,
            Stage::Answer(Answer::Refused(_)) => loaded.phase == Phase::Revoked,
            _ => false,
        };
        ensure(is_revoked, Property::TheftIsFound)
    }

    /// Returns true when the token has been spent for longer than its window, by the clock of every node.
    fn is_spent_for_good(&self, token: &Token) -> bool {
        let rules = &self.config.rules;
        let Some(spent) = self.before.spent(token) else { return false };
        let is_one_step = self.before.ledger.spent.get(usize::from(token.generation) + 1) == Some(&None);
        let window = if is_one_step { rules.retry_window(self.is_proven()) } else { Some(rules.walk_window()) };
        window.is_some_and(|window| spent >= window + rules.lead)
    }

    /// Returns true when SECURITY.md says that the owner may be refused for good.
    fn is_excused(&self, refusal: Refusal) -> bool {
        let ledger = &self.before.ledger;
        // The thief may end what he may use. Of two tokens of one generation, after a failover, the older one is reuse.
        if ledger.is_robbed || ledger.is_forked {
            return true;
        }
        match &self.was.request.message {
            // Judged when the grant was revoked.
            _ if refusal == Refusal::GrantRevoked => true,
            // A code has no grace.
            Message::Redeem { .. } => {
                let lifetime = self.config.rules.code_lifetime - self.config.rules.lead;
                ledger.redemptions > 1 || ledger.has_lost_writes || self.before.record.code >= lifetime
            }
            Message::Refresh(token) => {
                self.is_too_late() || self.is_older_than_the_key(token) || self.is_lost_in_a_failover()
            }
            Message::Revoke(_) => false,
        }
    }

    /// A retry that comes too late is no retry. A window counts from the decision, and the write follows within the
    /// deadline of its call. So this call has the window less both deadlines, and less the lead of a clock.
    fn is_too_late(&self) -> bool {
        let (rules, call) = (&self.config.rules, self.was);
        let window = match call.caller {
            Caller::Owner => rules.retry_window(self.is_proven()),
            // Its retry may have used the successor meanwhile.
            Caller::Abandoned | Caller::Thief => Some(rules.walk_window()),
        };
        let left = window.map(|window| (window - rules.lead - 2 * DEADLINE).max(0));
        call.spent_before.zip(left).is_some_and(|(spent, left)| spent >= left)
    }

    /// An older token without the key, after its successors were bound: under way when the owner began to show its key.
    fn is_older_than_the_key(&self, token: &Token) -> bool {
        let key = self.before.record.key;
        token.key.is_none() && key.is_some() && key != self.was.request.key
    }

    /// The first tokens were among the lost writes, or the policy does not heal. Healing forgets the rotations before
    /// the healed token, and with them a predecessor that is under way.
    fn is_lost_in_a_failover(&self) -> bool {
        let has_no_tokens = self.before.record.phase == Phase::AwaitingRedemption;
        let is_abandoned = self.was.caller == Caller::Abandoned;
        self.before.ledger.has_lost_writes && (has_no_tokens || is_abandoned || !self.config.rules.heals)
    }

    /// Returns true when the client authenticates, or the request shows the key of the grant.
    fn is_proven(&self) -> bool {
        let key = self.before.record.key;
        self.config.rules.is_confidential || (key.is_some() && key == self.was.request.key)
    }

    fn note(&self, action: &Action, seen: &mut Landmarks) {
        use Landmark as L;
        let Self { before, after, .. } = self;
        let request = &self.was.request;
        match (&self.was.stage, &self.is.stage) {
            (Stage::Decide(record), Stage::Answer(Answer::Tokens(_))) => {
                if let Message::Refresh(token) = &request.message {
                    let steps = record.generation.saturating_sub(token.generation);
                    seen.insert_if(L::Replayed, steps == 1);
                    seen.insert_if(L::WalkedTwoSteps, steps == 2);
                    let retired = record.recent.get(usize::from(steps) - 1).copied().flatten();
                    let skew = self.config.skews[self.node];
                    seen.insert_if(L::FutureIsNow, retired.is_some_and(|retired| retired.age + skew < 0));
                }
            }
            (Stage::Decide(_), Stage::Answer(Answer::Refused(refusal))) => {
                seen.insert_if(L::ProofFailed, *refusal == Refusal::ProofOfPossessionFailed);
                seen.insert_if(L::RootMissing, *refusal == Refusal::RootMismatch);
                seen.insert_if(L::OtherClient, *refusal == Refusal::OtherClient);
                seen.insert_if(L::AheadRefused, *refusal == Refusal::RefreshTokenAhead);
            }
            (Stage::ReadBack { .. }, Stage::Answer(answer)) => {
                let is_503 = *answer == Answer::Unavailable;
                seen.insert_if(L::OwnWriteRead, !is_503);
                seen.insert_if(L::Unknown, is_503);
            }
            (Stage::ReadBack { .. }, Stage::Decide(_)) => seen.insert_if(L::DecidedAgain, true),
            _ => {}
        }
        seen.insert_if(
            L::ThiefAnswered,
            self.was.caller == Caller::Thief && matches!(self.is.stage, Stage::Answer(Answer::Tokens(_))),
        );
        if let (Action::Swaps { .. }, true) = (action, after.record.version != before.record.version) {
            self.note_write(seen);
        }
    }

    fn note_write(&self, seen: &mut Landmarks) {
        use Landmark as L;
        let Self { before, after, .. } = self;
        let Stage::Swap { answer, .. } = &self.was.stage else { return };
        seen.insert_if(L::BoundLate, before.record.key.is_none() && after.record.key.is_some());
        seen.insert_if(L::LoggedOut, *answer == Answer::Done);
        seen.insert_if(L::CodeReused, *answer == Answer::Refused(Refusal::CodeReused));
        seen.insert_if(L::ForkRefused, *answer == Answer::Refused(Refusal::RefreshTokenForked));
        if let Message::Refresh(token) = &self.was.request.message {
            let is_ahead = token.generation > before.record.generation;
            let is_forged = token.secret == FORGED;
            let is_answered = matches!(answer, Answer::Tokens(_));
            seen.insert_if(L::Healed, is_ahead && is_answered && !is_forged);
            seen.insert_if(L::ForgedAdopted, is_ahead && is_answered && is_forged);
            let is_found = matches!(answer, Answer::Refused(_)) && before.ledger.is_robbed;
            seen.insert_if(L::TheftFoundByOwner, is_found && self.was.caller == Caller::Owner);
            seen.insert_if(L::TheftFoundByThief, is_found && self.was.caller == Caller::Thief);
        }
    }
}
