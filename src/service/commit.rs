//! The loop of every call: load, decide, compare and swap.

use std::ops::ControlFlow;

use super::{Terms, TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, ActiveToken, Context, Decision, TokenResponse};
use crate::grant::Grant;
use crate::outcome::{Event, EventKind, Failure, Operation, Refusal, StoreCall};
use crate::ports::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore, Version};
use crate::token::Opened;
use crate::vocabulary::{ClientId, Confirmation, GrantId, GrantType, Possession, Subject, draw};

/// How often a call loads and decides again after a lost race. Each lost race is another call's success.
const MAX_ATTEMPTS: usize = 64;

/// One call of the service: what its events have in common.
pub(super) struct Call<'a, S> {
    pub(super) service: &'a TokenService<S>,
    pub(super) operation: Operation,
    client_id: Option<&'a ClientId>,
    grant_id: Option<GrantId>,
}

impl<S> Clone for Call<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Call<'_, S> {}

/// A grant, and the version a decision about it must name. Boxed: it is large, and passes through several futures.
type Loaded = (Box<Grant>, Version);

/// The outcome of a write. A lost race brings the record that won, so that the next round need not load it.
enum Written {
    Stored,
    Lost(Option<Loaded>),
}

impl<'a, S> Call<'a, S> {
    pub(super) const fn new(service: &'a TokenService<S>, operation: Operation) -> Self {
        Self { service, operation, client_id: None, grant_id: None }
    }

    pub(super) const fn by(mut self, client_id: &'a ClientId) -> Self {
        self.client_id = Some(client_id);
        self
    }

    /// The call as one about this grant.
    pub(super) const fn about(mut self, grant_id: GrantId) -> Self {
        self.grant_id = Some(grant_id);
        self
    }

    pub(super) fn record(&self, kind: EventKind) {
        self.emit(kind, None, None, None);
    }

    fn record_of(&self, kind: EventKind, grant: &Grant) {
        self.about(grant.id).emit(kind, Some(&grant.client_id), grant.approval.subject.as_ref(), None);
    }

    fn emit(
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
        let (client_id, grant_id) = (self.client_id.or(client_id), self.grant_id);
        let event = Event { kind, operation, at, realm, client_id, grant_id, subject, failure };
        inner.events.iter().for_each(|sink| sink.record(&event));
    }

    /// To log out what is dead already is no refusal: the caller has what it asked for.
    const fn is_idle(&self, kind: EventKind) -> bool {
        matches!(self.operation, Operation::Revoke | Operation::RevokeGrant)
            && matches!(
                kind,
                EventKind::Refused(Refusal::GrantUnknown | Refusal::GrantRevoked | Refusal::TokenUnrecognized)
            )
    }

    pub(super) fn refuse(&self, refusal: Refusal) -> TokenError {
        self.record(EventKind::Refused(refusal));
        refused(refusal)
    }

    pub(super) fn refuse_of(&self, refusal: Refusal, grant: &Grant) -> TokenError {
        self.record_of(EventKind::Refused(refusal), grant);
        refused(refusal)
    }

    /// Tells the host why there is no answer: the one place for everything that is a 5xx.
    pub(super) fn failed(&self, error: TokenError) -> TokenError {
        let (kind, failure) = error.told();
        self.emit(kind, None, None, failure);
        error
    }

    pub(super) fn contended(&self) -> TokenError {
        self.failed(TokenError::Contended)
    }

    /// The terms of the client for one flow.
    pub(super) fn terms(&self, client: &Client, grant_type: &GrantType) -> Result<Terms, TokenError> {
        self.service.terms(client, grant_type).map_err(|error| self.failed(error))
    }

    fn key(&self, id: GrantId) -> GrantKey {
        GrantKey { realm: self.service.0.realm.clone(), id }
    }
}

