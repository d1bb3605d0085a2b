//! Checks of a reply that need no place in a chain, only facts of earlier replies and of the system.
//!
//! | check | violated when |
//! |---|---|
//! | `early-event` | a failed call reported a success, or a call reported two |
//! | `mismatch` | a derived successor differs from its record, although all nodes have the same keys |
//! | `clock` | a node took its clock for too far behind, although the clocks differ by at most 5 s |
//! | `undetected` | a spent refresh token is refused as expired |
//! | `beyond-means` | a device code gives tokens twice; a closed account or an earlier registration is served |
//! | `beyond-means` | a bound token is exchanged without its key; a sealed token is accepted without its secret |
//! | `beyond-means` | a refresh token is answered more often than `max_replays` allows |
//! | `impatient` | a write of unknown outcome was sent again, or a failed read repeated |

use std::collections::{HashMap, HashSet};

use fixtures::forge::{self, Content};
use regrant::Refusal;
use regrant::event::EventKind;

use crate::bounds::Bounds;
use crate::call::{Call, Reply, What};
use crate::judge::{Verdict, require};
use crate::ledger::{Chain, Ledger, Token};
use crate::node::CLIENTS;
use crate::world::Note;

/// The longest time between the dispatch of a request and its arrival. A node answers it in its former configuration.
const ON_THE_WAY: i64 = 5_000;

#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The clocks of two nodes may differ by more than the promises allow.
    are_clocks_wild: bool,
    /// The store breaks its contract: a read may be old.
    reads_are_stale: bool,
    /// The store went back in time, the last time at this time.
    pub(crate) rolled_back: Option<i64>,
    /// The second account is closed since then.
    pub(crate) closed: Option<i64>,
    /// The last change of the registration of each client.
    pub(crate) registered: [i64; CLIENTS.len()],
    /// The keys of bound access tokens.
    keys: HashMap<String, char>,
    /// Device codes that gave tokens.
    devices: HashSet<String>,
    /// The number of answers to each refresh token.
    answers: HashMap<String, usize>,
}

impl Facts {
    pub(crate) fn new(are_clocks_wild: bool, reads_are_stale: bool) -> Self {
        Self { are_clocks_wild, reads_are_stale, ..Self::default() }
    }

    /// Judges a reply that the ledger has entered.
    pub(crate) fn judge(
        &mut self,
        call: &Call,
        reply: &Reply,
        note: &Note,
        (ledger, bounds, registrations): (&Ledger, &Bounds, &[u64]),
    ) -> Verdict {
        events(call, reply, note)?;
        self.causes(note)?;
        let is_impatient = note.is_impatient && !self.reads_are_stale;
        require("impatient", !is_impatient, "a write of unknown outcome is repeated, or a failed read")?;
        let token = ledger.tokens.get(&call.token).copied();
        let presented = match token {
            Some(Token::Refresh { chain, .. } | Token::Code { chain }) => ledger.chains.get(chain),
            _ => None,
        };
        if let (Some(Token::Refresh { generation, .. }), Some(chain), What::Refresh) = (token, presented, call.what) {
            let verdict = not_merely_expired(chain, generation, call, reply, (note, bounds));
            if !self.reads_are_stale {
                verdict?;
            }
        }
        if reply.status == 200 {
            if let Some(chain) = presented.filter(|_| matches!(call.what, What::Refresh | What::Redeem)) {
                self.may_be_served(chain, reply, registrations)?;
            }
            self.answered(call, reply, bounds)?;
            self.sealed(call, reply, ledger)?;
        }
        Ok(())
    }

    /// Every node has the same secret under one key id, and clocks within 5 s of each other.
    fn causes(&self, note: &Note) -> Verdict {
        let has = |wanted: Refusal| {
            note.events.iter().any(|(_, kind)| matches!(kind, EventKind::Refused(cause) if *cause == wanted))
        };
        require("mismatch", !has(Refusal::SuccessorMismatch), "the successor differs from its record")?;
        let is_behind = has(Refusal::ClockBehind) && !self.are_clocks_wild;
        require("clock", !is_behind, "clocks that differ by 5 s at most keep a client waiting")
    }

    fn may_be_served(&self, chain: &Chain, reply: &Reply, registrations: &[u64]) -> Verdict {
        let is_closed = chain.owner == 1 && self.closed.is_some_and(|at| at < reply.from);
        require("beyond-means", !is_closed, "a closed account is served")?;
        let is_former = registrations.get(chain.client).is_some_and(|number| *number != chain.registration);
        let is_changed = self.registered.get(chain.client).is_some_and(|at| *at + ON_THE_WAY < reply.from);
        require("beyond-means", !(is_former && is_changed), "a grant of an earlier registration is served")
    }

