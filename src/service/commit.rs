//! The loop of every call: load, decide, compare and swap, answer.
//!
//! ```text
//!   load --> check owner, proof, life --> decide --> sign --> compare and swap --> emit events --> answer
//!    ^                                                               |
//!    +---------------- the record of another call won ---------------+
//! ```
//!
//! No lock is held between load and swap. Two calls for one grant may both decide, and the store lets one of them win.
//! The other one decides again with the winner's record: a refresh then finds its token retired a moment ago and gets
//! the winner's response.

use std::ops::ControlFlow;

use super::TokenError;
use super::call::Call;
use super::terms::Terms;
use crate::client::Client;
use crate::engine::{self, Admitted, Context, Decision, TokenResponse, UnsignedResponse};
use crate::grant::{Grant, Known};
use crate::outcome::{EventKind, Operation, Refusal, StoreCall};
use crate::ports::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore, Version};
use crate::token::Opened;
use crate::vocabulary::{GrantId, PresentedKeys, Subject, draw};

/// The number of times that a call loads and decides. Each lost race is the success of another call, so 64 losses mean
/// 64 other calls for one grant in that time. The bound keeps a faulty store, which reports conflicts without end, from
/// occupying the server.
const MAX_ATTEMPTS: usize = 64;

/// A grant, and the version that a decision about it must name. Boxed: a grant is large and passes through several
/// futures.
type Loaded = (Box<Grant>, Version);

/// The outcome of a write. A lost race returns the record that won, so that the next round need not load it. `None`
/// there: the record was deleted meanwhile.
pub(super) enum Written {
    Stored,
    Lost(Option<Loaded>),
}

impl<'a, S: TokenStore> Call<'a, S> {
    /// Decides about a grant until the decision is stored. `decide` may run several times and must not have effects of
    /// its own.
    ///
    /// # Errors
    /// The refusal of `decide`, [`Refusal::GrantUnknown`], [`TokenError::Contended`] after too many lost races, and the
    /// failure of the store.
    pub(super) async fn transact<T>(
        self,
        id: GrantId,
        decide: impl Fn(&mut Grant) -> Decision<T>,
    ) -> Result<T, TokenError> {
        let call = self.about(id);
        let mut known = None;
        for _ in 0..MAX_ATTEMPTS {
            let (mut grant, version) = call.load_existing(id, &mut known).await?;
            let decision = decide(&mut grant);
            match call.settle(decision, &mut grant, version).await? {
                ControlFlow::Break(response) => return Ok(response),
                ControlFlow::Continue(current) => known = current,
            }
        }
        Err(call.fail(TokenError::Contended))
    }

    /// Decides about the grant of a code or refresh token until the decision is stored. ARCHITECTURE.md, order of
    /// checks: owner, proof, life, and then `decide`.
    ///
    /// The response is signed before the grant is stored: a signer that fails has consumed nothing. `terms` are
    /// resolved for the flow of the grant when the caller does not know them.
    ///
    /// # Errors
    /// As for [`transact`](Self::transact), and the failure of another port.
    pub(super) async fn present(
        self,
        client: &Client,
        id: GrantId,
        presented: &Opened,
        possession: &PresentedKeys,
        mut terms: Option<Terms<'a>>,
        decide: impl Fn(&mut Grant, Admitted<'_>, &Context<'_>) -> Decision<UnsignedResponse>,
    ) -> Result<TokenResponse, TokenError> {
        let call = self.about(id);
        let (mut keys, mut known) = (None, None);
        for attempt in 0..MAX_ATTEMPTS {
            let (mut grant, version) = call.load_existing(id, &mut known).await?;
            let refuse = |refusal| call.refuse_for(refusal, &grant);
            let owned = engine::check_owner(client, &grant, presented).map_err(refuse)?;
            let terms = match &terms {
                Some(terms) => terms,
                None => terms.insert(call.terms(client, grant.grant_type())?),
            };
            // A proof is accepted once, however often the decision is repeated.
            let keys = match keys {
                Some(keys) => keys,
                None => *keys.insert(call.prove(possession).await?),
            };
            let bound = grant.approval().confirmation.as_ref();
            let key = engine::choose_key(keys, bound, &terms.policy).map_err(refuse)?;
            let ctx = Context { has_raced: attempt > 0, key, ..call.service.context(client, terms) };
            let admitted = engine::admit(&grant, owned, &ctx).map_err(refuse)?;
            if !call.subject_may_be_served(grant.approval().subject.as_ref()).await? {
                return Err(refuse(Refusal::SubjectNotServed));
            }
            call.service.drop_withdrawn(&mut grant);
            let Decision { outcome, commits, events } = decide(&mut grant, admitted, &ctx);
            let outcome = match outcome {
                Ok(unsigned) => Ok(call.sign(unsigned, client, &grant, &terms.policy).await?),
                Err(refusal) => Err(refusal),
            };
            match call.settle(Decision { outcome, commits, events }, &mut grant, version).await? {
                ControlFlow::Break(response) => return Ok(response),
                ControlFlow::Continue(current) => known = current,
            }
        }
        Err(call.fail(TokenError::Contended))
    }

    /// Asks the host about the subject: the part of the check of life that only the host knows.
    ///
    /// Client credentials have no subject, so the gate is not asked about them. The host disables the client instead.
    ///
    /// # Errors
    /// [`TokenError::Gate`]. A gate that is down must not end sessions, so this is 503 and no refusal.
    pub(super) async fn subject_may_be_served(&self, subject: Option<&Subject>) -> Result<bool, TokenError> {
        let (Some(gate), Some(subject)) = (&self.service.0.gate, subject) else { return Ok(true) };
        let may_be_served = gate.may_be_served(subject).await;
        may_be_served.map_err(|error| self.fail(TokenError::Gate(error)))
    }

