//! Revocations.

use regrant::event::EventKind;

use super::Judge;
use crate::call::{Call, Reply};
use crate::ledger::Token;
use crate::world::Note;

impl Judge {
    pub(super) fn revoked(&mut self, call: &Call, reply: &Reply, note: &Note) {
        let Some(&token) = self.ledger.tokens.get(&call.token) else { return };
        let (Token::Refresh { chain, .. } | Token::Access { chain, .. }) = token else { return };
        // A new registration makes a stranger of the client: the same reply, and no effect.
        let is_sealed_anew = self.ledger.sealed_anew.contains(&call.token);
        // A rollback may have taken the record away, and the second copy of an old write brings it back: then there was
        // nothing to revoke.
        let is_written = note
            .events
            .iter()
            .any(|(_, kind)| matches!(kind, EventKind::GrantRevoked(_) | EventKind::AccessTokenRevoked));
        let is_certain = is_written || self.ledger.chains[chain].rollback.is_none();
        let is_effective = is_certain && !is_sealed_anew && !self.is_client_disturbed(chain);
        let acknowledged = self.acknowledged(reply).filter(|_| is_effective);
        let grant = &mut self.ledger.chains[chain];
        if reply.status != 200 || !call.is_right_client(grant.client) {
            return;
        }
        if let Token::Access { index, .. } = token {
            let token = &mut grant.access[index];
            token.is_maybe_revoked = true;
            token.is_revoked = token.is_revoked.or(acknowledged);
            grant.maybe_revoked |= grant.generations.is_empty();
        } else if !grant.is_compromised {
            grant.maybe_revoked = true;
            grant.revoked = grant.revoked.or(acknowledged);
        }
    }

    /// The host ended all grants of a user. Those that existed when the call began are revoked.
    pub(super) fn subject_revoked(&mut self, call: &Call, reply: &Reply) {
        let acknowledged = self.acknowledged(reply).filter(|_| reply.status == 200);
        for grant in self.ledger.chains.iter_mut().filter(|grant| grant.owner == call.owner) {
            grant.maybe_revoked |= reply.status == 200;
            // A grant whose first response is on the way may not be in the index yet.
            if grant.created.1 < reply.from && !grant.is_its_own && grant.rollback.is_none() {
                grant.revoked = grant.revoked.or(acknowledged);
            }
        }
    }
}
