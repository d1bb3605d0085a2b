//! The rules: the decision about one request and one record. ARCHITECTURE.md, order of checks.
//!
//! This file is the specification of `src/engine/{admit,refresh,redeem,revoke}.rs`, without access tokens, scopes and
//! lifetimes. `tests/it/engine.rs` compares both on random traces.

use crate::fault::Fault;
use crate::state::{Answer, Client, Key, MAX_RECENT, Message, Phase, Record, Refusal, Request, Retired, Ticks, Token};

/// The policy and the client of the grant.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The client authenticates.
    pub is_confidential: bool,
    pub grace: Grace,
    /// The catch-up window.
    pub catch_up: Ticks,
    /// The lead of another clock that counts as now.
    pub lead: Ticks,
    pub code_lifetime: Ticks,
    /// `on_rollback` is `heal`.
    pub heals: bool,
    /// A defect to be found, for tests of the model itself.
    pub fault: Option<Fault>,
}

/// `grace_period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// Without end for a client that is proven, otherwise this time.
    Auto(Ticks),
    Of(Ticks),
    UntilSuccessorUse,
}

impl Rules {
    /// Returns the window one step behind a head that was never used; `None` is without end. ARCHITECTURE.md, walking
    /// forward.
    #[must_use]
    pub fn retry_window(&self, is_proven: bool) -> Option<Ticks> {
        match self.grace {
            Grace::Of(span) => Some(span),
            Grace::UntilSuccessorUse => None,
            Grace::Auto(_) if is_proven => None,
            Grace::Auto(bearer) => Some(bearer.max(self.catch_up)),
        }
    }

    /// Returns the window of every other former head.
    #[must_use]
    pub fn walk_window(&self) -> Ticks {
        match self.grace {
            Grace::Of(span) => span.min(self.catch_up),
            Grace::Auto(_) | Grace::UntilSuccessorUse => self.catch_up,
        }
    }
}

/// The node that decides.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The lead of its clock. Negative: it is behind.
    pub skew: Ticks,
    /// The secret of the successor, if it rotates. Only the record and the presented token together derive it.
    pub secret: u8,
    /// The version of the record, if it writes.
    pub version: u8,
}

/// The answer, and the record to be stored before it leaves. `None`: nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub answer: Answer,
    pub next: Option<Record>,
}

impl Decision {
    const fn refuse(refusal: Refusal) -> Self {
        Self { answer: Answer::Refused(refusal), next: None }
    }

    const fn store(next: Record, answer: Answer) -> Self {
        Self { answer, next: Some(next) }
    }
}

/// Decides about a request.
#[must_use]
pub fn decide(record: &Record, request: &Request, node: &Node, rules: &Rules) -> Decision {
    let case = Case { record, request, node, rules };
    let decision = match request.message {
        Message::Redeem { is_complete } => case.redeem(is_complete),
        Message::Refresh(token) => case.refresh(token),
        Message::Revoke(token) => case.revoke(token),
    };
    Decision { next: decision.next.map(|next| Record { version: node.version, ..next }), ..decision }
}

/// Everything that a decision depends on.
#[derive(Clone, Copy)]
struct Case<'a> {
    record: &'a Record,
    request: &'a Request,
    node: &'a Node,
    rules: &'a Rules,
}

/// The place of a token in the life of its grant. ARCHITECTURE.md, walking forward and rollback.
enum Standing {
    Head,
    Former { steps: u8 },
    Ahead,
    Refused(Refusal),
    Reused(Refusal),
}

