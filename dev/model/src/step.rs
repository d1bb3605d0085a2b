//! The steps: of the owner, the thief, the network, the nodes, the store and the clock. ARCHITECTURE.md, the loop.
//!
//! [`State::actions`] lists everything that may happen next, and [`State::after`] performs one of them.

use crate::config::{Config, DEADLINE, OwnerKey, StoreFaults};
use crate::fault::Fault;
use crate::rules::{Node, decide};
use crate::state::{
    Answer, Call, Caller, Client, FORGED, Held, Key, Late, Message, Phase, Record, Refusal, Request, Stage, State,
    Token,
};

/// One step. `node` is 0 for node A and 1 for node B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    OwnerSends {
        node: usize,
        message: Message,
    },
    OwnerShowsKey,
    /// The owner waits no longer. The call goes on.
    OwnerGivesUp {
        node: usize,
    },
    /// The thief copies the credential of the owner.
    ThiefSteals,
    ThiefSends {
        node: usize,
        request: Request,
    },
    /// The network delivers the request of this node to the other one too.
    NetworkRepeats {
        node: usize,
    },
    Loads {
        node: usize,
    },
    Decides {
        node: usize,
    },
    Swaps {
        node: usize,
        write: Write,
    },
    ReadsBack {
        node: usize,
        is_answered: bool,
    },
    Answers {
        node: usize,
    },
    /// The call ends at once: a crash, or a lost answer.
    Crashes {
        node: usize,
    },
    LateWriteArrives,
    /// The replica catches up.
    Replicates,
    /// The replica becomes the store.
    FailsOver,
    Tick,
}

/// The fate of one compare-and-swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Answered,
    /// A client library sends the write twice, and returns the second result: a conflict.
    Repeated,
    /// The acknowledgement is lost.
    Unacknowledged,
    /// Nothing was written, and the result is an error.
    Failed,
    /// The result is an error, and the write may arrive later.
    Late,
}

impl State {
    /// Returns everything that may happen next.
    #[must_use]
    pub fn actions(&self, config: &Config) -> Vec<Action> {
        let mut actions = vec![Action::Tick];
        for node in 0..config.nodes {
            match &self.nodes[node] {
                Some(call) => self.actions_of_call(node, call, config, &mut actions),
                None => self.requests(node, config, &mut actions),
            }
        }
        if config.owner_key == OwnerKey::Late && !self.shows_key {
            actions.push(Action::OwnerShowsKey);
        }
        if self.thefts > 0 && self.held != Held::Nothing {
            actions.push(Action::ThiefSteals);
        }
        if self.late.is_some() {
            actions.push(Action::LateWriteArrives);
        }
        if self.failovers > 0 && self.replica.version != self.record.version {
            actions.extend([Action::Replicates, Action::FailsOver]);
        }
        actions
    }

    fn actions_of_call(&self, node: usize, call: &Call, config: &Config, actions: &mut Vec<Action>) {
        match &call.stage {
            Stage::Load => actions.push(Action::Loads { node }),
            Stage::Decide(_) => actions.push(Action::Decides { node }),
            Stage::Swap { .. } => {
                actions.push(Action::Swaps { node, write: Write::Answered });
                if config.store != StoreFaults::Never {
                    let writes = [Write::Repeated, Write::Unacknowledged, Write::Failed];
                    actions.extend(writes.map(|write| Action::Swaps { node, write }));
                    if config.store == StoreFaults::Any && self.late.is_none() {
                        actions.push(Action::Swaps { node, write: Write::Late });
                    }
                }
            }
            Stage::ReadBack { .. } => {
                actions.push(Action::ReadsBack { node, is_answered: true });
                if config.store == StoreFaults::Any {
                    actions.push(Action::ReadsBack { node, is_answered: false });
                }
            }
            Stage::Answer(_) => actions.push(Action::Answers { node }),
        }
        // The thief is lucky: no answer of his is lost.
        if config.crashes && call.caller != Caller::Thief {
            actions.push(Action::Crashes { node });
        }
        if call.caller == Caller::Owner {
            if config.gives_up && !matches!(call.stage, Stage::Answer(_)) {
                actions.push(Action::OwnerGivesUp { node });
            }
            if self.repeats > 0 && config.nodes == 2 && self.nodes[1 - node].is_none() {
                actions.push(Action::NetworkRepeats { node });
            }
        }
    }

