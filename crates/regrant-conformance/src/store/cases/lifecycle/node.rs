//! A node of an authorization server on the store, and the requests of its clients.

use std::sync::Arc;
use std::time::Duration;

use regrant::clock::{ManualClock, Timestamp};
use regrant::event::ErrorCode;
use regrant::store::{Expect, GrantKey, GrantRecord, Swap, TokenStore};
use regrant::token::Realm;
use regrant::{
    Approval, AuthenticatedClient, AuthorizeRequest, Client, ClientId, ClientRegistry, GrantId, GrantType,
    IssueRequest, Key, KeyRing, Policy, RedeemRequest, RedirectUri, RefreshRequest, Refusal, Scope, Subject,
    TokenError, TokenResponse, TokenService,
};

use super::faulty::Faulty;

/// The start of every case. Later than now by any clock, so that no store drops a record meanwhile.
pub(in crate::store::cases) const START: Timestamp = Timestamp::from_millis(4_000_000_000_000);

pub(in crate::store::cases) const MINUTE: Duration = Duration::from_secs(60);

/// The tokens of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::cases) struct Tokens {
    pub(in crate::store::cases) access: String,
    pub(in crate::store::cases) refresh: String,
    pub(in crate::store::cases) scope: Scope,
    pub(in crate::store::cases) grant_id: GrantId,
}

impl From<TokenResponse> for Tokens {
    fn from(response: TokenResponse) -> Self {
        Self {
            access: response.access_token.expose().to_owned(),
            refresh: response.refresh_token.map(|token| token.expose().to_owned()).unwrap(),
            scope: response.scope,
            grant_id: response.grant_id,
        }
    }
}

pub(in crate::store::cases) type Answer = Result<Tokens, TokenError>;

/// One node. Nodes of one fixture share clock, keys and data.
pub(in crate::store::cases) struct Node<S> {
    service: TokenService<Faulty<S>>,
    client: AuthenticatedClient,
    pub(in crate::store::cases) store: Faulty<S>,
    pub(in crate::store::cases) clock: ManualClock,
}

impl<S> Clone for Node<S> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            client: self.client.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
        }
    }
}

