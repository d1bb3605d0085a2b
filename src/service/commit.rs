//! The loop of every call: load, decide, compare and swap.

use std::ops::ControlFlow;

use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, Context, Decision};
use crate::event::{Event, EventKind, Operation};
use crate::grant::{Confirmation, Grant};
use crate::grant_id::GrantId;
use crate::refusal::Refusal;
use crate::store::{Expect, GrantKey, GrantRecord, StoreError, Swap, TokenStore, Version};
use crate::vocabulary::{ClientId, Subject};

/// How often a call loads and decides again after a lost race. Each lost race is another call's success.
const MAX_ATTEMPTS: usize = 64;

/// How often a write of unknown outcome is read back.
const READ_BACKS: usize = 3;

/// One call of the service: what its events have in common.
pub(super) struct Call<'a, S> {
    service: &'a TokenService<S>,
    operation: Operation,
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

    fn refuse_of(&self, refusal: Refusal, grant: &Grant) -> TokenError {
        self.record_of(EventKind::Refused(refusal), grant);
        refused(refusal)
    }

    fn contended(&self) -> TokenError {
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
        self.service.0.gate.may_be_served(subject).await.map_err(|error| {
            self.record(EventKind::Unavailable);
            TokenError::Gate(error)
        })
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
        match self.store(grant, Expect::Absent).await? {
            Swap::Stored => {
                self.record_of(event, grant);
                Ok(())
            }
            Swap::Conflict => Err(self.contended()),
        }
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

    /// The same for a code or refresh token: rows 4 to 6 of the order of checks stand before the decision.
    pub(super) async fn exchange<T>(
        &self,
        client: &Client,
        id: GrantId,
        confirmation: Option<&Confirmation>,
        decide: impl Fn(&mut Grant, &Context<'_>) -> Decision<T>,
    ) -> Result<T, TokenError> {
        for attempt in 0..MAX_ATTEMPTS {
            let (mut grant, version) = self.load_existing(id).await?;
            let policy = self.service.policy_for(client, &grant.grant_type)?;
            let ctx = Context { has_raced: attempt > 0, ..self.service.context(client, &policy) };
            engine::admit(&grant, confirmation, &ctx).map_err(|refusal| self.refuse_of(refusal, &grant))?;
            if !self.is_served(grant.approval.subject.as_ref()).await? {
                return Err(self.refuse_of(Refusal::SubjectNotServed, &grant));
            }
            let decision = decide(&mut grant, &ctx);
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

/// A clock that is behind the record is no fact about the token: the client shall try again.
const fn refused(refusal: Refusal) -> TokenError {
    match refusal {
        Refusal::ClockBehind => TokenError::Contended,
        refusal => TokenError::Refused(refusal),
    }
}