    fn requests(&self, node: usize, config: &Config, actions: &mut Vec<Action>) {
        let is_calling = |caller| self.nodes.iter().flatten().any(|call| call.caller == caller);
        if !is_calling(Caller::Owner) {
            match self.held {
                Held::Code => actions.push(Action::OwnerSends { node, message: Message::Redeem { is_complete: true } }),
                Held::Token(token) => {
                    if token.generation < config.generations {
                        actions.push(Action::OwnerSends { node, message: Message::Refresh(token) });
                    }
                    if config.logs_out {
                        actions.push(Action::OwnerSends { node, message: Message::Revoke(token) });
                    }
                }
                Held::Nothing => {}
            }
        }
        if !is_calling(Caller::Thief) {
            let requests = self.requests_of_thief(config);
            actions.extend(requests.into_iter().map(|request| Action::ThiefSends { node, request }));
        }
    }

    /// Everything that the means of the thief allow him to send.
    fn requests_of_thief(&self, config: &Config) -> Vec<Request> {
        let mut requests = Vec::new();
        let keys = [None, Some(Key::Thief)].into_iter().take(1 + usize::from(config.means.own_key));
        let may_present = |token: &Token| token.generation < config.generations;
        let newest = self.loot.iter().flatten().rfind(|token| may_present(token));
        let refresh = |token, client, key| Request { message: Message::Refresh(token), client, key };
        requests.extend(newest.map(|token| refresh(*token, Client::Other, None)));
        if config.rules.is_confidential && !config.means.client_secret {
            return requests;
        }
        for key in keys.clone() {
            let loot = self.loot.iter().flatten().filter(|token| may_present(token));
            requests.extend(loot.map(|token| refresh(*token, Client::Holder, key)));
            if self.has_stolen_code {
                let message = Message::Redeem { is_complete: config.means.verifier };
                requests.push(Request { message, client: Client::Holder, key });
            }
        }
        if config.means.ring_key && self.record.phase == Phase::Active {
            let has_root = self.loot[0].is_some();
            for generation in [self.record.generation, self.record.generation + 1] {
                for key in keys.clone().chain(self.shows_key.then_some(Some(Key::Owner))) {
                    let token = Token { generation, secret: FORGED, has_root, key };
                    let shown = key.filter(|key| *key == Key::Thief);
                    requests.extend(may_present(&token).then(|| refresh(token, Client::Holder, shown)));
                }
            }
        }
        requests
    }

    /// Returns the state after `action`. Secrets and versions still have their names: see [`State::normalize`].
    #[must_use]
    pub fn after(&self, action: &Action, config: &Config) -> Self {
        let mut state = *self;
        match *action {
            Action::OwnerSends { node, message } => {
                let key = self.shows_key.then_some(Key::Owner);
                state.ledger.count_redemption(&message);
                state.send(node, Caller::Owner, Request { message, client: Client::Holder, key }, config);
            }
            Action::OwnerShowsKey => state.shows_key = true,
            Action::OwnerGivesUp { node } => {
                if let Some(call) = &mut state.nodes[node] {
                    call.caller = Caller::Abandoned;
                }
            }
            Action::ThiefSteals => {
                state.thefts -= 1;
                match self.held {
                    Held::Code => state.has_stolen_code = true,
                    Held::Token(token) => state.take_loot(token),
                    Held::Nothing => {}
                }
            }
            Action::ThiefSends { node, request } => {
                state.ledger.is_robbed |= is_usable(&request);
                state.send(node, Caller::Thief, request, config);
            }
            Action::NetworkRepeats { node } => {
                state.repeats -= 1;
                if let Some(call) = &self.nodes[node] {
                    let repeated = Call { caller: Caller::Abandoned, stage: Stage::Load, ..*call };
                    state.ledger.count_redemption(&call.request.message);
                    state.nodes[1 - node] = Some(repeated);
                }
            }
            Action::Loads { node } => state.go_on(node, |_| Stage::Decide(self.record)),
            Action::Decides { node } => state.decide(node, config),
            Action::Swaps { node, write } => state.swap(node, write, config),
            Action::ReadsBack { node, is_answered } => state.read_back(node, is_answered, config),
            Action::Answers { node } => state.receive(node),
            Action::Crashes { node } => state.nodes[node] = None,
            Action::LateWriteArrives => {
                let is_conditional = config.rules.fault != Some(Fault::UnconditionalWrite);
                if let Some(late) = state.late.take()
                    && (!is_conditional || late.expect == self.record.version)
                {
                    state.store(late.next);
                }
            }
            Action::Replicates => state.replica = self.record,
            Action::FailsOver => state.fail_over(),
            Action::Tick => state.tick(config),
        }
        if state.failovers == 0 {
            state.replica = state.record;
        }
        state
    }

