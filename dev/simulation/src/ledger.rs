//! The ledger: which token belongs where, and when things happened. The product cannot see it.
//!
//! It is written from three sources: the responses that leave a node, the writes that the store applied, and the
//! content of tokens, opened by the code of `fixtures::forge`, which shares nothing with the library. It never reads a
//! record.

use std::collections::{HashMap, HashSet};

use fixtures::forge::{self, Content, Forger};
use regrant::GrantId;

use crate::bounds::{Bounds, REMEMBERED};
use crate::call::Call;
use crate::node::{CLIENTS, KEYS};

/// A fact of which the ledger may be unsure, because a node crashed before it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    To(Option<char>),
    Unknown,
}

#[derive(Clone, Debug)]
pub(crate) struct Generation {
    pub(crate) token: String,
    /// The time of the write that made it: at the earliest, at the latest.
    pub(crate) issued: (i64, i64),
    pub(crate) bound: Bound,
}

/// A write by a request that presented a refresh token. The first one for the newest generation is its rotation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) generation: usize,
    pub(crate) sent: i64,
    pub(crate) at: i64,
    pub(crate) key: Option<char>,
}

#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    pub(crate) token: String,
    /// The time of the first reply that carried it: the start of its work, and its end.
    pub(crate) issued: (i64, i64),
    pub(crate) expires_in: i64,
    pub(crate) scope: String,
    pub(crate) key: Option<char>,
    pub(crate) is_revoked: Option<i64>,
    pub(crate) is_maybe_revoked: bool,
}

/// A grant with its tokens.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not exclude each other")]
pub(crate) struct Chain {
    pub(crate) client: usize,
    pub(crate) owner: usize,
    pub(crate) id: Option<GrantId>,
    pub(crate) created: (i64, i64),
    pub(crate) code: Option<String>,
    /// The key to which the code is bound.
    pub(crate) code_key: Option<char>,
    /// A redemption of the code wrote, or was answered.
    pub(crate) is_code_used: bool,
    pub(crate) is_code_answered: bool,
    pub(crate) has_challenge: bool,
    /// Of a client for itself: no user's.
    pub(crate) is_its_own: bool,
    pub(crate) generations: Vec<Generation>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) access: Vec<AccessToken>,
    /// The latest use of the newest generation.
    pub(crate) used: i64,
    pub(crate) head_was_used: bool,
    pub(crate) mints: usize,
    pub(crate) revoked: Option<i64>,
    pub(crate) maybe_revoked: bool,
    /// The store lost writes of this grant.
    pub(crate) rollback: Option<Rollback>,
    /// A thief has a key of the ring and a refresh token of this grant.
    pub(crate) is_compromised: bool,
    pub(crate) registration: u64,
    /// The granted scope, which never shrinks.
    pub(crate) scope: &'static str,
}

/// A pushed authorization request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed {
    pub(crate) client: usize,
    /// The key that its client proved. The code is for this key alone.
    pub(crate) key: Option<char>,
    pub(crate) created: (i64, i64),
    /// The time of the write that recorded the arrival of the browser.
    pub(crate) arrived: Option<(i64, i64)>,
    /// The time at which its code left.
    pub(crate) used: Option<i64>,
    /// A write used it up, or may have done so.
    pub(crate) is_maybe_used: bool,
    /// The store lost writes of it.
    pub(crate) is_rolled_back: bool,
    pub(crate) registration: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rollback {
    /// The time to which the record went back.
    pub(crate) to: i64,
    /// Something was written since.
    pub(crate) is_touched: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Refresh { chain: usize, generation: usize },
    Access { chain: usize, index: usize },
    Code { chain: usize },
    Request { index: usize },
    Device,
}