impl<S: TokenStore> Call<'_, S> {
    /// The part of the check of life that only the host knows.
    pub(super) async fn is_served(&self, subject: Option<&Subject>) -> Result<bool, TokenError> {
        let Some(subject) = subject else { return Ok(true) };
        let may_be_served = self.service.0.gate.may_be_served(subject).await;
        may_be_served.map_err(|error| self.failed(TokenError::Gate(error)))
    }

    pub(super) async fn load(&self, id: GrantId) -> Result<Option<Loaded>, TokenError> {
        let stored = self.read(id).await.map_err(|error| self.about(id).failed(TokenError::Store(error)))?;
        stored.map(|stored| self.decode(id, &stored)).transpose()
    }

    async fn read(&self, id: GrantId) -> Result<Option<StoredGrant>, StoreError> {
        let _timer = self.service.store_timer(StoreCall::Load);
        self.service.0.store.load(&self.key(id)).await
    }

    pub(super) fn decode(&self, id: GrantId, stored: &StoredGrant) -> Result<Loaded, TokenError> {
        let grant = Grant::decode(id, &stored.record.payload);
        let corrupt = |error| self.about(id).failed(TokenError::Store(StoreError::corrupt(error)));
        grant.map(|grant| (Box::new(grant), stored.version)).map_err(corrupt)
    }

    /// The grant as the last round left it, or as the store has it.
    async fn load_existing(&self, id: GrantId, known: &mut Option<Loaded>) -> Result<Loaded, TokenError> {
        let grant = match known.take() {
            Some(known) => Some(known),
            None => self.load(id).await?,
        };
        grant.ok_or_else(|| self.refuse(Refusal::GrantUnknown))
    }

    /// Stores a new grant.
    pub(super) async fn insert(&self, grant: &mut Grant, event: EventKind) -> Result<(), TokenError> {
        if self.is_inserted(grant, event).await? { Ok(()) } else { Err(self.contended()) }
    }

    /// Stores a new grant unless there is one of its id.
    pub(super) async fn is_inserted(&self, grant: &mut Grant, event: EventKind) -> Result<bool, TokenError> {
        let is_stored = matches!(self.store(grant, Expect::Absent).await?, Written::Stored);
        if is_stored {
            self.record_of(event, grant);
        }
        Ok(is_stored)
    }

    /// Founds a grant with first tokens: decide, sign, store.
    pub(super) async fn found(
        &self,
        client: &Client,
        grant_type: &GrantType,
        possession: &Possession,
        bound: Option<&Confirmation>,
        decide: impl FnOnce(&Context<'_>) -> Result<(Grant, TokenResponse), Refusal>,
    ) -> Result<TokenResponse, TokenError> {
        let terms = self.terms(client, grant_type)?;
        let shown = self.prove(possession).await?;
        let confirmation = engine::confirmation(shown, bound, &terms.policy);
        let confirmation = confirmation.map_err(|refusal| self.refuse(refusal))?;
        let ctx = Context { confirmation, ..self.service.context(client, &terms) };
        let (mut grant, mut tokens) = decide(&ctx).map_err(|refusal| self.refuse(refusal))?;
        self.sign(&mut tokens, client, &grant, &terms.policy).await?;
        self.insert(&mut grant, EventKind::Issued).await.map(|()| tokens)
    }

    /// What `caller` may learn of a token; `None` when it is not active or not for this caller to know.
    pub(super) async fn active(&self, caller: &Client, token: &str) -> Result<Option<ActiveToken>, TokenError> {
        let Some((kind, opened)) = self.service.open_any(token) else { return Ok(None) };
        let call = self.about(opened.grant_id);
        let Some((mut grant, _)) = call.load(opened.grant_id).await? else { return Ok(None) };
        // Also of one whose reference was sealed anew, by somebody who has a key of the ring.
        self.service.forget_unheld(&mut grant);
        let is_own = engine::owned_by(caller, &grant).is_ok();
        let policy = is_own.then(|| self.service.policy_for(caller, &grant.grant_type)).transpose();
        let policy = policy.map_err(|error| call.failed(error))?;
        let now = self.service.now();
        let Some(active) = engine::introspect(*grant, kind, &opened, caller, policy.as_ref(), now) else {
            return Ok(None);
        };
        Ok(call.is_served(active.approval.subject.as_ref()).await?.then_some(active))
    }

    /// Decides about a grant until the decision is stored.
    pub(super) async fn transact<T>(
        mut self,
        id: GrantId,
        decide: impl Fn(&mut Grant) -> Decision<T>,
    ) -> Result<T, TokenError> {
        self.grant_id = Some(id);
        let mut known = None;
        for _ in 0..MAX_ATTEMPTS {
            let (mut grant, version) = self.load_existing(id, &mut known).await?;
            let decision = decide(&mut grant);
            match self.settle(decision, &mut grant, version).await? {
                ControlFlow::Break(answer) => return answer,
                ControlFlow::Continue(current) => known = current,
            }
        }
        Err(self.contended())
    }

    /// The same for a code or refresh token. Owner, key, and life of the grant are checked before the decision, and the
    /// answer is signed before the grant is stored: a signer that fails has consumed nothing.
    pub(super) async fn exchange(
        mut self,
        client: &Client,
        id: GrantId,
        presented: &Opened,
        possession: &Possession,
        decide: impl Fn(&mut Grant, &Context<'_>) -> Decision<TokenResponse>,
    ) -> Result<TokenResponse, TokenError> {
        self.grant_id = Some(id);
        let (mut shown, mut known) = (None, None);
        for attempt in 0..MAX_ATTEMPTS {
            let (mut grant, version) = self.load_existing(id, &mut known).await?;
            engine::presented_by(client, &grant, presented).map_err(|refusal| self.refuse_of(refusal, &grant))?;
            let terms = self.terms(client, &grant.grant_type)?;
            // A proof is accepted once, however often the decision is made anew.
            let shown = match shown {
                Some(shown) => shown,
                None => *shown.insert(self.prove(possession).await?),
            };
            let bound = grant.approval.confirmation;
            let confirmation = engine::confirmation(shown, bound.as_ref(), &terms.policy);
            let confirmation = confirmation.map_err(|refusal| self.refuse_of(refusal, &grant))?;
            let ctx = Context { has_raced: attempt > 0, confirmation, ..self.service.context(client, &terms) };
            engine::admit(&grant, presented, &ctx).map_err(|refusal| self.refuse_of(refusal, &grant))?;
            if !self.is_served(grant.approval.subject.as_ref()).await? {
                return Err(self.refuse_of(Refusal::SubjectNotServed, &grant));
            }
            self.service.forget_unheld(&mut grant);
            let mut decision = decide(&mut grant, &ctx);
            if let Ok(tokens) = &mut decision.outcome {
                self.sign(tokens, client, &grant, &terms.policy).await?;
            }
            match self.settle(decision, &mut grant, version).await? {
                ControlFlow::Break(answer) => return answer,
                ControlFlow::Continue(current) => known = current,
            }
        }
        Err(self.contended())
    }

    /// Stores what the decision commits, then tells its events, then lets the answer go. `Continue` is a lost race.
    async fn settle<T>(
        &self,
        decision: Decision<T>,
        grant: &mut Grant,
        version: Version,
    ) -> Result<ControlFlow<Result<T, TokenError>, Option<Loaded>>, TokenError> {
        let Decision { outcome, commits, events } = decision;
        if commits && let Written::Lost(current) = self.store(grant, Expect::Version(version)).await? {
            return Ok(ControlFlow::Continue(current));
        }
        for event in events {
            self.record_of(event, grant);
        }
        Ok(ControlFlow::Break(outcome.map_err(|refusal| self.refuse_of(refusal, grant))))
    }

    /// Writes once. Whatever is not acknowledged is looked at once, never written again: a database that is slow is not
    /// asked any longer than that.
    ///
    /// If our record is there, it was stored, though the answer was lost, or was a conflict because a client library
    /// repeated the write and met its own: no two writes are equal. If another one is there, somebody moved on, and the
    /// decision begins anew. If nothing moved after an error, the write may still arrive later, so the caller is told
    /// to try again: its retry finds either state and is answered with the one successor.
    async fn store(&self, grant: &mut Grant, expect: Expect) -> Result<Written, TokenError> {
        grant.write_id = draw(&*self.service.0.entropy);
        let call = self.about(grant.id);
        let unknown = match self.write(grant, expect).await {
            Ok(Swap::Stored) => return Ok(Written::Stored),
            Ok(Swap::Conflict) => None,
            Err(error) => Some(error),
        };
        let current = match self.read(grant.id).await {
            Ok(current) => current,
            Err(error) => return Err(call.failed(TokenError::Store(unknown.unwrap_or(error)))),
        };
        if current.as_ref().is_some_and(|current| current.record.payload == grant.encode()) {
            self.record_of(EventKind::WriteConfirmed, grant);
            return Ok(Written::Stored);
        }
        let found = current.as_ref().map_or(Expect::Absent, |current| Expect::Version(current.version));
        match unknown {
            Some(error) if current.is_none() || found == expect => Err(call.failed(TokenError::Store(error))),
            _ => Ok(Written::Lost(current.map(|current| self.decode(grant.id, &current)).transpose()?)),
        }
    }

    async fn write(&self, grant: &Grant, expect: Expect) -> Result<Swap, StoreError> {
        let record = GrantRecord {
            payload: grant.encode(),
            client_id: grant.client_id.clone(),
            subject: grant.approval.subject.clone(),
            expires_at: grant.ends_at(),
        };
        let _timer = self.service.store_timer(StoreCall::CompareAndSwap);
        self.service.0.store.compare_and_swap(&self.key(grant.id), expect, record).await
    }
}

/// A clock that is behind the record, or another key, is no fact about the token: the client shall try again.
const fn refused(refusal: Refusal) -> TokenError {
    match refusal {
        Refusal::ClockBehind | Refusal::SuccessorMismatch => TokenError::Contended,
        refusal => TokenError::Refused(refusal),
    }
}