    /// Stores what the decision commits, then reports its events, then returns the response. `Continue` is a lost race.
    ///
    /// The events come after the write: an audit log must not contain a rotation that never happened. A process that
    /// stops in between loses the events, not the record.
    async fn settle<T>(
        &self,
        decision: Decision<T>,
        grant: &mut Grant,
        version: Version,
    ) -> Result<ControlFlow<T, Option<Loaded>>, TokenError> {
        let Decision { outcome, commits, events } = decision;
        if commits && let Written::Lost(current) = self.store(grant, Expect::Version(version)).await? {
            return Ok(ControlFlow::Continue(current));
        }
        for event in events {
            self.emit_for(event, grant);
        }
        outcome.map(ControlFlow::Break).map_err(|refusal| self.refuse_for(refusal, grant))
    }

    /// Writes once. A write without acknowledgement is followed by one read and never repeated: a slow database gets no
    /// further load.
    ///
    /// If the record read is our own, it was stored: the acknowledgement was lost, or a client library repeated the
    /// write and conflicted with itself. No two writes are equal. If the record is another one, another call won, and
    /// the decision is repeated. If nothing changed after an error, the write may still arrive later, so the caller
    /// must try again: its retry finds either state and gets the one successor.
    pub(super) async fn store(&self, grant: &mut Grant, expect: Expect) -> Result<Written, TokenError> {
        grant.mark_write(draw(&*self.service.0.entropy));
        let call = self.about(grant.id());
        let unknown = match self.write(grant, expect).await {
            Ok(Swap::Stored) => return Ok(Written::Stored),
            Ok(Swap::Conflict) => None,
            Err(error) => Some(error),
        };
        let current = match self.read(grant.id()).await {
            Ok(current) => current,
            Err(error) => return Err(call.fail(TokenError::Store(unknown.unwrap_or(error)))),
        };
        if current.as_ref().is_some_and(|current| current.record.payload == grant.encode()) {
            self.emit_for(EventKind::WriteConfirmed, grant);
            return Ok(Written::Stored);
        }
        let found = current.as_ref().map_or(Expect::Absent, |current| Expect::Version(current.version));
        match unknown {
            Some(error) if current.is_none() || found == expect => Err(call.fail(TokenError::Store(error))),
            _ => Ok(Written::Lost(current.map(|current| self.decode(grant.id(), &current)).transpose()?)),
        }
    }

    /// Writes the record, with the columns by which stores index and purge it. The columns are copies: the record
    /// decides.
    async fn write(&self, grant: &Grant, expect: Expect) -> Result<Swap, StoreError> {
        let record = GrantRecord {
            payload: grant.encode(),
            client_id: grant.client_id().clone(),
            subject: grant.approval().subject.clone(),
            expires_at: grant.deletable_from(),
        };
        let _timer = self.service.store_timer(StoreCall::CompareAndSwap);
        self.service.0.store.compare_and_swap(&self.key(grant.id()), expect, record).await
    }

    /// Loads a grant; `None` when the store has none of that id.
    ///
    /// # Errors
    /// [`TokenError::Store`], also for a record that cannot be decoded.
    pub(super) async fn load(&self, id: GrantId) -> Result<Option<Loaded>, TokenError> {
        let stored = self.read(id).await.map_err(|error| self.about(id).fail(TokenError::Store(error)))?;
        stored.map(|stored| self.decode(id, &stored)).transpose()
    }

    /// Returns the grant that won the last race, or loads it.
    async fn load_existing(&self, id: GrantId, known: &mut Option<Loaded>) -> Result<Loaded, TokenError> {
        let grant = match known.take() {
            Some(known) => Some(known),
            None => self.load(id).await?,
        };
        grant.ok_or_else(|| self.refuse(self.unknown()))
    }

    /// Returns the refusal of a token whose record is gone.
    const fn unknown(&self) -> Refusal {
        match self.operation {
            Operation::Authorize => Refusal::PushedRequestUnknown,
            _ => Refusal::GrantUnknown,
        }
    }

    /// Reads a record without an event, for callers that have the error of a write to report first.
    pub(super) async fn read(&self, id: GrantId) -> Result<Option<StoredGrant>, StoreError> {
        let _timer = self.service.store_timer(StoreCall::Load);
        self.service.0.store.load(&self.key(id)).await
    }
}

impl<S> Call<'_, S> {
    /// Decodes a record. A damaged one is an error and is never repaired or overwritten: it may be the only trace of a
    /// fault of the store.
    ///
    /// # Errors
    /// [`TokenError::Store`], with the event `RecordCorrupt`.
    pub(super) fn decode(&self, id: GrantId, stored: &StoredGrant) -> Result<Loaded, TokenError> {
        let GrantRecord { payload, client_id, subject, .. } = &stored.record;
        let known = Known { client_id: Some(client_id), subject: subject.as_ref(), scope: self.scope };
        let grant = Grant::decode_sharing(id, payload, known);
        let corrupt = |error| self.about(id).fail(TokenError::Store(StoreError::corrupt(error)));
        grant.map(|grant| (grant, stored.version)).map_err(corrupt)
    }

    fn key(&self, id: GrantId) -> GrantKey {
        GrantKey { realm: self.service.0.realm.clone(), id }
    }
}