    fn answered(&mut self, call: &Call, reply: &Reply, bounds: &Bounds) -> Verdict {
        if call.what == What::Exchange
            && !CLIENTS[call.credentials.client].is_confidential
            && let Some(key) = self.keys.get(&call.token)
        {
            require("beyond-means", call.key() == Some(*key), "a bound token is exchanged without its key")?;
        }
        if let (Some(token), Some("DPoP"), Some(key)) =
            (reply.text("access_token"), reply.text("token_type"), call.key())
        {
            self.keys.insert(token.to_owned(), key);
        }
        match call.what {
            What::Poll => {
                let is_first = self.devices.insert(call.token.clone());
                require("beyond-means", is_first || self.rolled_back.is_some(), "a device code gives tokens twice")
            }
            What::Refresh => {
                let answers = self.answers.entry(call.token.clone()).or_default();
                *answers += 1;
                let is_within = bounds.max_replays().is_none_or(|most| *answers <= most + 1);
                let is_sure = bounds.always_rotates() && self.rolled_back.is_none() && !self.reads_are_stale;
                require("beyond-means", is_within || !is_sure, "a refresh token is answered more often than allowed")
            }
            _ => Ok(()),
        }
    }

    /// A token that no reply carried must have the content of one that a reply carried: a thief with a key of the ring
    /// can seal a stolen token anew, and nothing else. Tokens ahead of the record are judged elsewhere.
    fn sealed(&self, call: &Call, reply: &Reply, ledger: &Ledger) -> Verdict {
        if self.rolled_back.is_some() || ledger.tokens.contains_key(&call.token) {
            return Ok(());
        }
        let kind = match call.token.get(..3) {
            Some("rt_") => forge::REFRESH,
            Some("at_") => forge::ACCESS,
            _ => return Ok(()),
        };
        let Some(content) = ledger.open(kind, &call.token) else { return Ok(()) };
        let id = regrant::GrantId::from_bytes(content.grant_id);
        let Some(chain) = ledger.by_id.get(&id).and_then(|&chain| ledger.chains.get(chain)) else { return Ok(()) };
        let is_same = |token: &str| {
            let known: Option<Content> = ledger.open(kind, token);
            known.is_some_and(|known| known.number == content.number && known.secret == content.secret)
        };
        match call.what {
            What::Introspect if reply.is_active() && kind == forge::ACCESS => {
                let is_known = chain.access.iter().any(|access| is_same(&access.token));
                require("beyond-means", is_known, "a sealed access token is active")
            }
            What::Refresh => {
                let number = usize::try_from(content.number).unwrap_or(usize::MAX);
                let Some(generation) = chain.generations.get(number) else { return Ok(()) };
                let is_known = generation.token.is_empty() || is_same(&generation.token);
                require("fork", is_known, "another token of a known generation is answered")
            }
            _ => Ok(()),
        }
    }
}

/// Events follow the write, so a failed call has none of a success, and no call has two. The page of the host makes two
/// writes, and the end of a user's grants many.
fn events(call: &Call, reply: &Reply, note: &Note) -> Verdict {
    let is_success = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Issued
                | EventKind::Redeemed
                | EventKind::Refreshed
                | EventKind::Rotated { .. }
                | EventKind::Replayed { .. }
        )
    };
    let successes = note.events.iter().filter(|(_, kind)| is_success(kind)).count();
    let most = usize::from(reply.status < 500);
    let text = || format!("{successes} successes are reported of a call with the status {}", reply.status);
    let is_token_call = matches!(call.what, What::Refresh | What::Redeem | What::Poll | What::Password);
    if is_token_call { require("early-event", successes <= most, &text()) } else { Ok(()) }
}

/// Reuse is recognised even when the head has expired: access tokens of a thief may still live.
fn not_merely_expired(
    chain: &Chain,
    generation: usize,
    call: &Call,
    reply: &Reply,
    (note, bounds): (&Note, &Bounds),
) -> Verdict {
    let is_expired =
        note.events.iter().any(|(_, kind)| matches!(kind, EventKind::Refused(Refusal::RefreshTokenExpired)));
    let is_certain = chain.rollback.is_none() && !chain.is_compromised;
    let is_spent = chain.is_surely_spent(generation, call.key(), reply.from, bounds);
    require("undetected", !(is_expired && is_certain && is_spent), "a spent token is refused as expired")
}
