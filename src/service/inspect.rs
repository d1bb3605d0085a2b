//! Explanations for operators: a token or a grant, and what a refresh would answer. Nothing is written.

use super::call::Call;
use super::terms::Terms;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, Context, GrantInspection, Inspection, RefreshRefusal};
use crate::grant::Grant;
use crate::outcome::{Operation, Refusal};
use crate::ports::authenticator::{ClientDirectory, CredentialRefusal, RegisteredClient};
use crate::ports::store::TokenStore;
use crate::token::{Opened, Reference, TokenFormat, TokenKind};
use crate::vocabulary::GrantId;

impl<S: TokenStore> TokenService<S> {
    /// Explains a token to an operator, without using it: its kind, its grant, and the answer to a refresh with it.
    /// `None`: no token of this key ring and realm.
    ///
    /// Nothing is written, no proof is used up, and no refusal is reported. The answer comes from the decision of
    /// [`refresh`](Self::refresh), made about a copy of the grant, for the client that `clients` has under the id in
    /// the grant. The [`SubjectGate`](crate::host::SubjectGate) is asked as a refresh asks it.
    ///
    /// The explanation tells everything about a grant, so do not offer it to clients: [`introspect`](Self::introspect)
    /// is for them.
    ///
    /// # Errors
    /// The failure of the store, of the directory or of the subject gate, reported as an event;
    /// [`TokenError::Policy`] when the overrides of the client contradict the policy of the provider.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::authenticator::{ClientStore as _, MemoryClients, RegisteredClient};
    /// use regrant::inspection::RefreshAnswer;
    /// use regrant::{ClientSecret, GrantType, IssueRequest, RefreshRequest, SecretHash};
    ///
    /// let clients = MemoryClients::new(); // the directory of the service
    /// let secret = SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"));
    /// clients.put(&RegisteredClient::new(Client::clone(&client), [secret])?).await?;
    ///
    /// let first = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let token = first.refresh_token.ok_or("no refresh token")?;
    /// let head = service.inspect(&clients, token.expose()).await?.ok_or("no token of this service")?;
    /// assert_eq!(head.refresh, Ok(RefreshAnswer::Rotated { generation: 1 }));
    ///
    /// service.refresh(&client, &RefreshRequest::new(token.clone())).await?;
    /// let former = service.inspect(&clients, token.expose()).await?.ok_or("no token of this service")?;
    /// assert_eq!(former.refresh, Ok(RefreshAnswer::Replayed { steps: 1 }));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn inspect(&self, clients: &dyn ClientDirectory, token: &str) -> Result<Option<Inspection>, TokenError> {
        let Some(reference) = self.open_any(token, TokenFormat::refer) else { return Ok(None) };
        let call = Call::new(self, Operation::Inspect).about(reference.grant_id);
        let _timer = self.timer(call.operation);
        let opened = self.0.tokens.open(TokenKind::RefreshToken, token);
        let Some(examined) = call.examine(clients, reference.grant_id).await? else {
            let refusal = if opened.is_some() { Refusal::GrantUnknown } else { Refusal::TokenUnrecognized };
            return Ok(Some(inspection(&reference, false, Err(RefreshRefusal::of(refusal)), None)));
        };
        let subject = examined.grant.approval().subject.as_ref();
        let is_served = call.subject_may_be_served(subject).await?;
        let refresh = examined.predict(self, opened.as_deref(), is_served);
        let is_active = is_served && examined.is_active(self, &reference);
        Ok(Some(inspection(&reference, is_active, refresh, Some(examined.describe(self)))))
    }

    /// Explains a grant to an operator, as [`inspect`](Self::inspect) does, for a page that has the id alone. `None`
    /// when the store has no such record. A grant that has ended is explained too.
    ///
    /// # Errors
    /// As for [`inspect`](Self::inspect); the subject gate is not asked.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::authenticator::MemoryClients;
    /// use regrant::inspection::GrantPhase;
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let clients = MemoryClients::new(); // the directory of the service
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// service.revoke_grant(tokens.grant_id).await?;
    /// let ended = service.inspect_grant(&clients, tokens.grant_id).await?.ok_or("no such grant")?;
    /// assert!(matches!(ended.phase, GrantPhase::Revoked { .. }));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn inspect_grant(
        &self,
        clients: &dyn ClientDirectory,
        grant_id: GrantId,
    ) -> Result<Option<GrantInspection>, TokenError> {
        let call = Call::new(self, Operation::Inspect).about(grant_id);
        let _timer = self.timer(call.operation);
        let examined = call.examine(clients, grant_id).await?;
        Ok(examined.map(|examined| examined.describe(self)))
    }
}

