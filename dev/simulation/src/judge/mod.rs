//! The judgement of every reply, from the ledger. `docs/verification.md` has the same rules as a table.
//!
//! | check | violated when |
//! |---|---|
//! | `beyond-means` | a reply grants what the sender's client, key, token or code does not allow |
//! | `spent` | a spent refresh token is answered, or a pushed request after its use |
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
//! | `scope`, `binding` | an access token has another scope or key than its request and grant give it |
//! | `one-head` | two refresh tokens of a grant would both rotate it |
//! | `early-proof` | a proof is verified for a request without the right to its flow or its token |
//! | `slow` | a call takes more than 5 s while the database is silent |
//! | `record` | a record is larger than its policies allow |

mod access;
mod issue;
mod push;
mod refresh;
mod revoke;

use std::collections::BTreeSet;
use std::fmt;

use regrant::Refusal;
use regrant::event::EventKind;

use crate::bounds::Bounds;
use crate::call::{Call, Reply, What};
use crate::facts::Facts;
use crate::ledger::{Attempt, Ledger, Rollback, Token};
use crate::node::CLIENTS;
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
#[expect(clippy::struct_excessive_bools, reason = "circumstances that do not exclude each other")]
pub(crate) struct Circumstances {
    /// The store breaks its contract: a read may be old.
    pub(crate) reads_are_stale: bool,
    /// The account of the second owner may be closed.
    pub(crate) is_gate_disturbed: bool,
    /// Times at which the registration of a client changed: a new number, or a right that it lost.
    pub(crate) registrations: [u64; CLIENTS.len()],
    pub(crate) is_registration_disturbed: bool,
    /// The only fault of the store is silence.
    pub(crate) is_only_silent: bool,
    /// The latency of the calls of the store that may lie between two deadlines, in milliseconds.
    pub(crate) latency: i64,
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
            (What::RevokeSubject, _) => {
                self.ledger.ended.insert(write.grant);
                if let Some(&chain) = self.ledger.by_id.get(&write.grant) {
                    self.ledger.chains[chain].maybe_revoked = true;
                }
            }
            (What::Visit | What::Approve, token) => {
                if let Some(&index) = self.ledger.pushed_by_id.get(&write.grant) {
                    let is_known = token == Some(&Token::Request { index });
                    require("stranger", is_known, "a forged request_uri changed a record")?;
                    return self.request_written(index, write, call);
                }
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
    pub(crate) fn rolled_back(&mut self, (to, at): (i64, i64), changed: &[regrant::GrantId]) {
        self.facts.rolled_back = Some(at);
        for id in changed {
            if let Some(&index) = self.ledger.pushed_by_id.get(id) {
                self.ledger.pushed[index].is_rolled_back = true;
            }
            let Some(&index) = self.ledger.by_id.get(id) else {
                self.ledger.lost.insert(*id, to);
                continue;
            };
            let chain = &mut self.ledger.chains[index];
            let to = chain.rollback.map_or(to, |former| former.to.min(to));
            chain.rollback = Some(Rollback { to, is_touched: false });
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
        self.enter(call, reply, note)?;
        self.facts.judge(call, reply, note, (&self.ledger, &self.bounds, &self.circumstances.registrations))
    }

    fn enter(&mut self, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        self.tally.calls += 1;
        for (operation, kind) in &note.events {
            self.tally.seen.insert((operation.as_str(), kind.as_str(), kind.cause().unwrap_or("")));
            self.tally.heals += u64::from(matches!(kind, EventKind::Healed { .. }));
        }
        // A record that goes back between two reads makes a stranger of the rightful client.
        let may_go_back =
            self.circumstances.reads_are_stale || self.ledger.chains.iter().any(|chain| chain.rollback.is_some());
        if !may_go_back {
            not_early(call, reply, note)?;
        }
        // Each grant has a deadline of its own: the host ends many, and a device has two.
        let is_about_one = !matches!(call.what, What::RevokeSubject | What::ApproveDevice | What::Poll | What::Approve);
        if self.circumstances.is_only_silent && is_about_one {
            let duration = reply.to - reply.from;
            require("slow", duration <= 5_000 + self.circumstances.latency, &format!("a call takes {duration} ms"))?;
        }
        if reply.status >= 500 {
            return failed(reply, note);
        }
        if reply.status >= 400 {
            refused_without_write(call, note)?;
        }
        match call.what {
            What::Authorize => {
                self.authorized(call, reply);
                Ok(())
            }
            What::Push => self.request_pushed(call, reply),
            What::Visit | What::Approve => self.request_visited(call, reply),
            What::Refresh => self.refreshed(call, reply, note),
            What::Redeem => self.redeemed(call, reply, note),
            What::Password | What::Poll => self.issued(call, reply),
            What::ClientCredentials => self.issued_to_itself(call, reply),
            What::AuthorizeDevice => {
                self.device(call, reply);
                Ok(())
            }
            What::ApproveDevice => Ok(()),
            What::RevokeSubject => {
                self.subject_revoked(call, reply);
                Ok(())
            }
            What::Exchange => self.exchanged(call, reply),
            What::Introspect => self.introspected(call, reply),
            What::Revoke => {
                self.revoked(call, reply, note);
                Ok(())
            }
        }
    }

    fn is_client_disturbed(&self, chain: usize) -> bool {
        let grant = &self.ledger.chains[chain];
        self.circumstances.is_registration_disturbed
            || grant.registration != self.circumstances.registrations[grant.client]
            || (self.circumstances.is_gate_disturbed && grant.owner == 1)
    }

    /// Returns the time of an acknowledgement, if it is certain: the records did not go back meanwhile.
    fn acknowledged(&self, reply: &Reply) -> Option<i64> {
        let went_back = self.facts.rolled_back.is_some_and(|at| at >= reply.from);
        (!went_back && !self.circumstances.reads_are_stale).then_some(reply.to)
    }

    fn not_resurrected(&self, chain: usize, from: i64) -> Verdict {
        let grant = &self.ledger.chains[chain];
        let is_dead = grant.revoked.is_some_and(|at| at < from);
        require("resurrection", !is_dead, "a token of a revoked grant is accepted")
    }
}

/// Every 5xx reply has an event that names its cause.
fn failed(reply: &Reply, note: &Note) -> Verdict {
    let has_cause = note.failures > 0
        || note.events.iter().any(|(_, kind)| {
            matches!(kind, EventKind::Contended | EventKind::Refused(Refusal::ClockBehind | Refusal::SuccessorMismatch))
        });
    require("silent", has_cause, &format!("{} without an event that names the cause", reply.status))
}

/// ARCHITECTURE.md, order of checks: right and owner come before proof. A stranger must not fill the memory of used
/// proofs.
fn not_early(call: &Call, reply: &Reply, note: &Note) -> Verdict {
    let is_strange = note.events.iter().any(|(_, kind)| {
        matches!(
            kind,
            EventKind::Refused(
                Refusal::ClientAuthenticationFailed(_)
                    | Refusal::TokenUnrecognized
                    | Refusal::OtherClient
                    | Refusal::RootMismatch
            )
        )
    });
    // The secret of a code is checked with the other conditions of its redemption, after the proof.
    let is_strange = is_strange && !matches!(call.what, What::Redeem | What::Poll);
    let is_early = note.proofs > 0 && (is_strange || reply.text("error") == Some("unauthorized_client"));
    require("early-proof", !is_early, "a proof is verified for a stranger")
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
    let is_host = matches!(call.what, What::ApproveDevice | What::Authorize | What::Approve);
    require(
        "refusal-wrote",
        note.writes == 0 || is_reaction || is_overtaken || is_host,
        "a refused request changed a record",
    )
}