pub(crate) struct Ledger {
    pub(crate) chains: Vec<Chain>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) by_id: HashMap<GrantId, usize>,
    /// The numbers of proofs that the network sent again. One of the two requests finds its proof used.
    pub(crate) repeated_proofs: HashSet<u64>,
    /// Texts that a thief sealed with the content of a known token. A node that lacks the key refuses them.
    pub(crate) sealed_anew: HashSet<String>,
    /// Grants that the host ended before one of their tokens was seen.
    pub(crate) ended: HashSet<GrantId>,
    /// Grants that the store lost before one of their tokens was seen, and the time to which it went back.
    pub(crate) lost: HashMap<GrantId, i64>,
    /// The clients of device codes, and the times of their requests.
    pub(crate) devices: HashMap<String, (usize, i64)>,
    pub(crate) pushed: Vec<Pushed>,
    pub(crate) pushed_by_id: HashMap<GrantId, usize>,
    forgers: Vec<Forger>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let forgers = KEYS.iter().map(|(id, secret)| Forger::new(*id, secret)).collect();
        let (chains, tokens, by_id, repeated_proofs, sealed_anew, ended, lost, devices) = Default::default();
        let (pushed, pushed_by_id) = Default::default();
        Self {
            chains,
            tokens,
            by_id,
            repeated_proofs,
            sealed_anew,
            ended,
            lost,
            devices,
            pushed,
            pushed_by_id,
            forgers,
        }
    }

    /// Opens a token of the library.
    pub(crate) fn open(&self, kind: u8, token: &str) -> Option<Content> {
        self.forgers.iter().find_map(|forger| forger.try_open(kind, token))
    }

    /// Enters a text that a thief sealed with the content of a known token: with a key of the ring, a stolen token can
    /// be given another seal. It is that token, and no forged one.
    pub(crate) fn enter_sealed_anew(&mut self, text: &str) {
        let kind = match text.get(..3) {
            Some("rt_") => forge::REFRESH,
            Some("at_") => forge::ACCESS,
            Some("ac_") => forge::CODE,
            Some("urn") => return self.enter_reference_sealed_anew(text),
            _ => return,
        };
        let Some(content) = self.open(kind, text) else { return };
        let Some(&index) = self.by_id.get(&GrantId::from_bytes(content.grant_id)) else { return };
        let chain = &self.chains[index];
        let generations = chain.generations.iter().map(|generation| &generation.token);
        let known = generations.chain(chain.access.iter().map(|access| &access.token)).chain(&chain.code);
        // The number inside a code means nothing.
        let is_same = |known: &&String| {
            self.open(kind, known)
                .is_some_and(|known| known == content || (kind == forge::CODE && known.secret == content.secret))
        };
        if let Some(token) = known.into_iter().find(is_same).and_then(|known| self.tokens.get(known)).copied() {
            self.tokens.insert(text.to_owned(), token);
            self.sealed_anew.insert(text.to_owned());
        }
    }

    fn enter_reference_sealed_anew(&mut self, text: &str) {
        let Some(content) = self.open(forge::REQUEST_URI, text) else { return };
        let is_same = |(known, token): (&String, &Token)| {
            let own = matches!(token, Token::Request { .. }).then(|| self.open(forge::REQUEST_URI, known)).flatten();
            own.is_some_and(|own| own.grant_id == content.grant_id && own.secret == content.secret).then_some(*token)
        };
        if let Some(token) = self.tokens.iter().find_map(is_same) {
            self.tokens.insert(text.to_owned(), token);
            self.sealed_anew.insert(text.to_owned());
        }
    }

    /// Enters a pushed request.
    pub(crate) fn push(&mut self, request_uri: &str, pushed: Pushed) {
        let index = self.pushed.len();
        self.pushed.push(pushed);
        self.tokens.insert(request_uri.to_owned(), Token::Request { index });
        if let Some(content) = self.open(forge::REQUEST_URI, request_uri) {
            let id = GrantId::from_bytes(content.grant_id);
            self.pushed_by_id.insert(id, index);
            self.pushed[index].is_rolled_back = self.lost.contains_key(&id);
        }
    }

    /// Returns true if the proof of a request was sent twice.
    pub(crate) fn is_proof_repeated(&self, call: &Call) -> bool {
        call.proof.is_some_and(|(_, number)| self.repeated_proofs.contains(&number))
    }

    pub(crate) fn forger(&self, index: usize) -> Option<&Forger> {
        self.forgers.get(index)
    }

    pub(crate) fn create(&mut self, client: usize, owner: usize, created: (i64, i64), registration: u64) -> usize {
        self.chains.push(Chain {
            client,
            owner,
            id: None,
            created,
            code: None,
            code_key: None,
            is_code_used: false,
            is_code_answered: false,
            has_challenge: false,
            is_its_own: false,
            generations: Vec::new(),
            attempts: Vec::new(),
            access: Vec::new(),
            used: created.1,
            head_was_used: false,
            mints: 0,
            revoked: None,
            maybe_revoked: false,
            rollback: None,
            is_compromised: false,
            registration,
            scope: fixtures::SCOPE,
        });
        self.chains.len() - 1
    }

    /// Learns the id of a grant from one of its tokens.
    pub(crate) fn identify(&mut self, chain: usize, kind: u8, token: &str) {
        if let Some(content) = self.open(kind, token) {
            let id = GrantId::from_bytes(content.grant_id);
            self.chains[chain].id = Some(id);
            self.by_id.insert(id, chain);
            self.chains[chain].maybe_revoked |= self.ended.contains(&id);
            if let Some(&to) = self.lost.get(&id) {
                self.chains[chain].rollback = Some(Rollback { to, is_touched: true });
            }
        }
    }

    /// Returns the name of a token in a trace, such as `R2.5` for the fifth successor in the second chain.
    pub(crate) fn name(&self, token: &str) -> String {
        match self.tokens.get(token) {
            Some(Token::Refresh { chain, generation }) => format!("R{chain}.{generation}"),
            Some(Token::Access { chain, index }) => format!("A{chain}.{index}"),
            Some(Token::Code { chain }) => format!("code {chain}"),
            Some(Token::Request { index }) => format!("request {index}"),
            Some(Token::Device) => "a device code".to_owned(),
            None if token.starts_with("rt_") => "a forged refresh token".to_owned(),
            None if token.starts_with("at_") => "a forged access token".to_owned(),
            None if token.starts_with("urn:") => "a forged request_uri".to_owned(),
            None if token.is_empty() => "nothing".to_owned(),
            None => "another text".to_owned(),
        }
    }

    /// Enters the first refresh token of a chain.
    pub(crate) fn start(&mut self, chain: usize, token: &str, issued: (i64, i64), key: Option<char>) {
        let grant = &mut self.chains[chain];
        let bound = Bound::To(key.filter(|_| !CLIENTS[grant.client].is_confidential));
        grant.generations.push(Generation { token: token.to_owned(), issued, bound });
        self.tokens.insert(token.to_owned(), Token::Refresh { chain, generation: 0 });
    }
}

