//! The judgement of every reply, from the ledger. `docs/verification.md` has the same rules as a table.
//!
//! | check | violated when |
//! |---|---|
//! | `beyond-means` | a reply grants what the sender's client, key, token or code does not allow |
//! | `spent` | a spent refresh token is answered |
//! | `undetected` | a spent refresh token of the rightful client is refused without the revocation of its grant |
//! | `fork` | two refresh tokens of one generation leave, or a generation is skipped |
//! | `unstored` | a refresh token leaves before its write is stored |
//! | `session-lost` | a request that the documents promise to answer gets `invalid_grant` or another refusal |
//! | `resurrection` | a token is accepted after the revocation of its grant was acknowledged |
//! | `expired` | a token is accepted after its end |
//! | `expires-in` | `expires_in` is missing, below 1, or not the rest of the lifetime |
//! | `inactive` | introspection denies a live access token |
//! | `silent` | a 5xx reply has no event, or none with its cause |
//! | `refusal-wrote` | a refused request changed a record, other than by the three documented reactions |
//! | `stranger` | a request of another party, or a forged token, ended a grant |
//! | `record` | a record is larger than its policies allow |

use std::collections::BTreeSet;
use std::fmt;

use fixtures::forge;
use regrant::Refusal;
use regrant::event::EventKind;

use crate::bounds::Bounds;
use crate::call::{Call, Party, Reply, What};
use crate::facts::Facts;
use crate::ledger::{AccessToken, Attempt, Bound, Generation, Ledger, Token};
use crate::node::{API, CLIENTS};
use crate::world::{Note, Write};

/// A broken promise.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) check: &'static str,
    pub(crate) text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.text)
    }
}

pub(crate) type Verdict = Result<(), Violation>;

fn violated(check: &'static str, text: impl Into<String>) -> Verdict {
    Err(Violation { check, text: text.into() })
}

pub(crate) fn require(check: &'static str, holds: bool, text: &str) -> Verdict {
    if holds { Ok(()) } else { violated(check, text) }
}

/// The circumstances under which a refusal needs no further reason.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circumstances {
    /// The store breaks its contract: a read may be old.
    pub(crate) reads_are_stale: bool,
    /// The account of the second owner may be closed.
    pub(crate) is_gate_disturbed: bool,
    /// Times at which the registration of a client changed: a new number, or a right that it lost.
    pub(crate) registrations: [u64; CLIENTS.len()],
    pub(crate) is_registration_disturbed: bool,
}

/// Counts over a life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) thefts_found: u64,
    pub(crate) heals: u64,
    pub(crate) refreshed_by_thieves: u64,
    pub(crate) seen: BTreeSet<(&'static str, &'static str, &'static str)>,
}

pub(crate) struct Judge {
    pub(crate) ledger: Ledger,
    pub(crate) bounds: Bounds,
    pub(crate) circumstances: Circumstances,
    pub(crate) facts: Facts,
    pub(crate) tally: Tally,
}

