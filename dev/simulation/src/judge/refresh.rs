//! Refreshes: who may, which token follows, and which refusals have a reason.

use fixtures::forge;
use regrant::event::EventKind;

use super::{Judge, Verdict, require, violated};
use crate::call::{Call, Party, Reply};
use crate::ledger::{AccessToken, Attempt, Bound, Generation, Token};
use crate::node::CLIENTS;
use crate::world::Note;

impl Judge {
    pub(super) fn refreshed(&mut self, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        let reuse = note.events.iter().find_map(|(_, kind)| match kind {
            EventKind::ReuseDetected { revoked, .. } => Some(*revoked),
            _ => None,
        });
        let Some(Token::Refresh { chain, generation }) = self.ledger.tokens.get(&call.token).copied() else {
            return self.refreshed_by_forged(call, reply, note);
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
            let is_read_true = !self.circumstances.reads_are_stale;
            require("spent", !(is_spent && is_certain && is_read_true), "a spent refresh token is answered")?;
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
        let was_revoked = grant.maybe_revoked || self.is_client_disturbed(chain);
        let may_be_expired = grant.is_maybe_expired(generation, reply.to, &self.bounds);
        let is_opened = !self.ledger.sealed_anew.contains(&call.token);
        let has_fresh_proof = !self.ledger.is_proof_repeated(call);
        let is_certain = grant.rollback.is_none()
            && !grant.is_compromised
            && bound != Bound::Unknown
            && has_fresh_proof
            && is_opened;
        let is_seen = !was_revoked && !may_be_expired && !self.circumstances.reads_are_stale;
        if is_right && has_key && is_spent && is_certain && is_seen {
            let reacts = !self.bounds.revokes_on_reuse() || reuse == Some(true);
            require("undetected", reacts, &format!("a spent token is refused, and its grant lives: {}", reply.body))?;
        }
        self.judge_refusal(chain, generation, call, reply, is_right && has_key)?;
        if reuse == Some(true) {
            let acknowledged = self.acknowledged(reply);
            let grant = &mut self.ledger.chains[chain];
            self.tally.thefts_found += u64::from(grant.revoked.is_none());
            grant.revoked = grant.revoked.or(acknowledged);
            grant.maybe_revoked = true;
        }
        Ok(())
    }

    /// A refusal of the rightful client needs a reason that the ledger knows.
    pub(super) fn judge_refusal(
        &self,
        chain: usize,
        generation: usize,
        call: &Call,
        reply: &Reply,
        is_right: bool,
    ) -> Verdict {
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
            || self.ledger.is_proof_repeated(call)
            || self.ledger.sealed_anew.contains(&call.token)
            || is_disturbed
            || grant.generations[generation].bound == Bound::Unknown
            || grant.is_maybe_spent(generation, call.key(), reply.to, bounds)
            || grant.is_maybe_expired(generation, reply.to, bounds)
            || self.circumstances.reads_are_stale
            || self.is_client_disturbed(chain);
        let text = || format!("R{chain}.{generation} is refused without a reason: {}", reply.body);
        if is_lawful { Ok(()) } else { violated("session-lost", text()) }
    }

    /// Enters the refresh token of a reply, and judges its generation.
    pub(super) fn successor(
        &mut self,
        chain: usize,
        presented: usize,
        call: &Call,
        reply: &Reply,
        note: &Note,
    ) -> Verdict {
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

    pub(super) fn enter_successor(
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

    pub(super) fn refreshed_by_forged(&mut self, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        let has = |wanted: fn(&EventKind) -> bool| note.events.iter().any(|(_, kind)| wanted(kind));
        let is_reuse = has(|kind| matches!(kind, EventKind::ReuseDetected { .. }));
        let is_healed = has(|kind| matches!(kind, EventKind::Healed { .. }));
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
            let may_heal = self.bounds.heals() || !is_healed;
            require("beyond-means", may_heal, "a forged token is adopted though on_rollback = refuse")?;
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
                issued: (reply.from, reply.to),
                expires_in,
                scope: reply.text("scope").unwrap_or_default().to_owned(),
                key: call.key(),
                is_revoked: None,
                is_maybe_revoked: true,
            });
        }
        Ok(())
    }
}