impl Chain {
    pub(crate) fn newest(&self) -> usize {
        self.generations.len().saturating_sub(1)
    }

    /// The first write by a request that presented `generation`: its rotation, if there was one.
    fn rotation(&self, generation: usize) -> Option<(i64, i64)> {
        if let Some(successor) = self.generations.get(generation + 1) {
            return Some(successor.issued);
        }
        let first = self.attempts.iter().find(|attempt| attempt.generation == generation);
        first.map(|first| (first.sent, i64::MAX))
    }

    /// Returns true if `generation` was certainly spent at `at`: no window can be open any more.
    pub(crate) fn is_surely_spent(&self, generation: usize, key: Option<char>, at: i64, bounds: &Bounds) -> bool {
        let is_known = |known: &Generation| known.issued.1 < at;
        let newest = self.generations.iter().rposition(is_known).unwrap_or_default();
        let steps = newest.saturating_sub(generation);
        let Some((_, retired)) = self.rotation(generation).filter(|_| steps > 0) else { return false };
        let may_prove = self.is_proven(key) || (key.is_some() && self.generations[newest].bound == Bound::Unknown);
        let (_, window) = if steps == 1 { bounds.retry(may_prove) } else { bounds.walk() };
        // An unbound token, though its successors are bound to a key that is not shown.
        let is_held_by_two = matches!(self.generations[newest].bound, Bound::To(Some(bound)) if Some(bound) != key);
        steps > REMEMBERED || is_held_by_two || at - retired >= window.saturating_add(bounds.margin)
    }

    /// Returns true if `generation` may have been spent at `at`.
    pub(crate) fn is_maybe_spent(&self, generation: usize, key: Option<char>, at: i64, bounds: &Bounds) -> bool {
        let Some((retired, _)) = self.rotation(generation) else { return false };
        let steps = self.newest() - generation;
        let may_be_further =
            self.head_was_used || steps > 1 || self.attempts.iter().any(|later| later.generation > generation);
        let (retry, _) = bounds.retry(self.is_proven(key));
        let (walk, _) = bounds.walk();
        let window = if may_be_further { walk.min(retry) } else { retry };
        let newest_bound = self.generations[self.newest()].bound;
        let may_be_held_by_two = match newest_bound {
            Bound::To(None) => self.attempts.iter().any(|attempt| attempt.key.is_some() && attempt.key != key),
            Bound::To(bound) => bound != key,
            Bound::Unknown => true,
        };
        let may_be_forgotten = steps >= REMEMBERED;
        let is_counted = bounds.limits_replays() && self.mints > 1;
        may_be_held_by_two || may_be_forgotten || is_counted || at - retired >= window.saturating_sub(bounds.margin)
    }

    fn is_proven(&self, key: Option<char>) -> bool {
        let newest = self.generations.get(self.newest()).map(|generation| generation.bound);
        CLIENTS[self.client].is_confidential || matches!(newest, Some(Bound::To(Some(bound))) if Some(bound) == key)
    }

    pub(crate) fn is_surely_expired(&self, at: i64, bounds: &Bounds) -> bool {
        let (_, lifetime) = bounds.grant_lifetime();
        let (_, idle) = bounds.refresh_lifetime();
        // Writes of this request, and of others that came later, do not make an earlier use likely.
        let is_certain = self.attempts.iter().all(|attempt| attempt.sent >= at);
        at - self.created.1 > lifetime.saturating_add(bounds.margin)
            || (is_certain && at - self.used > idle.saturating_add(bounds.margin))
    }

    /// Returns true if the grant, or the head at the time of `generation`, may have expired.
    pub(crate) fn is_maybe_expired(&self, generation: usize, at: i64, bounds: &Bounds) -> bool {
        let (lifetime, _) = bounds.grant_lifetime();
        let (idle, _) = bounds.refresh_lifetime();
        let issued = self.generations.get(generation).map_or(self.created.0, |generation| generation.issued.0);
        // The store may have gone back to a head that has expired since, and whose record was purged.
        let issued = self.rollback.map_or(issued, |rollback| {
            let before = self.generations.iter().rev().find(|known| known.issued.0 <= rollback.to);
            before.map_or(self.created.0, |known| known.issued.0).min(issued)
        });
        at - self.created.0 >= lifetime.saturating_sub(bounds.margin)
            || at - issued >= idle.saturating_sub(bounds.margin)
    }
}
