//! Pushed authorization requests: used once, by their client, in time, and for the key that it proved.

use super::{Judge, Verdict, require, violated};
use crate::bounds::TIME_TO_DECIDE;
use crate::call::{Call, Reply, What};
use crate::ledger::{Pushed, Token};
use crate::node::CLIENTS;
use crate::world::Write;

impl Judge {
    pub(super) fn request_pushed(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 201 {
            return Ok(());
        }
        let client = call.credentials.client;
        let may = call.credentials.has_secret || !CLIENTS[client].is_confidential;
        require("beyond-means", may, "a request is pushed without the secret of the client")?;
        let Some(request_uri) = reply.text("request_uri") else {
            return violated("beyond-means", "a pushed request has no reference");
        };
        let expires_in = reply.body.get("expires_in").and_then(serde_json::Value::as_i64).unwrap_or_default();
        let (least, most) = self.bounds.pushed_lifetime();
        let is_true = (least..=most).contains(&(expires_in * 1000));
        require("expires-in", is_true, &format!("a pushed request expires in {expires_in} s"))?;
        let pushed = Pushed {
            client,
            key: call.key(),
            created: (reply.from, reply.to),
            arrived: None,
            used: None,
            is_maybe_used: false,
            is_rolled_back: false,
            registration: self.circumstances.registrations[client],
        };
        self.ledger.push(request_uri, pushed);
        Ok(())
    }

    /// Enters a write of a pushed request: its arrival, and then its use.
    pub(super) fn request_written(&mut self, index: usize, write: Write, call: &Call) -> Verdict {
        let (_, most) = self.bounds.pushed_lifetime();
        let (margin, is_stale) = (self.bounds.margin, self.circumstances.reads_are_stale);
        let pushed = &mut self.ledger.pushed[index];
        require("stranger", pushed.client == call.credentials.client, "another client changed a pushed request")?;
        if pushed.arrived.is_some() {
            pushed.is_maybe_used |= call.what == What::Approve;
            return Ok(());
        }
        pushed.arrived = Some((write.sent, write.at));
        let is_late = write.sent - pushed.created.1 >= most + margin;
        let is_certain = !pushed.is_rolled_back && !is_stale;
        require("expired", !(is_late && is_certain), "an expired request_uri begins an authorization")
    }

    /// Judges the answer of the authorization endpoint to a reference.
    pub(super) fn request_visited(&mut self, call: &Call, reply: &Reply) -> Verdict {
        let Some(&Token::Request { index }) = self.ledger.tokens.get(&call.token) else {
            return require("beyond-means", reply.status != 200, "a forged request_uri is accepted");
        };
        let Pushed { client, key, arrived, used, is_rolled_back, .. } = self.ledger.pushed[index];
        if reply.status != 200 {
            let is_lawful = call.credentials.client != client || self.may_be_refused(index, call, reply);
            return require("session-lost", is_lawful, &format!("request {index} is refused: {}", reply.body));
        }
        let is_own = call.credentials.client == client;
        require("beyond-means", is_own, "a pushed request is used by another client")?;
        let is_certain = !is_rolled_back && !self.circumstances.reads_are_stale;
        if is_certain {
            let is_spent = used.is_some_and(|at| at < reply.from);
            require("spent", !is_spent, "a pushed request is shown after its use")?;
            let end = arrived.map_or(i64::MAX, |(_, at)| at + TIME_TO_DECIDE + self.bounds.margin);
            require("expired", reply.from < end, "a user decides about a request that has expired")?;
        }
        if call.what == What::Approve {
            require("beyond-means", used.is_none() || !is_certain, "a pushed request is used twice")?;
            let pushed = &mut self.ledger.pushed[index];
            (pushed.used, pushed.is_maybe_used) = (Some(reply.to), true);
            self.authorized(call, reply);
            if let Some(&Token::Code { chain }) = reply.text("code").and_then(|code| self.ledger.tokens.get(code)) {
                let chain = &mut self.ledger.chains[chain];
                // Every pushed request has a challenge, whoever approves it.
                (chain.code_key, chain.has_challenge) = (key, true);
            }
        }
        Ok(())
    }

    fn may_be_refused(&self, index: usize, call: &Call, reply: &Reply) -> bool {
        let pushed = &self.ledger.pushed[index];
        let (least, _) = self.bounds.pushed_lifetime();
        let end = match pushed.arrived {
            Some((sent, at)) if at < reply.from => sent + TIME_TO_DECIDE,
            // The record may have been read before the arrival, for example by the other one of two tabs.
            _ => pushed.created.0 + least,
        };
        pushed.is_maybe_used
            || pushed.is_rolled_back
            || reply.to >= end - self.bounds.margin
            || self.ledger.sealed_anew.contains(&call.token)
            || self.circumstances.reads_are_stale
            || self.circumstances.is_registration_disturbed
            || pushed.registration != self.circumstances.registrations[pushed.client]
    }
}
