//! The loop of every call: load, decide, compare and swap.

use std::ops::ControlFlow;

use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, ActiveToken, Context, Decision, Shown, TokenResponse};
use crate::event::{Event, EventKind, Operation};
use crate::grant::{Confirmation, Grant};
use crate::grant_id::GrantId;
use crate::grant_type::GrantType;
use crate::possession::Possession;
use crate::refusal::Refusal;
use crate::store::{Expect, GrantKey, GrantRecord, StoreError, Swap, TokenStore, Version};
use crate::token::Opened;
use crate::vocabulary::{ClientId, Subject};

/// How often a call loads and decides again after a lost race. Each lost race is another call's success.
const MAX_ATTEMPTS: usize = 64;

/// How often a write of unknown outcome is read back.
const READ_BACKS: usize = 3;

/// One call of the service: what its events have in common.
pub(super) struct Call<'a, S> {
    pub(super) service: &'a TokenService<S>,
    pub(super) operation: Operation,
    client_id: Option<&'a ClientId>,
}

impl<'a, S> Call<'a, S> {
    pub(super) const fn new(service: &'a TokenService<S>, operation: Operation) -> Self {
        Self { service, operation, client_id: None }
    }

    pub(super) const fn by(mut self, client_id: &'a ClientId) -> Self {
        self.client_id = Some(client_id);
        self
    }

    pub(super) fn record(&self, kind: EventKind) {
        self.emit(kind, self.client_id, None, None);
    }

    pub(super) fn unavailable(&self, error: TokenError) -> TokenError {
        self.record(EventKind::Unavailable);
        error
    }

    fn record_of(&self, kind: EventKind, grant: &Grant) {
        let subject = grant.approval.subject.as_ref();
        self.emit(kind, self.client_id.or(Some(&grant.client_id)), Some(grant.id), subject);
    }

    fn emit(
        &self,
        kind: EventKind,
        client_id: Option<&ClientId>,
        grant_id: Option<GrantId>,
        subject: Option<&Subject>,
    ) {
        let inner = &self.service.0;
        let at = inner.clock.now();
        let event = Event { kind, operation: self.operation, at, realm: &inner.realm, client_id, grant_id, subject };
        inner.events.record(&event);
    }

    pub(super) fn refuse(&self, refusal: Refusal) -> TokenError {
        self.record(EventKind::Refused(refusal));
        refused(refusal)
    }

    pub(super) fn refuse_of(&self, refusal: Refusal, grant: &Grant) -> TokenError {
        self.record_of(EventKind::Refused(refusal), grant);
        refused(refusal)
    }

    pub(super) fn contended(&self) -> TokenError {
        self.record(EventKind::Contended);
        TokenError::Contended
    }

    pub(super) fn failed(&self, error: StoreError) -> TokenError {
        self.record(if error.is_corrupt() { EventKind::RecordCorrupt } else { EventKind::Unavailable });
        TokenError::Store(error)
    }

    fn key(&self, id: GrantId) -> GrantKey {
        GrantKey { realm: self.service.0.realm.clone(), id }
    }
}

