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
    let decision = match request.message {
        Message::Redeem { is_complete } => redeem(record, is_complete, request, node, rules),
        Message::Refresh(token) => refresh(record, &token, request, node, rules),
        Message::Revoke(token) => revoke(record, &token, request, rules),
    };
    Decision { next: decision.next.map(|next| Record { version: node.version, ..next }), ..decision }
}

/// The checks owner, proof and life, then generation.
fn refresh(record: &Record, token: &Token, request: &Request, node: &Node, rules: &Rules) -> Decision {
    let reuse = |refusal| react(record, refusal, rules);
    if rules.fault == Some(Fault::ReuseBeforeOwner) && token.has_root && token.generation < record.generation {
        if let Standing::Reused(refusal) = standing(record, token, request, node, rules) {
            return reuse(refusal);
        }
    }
    if let Err(refusal) = owner(record, token, request, rules) {
        return Decision::refuse(refusal);
    }
    if !proves_key(record, token, request, rules) {
        if rules.fault == Some(Fault::ProofIsReuse) {
            return reuse(Refusal::RefreshTokenReused);
        }
        return Decision::refuse(Refusal::ProofOfPossessionFailed);
    }
    if record.phase == Phase::Revoked {
        return Decision::refuse(Refusal::GrantRevoked);
    }
    match standing(record, token, request, node, rules) {
        Standing::Head => rotate(record, token, request, node, rules),
        Standing::Ahead => heal(record, token, request, node, rules),
        Standing::Former { steps } => catch_up(record, steps, request, node, rules),
        Standing::Refused(Refusal::ClockBehind) => Decision { answer: Answer::Unavailable, next: None },
        Standing::Refused(refusal) => Decision::refuse(refusal),
        Standing::Reused(refusal) => reuse(refusal),
    }
}

/// Check `owner`: the client holds the grant, and the token has the root of the grant.
fn owner(record: &Record, token: &Token, request: &Request, rules: &Rules) -> Result<(), Refusal> {
    let has_root = token.has_root || rules.fault == Some(Fault::AnyRoot);
    match request.client {
        Client::Other => Err(Refusal::OtherClient),
        Client::Holder if !has_root || record.phase == Phase::AwaitingRedemption => Err(Refusal::RootMismatch),
        Client::Holder => Ok(()),
    }
}

/// Check `proof`. ARCHITECTURE.md, binding: the token itself names its key. The key of the record counts too, unless the
/// token descends from lost writes.
fn proves_key(record: &Record, token: &Token, request: &Request, rules: &Rules) -> bool {
    if rules.fault == Some(Fault::BindingCoversAncestors) && record.key.is_some() {
        return record.key == request.key;
    }
    let Some(own) = token.key else { return true };
    request.key == Some(own) && (record.key == request.key || record.binding_of(token.generation) != token.key)
}

/// The place of a token in the life of its grant. ARCHITECTURE.md, walking forward, binding and rollback.
enum Standing {
    Head,
    Former { steps: u8 },
    Ahead,
    Refused(Refusal),
    Reused(Refusal),
}

fn standing(record: &Record, token: &Token, request: &Request, node: &Node, rules: &Rules) -> Standing {
    if record.is_bound(token.generation) && record.binding_of(token.generation) != token.key {
        // The record was rolled back and then bound to another key.
        return Standing::Reused(Refusal::RefreshTokenForked);
    }
    if token.generation > record.generation {
        return if rules.heals { Standing::Ahead } else { Standing::Refused(Refusal::RefreshTokenAhead) };
    }
    if token.generation < record.generation {
        return former(record, token, request, node, rules);
    }
    if token.secret == record.secret { Standing::Head } else { Standing::Reused(Refusal::RefreshTokenForked) }
}

/// The table of ARCHITECTURE.md, walking forward.
fn former(record: &Record, token: &Token, request: &Request, node: &Node, rules: &Rules) -> Standing {
    let steps = record.generation - token.generation;
    let Some(retired) = record.recent.get(usize::from(steps) - 1).copied().flatten() else {
        if rules.fault == Some(Fault::ForgottenIsRefused) {
            return Standing::Refused(Refusal::RefreshTokenReused);
        }
        return Standing::Reused(Refusal::RefreshTokenReused);
    };
    let proves_key = record.key.is_some() && record.key == request.key;
    if record.is_bound(record.generation) && !proves_key && rules.fault != Some(Fault::AncestorsStayAnswered) {
        return Standing::Reused(Refusal::RefreshTokenReused);
    }
    let window =
        if steps == 1 { rules.retry_window(rules.is_confidential || proves_key) } else { Some(rules.walk_window()) };
    let clock = match (rules.fault, record.recent[0]) {
        (Some(Fault::MergedClocks), Some(newest)) => newest.age,
        _ => retired.age,
    };
    match window_at(clock + node.skew, window, rules) {
        Window::Closed => Standing::Reused(Refusal::RefreshTokenReused),
        _ if retired.secret != token.secret => Standing::Reused(Refusal::RefreshTokenForked),
        Window::NotYet => Standing::Refused(Refusal::ClockBehind),
        Window::Open => Standing::Former { steps },
    }
}

enum Window {
    Open,
    Closed,
    /// The clock of this node is too far behind the one that retired the token.
    NotYet,
}

/// A window opens at the rotation, does not slide, and excludes its end. A rotation slightly in the future counts as now.
fn window_at(age: Ticks, window: Option<Ticks>, rules: &Rules) -> Window {
    let Some(window) = window else { return Window::Open };
    if age >= window || (age < 0 && (window == 0 || rules.fault == Some(Fault::FutureIsSpent))) {
        Window::Closed
    } else if age >= 0 || -age <= window.min(rules.lead) {
        Window::Open
    } else {
        Window::NotYet
    }
}