impl<S: TokenStore + 'static> Node<S> {
    pub(in crate::store::cases) fn new(store: Arc<S>) -> Self {
        Self::under(Policy::default(), store)
    }

    pub(in crate::store::cases) fn under(policy: Policy, store: Arc<S>) -> Self {
        Self::assembled(policy, store, ManualClock::starting_at(START))
    }

    /// Creates another node on the same clock, with a handle of its own.
    pub(in crate::store::cases) fn beside(&self, store: Arc<S>) -> Self {
        Self::assembled(Policy::default(), store, self.clock.clone())
    }

    fn assembled(policy: Policy, store: Arc<S>, clock: ManualClock) -> Self {
        let store = Faulty::new(store);
        let service = TokenService::builder(
            store.clone(),
            ClientRegistry::new(),
            KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
        )
        .policy(policy)
        .clock(clock.clone())
        .build()
        .unwrap();
        let client = Client::new(ClientId::new("app").unwrap())
            .with_grant_types([GrantType::AuthorizationCode, GrantType::Password, GrantType::RefreshToken])
            .with_redirect_uris([RedirectUri::new("https://app.example/callback").unwrap()])
            .with_scope(scope("read write"));
        Self { service, client: AuthenticatedClient::assertion(client.into()), store, clock }
    }

    pub(in crate::store::cases) async fn issue(&self) -> Tokens {
        self.try_issue().await.unwrap()
    }

    pub(in crate::store::cases) async fn try_issue(&self) -> Answer {
        let request = IssueRequest::new(GrantType::Password, approval());
        self.service.issue(&self.client, request).await.map(Tokens::from)
    }

    pub(in crate::store::cases) async fn authorize(&self) -> String {
        let response = self.service.authorize(&self.client, AuthorizeRequest::new(approval())).await.unwrap();
        response.code.expose().to_owned()
    }

    pub(in crate::store::cases) async fn redeem(&self, code: &str) -> Answer {
        self.service.redeem(&self.client, &RedeemRequest::new(code)).await.map(Tokens::from)
    }

    pub(in crate::store::cases) async fn refresh(&self, token: &str) -> Answer {
        self.service.refresh(&self.client, &RefreshRequest::new(token)).await.map(Tokens::from)
    }

    pub(in crate::store::cases) async fn refresh_scoped(&self, token: &str, wanted: &str) -> Answer {
        let request = RefreshRequest::new(token).with_scope(scope(wanted));
        self.service.refresh(&self.client, &request).await.map(Tokens::from)
    }

    pub(in crate::store::cases) async fn revoke(&self, token: &str) -> Result<(), TokenError> {
        self.service.revoke(&self.client, token).await
    }

    pub(in crate::store::cases) async fn introspect(&self, token: &str) -> Result<bool, TokenError> {
        self.service.introspect(&self.client, token).await.map(|active| active.is_some())
    }

    pub(in crate::store::cases) async fn is_active(&self, token: &str) -> bool {
        self.introspect(token).await.unwrap()
    }

    pub(in crate::store::cases) async fn is_any_active<'a>(
        &self,
        tokens: impl IntoIterator<Item = &'a Tokens>,
    ) -> bool {
        for tokens in tokens {
            if self.is_active(&tokens.access).await || self.is_active(&tokens.refresh).await {
                return true;
            }
        }
        false
    }

    /// Rotates `times` times, more than a minute apart, and returns all tokens including `first`.
    pub(in crate::store::cases) async fn rotate(&self, first: &Tokens, times: usize) -> Vec<Tokens> {
        let mut chain = vec![first.clone()];
        for _ in 0..times {
            self.clock.advance(MINUTE * 2);
            let next = self.refresh(&chain[chain.len() - 1].refresh).await.unwrap();
            chain.push(next);
        }
        chain
    }

    /// Asserts that `tokens` are the current ones of their grant and can be refreshed.
    pub(in crate::store::cases) async fn assert_alive(&self, tokens: &Tokens, what: &str) {
        assert!(self.is_active(&tokens.access).await, "{what}: the access token is dead");
        assert!(self.is_active(&tokens.refresh).await, "{what}: the refresh token is dead");
        self.clock.advance(MINUTE * 2);
        if let Err(error) = self.refresh(&tokens.refresh).await {
            panic!("{what}: the session is lost: {error:?}");
        }
    }

    pub(in crate::store::cases) async fn record(&self, id: GrantId) -> GrantRecord {
        self.store.load(&key(id)).await.unwrap().unwrap().record
    }

    /// Overwrites the stored record without any service.
    pub(in crate::store::cases) async fn overwrite(&self, id: GrantId, record: GrantRecord) {
        let current = self.store.load(&key(id)).await.unwrap().unwrap().version;
        let swap = self.store.compare_and_swap(&key(id), Expect::Version(current), record).await.unwrap();
        assert_eq!(swap, Swap::Stored);
    }
}

/// Returns the tokens, at once or by a retry. The only permitted error asks the client to try again.
pub(in crate::store::cases) async fn or_retry(
    answer: Answer,
    what: &str,
    retry: impl AsyncFnOnce() -> Answer,
) -> Tokens {
    match answer {
        Ok(tokens) => tokens,
        Err(error) => {
            assert!(is_retryable(&error), "{what}: {error:?}");
            retry().await.unwrap_or_else(|error| panic!("{what}: the retry failed: {error:?}"))
        }
    }
}

/// Returns the reason of a final refusal.
pub(in crate::store::cases) fn refusal(answer: Answer) -> Refusal {
    match answer {
        Err(TokenError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Returns true when the client is asked to try again.
pub(in crate::store::cases) fn is_retryable(error: &TokenError) -> bool {
    error.code() == ErrorCode::TemporarilyUnavailable
}

fn key(id: GrantId) -> GrantKey {
    GrantKey { realm: Realm::default(), id }
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn approval() -> Approval {
    Approval::of(Subject::new("demo").unwrap()).with_scope(scope("read write"))
}