    fn send(&mut self, node: usize, caller: Caller, request: Request, config: &Config) {
        let (is_owner, stage) = (caller == Caller::Owner, Stage::Decide(self.record));
        let stage = if is_owner && config.delays_requests() { Stage::Load } else { stage };
        let spent_before = match &request.message {
            Message::Refresh(token) if is_owner => self.spent(token),
            _ => None,
        };
        self.nodes[node] = Some(Call { caller, request, stage, age: 0, spent_before });
    }

    fn go_on(&mut self, node: usize, stage: impl FnOnce(&Call) -> Stage) {
        if let Some(call) = &mut self.nodes[node] {
            call.stage = stage(call);
            if let Stage::Answer(Answer::Tokens(token)) = call.stage {
                let first = &mut self.ledger.answered[usize::from(token.generation)];
                *first = first.or(Some(token));
                let is_current = token.generation == self.record.generation;
                self.ledger.is_forked |= is_current && token.secret != self.record.secret;
            }
        }
    }

    fn decide(&mut self, node: usize, config: &Config) {
        let Some(Call { request, stage: Stage::Decide(record), .. }) = self.nodes[node] else { return };
        let generation = match &request.message {
            Message::Refresh(token) => token.generation + 1,
            Message::Redeem { .. } | Message::Revoke(_) => 0,
        };
        let (secret, version) = (self.unused_secret(generation), self.unused_version());
        let here = Node { skew: config.skews[node], secret, version };
        let decision = decide(&record, &request, &here, &config.rules);
        self.go_on(node, |_| match decision.next {
            Some(next) => Stage::Swap { expect: record.version, next, answer: decision.answer },
            None => Stage::Answer(decision.answer),
        });
    }

    fn swap(&mut self, node: usize, write: Write, config: &Config) {
        let Some(Call { request, age, stage: Stage::Swap { expect, next, answer }, .. }) = self.nodes[node] else {
            return;
        };
        let fault = config.rules.fault;
        let is_stored = matches!(write, Write::Answered | Write::Repeated | Write::Unacknowledged)
            && (self.record.version == expect || fault == Some(Fault::UnconditionalWrite));
        if is_stored {
            self.store(next);
        }
        if write == Write::Late {
            self.late = Some(Late { expect, next, age });
        }
        let is_conflict = write == Write::Answered && !is_stored;
        let revoked = Record { phase: Phase::Revoked, version: self.unused_version(), ..self.record };
        let expect_now = self.record.version;
        self.go_on(node, |_| match (write, fault) {
            (Write::Answered, _) if is_stored => Stage::Answer(answer),
            (_, Some(Fault::AnswerBeforeSwap)) => Stage::Answer(answer),
            (_, Some(Fault::LoserAnswers)) if is_conflict => Stage::Answer(answer),
            (_, Some(Fault::LoserIsThief)) if is_conflict => {
                Stage::Swap { expect: expect_now, next: revoked, answer: Answer::Refused(Refusal::RefreshTokenReused) }
            }
            (_, Some(Fault::LogOutLost)) if is_conflict && matches!(request.message, Message::Revoke(_)) => {
                Stage::Answer(answer)
            }
            (Write::Answered | Write::Repeated, _) => Stage::ReadBack { expect, next, answer, is_unknown: false },
            (Write::Unacknowledged | Write::Failed | Write::Late, _) => {
                Stage::ReadBack { expect, next, answer, is_unknown: true }
            }
        });
    }

