//! Codes, first tokens and exchanges.

use fixtures::forge;
use regrant::Refusal;
use regrant::event::EventKind;

use super::{Judge, Verdict, require};
use crate::call::{Call, Reply, What};
use crate::ledger::Token;
use crate::node::CLIENTS;
use crate::world::Note;

impl Judge {
    pub(super) fn authorized(&mut self, call: &Call, reply: &Reply) {
        let Some(code) = reply.text("code") else { return };
        let registration = self.circumstances.registrations[call.credentials.client];
        let chain = self.ledger.create(call.credentials.client, call.owner, (reply.from, reply.to), registration);
        self.ledger.tokens.insert(code.to_owned(), Token::Code { chain });
        self.ledger.chains[chain].code = Some(code.to_owned());
        self.ledger.chains[chain].has_challenge = call.has_verifier;
        self.ledger.identify(chain, forge::CODE, code);
    }

    pub(super) fn redeemed(&mut self, call: &Call, reply: &Reply, note: &Note) -> Verdict {
        let token = self.ledger.tokens.get(&call.token).copied();
        let bounds = self.bounds.clone();
        let Some(Token::Code { chain: index }) = token else {
            return require("beyond-means", reply.status != 200, "a code that was never issued is redeemed");
        };
        let acknowledged = self.acknowledged(reply);
        let is_proof_repeated = self.ledger.is_proof_repeated(call);
        let chain = &mut self.ledger.chains[index];
        let has_key = chain.code_key.is_none_or(|key| call.key() == Some(key));
        let is_right = call.is_right_client(chain.client) && call.has_verifier == chain.has_challenge && has_key;
        let (least, most) = bounds.code_lifetime();
        if reply.status == 200 {
            require("beyond-means", is_right, "a code is redeemed by another client, or without its verifier or key")?;
            require("beyond-means", !chain.is_code_answered || chain.rollback.is_some(), "a code is redeemed twice")?;
            require("expired", reply.from - chain.created.1 <= most + bounds.margin, "an expired code is redeemed")?;
            self.not_resurrected(index, reply.from)?;
            self.ledger.chains[index].is_code_answered = true;
            return self.first_tokens(index, call, reply);
        }
        if note.events.iter().any(|(_, kind)| matches!(kind, EventKind::Refused(Refusal::CodeReused))) {
            require("stranger", is_right, "a code ends a grant without the client or the verifier")?;
            chain.revoked = chain.revoked.or(acknowledged);
            chain.maybe_revoked = true;
        }
        let is_lawful = !is_right
            || is_proof_repeated
            || self.ledger.sealed_anew.contains(&call.token)
            || chain.is_code_used
            || chain.maybe_revoked
            || chain.rollback.is_some()
            || reply.to - chain.created.0 >= least - bounds.margin
            || self.circumstances.reads_are_stale
            || self.is_client_disturbed(index);
        require("session-lost", is_lawful, &format!("the first use of a code is refused: {}", reply.body))
    }

    pub(super) fn issued(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        let client = &CLIENTS[call.credentials.client];
        let may = call.credentials.has_secret || !client.is_confidential;
        require("beyond-means", may, "tokens are issued without the secret of the client")?;
        let mut created = (reply.from, reply.to);
        if call.what == What::Poll {
            let device = self.ledger.devices.get(&call.token).filter(|device| device.0 == call.credentials.client);
            require("beyond-means", device.is_some(), "a device code of another client, or a forged one, is answered")?;
            // The grant is as old as the request of the device, and its lifetime counts from there.
            created.0 = device.map_or(created.0, |device| device.1);
        }
        let registration = self.circumstances.registrations[call.credentials.client];
        let chain = self.ledger.create(call.credentials.client, call.owner, created, registration);
        if call.what == What::Poll {
            self.ledger.chains[chain].scope = "read write";
        }
        self.first_tokens(chain, call, reply)
    }

    pub(super) fn issued_to_itself(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        let client = call.credentials.client;
        let may = CLIENTS[client].is_confidential && call.credentials.has_secret;
        require("beyond-means", may, "client credentials without a secret")?;
        require("beyond-means", reply.text("refresh_token").is_none(), "a refresh token for client credentials")?;
        let chain =
            self.ledger.create(client, call.owner, (reply.from, reply.to), self.circumstances.registrations[client]);
        self.ledger.chains[chain].is_its_own = true;
        self.first_tokens(chain, call, reply)
    }

    pub(super) fn device(&mut self, call: &Call, reply: &Reply) {
        if let Some(code) = reply.text("device_code") {
            self.ledger.devices.insert(code.to_owned(), (call.credentials.client, reply.from));
            self.ledger.tokens.insert(code.to_owned(), Token::Device);
        }
    }

    pub(super) fn exchanged(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        let client = call.credentials.client;
        let may = call.credentials.has_secret || !CLIENTS[client].is_confidential;
        require("beyond-means", may, "an exchange without the secret of the client")?;
        self.active_access_token(call, reply)?;
        let Some(&Token::Access { chain: held, .. }) = self.ledger.tokens.get(&call.token) else { return Ok(()) };
        let owner = self.ledger.chains[held].owner;
        let registration = self.circumstances.registrations[client];
        let chain = self.ledger.create(client, owner, (reply.from, reply.to), registration);
        self.first_tokens(chain, call, reply)
    }

    pub(super) fn first_tokens(&mut self, chain: usize, call: &Call, reply: &Reply) -> Verdict {
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
}
