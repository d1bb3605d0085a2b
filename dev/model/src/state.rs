//! The state of the model: one grant, two nodes, an owner, a thief, and the ledger of the judge.
//!
//! Times are ages in ticks, seen by a clock that is right. Ages stop growing at a bound that no rule distinguishes, so
//! the model needs no horizon: a run may last for ever, and the number of states is finite.

use crate::config::Config;

/// An age, or a length of time. Negative: a node whose clock is ahead stamped it, so it lies in the future.
pub type Ticks = i8;

/// The number of former heads that a record remembers. ARCHITECTURE.md, the grant record.
pub const MAX_RECENT: usize = 8;

/// The generations that the ledger has room for.
pub const GENERATIONS: usize = 4;

/// The number of the secret of a token that the thief made. Grants number their secrets from 0.
pub const FORGED: u8 = 0xFF;

/// A key of which possession can be proven (DPoP, certificate).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    Owner,
    Thief,
}

/// A refresh token, opened. ARCHITECTURE.md, tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    pub generation: u8,
    /// Distinguishes tokens of one generation. Equal numbers of one generation are equal secrets.
    pub secret: u8,
    /// True when the token carries the root of the grant: only tokens of the grant do, and copies of their content.
    pub has_root: bool,
    /// The key to which the token is bound.
    pub key: Option<Key>,
}

/// The phases of a grant that has a client from the start. Device authorizations are not modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    AwaitingRedemption,
    Active,
    Revoked,
}

/// A former head: its secret (a mark and a salt in the record) and the age of its retirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retired {
    pub secret: u8,
    pub age: Ticks,
}

/// The grant record. ARCHITECTURE.md, the grant record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Distinguishes writes: the version of the store and the write id in one. No two writes have the same.
    pub version: u8,
    pub phase: Phase,
    /// The age of the authorization code.
    pub code: Ticks,
    /// The head.
    pub generation: u8,
    pub secret: u8,
    /// The last rotations: entry 0 is one step behind the head.
    pub recent: [Option<Retired>; MAX_RECENT],
    /// The key of the grant, and the first generation that it binds.
    pub key: Option<Key>,
    pub bound_from: u8,
}

/// The client in whose name a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// The client of the grant.
    Holder,
    /// Another client of the same server, with the same rights.
    Other,
}

/// The message of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A code, with the verifier, the redirect URI and the key that it needs, or without one of them.
    Redeem {
        is_complete: bool,
    },
    Refresh(Token),
    /// RFC 7009.
    Revoke(Token),
}

/// A request, after client authentication and the opening of the token: checks `form` to `seal` have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    pub message: Message,
    pub client: Client,
    /// The key that the request proves.
    pub key: Option<Key>,
}

/// Reasons of refusals, named as in `regrant::Refusal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    OtherClient,
    RootMismatch,
    ProofOfPossessionFailed,
    GrantRevoked,
    RefreshTokenReused,
    RefreshTokenForked,
    RefreshTokenAhead,
    ClockBehind,
    CodeVerifierMismatch,
    CodeExpired,
    CodeReused,
    CodeSpent,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A refresh token, beside an access token that is not modelled.
    Tokens(Token),
    /// The answer to a log-out.
    Done,
    Refused(Refusal),
    /// 503: the client tries again.
    Unavailable,
}

/// The party to which the answer of a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    Owner,
    /// The owner sent the request and does not wait any more, or the network repeated it.
    Abandoned,
    Thief,
}

/// A call that a node executes. ARCHITECTURE.md, the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    pub caller: Caller,
    pub request: Request,
    pub stage: Stage,
    /// The time since the request was sent. A call that takes longer than its deadline ends without an answer.
    pub age: Ticks,
    /// For the judge: the time for which the presented token had been spent when the request was sent.
    pub spent_before: Option<Ticks>,
}

/// The next step of a call. A crash may come before each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    Load,
    Decide(Record),
    /// Writes `next` if the record still has the version `expect`.
    Swap {
        expect: u8,
        next: Record,
        answer: Answer,
    },
    /// Reads back after a conflict (`is_unknown` is false), or after an error.
    ReadBack {
        expect: u8,
        next: Record,
        answer: Answer,
        is_unknown: bool,
    },
    Answer(Answer),
}

/// A write under way: its condition and its record. Arrives within the deadline of its call, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Late {
    pub expect: u8,
    pub next: Record,
    pub age: Ticks,
}

/// The credential that the owner holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    Code,
    Token(Token),
    /// Signed out, or refused for good.
    Nothing,
}

