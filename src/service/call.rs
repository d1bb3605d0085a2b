//! One call of the service: its events, its refusals and its failures.
//!
//! A refusal and a failure leave through [`Call::refuse`] and [`Call::fail`] alone, so neither can be returned without
//! an event. The client gets no more than an error code. The event has the cause.

use super::{TokenError, TokenService};
use crate::client::Client;
use crate::grant::Grant;
use crate::outcome::{Event, EventKind, Failure, Operation, Refusal};
use crate::vocabulary::{ClientId, GrantId, GrantType, Peer, Scope, Subject};

/// One call of the service: the common part of its events and failures.
pub(super) struct Call<'a, S> {
    pub(super) service: &'a TokenService<S>,
    pub(super) operation: Operation,
    client_id: Option<&'a ClientId>,
    /// The registered scope of the client, which most of its grants have.
    pub(super) scope: Option<&'a Scope>,
    grant_id: Option<GrantId>,
    pub(super) peer: Option<&'a Peer>,
}

impl<S> Clone for Call<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Call<'_, S> {}

impl<'a, S> Call<'a, S> {
    pub(super) const fn new(service: &'a TokenService<S>, operation: Operation) -> Self {
        Self { service, operation, client_id: None, scope: None, grant_id: None, peer: service.1.as_ref() }
    }

    /// Starts the call of a client that may use the flow. For another client the service verifies, loads and marks
    /// nothing, and does not ask the host: the id of a public client is no secret and must not suffice to write to a
    /// store.
    ///
    /// # Errors
    /// [`Refusal::GrantTypeNotAllowed`].
    pub(super) fn entitled(
        service: &'a TokenService<S>,
        operation: Operation,
        client: &'a Client,
        grant_type: &GrantType,
    ) -> Result<Self, TokenError> {
        let call = Self::new(service, operation).of(client);
        if client.may_use(grant_type) { Ok(call) } else { Err(call.refuse(Refusal::GrantTypeNotAllowed)) }
    }

    /// Names the authenticated client of the call.
    pub(super) const fn of(mut self, client: &'a Client) -> Self {
        self.scope = Some(&client.scope);
        self.by(&client.id)
    }

    /// Names the client in the events of the call.
    pub(super) const fn by(mut self, client_id: &'a ClientId) -> Self {
        self.client_id = Some(client_id);
        self
    }

    /// Names the sender of the request, unless the service is for one sender already.
    pub(super) const fn from(mut self, peer: Option<&'a Peer>) -> Self {
        if self.peer.is_none() {
            self.peer = peer;
        }
        self
    }

    /// Names the grant in the events of the call.
    pub(super) const fn about(mut self, grant_id: GrantId) -> Self {
        self.grant_id = Some(grant_id);
        self
    }

    /// Reports an event.
    pub(super) fn emit(&self, kind: EventKind) {
        self.send(kind, None, None, None);
    }

    /// Reports an event about `grant`, with its client and its resource owner.
    pub(super) fn emit_for(&self, kind: EventKind, grant: &Grant) {
        let subject = grant.approval().subject.as_ref();
        self.about(grant.id()).send(kind, Some(grant.client_id()), subject, None);
    }

    /// Reports a refusal and returns the error for the caller.
    pub(super) fn refuse(&self, refusal: Refusal) -> TokenError {
        self.emit(EventKind::Refused(refusal));
        TokenError::refused(refusal)
    }

    /// Reports a refusal about `grant` and returns the error for the caller.
    pub(super) fn refuse_for(&self, refusal: Refusal, grant: &Grant) -> TokenError {
        self.emit_for(EventKind::Refused(refusal), grant);
        TokenError::refused(refusal)
    }

    /// Reports a failure and returns it. Every 5xx response passes through here.
    pub(super) fn fail(&self, error: TokenError) -> TokenError {
        let (kind, failure) = error.event();
        self.send(kind, None, None, failure);
        error
    }

    /// Sends an event to each sink. `Event` borrows everything, and a service without sinks does not even read the
    /// clock.
    fn send(
        &self,
        kind: EventKind,
        client_id: Option<&ClientId>,
        subject: Option<&Subject>,
        failure: Option<Failure<'_>>,
    ) {
        let inner = &self.service.0;
        if inner.events.is_empty() || self.is_idle(kind) {
            return;
        }
        let (operation, at, realm) = (self.operation, inner.clock.now(), &inner.realm);
        let (client_id, grant_id, peer) = (self.client_id.or(client_id), self.grant_id, self.peer);
        let event = Event { kind, operation, at, realm, client_id, grant_id, subject, peer, failure };
        inner.events.iter().for_each(|sink| sink.record(&event));
    }

    /// Returns true for the revocation of a token that is no longer valid. That is no refusal: the caller has what it
    /// asked for.
    const fn is_idle(&self, kind: EventKind) -> bool {
        matches!(self.operation, Operation::Revoke | Operation::RevokeGrant)
            && matches!(
                kind,
                EventKind::Refused(Refusal::GrantUnknown | Refusal::GrantRevoked | Refusal::TokenUnrecognized)
            )
    }
}