impl Rules {
    /// The window one step behind a head that was never used; `None` is without end.
    #[must_use]
    pub fn retry_window(&self, is_proven: bool) -> Option<Ticks> {
        match self.grace {
            Grace::Of(span) => Some(span),
            Grace::UntilSuccessorUse => None,
            Grace::Auto(_) if is_proven => None,
            Grace::Auto(bearer) => Some(bearer.max(self.catch_up)),
        }
    }

    /// The window of every other former head.
    #[must_use]
    pub fn walk_window(&self) -> Ticks {
        match self.grace {
            Grace::Of(span) => span.min(self.catch_up),
            Grace::Auto(_) | Grace::UntilSuccessorUse => self.catch_up,
        }
    }
}

/// Answers the head with its successor. ARCHITECTURE.md, binding: a rotation binds the successor, once.
fn rotate(record: &Record, token: &Token, request: &Request, node: &Node, rules: &Rules) -> Decision {
    let mut next = *record;
    let generation = token.generation + 1;
    if !rules.is_confidential {
        bind(&mut next, generation, request.key);
    }
    next.recent.copy_within(..MAX_RECENT - 1, 1);
    next.recent[0] = Some(Retired { secret: record.secret, age: -node.skew });
    (next.generation, next.secret) = (generation, node.secret);
    prune(&mut next, node, rules);
    Decision::store(next, Answer::Tokens(next.head()))
}

/// The first key stays.
fn bind(record: &mut Record, generation: u8, key: Option<Key>) {
    if record.key.is_none() && key.is_some() {
        (record.key, record.bound_from) = (key, generation);
    }
}

/// Forgets the oldest rotations that no window answers. The direct predecessor stays.
fn prune(record: &mut Record, node: &Node, rules: &Rules) {
    if rules.fault == Some(Fault::MergedClocks) {
        return;
    }
    for place in (1..MAX_RECENT).rev() {
        match record.recent[place] {
            Some(retired) if retired.age + node.skew < rules.walk_window() => return,
            _ => record.recent[place] = None,
        }
    }
}

/// Adopts a token ahead of the record, and rotates it. ARCHITECTURE.md, rollback: never weakens the binding that the
/// token names.
fn heal(record: &Record, token: &Token, request: &Request, node: &Node, rules: &Rules) -> Decision {
    let mut adopted = *record;
    adopted.recent = [None; MAX_RECENT];
    (adopted.generation, adopted.secret) = (token.generation, token.secret);
    if token.key.is_some() {
        bind(&mut adopted, token.generation, request.key);
    }
    if rules.fault == Some(Fault::HealUnbinds) {
        adopted.key = None;
        return rotate(&adopted, token, &Request { key: None, ..*request }, node, rules);
    }
    rotate(&adopted, token, request, node, rules)
}

/// Answers a former head with the current one. Writes nothing and binds nothing.
fn catch_up(record: &Record, steps: u8, request: &Request, node: &Node, rules: &Rules) -> Decision {
    let mut next = *record;
    match (rules.fault, &mut next.recent[usize::from(steps) - 1]) {
        (Some(Fault::SlidingWindow), Some(retired)) => retired.age = -node.skew,
        (Some(Fault::ReplayBinds), _) if !rules.is_confidential => bind(&mut next, record.generation, request.key),
        _ => {}
    }
    Decision { answer: Answer::Tokens(next.head()), next: (next != *record).then_some(next) }
}

/// Revokes the grant. The one refusal of a refresh that writes.
fn react(record: &Record, refusal: Refusal, rules: &Rules) -> Decision {
    if rules.fault == Some(Fault::ReuseIsRefused) {
        return Decision::refuse(refusal);
    }
    Decision::store(revoked(record), Answer::Refused(refusal))
}

/// `Revoked` is final.
fn revoked(record: &Record) -> Record {
    Record { phase: Phase::Revoked, recent: [None; MAX_RECENT], ..*record }
}

/// Redeems a code once. A second use with everything that the first one needed revokes the grant.
fn redeem(record: &Record, is_complete: bool, request: &Request, node: &Node, rules: &Rules) -> Decision {
    let is_expired = record.code + node.skew >= rules.code_lifetime;
    match record.phase {
        _ if request.client == Client::Other => Decision::refuse(Refusal::OtherClient),
        Phase::Revoked => Decision::refuse(Refusal::GrantRevoked),
        Phase::AwaitingRedemption if is_expired => Decision::refuse(Refusal::CodeExpired),
        Phase::AwaitingRedemption if !is_complete => Decision::refuse(Refusal::CodeVerifierMismatch),
        Phase::AwaitingRedemption => {
            let mut next = Record { phase: Phase::Active, generation: 0, secret: node.secret, ..*record };
            if !rules.is_confidential {
                bind(&mut next, 0, request.key);
            }
            Decision::store(next, Answer::Tokens(next.head()))
        }
        Phase::Active if is_complete && !is_expired && rules.fault != Some(Fault::SecondUseIsRefused) => {
            Decision::store(revoked(record), Answer::Refused(Refusal::CodeReused))
        }
        Phase::Active => Decision::refuse(Refusal::CodeSpent),
    }
}

/// Logs out with a refresh token of any generation, spent ones too. Needs neither key nor life.
fn revoke(record: &Record, token: &Token, request: &Request, rules: &Rules) -> Decision {
    // RFC 7009 section 2.2: every token gets the same answer.
    match owner(record, token, request, rules) {
        Ok(()) if record.phase != Phase::Revoked => Decision::store(revoked(record), Answer::Done),
        Ok(()) | Err(_) => Decision { answer: Answer::Done, next: None },
    }
}