/// The judge's notes: facts that the product cannot see. No rule reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// The true time since the token of each generation was replaced.
    pub spent: [Option<Ticks>; GENERATIONS],
    /// The token that left first, for each generation.
    pub answered: [Option<Token>; GENERATIONS],
    /// A revocation was stored, and no failover lost it.
    pub is_revoked: bool,
    /// A failover lost a write.
    pub has_lost_writes: bool,
    /// After such a loss two tokens of one generation were made.
    pub is_forked: bool,
    /// The thief presented a credential that he was able to use.
    pub is_robbed: bool,
    /// The requests with the code that the owner or the network sent: 0, 1, or more.
    pub redemptions: u8,
}

/// A state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The store.
    pub record: Record,
    /// The copy of the store that a failover promotes. It may lag behind.
    pub replica: Record,
    /// A write that timed out and may still arrive.
    pub late: Option<Late>,
    /// Each node executes one call at a time.
    pub nodes: [Option<Call>; 2],
    pub held: Held,
    /// The owner proves its key from now on.
    pub shows_key: bool,
    /// The tokens of the thief, in order.
    pub loot: [Option<Token>; GENERATIONS],
    pub has_stolen_code: bool,
    /// Budgets: the thefts, repeated requests and failovers that may still happen.
    pub thefts: u8,
    pub repeats: u8,
    pub failovers: u8,
    pub ledger: Ledger,
}

impl Record {
    /// Returns the record of a grant that waits for its code.
    #[must_use]
    pub const fn awaiting() -> Self {
        Self {
            version: 0,
            phase: Phase::AwaitingRedemption,
            code: 0,
            generation: 0,
            secret: 0,
            recent: [None; MAX_RECENT],
            key: None,
            bound_from: 0,
        }
    }

    /// Returns the record of an active grant with its first token, which is bound to `key`.
    #[must_use]
    pub const fn active(key: Option<Key>) -> Self {
        Self { phase: Phase::Active, code: Ticks::MAX, key, ..Self::awaiting() }
    }

    /// Returns the current refresh token.
    #[must_use]
    pub fn head(&self) -> Token {
        let key = self.binding_of(self.generation);
        Token { generation: self.generation, secret: self.secret, has_root: true, key }
    }

    /// Returns true when the token of `generation` is bound to the key of the grant. ARCHITECTURE.md, binding.
    #[must_use]
    pub const fn is_bound(&self, generation: u8) -> bool {
        self.key.is_some() && self.bound_from <= generation
    }

    /// Returns the binding that a token of `generation` carries.
    #[must_use]
    pub fn binding_of(&self, generation: u8) -> Option<Key> {
        self.key.filter(|_| self.is_bound(generation))
    }

    /// Lets a tick pass. No age grows beyond `oldest`.
    pub fn age(&mut self, oldest: Ticks) {
        for retired in self.recent.iter_mut().flatten() {
            retired.age = (retired.age + 1).min(oldest);
        }
        self.code = self.code.saturating_add(1).min(oldest);
    }
}

impl Ledger {
    /// Counts a request with the code.
    pub fn count_redemption(&mut self, message: &Message) {
        if matches!(message, Message::Redeem { .. }) {
            self.redemptions = (self.redemptions + 1).min(2);
        }
    }
}

impl State {
    /// Returns the state after the issue of a code, or of the first token.
    #[must_use]
    pub fn first(config: &Config) -> Self {
        let key = config.owner_key.is_shown_at_issue().then_some(Key::Owner);
        let mut record = if config.starts_with_code {
            Record::awaiting()
        } else {
            Record::active(key.filter(|_| !config.rules.is_confidential))
        };
        record.code = record.code.min(config.oldest());
        let held = if config.starts_with_code { Held::Code } else { Held::Token(record.head()) };
        let mut ledger = Ledger {
            spent: [None; GENERATIONS],
            answered: [None; GENERATIONS],
            is_revoked: false,
            has_lost_writes: false,
            is_forked: false,
            is_robbed: false,
            redemptions: 0,
        };
        if let Held::Token(token) = held {
            ledger.answered[0] = Some(token);
        }
        Self {
            record,
            replica: record,
            late: None,
            nodes: [None; 2],
            held,
            shows_key: key.is_some(),
            loot: [None; GENERATIONS],
            has_stolen_code: false,
            thefts: u8::from(config.means.token),
            repeats: config.repeats,
            failovers: config.failovers,
            ledger,
        }
    }

    /// Returns the time since the token was replaced; `None` when it is current, ahead, or not of this grant.
    #[must_use]
    pub fn spent(&self, token: &Token) -> Option<Ticks> {
        self.ledger.spent.get(usize::from(token.generation)).copied().flatten().filter(|_| token.has_root)
    }