/// Refresh: the checks owner, proof and life, then generation.
impl Case<'_> {
    fn refresh(&self, token: Token) -> Decision {
        if self.has(Fault::ReuseBeforeOwner) && token.has_root && token.generation < self.record.generation {
            return self.judge(token);
        }
        if let Err(refusal) = self.owner(token) {
            return Decision::refuse(refusal);
        }
        if !self.proves_key(token) {
            return if self.has(Fault::ProofIsReuse) {
                self.react(Refusal::RefreshTokenReused)
            } else {
                Decision::refuse(Refusal::ProofOfPossessionFailed)
            };
        }
        if self.record.phase == Phase::Revoked && !self.has(Fault::RevokedIsRefreshed) {
            return Decision::refuse(Refusal::GrantRevoked);
        }
        self.judge(token)
    }

    fn judge(&self, token: Token) -> Decision {
        match self.standing(token) {
            Standing::Head => self.rotate(token),
            Standing::Ahead => self.heal(token),
            Standing::Former { .. } if self.has(Fault::RetryRotates) => self.rotate(self.record.head()),
            Standing::Former { steps } => self.catch_up(steps),
            Standing::Refused(Refusal::ClockBehind) => Decision { answer: Answer::Unavailable, next: None },
            Standing::Refused(refusal) => Decision::refuse(refusal),
            Standing::Reused(refusal) => self.react(refusal),
        }
    }

    /// Check `owner`: the client holds the grant, and the token has the root of the grant.
    fn owner(&self, token: Token) -> Result<(), Refusal> {
        let has_root = token.has_root || self.has(Fault::AnyRoot);
        match self.request.client {
            Client::Other => Err(Refusal::OtherClient),
            Client::Holder if !has_root || self.record.phase == Phase::AwaitingRedemption => Err(Refusal::RootMismatch),
            Client::Holder => Ok(()),
        }
    }

    /// Check `proof`. ARCHITECTURE.md, binding: the token itself names its key. The key of the record counts too,
    /// unless the token descends from lost writes.
    fn proves_key(&self, token: Token) -> bool {
        let (record, shown) = (self.record, self.request.key);
        if self.has(Fault::BindingCoversAncestors) && record.key.is_some() {
            return record.key == shown;
        }
        let descends_from_lost_writes = record.binding_of(token.generation) != token.key;
        token.key.is_none() || (token.key == shown && (record.key == shown || descends_from_lost_writes))
    }

    /// Check `generation`: by number, never by time.
    fn standing(&self, token: Token) -> Standing {
        let record = self.record;
        if record.is_bound(token.generation) && record.binding_of(token.generation) != token.key {
            // The record was rolled back and then bound to another key.
            Standing::Reused(Refusal::RefreshTokenForked)
        } else if token.generation > record.generation {
            if self.rules.heals { Standing::Ahead } else { Standing::Refused(Refusal::RefreshTokenAhead) }
        } else if token.generation < record.generation {
            self.former(token)
        } else if token.secret == record.secret {
            Standing::Head
        } else {
            Standing::Reused(Refusal::RefreshTokenForked)
        }
    }

    /// The table of ARCHITECTURE.md, walking forward.
    fn former(&self, token: Token) -> Standing {
        let (record, rules) = (self.record, self.rules);
        let steps = record.generation - token.generation;
        let Some(retired) = record.recent.get(usize::from(steps) - 1).copied().flatten() else {
            return if self.has(Fault::ForgottenIsRefused) {
                Standing::Refused(Refusal::RefreshTokenReused)
            } else {
                Standing::Reused(Refusal::RefreshTokenReused)
            };
        };
        let proves_key = record.key.is_some() && record.key == self.request.key;
        if record.is_bound(record.generation) && !proves_key && !self.has(Fault::AncestorsStayAnswered) {
            // The token is older than the binding. Two parties hold the chain.
            return Standing::Reused(Refusal::RefreshTokenReused);
        }
        let is_proven = rules.is_confidential || proves_key;
        let window = if steps == 1 { rules.retry_window(is_proven) } else { Some(rules.walk_window()) };
        let newest = record.recent[0].unwrap_or(retired);
        let age = if self.has(Fault::MergedClocks) { newest.age } else { retired.age };
        match self.window(age + self.node.skew, window) {
            Window::Closed => Standing::Reused(Refusal::RefreshTokenReused),
            _ if retired.secret != token.secret => Standing::Reused(Refusal::RefreshTokenForked),
            Window::NotYet => Standing::Refused(Refusal::ClockBehind),
            Window::Open => Standing::Former { steps },
        }
    }

    /// A window opens at the rotation, does not slide, and excludes its end. A rotation slightly in the future counts
    /// as now.
    fn window(&self, age: Ticks, window: Option<Ticks>) -> Window {
        let Some(window) = window else { return Window::Open };
        if age >= window || (age < 0 && (window == 0 || self.has(Fault::FutureIsSpent))) {
            Window::Closed
        } else if -age <= window.min(self.rules.lead) {
            Window::Open
        } else {
            Window::NotYet
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.rules.fault == Some(fault)
    }
}

enum Window {
    Open,
    Closed,
    /// The clock of this node is too far behind the one that retired the token.
    NotYet,
}

