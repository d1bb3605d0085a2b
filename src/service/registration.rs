//! The events and the randomness of dynamic registration, which `wire` serves: no grant is involved.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::outcome::{EventKind, Operation, Refusal};
use crate::ports::Unavailable;
use crate::vocabulary::{ClientId, Entropy, Peer};

impl<S> TokenService<S> {
    /// Returns the source of randomness, for client ids and secrets.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// Reports a new client.
    pub(crate) fn report_registration(&self, client_id: &ClientId) {
        Call::new(self, Operation::RegisterClient).by(client_id).emit(EventKind::ClientRegistered);
    }

    /// Reports a registration with an initial access token that is not accepted.
    pub(crate) fn refuse_registration(&self) {
        let _ = Call::new(self, Operation::RegisterClient).refuse(Refusal::TokenUnrecognized);
    }

    /// Reports that a client could not be registered now, and returns the error.
    pub(crate) fn fail_registration(&self, cause: Unavailable, peer: Option<&Peer>) -> TokenError {
        Call::new(self, Operation::RegisterClient).from(peer).fail(TokenError::authenticator(cause))
    }
}