impl Judge {
    /// Enters the writes that the store applied.
    pub(crate) fn wrote(&mut self, write: Write, call: &Call) -> Verdict {
        let bound = self.bounds.record();
        if write.bytes > bound {
            return violated("record", format!("a record has {} bytes, {bound} are allowed", write.bytes));
        }
        if let Some(&chain) = self.ledger.by_id.get(&write.grant)
            && let Some(rollback) = &mut self.ledger.chains[chain].rollback
        {
            rollback.is_touched = true;
        }
        match (call.what, self.ledger.tokens.get(&call.token)) {
            (What::Refresh, Some(&Token::Refresh { chain, generation })) => {
                let key = call.key();
                let is_spent = self.ledger.chains[chain].is_maybe_spent(generation, key, write.at, &self.bounds);
                let chain = &mut self.ledger.chains[chain];
                chain.maybe_revoked |= is_spent;
                chain.mints += 1;
                chain.attempts.push(Attempt { generation, sent: write.sent, at: write.at, key });
            }
            (What::Redeem, Some(&Token::Code { chain })) => {
                let chain = &mut self.ledger.chains[chain];
                chain.maybe_revoked |= chain.is_code_used;
                chain.is_code_used = true;
            }
            (What::Revoke, Some(&Token::Refresh { chain, .. })) => self.ledger.chains[chain].maybe_revoked = true,
            (What::Revoke, Some(&Token::Access { chain, index })) => {
                let chain = &mut self.ledger.chains[chain];
                chain.access[index].is_maybe_revoked = true;
                // The last access token of a grant without refresh token ends the grant.
                chain.maybe_revoked |= chain.generations.is_empty();
            }
            // A forged token with a genuine root: a thief may end the grant with it.
            (What::Refresh | What::Revoke, None) => {
                if let Some(&chain) = self.ledger.by_id.get(&write.grant) {
                    let chain = &mut self.ledger.chains[chain];
                    if !chain.is_compromised {
                        return violated("stranger", "a forged token changed a record");
                    }
                    chain.maybe_revoked = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Enters a rollback of the store to the records of `to`.
    pub(crate) fn rolled_back(&mut self, to: i64, changed: &[regrant::GrantId]) {
        self.facts.has_rolled_back = true;
        for id in changed {
            let Some(&index) = self.ledger.by_id.get(id) else { continue };
            let chain = &mut self.ledger.chains[index];
            let to = chain.rollback.map_or(to, |former| former.to.min(to));
            chain.rollback = Some(crate::ledger::Rollback { to, is_touched: false });
            if chain.revoked.is_some_and(|at| at >= to) {
                chain.revoked = None;
                chain.maybe_revoked = true;
            }
            for token in &mut chain.access {
                if token.is_revoked.is_some_and(|at| at >= to) {
                    token.is_revoked = None;
                    token.is_maybe_revoked = true;
                }
            }
        }
    }

    /// Judges a reply, and enters it.
    pub(crate) fn replied(&mut self, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        self.entered(call, reply, note)?;
        self.facts.judge(call, reply, note, (&self.ledger, &self.bounds, &self.circumstances.registrations))
    }

    fn entered(&mut self, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        self.tally.calls += 1;
        for (operation, kind) in &note.events {
            self.tally.seen.insert((operation.as_str(), kind.as_str(), kind.cause().unwrap_or("")));
            self.tally.heals += u64::from(matches!(kind, EventKind::Healed { .. }));
        }
        if reply.status >= 500 {
            return self.failed(reply, note);
        }
        if reply.status >= 400 {
            refused_without_write(call, note)?;
        }
        match call.what {
            What::Authorize => self.authorized(call, reply),
            What::Refresh => self.refreshed(call, reply, note),
            What::Redeem => self.redeemed(call, reply, note),
            What::Password | What::Poll => self.issued(call, reply),
            What::ClientCredentials => self.issued_to_itself(call, reply),
            What::AuthorizeDevice => self.device(call, reply),
            What::ApproveDevice => Ok(()),
            What::Exchange => self.exchanged(call, reply),
            What::Introspect => self.introspected(call, reply),
            What::Revoke => self.revoked(call, reply),
        }
    }

    fn failed(&self, reply: &Reply, note: &Note) -> Verdict {
        let has_cause = note.failures > 0
            || note.events.iter().any(|(_, kind)| {
                matches!(
                    kind,
                    EventKind::Contended | EventKind::Refused(Refusal::ClockBehind | Refusal::SuccessorMismatch)
                )
            });
        require("silent", has_cause, &format!("{} without an event that names the cause", reply.status))
    }

    fn authorized(&mut self, call: &Call, reply: &Reply) -> Verdict {
        let Some(code) = reply.text("code") else { return Ok(()) };
        let registration = self.circumstances.registrations[call.credentials.client];
        let chain = self.ledger.create(call.credentials.client, call.owner, (reply.from, reply.to), registration);
        self.ledger.tokens.insert(code.to_owned(), Token::Code { chain });
        self.ledger.chains[chain].code = Some(code.to_owned());
        self.ledger.chains[chain].has_challenge = call.has_verifier;
        self.ledger.identify(chain, forge::CODE, code);
        Ok(())
    }

    fn redeemed(&mut self, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        let token = self.ledger.tokens.get(&call.token).copied();
        let bounds = self.bounds.clone();
        let Some(Token::Code { chain: index }) = token else {
            return require("beyond-means", reply.status != 200, "a code that was never issued is redeemed");
        };
        let chain = &mut self.ledger.chains[index];
        let is_right = call.is_right_client(chain.client) && call.has_verifier == chain.has_challenge;
        let (least, most) = bounds.code_lifetime();
        if reply.status == 200 {
            require("beyond-means", is_right, "a code is redeemed by another client or without its verifier")?;
            require("beyond-means", !chain.is_code_answered || chain.rollback.is_some(), "a code is redeemed twice")?;
            require("expired", reply.from - chain.created.1 <= most + bounds.margin, "an expired code is redeemed")?;
            self.not_resurrected(index, reply.from)?;
            self.ledger.chains[index].is_code_answered = true;
            return self.first_tokens(index, call, reply);
        }
        if note.events.iter().any(|(_, kind)| matches!(kind, EventKind::Refused(Refusal::CodeReused))) {
            require("stranger", is_right, "a code ends a grant without the client or the verifier")?;
            chain.revoked = chain.revoked.or(Some(reply.to));
            chain.maybe_revoked = true;
        }
        let is_lawful = !is_right
            || chain.is_code_used
            || chain.maybe_revoked
            || chain.rollback.is_some()
            || reply.to - chain.created.0 >= least - bounds.margin
            || self.circumstances.reads_are_stale
            || self.is_client_disturbed(index, call);
        require("session-lost", is_lawful, &format!("the first use of a code is refused: {}", reply.body))
    }

    fn issued(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        let client = &CLIENTS[call.credentials.client];
        let may = call.credentials.has_secret || !client.is_confidential;
        require("beyond-means", may, "tokens are issued without the secret of the client")?;
        let owner = match call.what {
            What::Password => 0,
            _ => {
                let is_own = self.ledger.devices.get(&call.token) == Some(&call.credentials.client);
                require("beyond-means", is_own, "a device code of another client, or a forged one, is answered")?;
                call.owner
            }
        };
        let registration = self.circumstances.registrations[call.credentials.client];
        let chain = self.ledger.create(call.credentials.client, owner, (reply.from, reply.to), registration);
        self.first_tokens(chain, call, reply)
    }

    fn issued_to_itself(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        let client = call.credentials.client;
        let may = CLIENTS[client].is_confidential && call.credentials.has_secret;
        require("beyond-means", may, "client credentials without a secret")?;
        require("beyond-means", reply.text("refresh_token").is_none(), "a refresh token for client credentials")?;
        let chain =
            self.ledger.create(client, call.owner, (reply.from, reply.to), self.circumstances.registrations[client]);
        self.first_tokens(chain, call, reply)
    }

    fn device(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if let Some(code) = reply.text("device_code") {
            self.ledger.devices.insert(code.to_owned(), call.credentials.client);
            self.ledger.tokens.insert(code.to_owned(), Token::Device);
        }
        Ok(())
    }

    fn exchanged(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        let client = call.credentials.client;
        let may = call.credentials.has_secret || !CLIENTS[client].is_confidential;
        require("beyond-means", may, "an exchange without the secret of the client")?;
        self.active_access_token(call, reply)?;
        let chain =
            self.ledger.create(client, call.owner, (reply.from, reply.to), self.circumstances.registrations[client]);
        self.first_tokens(chain, call, reply)
    }

    fn first_tokens(&mut self, chain: usize, call: &Call, reply: &Reply) -> Verdict {
        self.access_token(chain, call, reply)?;
        if let Some(refresh) = reply.text("refresh_token") {
            self.ledger.start(chain, refresh, (reply.from, reply.to), call.key());
            self.ledger.identify(chain, forge::REFRESH, refresh);
        } else if let Some(access) = reply.text("access_token") {
            self.ledger.identify(chain, forge::ACCESS, access);
        }
        self.ledger.chains[chain].used = reply.to;
        Ok(())
    }

    /// Enters an access token, and judges its `expires_in`.
    fn access_token(&mut self, chain: usize, call: &Call, reply: &Reply) -> Verdict {
        let Some(token) = reply.text("access_token") else {
            return violated("expires-in", "a token response without an access token");
        };
        let expires_in = reply.body.get("expires_in").and_then(serde_json::Value::as_i64);
        let Some(expires_in) = expires_in.filter(|seconds| *seconds >= 1) else {
            return violated("expires-in", format!("expires_in is {:?}", reply.body.get("expires_in")));
        };
        let (_, most) = self.bounds.access_lifetime();
        require("expires-in", expires_in * 1000 <= most, "expires_in is longer than the lifetime")?;
        let slack = self.bounds.margin + 1_000;
        if let Some(Token::Access { chain: of, index }) = self.ledger.tokens.get(token).copied() {
            require("fork", of == chain, "an access token of another grant")?;
            let first = &self.ledger.chains[chain].access[index];
            let (known, now) = (first.issued + first.expires_in * 1000, reply.to + expires_in * 1000);
            let duration = reply.to - reply.from;
            return require(
                "expires-in",
                (now - known).abs() <= slack + duration + 4_000 + expires_in.min(2) * 1000,
                &format!("a repeated access token ends {} ms after its first end", now - known),
            );
        }
        let grant = &mut self.ledger.chains[chain];
        grant.access.push(AccessToken {
            token: token.to_owned(),
            issued: reply.to,
            expires_in,
            is_revoked: None,
            is_maybe_revoked: false,
        });
        let index = grant.access.len() - 1;
        self.ledger.tokens.insert(token.to_owned(), Token::Access { chain, index });
        let _ = call;
        Ok(())
    }

    fn refreshed(&mut self, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        let reuse = note.events.iter().find_map(|(_, kind)| match kind {
            EventKind::ReuseDetected { revoked, .. } => Some(*revoked),
            _ => None,
        });
        let Some(Token::Refresh { chain, generation }) = self.ledger.tokens.get(&call.token).copied() else {
            return self.refreshed_by_forged(call, reply, reuse.is_some());
        };
        let grant = &self.ledger.chains[chain];
        let bound = grant.generations[generation].bound;
        let has_key = match bound {
            Bound::To(Some(key)) => call.key() == Some(key),
            Bound::To(None) | Bound::Unknown => true,
        };
        let is_right = call.is_right_client(grant.client);
        let is_spent = grant.is_surely_spent(generation, call.key(), reply.from, &self.bounds);
        if reply.status == 200 {
            require("beyond-means", is_right, "another client, or none, refreshes")?;
            require("beyond-means", has_key, "a bound refresh token is accepted without its key")?;
            self.not_resurrected(chain, reply.from)?;
            let grant = &self.ledger.chains[chain];
            let is_certain = grant.rollback.is_none() && !grant.is_compromised;
            require("spent", !(is_spent && is_certain), "a spent refresh token is answered")?;
            let is_expired = grant.is_surely_expired(reply.from, &self.bounds);
            require("expired", !(is_expired && is_certain), "an expired refresh token is answered")?;
            if matches!(call.by, Party::Thief(_)) {
                self.tally.refreshed_by_thieves += 1;
            }
            return self.successor(chain, generation, call, reply, note);
        }
        if reuse.is_some() {
            require("stranger", is_right && has_key, "a stranger's request is taken for reuse")?;
        }
        let was_revoked = grant.maybe_revoked || self.is_client_disturbed(chain, call);
        let may_be_expired = grant.is_maybe_expired(generation, reply.to, &self.bounds);
        let has_fresh_proof = !call.is_repeated || call.proof.is_none();
        let is_certain =
            grant.rollback.is_none() && !grant.is_compromised && bound != Bound::Unknown && has_fresh_proof;
        let is_seen = !was_revoked && !may_be_expired && !self.circumstances.reads_are_stale;
        if is_right && has_key && is_spent && is_certain && is_seen {
            let reacts = !self.bounds.revokes_on_reuse() || reuse == Some(true);
            require("undetected", reacts, &format!("a spent token is refused, and its grant lives: {}", reply.body))?;
        }
        self.judge_refusal(chain, generation, call, reply, is_right && has_key)?;
        if reuse == Some(true) {
            let grant = &mut self.ledger.chains[chain];
            self.tally.thefts_found += u64::from(grant.revoked.is_none());
            grant.revoked = grant.revoked.or(Some(reply.to));
            grant.maybe_revoked = true;
        }
        Ok(())
    }

    /// A refusal of the rightful client needs a reason that the ledger knows.
    fn judge_refusal(&self, chain: usize, generation: usize, call: &Call, reply: &Reply, is_right: bool) -> Verdict {
        let grant = &self.ledger.chains[chain];
        let bounds = &self.bounds;
        // After a rollback a request with the newest token must succeed, if no other one came first.
        let is_disturbed = grant.rollback.is_some_and(|rollback| {
            let had_head = grant.generations.first().is_some_and(|first| first.issued.1 < rollback.to);
            rollback.is_touched || !had_head || generation != grant.newest() || !bounds.always_heals()
        });
        let is_lawful = !is_right
            || grant.maybe_revoked
            || grant.is_compromised
            || call.is_repeated
            || is_disturbed
            || grant.generations[generation].bound == Bound::Unknown
            || grant.is_maybe_spent(generation, call.key(), reply.to, bounds)
            || grant.is_maybe_expired(generation, reply.to, bounds)
            || self.circumstances.reads_are_stale
            || self.is_client_disturbed(chain, call);
        let text = || format!("R{chain}.{generation} is refused without a reason: {}", reply.body);
        if is_lawful { Ok(()) } else { violated("session-lost", text()) }
    }

    fn is_client_disturbed(&self, chain: usize, _call: &Call) -> bool {
        let grant = &self.ledger.chains[chain];
        self.circumstances.is_registration_disturbed
            || grant.registration != self.circumstances.registrations[grant.client]
            || (self.circumstances.is_gate_disturbed && grant.owner == 1)
    }

    /// Enters the refresh token of a reply, and judges its generation.
    fn successor(&mut self, chain: usize, presented: usize, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        self.access_token(chain, call, reply)?;
        let bounds = self.bounds.clone();
        let Some(token) = reply.text("refresh_token") else {
            let grant = &mut self.ledger.chains[chain];
            grant.head_was_used = true;
            grant.used = reply.to;
            return require("fork", !bounds.always_rotates(), "a rotation without a refresh token");
        };
        let Some(content) = self.ledger.open(forge::REFRESH, token) else {
            return violated("fork", "a refresh token of no known key leaves");
        };
        let next = usize::try_from(content.number).unwrap_or(usize::MAX);
        let grant = &self.ledger.chains[chain];
        let is_certain = grant.rollback.is_none() && !grant.is_compromised;
        let id = grant.id.map(|id| *id.as_bytes());
        require("fork", id == Some(content.grant_id), "a refresh token of another grant leaves")?;
        require("fork", next > presented, "the answer to a refresh token is no successor of it")?;
        if let Some(known) = grant.generations.get(next) {
            if known.token == *token {
                let grant = &mut self.ledger.chains[chain];
                grant.used = reply.to;
                return Ok(());
            }
            require("fork", !is_certain, &format!("two refresh tokens of generation {next} leave"))?;
        } else {
            require("fork", next == grant.generations.len() || !is_certain, "a generation is skipped")?;
        }
        self.enter_successor(chain, next, token, (call, reply, note))
    }

    fn enter_successor(
        &mut self,
        chain: usize,
        next: usize,
        token: &str,
        (call, reply, note): (&Call, &Reply, &Note),
    ) -> Verdict {
        let (always_rotates, is_confidential) =
            (self.bounds.always_rotates(), CLIENTS[self.ledger.chains[chain].client].is_confidential);
        let grant = &mut self.ledger.chains[chain];
        let is_certain = grant.rollback.is_none() && !grant.is_compromised;
        let mut writers = grant.attempts.iter().filter(|attempt| attempt.generation + 1 == next);
        let first = writers.next().copied();
        let Some(first) = first.or_else(|| {
            let own = Attempt { generation: next - 1, sent: reply.from, at: reply.to, key: call.key() };
            (!is_certain && note.writes > 0).then_some(own)
        }) else {
            return require("unstored", !is_certain, "a refresh token leaves before its write is stored");
        };
        let others = writers.any(|other| other.key != first.key);
        let parent = grant.generations.get(next - 1).map(|generation| generation.bound);
        let bound = match parent {
            _ if is_confidential => Bound::To(None),
            _ if !is_certain => Bound::Unknown,
            Some(Bound::To(Some(key))) => Bound::To(Some(key)),
            Some(Bound::To(None)) if always_rotates || !others => Bound::To(first.key),
            _ => Bound::Unknown,
        };
        let latest = if always_rotates { first.at } else { reply.to };
        grant.attempts.retain(|attempt| attempt.generation >= next);
        // A gap, after a rollback: generations that the ledger never saw.
        while grant.generations.len() <= next {
            let token = String::new();
            grant.generations.push(Generation { token, issued: (first.sent, latest), bound: Bound::Unknown });
        }
        grant.generations[next] = Generation { token: token.to_owned(), issued: (first.sent, latest), bound };
        grant.used = reply.to;
        grant.head_was_used = false;
        self.ledger.tokens.insert(token.to_owned(), Token::Refresh { chain, generation: next });
        Ok(())
    }

    fn refreshed_by_forged(&mut self, call: &Call, reply: &Reply, is_reuse: bool) -> Verdict {
        let content = call.token.starts_with("rt_").then(|| self.ledger.open(forge::REFRESH, &call.token)).flatten();
        let chain = content.and_then(|content| self.ledger.by_id.get(&regrant::GrantId::from_bytes(content.grant_id)));
        let Some(&chain) = chain.filter(|chain| self.ledger.chains[**chain].is_compromised) else {
            require("stranger", !is_reuse, "a forged refresh token is taken for reuse")?;
            return require("beyond-means", reply.status != 200, "a forged refresh token is accepted");
        };
        let grant = &self.ledger.chains[chain];
        require("stranger", !is_reuse || call.is_right_client(grant.client), "another client's forged token is reuse")?;
        if reply.status == 200 {
            let bound = grant.generations.first().map(|generation| generation.bound);
            let has_key = !matches!(bound, Some(Bound::To(Some(key))) if call.key() != Some(key));
            require("beyond-means", call.is_right_client(grant.client), "another client uses a forged token")?;
            require("beyond-means", has_key, "a forged token of a bound grant is accepted without the key")?;
            require("beyond-means", self.bounds.heals(), "a forged token is adopted though on_rollback = refuse")?;
            self.not_resurrected(chain, reply.from)?;
        }
        let grant = &mut self.ledger.chains[chain];
        grant.maybe_revoked = true;
        if let Some(token) = reply.text("refresh_token") {
            // The thief has taken the grant over. His tokens are known from now on, without a place in the chain.
            let generation = grant.newest();
            self.ledger.tokens.insert(token.to_owned(), Token::Refresh { chain, generation });
        }
        if let Some(token) = reply.text("access_token") {
            let index = grant.access.len();
            let expires_in = reply.body.get("expires_in").and_then(serde_json::Value::as_i64).unwrap_or(1);
            let token = token.to_owned();
            self.ledger.tokens.insert(token.clone(), Token::Access { chain, index });
            let grant = &mut self.ledger.chains[chain];
            grant.access.push(AccessToken {
                token,
                issued: reply.to,
                expires_in,
                is_revoked: None,
                is_maybe_revoked: true,
            });
        }
        Ok(())
    }

    fn not_resurrected(&self, chain: usize, from: i64) -> Verdict {
        let grant = &self.ledger.chains[chain];
        let is_dead = grant.revoked.is_some_and(|at| at < from);
        require("resurrection", !is_dead, "a token of a revoked grant is accepted")
    }

    /// Requires that the presented access token may be active.
    fn active_access_token(&self, call: &Call, reply: &Reply) -> Verdict {
        let Some(Token::Access { chain, index }) = self.ledger.tokens.get(&call.token).copied() else {
            return violated("beyond-means", "an access token that was never issued is active");
        };
        let grant = &self.ledger.chains[chain];
        let token = &grant.access[index];
        if self.circumstances.reads_are_stale {
            return Ok(());
        }
        self.not_resurrected(chain, reply.from)?;
        require(
            "resurrection",
            token.is_revoked.is_none_or(|at| at >= reply.from),
            "a revoked access token is active",
        )?;
        let end = token.issued + token.expires_in * 1000 + 1_000 + self.bounds.margin;
        require("expired", reply.from <= end, "an expired access token is active")
    }

    fn introspected(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        let may_ask = call.credentials.has_secret && CLIENTS[call.credentials.client].is_confidential;
        require("beyond-means", may_ask || !reply.is_active(), "introspection without a secret")?;
        let token = self.ledger.tokens.get(&call.token).copied();
        let Some(chain) = (match token {
            Some(Token::Access { chain, .. } | Token::Refresh { chain, .. }) => Some(&self.ledger.chains[chain]),
            _ => None,
        }) else {
            let is_taken_over = self.ledger.chains.iter().any(|chain| chain.is_compromised);
            return require("beyond-means", !reply.is_active() || is_taken_over, "an unknown token is active");
        };
        let may_know = call.credentials.client == API || call.credentials.client == chain.client;
        if reply.is_active() {
            require("beyond-means", may_know, "introspection of another client's token")?;
            return match token {
                Some(Token::Refresh { chain, generation }) => self.active_refresh_token(chain, generation, reply),
                _ => self.active_access_token(call, reply),
            };
        }
        let Some(Token::Access { index, .. }) = token else { return Ok(()) };
        let token = &chain.access[index];
        let end = token.issued + token.expires_in * 1000 - 2_000 - self.bounds.margin;
        let may_be_evicted = chain.access.len() + chain.mints - index > self.bounds.live_access_tokens();
        let is_lawful = !may_know
            || chain.maybe_revoked
            || token.is_maybe_revoked
            || chain.rollback.is_some()
            || chain.is_compromised
            || reply.to >= end
            || chain.is_maybe_expired(chain.newest(), reply.to, &self.bounds)
            || may_be_evicted
            || !self.bounds.keeps_access_tokens()
            || self.circumstances.reads_are_stale
            || self.circumstances.is_registration_disturbed
            || self.circumstances.is_gate_disturbed;
        require("inactive", is_lawful, "a live access token is inactive")
    }

    fn active_refresh_token(&self, chain: usize, generation: usize, reply: &Reply) -> Verdict {
        let grant = &self.ledger.chains[chain];
        if self.circumstances.reads_are_stale {
            return Ok(());
        }
        self.not_resurrected(chain, reply.from)?;
        let is_former = grant.generations.get(generation + 1).is_some_and(|next| next.issued.1 < reply.from);
        let is_certain = grant.rollback.is_none() && !grant.is_compromised;
        require("spent", !(is_former && is_certain), "a former refresh token is active")
    }

    fn revoked(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        match self.ledger.tokens.get(&call.token).copied() {
            Some(Token::Refresh { chain, .. }) => {
                let is_disturbed = self.is_client_disturbed(chain, call);
                let grant = &mut self.ledger.chains[chain];
                if call.is_right_client(grant.client) && !grant.is_compromised {
                    grant.maybe_revoked = true;
                    if !is_disturbed && !self.circumstances.reads_are_stale {
                        grant.revoked = grant.revoked.or(Some(reply.to));
                    }
                }
            }
            Some(Token::Access { chain, index }) => {
                let is_disturbed = self.is_client_disturbed(chain, call);
                let grant = &mut self.ledger.chains[chain];
                if call.is_right_client(grant.client) {
                    let token = &mut grant.access[index];
                    token.is_maybe_revoked = true;
                    grant.maybe_revoked |= grant.generations.is_empty();
                    if !is_disturbed && !self.circumstances.reads_are_stale {
                        token.is_revoked = token.is_revoked.or(Some(reply.to));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A refusal that wrote must be one of the three reactions of ARCHITECTURE.md, order of checks.
fn refused_without_write(call: &Call, note: &Note) -> Verdict {
    let is_reaction = note.events.iter().any(|(_, kind)| {
        matches!(
            kind,
            EventKind::ReuseDetected { revoked: true, .. }
                | EventKind::Refused(Refusal::CodeReused | Refusal::AuthorizationPending | Refusal::PolledTooFast)
        )
    });
    // A write without acknowledgement, that another request overtook: the refusal is about the record of the other.
    let is_overtaken = note.has_unknown_write;
    // The page of the host writes twice: a new grant, then the answer to the device.
    let is_host = matches!(call.what, What::ApproveDevice | What::Authorize);
    require(
        "refusal-wrote",
        note.writes == 0 || is_reaction || is_overtaken || is_host,
        "a refused request changed a record",
    )
}