/// The answers to a refresh.
impl Case<'_> {
    /// Answers the head with its successor. ARCHITECTURE.md, binding: a rotation binds the successor, once.
    fn rotate(&self, token: Token) -> Decision {
        let mut next = Record { phase: Phase::Active, ..*self.record };
        let generation = token.generation + 1;
        if !self.rules.is_confidential {
            bind(&mut next, generation, self.request.key);
        }
        next.recent.copy_within(..MAX_RECENT - 1, 1);
        next.recent[0] = Some(Retired { secret: self.record.secret, age: -self.node.skew });
        (next.generation, next.secret) = (generation, self.node.secret);
        self.prune(&mut next);
        Decision::store(next, Answer::Tokens(next.head()))
    }

    /// Forgets the oldest rotations that no window answers. The direct predecessor stays.
    fn prune(&self, record: &mut Record) {
        for place in (1..MAX_RECENT).rev() {
            match record.recent[place] {
                Some(_) if self.has(Fault::MergedClocks) => return,
                Some(retired) if retired.age + self.node.skew < self.rules.walk_window() => return,
                _ => record.recent[place] = None,
            }
        }
    }

    /// Adopts a token ahead of the record, and rotates it. ARCHITECTURE.md, rollback: never weakens the binding that
    /// the token names.
    fn heal(&self, token: Token) -> Decision {
        let mut adopted = Record { generation: token.generation, secret: token.secret, ..*self.record };
        adopted.recent = [None; MAX_RECENT];
        if token.key.is_some() {
            bind(&mut adopted, token.generation, self.request.key);
        }
        let mut request = *self.request;
        if self.has(Fault::HealUnbinds) {
            (adopted.key, request.key) = (None, None);
        }
        Case { record: &adopted, request: &request, ..*self }.rotate(token)
    }

    /// Answers a former head with the current one. Writes nothing and binds nothing.
    fn catch_up(&self, steps: u8) -> Decision {
        let mut next = *self.record;
        match &mut next.recent[usize::from(steps) - 1] {
            Some(retired) if self.has(Fault::SlidingWindow) => retired.age = -self.node.skew,
            _ if self.has(Fault::ReplayBinds) && !self.rules.is_confidential => {
                bind(&mut next, self.record.generation, self.request.key);
            }
            _ => {}
        }
        Decision { answer: Answer::Tokens(next.head()), next: (next != *self.record).then_some(next) }
    }

    /// Revokes the grant: the one refusal of a refresh that writes.
    fn react(&self, refusal: Refusal) -> Decision {
        if self.has(Fault::ReuseIsRefused) {
            return Decision::refuse(refusal);
        }
        Decision::store(self.revoked(), Answer::Refused(refusal))
    }

    /// `Revoked` is final. ARCHITECTURE.md, the grant record.
    fn revoked(&self) -> Record {
        Record { phase: Phase::Revoked, recent: [None; MAX_RECENT], ..*self.record }
    }
}

/// The first key stays.
fn bind(record: &mut Record, generation: u8, key: Option<Key>) {
    if record.key.is_none() && key.is_some() {
        (record.key, record.bound_from) = (key, generation);
    }
}

/// Redemption and log-out.
impl Case<'_> {
    /// Redeems a code once. A second use with everything that the first one needed revokes the grant.
    fn redeem(&self, is_complete: bool) -> Decision {
        let is_expired = self.record.code + self.node.skew >= self.rules.code_lifetime;
        match self.record.phase {
            _ if self.request.client == Client::Other => Decision::refuse(Refusal::OtherClient),
            Phase::Revoked => Decision::refuse(Refusal::GrantRevoked),
            Phase::AwaitingRedemption if is_expired => Decision::refuse(Refusal::CodeExpired),
            Phase::AwaitingRedemption if is_complete => self.activate(),
            Phase::AwaitingRedemption if self.has(Fault::CodeIsBurnt) => {
                Decision::store(self.revoked(), Answer::Refused(Refusal::CodeVerifierMismatch))
            }
            Phase::AwaitingRedemption => Decision::refuse(Refusal::CodeVerifierMismatch),
            Phase::Active if is_complete && !is_expired && !self.has(Fault::SecondUseIsRefused) => {
                Decision::store(self.revoked(), Answer::Refused(Refusal::CodeReused))
            }
            Phase::Active => Decision::refuse(Refusal::CodeSpent),
        }
    }

    /// Issues the first token, bound to the key that the request shows.
    fn activate(&self) -> Decision {
        let mut next = Record { phase: Phase::Active, generation: 0, secret: self.node.secret, ..*self.record };
        if !self.rules.is_confidential {
            bind(&mut next, 0, self.request.key);
        }
        Decision::store(next, Answer::Tokens(next.head()))
    }

    /// Logs out with a refresh token of any generation, spent ones too. Needs neither key nor life. RFC 7009 section
    /// 2.2: every token gets the same answer.
    fn revoke(&self, token: Token) -> Decision {
        if self.owner(token).is_ok() && self.record.phase != Phase::Revoked {
            return Decision::store(self.revoked(), Answer::Done);
        }
        Decision { answer: Answer::Done, next: None }
    }
}