impl<S: TokenStore> Call<'_, S> {
    /// Row 6, the part that only the host knows.
    pub(super) async fn is_served(&self, subject: Option<&Subject>) -> Result<bool, TokenError> {
        let Some(subject) = subject else { return Ok(true) };
        let may_be_served = self.service.0.gate.may_be_served(subject).await;
        may_be_served.map_err(|error| self.unavailable(TokenError::Gate(error)))
    }

    /// The grant, and the version a decision about it must name. Boxed: it is large, and passes through several futures.
    pub(super) async fn load(&self, id: GrantId) -> Result<Option<(Box<Grant>, Version)>, TokenError> {
        let stored = self.service.0.store.load(&self.key(id)).await.map_err(|error| self.failed(error))?;
        let Some(stored) = stored else { return Ok(None) };
        let grant = Grant::decode(id, &stored.record.payload);
        grant
            .map(|grant| Some((Box::new(grant), stored.version)))
            .map_err(|error| self.failed(StoreError::corrupt(error)))
    }

    async fn load_existing(&self, id: GrantId) -> Result<(Box<Grant>, Version), TokenError> {
        self.load(id).await?.ok_or_else(|| self.refuse(Refusal::GrantUnknown))
    }

    /// Stores a new grant.
    pub(super) async fn insert(&self, grant: &Grant, event: EventKind) -> Result<(), TokenError> {
        if self.is_inserted(grant, event).await? { Ok(()) } else { Err(self.contended()) }
    }

    /// Stores a new grant unless there is one of its id.
    pub(super) async fn is_inserted(&self, grant: &Grant, event: EventKind) -> Result<bool, TokenError> {
        let is_stored = self.store(grant, Expect::Absent).await? == Swap::Stored;
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
        shown: Shown,
        bound: Option<&Confirmation>,
        decide: impl FnOnce(&Context<'_>) -> Result<(Grant, TokenResponse), Refusal>,
    ) -> Result<TokenResponse, TokenError> {
        let terms = self.service.terms(client, grant_type)?;
        let confirmation = engine::confirmation(shown, bound, &terms.policy);
        let confirmation = confirmation.map_err(|refusal| self.refuse(refusal))?;
        let ctx = Context { confirmation, ..self.service.context(client, &terms) };
        let (grant, mut tokens) = decide(&ctx).map_err(|refusal| self.refuse(refusal))?;
        self.sign(&mut tokens, client, &grant, &terms.policy).await?;
        self.insert(&grant, EventKind::Issued).await.map(|()| tokens)
    }

    /// What `caller` may learn of a token; `None` when it is not active or not for this caller to know.
    pub(super) async fn active(&self, caller: &Client, token: &str) -> Result<Option<ActiveToken>, TokenError> {
        let Some((kind, opened)) = self.service.open_any(token) else { return Ok(None) };
        let Some((grant, _)) = self.load(opened.grant_id).await? else { return Ok(None) };
        let is_own = engine::owned_by(caller, &grant).is_ok();
        let policy = is_own.then(|| self.service.policy_for(caller, &grant.grant_type)).transpose()?;
        let now = self.service.now();
        let Some(active) = engine::introspect(*grant, kind, &opened, caller, policy.as_ref(), now) else {
            return Ok(None);
        };
        Ok(self.is_served(active.approval.subject.as_ref()).await?.then_some(active))
    }

    /// Decides about a grant until the decision is stored.
    pub(super) async fn transact<T>(
        &self,
        id: GrantId,
        decide: impl Fn(&mut Grant) -> Decision<T>,
    ) -> Result<T, TokenError> {
        for _ in 0..MAX_ATTEMPTS {
            let (mut grant, version) = self.load_existing(id).await?;
            let decision = decide(&mut grant);
            if let ControlFlow::Break(answer) = self.settle(decision, &grant, version).await? {
                return answer;
            }
        }
        Err(self.contended())
    }

    /// The same for a code or refresh token: rows 4 to 6 of the order of checks stand before the decision, and what it lets go
    /// is signed before it is stored. A signer that fails has then consumed nothing.
    pub(super) async fn exchange(
        &self,
        client: &Client,
        id: GrantId,
        presented: &Opened,
        possession: &Possession,
        decide: impl Fn(&mut Grant, &Context<'_>) -> Decision<TokenResponse>,
    ) -> Result<TokenResponse, TokenError> {
        let mut shown = None;
        for attempt in 0..MAX_ATTEMPTS {
            let (mut grant, version) = self.load_existing(id).await?;
            engine::presented_by(client, &grant, presented).map_err(|refusal| self.refuse_of(refusal, &grant))?;
            // A proof is accepted once, however often the decision is made anew.
            let shown = match shown {
                Some(shown) => shown,
                None => *shown.insert(self.prove(possession).await?),
            };
            let terms = self.service.terms(client, &grant.grant_type)?;
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
            if let ControlFlow::Break(answer) = self.settle(decision, &grant, version).await? {
                return answer;
            }
        }
        Err(self.contended())
    }

    /// Stores what the decision commits, then tells its events, then lets the answer go. `Continue` is a lost race.
    async fn settle<T>(
        &self,
        decision: Decision<T>,
        grant: &Grant,
        version: Version,
    ) -> Result<ControlFlow<Result<T, TokenError>>, TokenError> {
        let Decision { outcome, commits, events } = decision;
        if commits && self.store(grant, Expect::Version(version)).await? == Swap::Conflict {
            return Ok(ControlFlow::Continue(()));
        }
        for event in events {
            self.record_of(event, grant);
        }
        Ok(ControlFlow::Break(outcome.map_err(|refusal| self.refuse_of(refusal, grant))))
    }

    async fn store(&self, grant: &Grant, expect: Expect) -> Result<Swap, TokenError> {
        let key = self.key(grant.id);
        let record = GrantRecord {
            payload: grant.encode(),
            client_id: grant.client_id.clone(),
            subject: grant.approval.subject.clone(),
            expires_at: grant.ends_at(),
        };
        match self.service.0.store.compare_and_swap(&key, expect, record).await {
            Ok(swap) => Ok(swap),
            Err(error) => self.read_back(&key, grant, expect, error).await,
        }
    }

    /// The write may have been applied or not. If our record is there, it was: its salts and digests are ours alone. If
    /// another one is there, somebody moved on, and the decision begins anew. If nothing moved it may still arrive later,
    /// so the caller is told to try again: its retry finds either state and is answered with the one successor.
    async fn read_back(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expect: Expect,
        error: StoreError,
    ) -> Result<Swap, TokenError> {
        for _ in 0..READ_BACKS {
            match self.service.0.store.load(key).await {
                Ok(Some(stored)) if stored.record.payload == grant.encode() => {
                    self.record_of(EventKind::WriteConfirmed, grant);
                    return Ok(Swap::Stored);
                }
                Ok(Some(stored)) if expect != Expect::Version(stored.version) => return Ok(Swap::Conflict),
                Ok(_) => break,
                Err(_) => {}
            }
        }
        Err(self.failed(error))
    }
}

/// A clock that is behind the record, or another key, is no fact about the token: the client shall try again.
const fn refused(refusal: Refusal) -> TokenError {
    match refusal {
        Refusal::ClockBehind | Refusal::SuccessorMismatch => TokenError::Contended,
        refusal => TokenError::Refused(refusal),
    }
}