    /// Adds a token to those of the thief, which stay in order. The oldest one gives way.
    pub fn take_loot(&mut self, token: Token) {
        if self.loot.contains(&Some(token)) {
            return;
        }
        match self.loot.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(token),
            None => self.loot[0] = Some(token),
        }
        self.loot.sort_by_key(|place| (place.is_none(), *place));
    }

    /// Returns a secret of `generation` that is in no record and no hand.
    #[must_use]
    pub fn unused_secret(&self, generation: u8) -> u8 {
        let mut used = 0_u16;
        self.clone().each_secret(|of, secret| {
            if of == generation && *secret < 16 {
                used |= 1 << *secret;
            }
        });
        u8::try_from(used.trailing_ones()).unwrap_or(FORGED)
    }

    /// Returns a version that no record has.
    #[must_use]
    pub fn unused_version(&self) -> u8 {
        let mut used = 0_u32;
        self.clone().each_version(|version| used |= 1 << *version);
        u8::try_from(used.trailing_ones()).unwrap_or(u8::MAX)
    }

    /// Makes states equal that differ in names alone: secrets and versions are numbered in the order of their
    /// appearance. The judge forgets the age of tokens that are in no hand any more.
    pub fn normalize(&mut self) {
        let mut held = [false; 2 * GENERATIONS];
        self.each_token_in_hand(|token| held[usize::from(token.generation)] = true);
        for (spent, is_held) in self.ledger.spent.iter_mut().zip(held) {
            *spent = spent.map(|age| if is_held { age } else { 0 });
        }
        let mut secrets = [[FORGED; 16]; 2 * GENERATIONS];
        let mut counts = [0_u8; 2 * GENERATIONS];
        self.each_secret(|generation, secret| {
            let (names, count) = (&mut secrets[usize::from(generation)], &mut counts[usize::from(generation)]);
            if let Some(name) = names.get_mut(usize::from(*secret)) {
                if *name == FORGED {
                    *name = *count;
                    *count += 1;
                }
                *secret = *name;
            }
        });
        let (mut versions, mut count) = ([u8::MAX; 32], 0);
        self.each_version(|version| {
            let name = &mut versions[usize::from(*version)];
            if *name == u8::MAX {
                *name = count;
                count += 1;
            }
            *version = *name;
        });
        self.loot.sort_by_key(|place| (place.is_none(), *place));
    }

    fn each_secret(&mut self, mut visit: impl FnMut(u8, &mut u8)) {
        self.each_record(|record| {
            visit(record.generation, &mut record.secret);
            for (steps, retired) in (1..).zip(record.recent.iter_mut().map_while(Option::as_mut)) {
                visit(record.generation - steps, &mut retired.secret);
            }
        });
        self.each_token_in_hand(|token| visit(token.generation, &mut token.secret));
        self.ledger.answered.iter_mut().flatten().for_each(|token| visit(token.generation, &mut token.secret));
    }

    fn each_version(&mut self, mut visit: impl FnMut(&mut u8)) {
        self.each_record(|record| visit(&mut record.version));
        for call in self.nodes.iter_mut().flatten() {
            if let Stage::Swap { expect, .. } | Stage::ReadBack { expect, .. } = &mut call.stage {
                visit(expect);
            }
        }
        if let Some(late) = &mut self.late {
            visit(&mut late.expect);
        }
    }

    /// Visits every record: in the store, on its way, and in the memory of a node.
    pub fn each_record(&mut self, mut visit: impl FnMut(&mut Record)) {
        visit(&mut self.record);
        visit(&mut self.replica);
        if let Some(late) = &mut self.late {
            visit(&mut late.next);
        }
        for call in self.nodes.iter_mut().flatten() {
            match &mut call.stage {
                Stage::Decide(record) => visit(record),
                Stage::Swap { next, .. } | Stage::ReadBack { next, .. } => visit(next),
                Stage::Load | Stage::Answer(_) => {}
            }
        }
    }

    fn each_token_in_hand(&mut self, mut visit: impl FnMut(&mut Token)) {
        if let Held::Token(token) = &mut self.held {
            visit(token);
        }
        for call in self.nodes.iter_mut().flatten() {
            if let Message::Refresh(token) | Message::Revoke(token) = &mut call.request.message {
                visit(token);
            }
            if let Stage::Swap { answer: Answer::Tokens(token), .. }
            | Stage::ReadBack { answer: Answer::Tokens(token), .. }
            | Stage::Answer(Answer::Tokens(token)) = &mut call.stage
            {
                visit(token);
            }
        }
        self.loot.iter_mut().flatten().for_each(visit);
    }
}