    /// Reads once: its own write, the write of another, or, after an error, no write.
    fn read_back(&mut self, node: usize, is_answered: bool, config: &Config) {
        let (record, fault) = (self.record, config.rules.fault);
        self.go_on(node, |call| match call.stage {
            Stage::ReadBack { .. } if !is_answered => Stage::Answer(Answer::Unavailable),
            Stage::ReadBack { next, answer, is_unknown, .. }
                if record.version == next.version && (is_unknown || fault != Some(Fault::OwnConflictUnread)) =>
            {
                Stage::Answer(answer)
            }
            Stage::ReadBack { expect, is_unknown: true, .. } if record.version == expect => {
                let is_final = fault == Some(Fault::OutageIsRefusal);
                let refused = Answer::Refused(Refusal::RefreshTokenReused);
                Stage::Answer(if is_final { refused } else { Answer::Unavailable })
            }
            _ => Stage::Decide(record),
        });
    }

    /// Delivers the answers that cannot be lost: those to the thief, and those that no one waits for.
    pub fn settle(&mut self) {
        for node in [0, 1] {
            let ended = self.nodes[node].filter(|call| matches!(call.stage, Stage::Answer(_)));
            if ended.is_some_and(|call| call.caller != Caller::Owner) {
                self.receive(node);
            }
        }
    }

    /// Delivers the answer. A client drops its token on a final refusal, and keeps it on 503.
    fn receive(&mut self, node: usize) {
        let Some(Call { caller, stage: Stage::Answer(answer), .. }) = self.nodes[node].take() else { return };
        match (caller, answer) {
            (Caller::Owner, Answer::Tokens(token)) => self.held = Held::Token(token),
            (Caller::Owner, Answer::Refused(_) | Answer::Done) => self.held = Held::Nothing,
            (Caller::Thief, Answer::Tokens(token)) => self.take_loot(token),
            (_, Answer::Unavailable) | (Caller::Thief | Caller::Abandoned, _) => {}
        }
    }

    fn store(&mut self, record: Record) {
        self.record = record;
        let ledger = &mut self.ledger;
        for spent in ledger.spent.iter_mut().take(record.generation.into()) {
            *spent = spent.or(Some(0));
        }
        ledger.is_revoked |= record.phase == Phase::Revoked;
        let first = ledger.answered[usize::from(record.generation)];
        ledger.is_forked |= first.is_some_and(|first| first.secret != record.secret);
    }

    fn fail_over(&mut self) {
        self.failovers -= 1;
        self.record = self.replica;
        let ledger = &mut self.ledger;
        ledger.has_lost_writes = true;
        ledger.is_revoked = self.record.phase == Phase::Revoked;
        for spent in ledger.spent.iter_mut().skip(self.record.generation.into()) {
            *spent = None;
        }
    }

    fn tick(&mut self, config: &Config) {
        let oldest = config.oldest();
        self.each_record(|record| record.age(oldest));
        for spent in self.ledger.spent.iter_mut().flatten() {
            *spent = (*spent + 1).min(oldest);
        }
        let late = self.late.take().map(|late| Late { age: late.age + 1, ..late });
        self.late = late.filter(|late| late.age <= DEADLINE);
        for node in &mut self.nodes {
            *node = node.take().map(|call| Call { age: call.age + 1, ..call }).filter(|call| call.age <= DEADLINE);
        }
    }
}

/// Returns true when the sender of a request may use its credential: the client of the grant, with a token of the grant
/// and the key to which that token is bound, or with everything that the code needs.
#[must_use]
pub fn is_usable(request: &Request) -> bool {
    request.client == Client::Holder
        && match &request.message {
            Message::Refresh(token) => token.has_root && (token.key.is_none() || token.key == request.key),
            Message::Revoke(token) => token.has_root,
            Message::Redeem { is_complete } => *is_complete,
        }
}