/// A record, and the client that holds it.
struct Examined<'a> {
    grant: Box<Grant>,
    record_bytes: usize,
    /// `None` when the directory has no client of the id in the grant.
    client: Option<(RegisteredClient, Terms<'a>)>,
}

impl<'a, S: TokenStore> Call<'a, S> {
    /// Loads a grant with its client and the terms of that client; `None` when the store has no such record.
    async fn examine(
        &self,
        clients: &dyn ClientDirectory,
        grant_id: GrantId,
    ) -> Result<Option<Examined<'a>>, TokenError> {
        let stored = self.read(grant_id).await.map_err(|error| self.fail(TokenError::Store(error)))?;
        let Some(stored) = stored else { return Ok(None) };
        let (mut grant, _) = self.decode(grant_id, &stored)?;
        self.service.drop_withdrawn(&mut grant);
        let found = clients.find(grant.client_id()).await;
        let found = found.map_err(|outage| self.fail(TokenError::Authenticator(outage.into())))?;
        let client = match found {
            Some(client) => {
                let terms = self.terms(client.client(), grant.grant_type())?;
                Some((client, terms))
            }
            None => None,
        };
        Ok(Some(Examined { grant, record_bytes: stored.record.payload.len(), client }))
    }
}

impl Examined<'_> {
    /// Returns the context of a decision now, for a request that proves the key of the grant.
    fn context<'b, S>(&'b self, service: &'b TokenService<S>) -> Option<Context<'b>> {
        let (client, terms) = self.client.as_ref()?;
        Some(Context { key: self.grant.approval().confirmation, ..service.context(client.client(), terms) })
    }

    /// Returns the answer to a refresh. A token of another kind is not recognized there.
    fn predict<S>(
        &self,
        service: &TokenService<S>,
        opened: Option<&Opened>,
        is_served: bool,
    ) -> Result<engine::RefreshAnswer, RefreshRefusal> {
        let unknown = Refusal::ClientAuthenticationFailed(CredentialRefusal::UnknownClient);
        let ctx = self.context(service).ok_or(RefreshRefusal::of(unknown))?;
        let opened = opened.ok_or(RefreshRefusal::of(Refusal::TokenUnrecognized))?;
        engine::predict(&self.grant, opened, is_served, &ctx)
    }

    /// Returns true when introspection by the client of the grant finds the token.
    fn is_active<S>(&self, service: &TokenService<S>, reference: &Reference) -> bool {
        let ctx = self.context(service);
        let own = ctx.as_ref().filter(|ctx| engine::owned_by(ctx.client, &self.grant).is_ok());
        let (client, policy): (Option<&Client>, _) = (own.map(|ctx| ctx.client), own.map(|ctx| ctx.policy));
        engine::introspect(self.grant.clone(), reference, client, policy, service.now()).is_ok()
    }

    fn describe<S>(&self, service: &TokenService<S>) -> GrantInspection {
        let ctx = self.context(service);
        engine::describe(self.grant.clone(), self.record_bytes, ctx.as_ref(), service.now())
    }
}

/// Puts an explanation together.
fn inspection(
    reference: &Reference,
    is_active: bool,
    refresh: Result<engine::RefreshAnswer, RefreshRefusal>,
    grant: Option<GrantInspection>,
) -> Inspection {
    let kind = match reference.kind {
        TokenKind::JwtId => TokenKind::AccessToken,
        kind => kind,
    };
    Inspection {
        kind,
        grant_id: reference.grant_id,
        generation: (kind == TokenKind::RefreshToken).then_some(reference.number),
        serial: (kind == TokenKind::AccessToken).then_some(reference.number),
        is_active,
        refresh,
        grant,
    }
}
