//! Nodes: the real service over a store, in this process or in another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use regrant::clock::{ManualClock, Timestamp};
use regrant::event::{Event, EventKind, EventSink};
use regrant::policy::GracePeriod;
use regrant::store::{PurgeExpired, TokenStore};
use regrant::{
    Approval, AuthenticatedClient, AuthorizeRequest, Client, ClientId, ClientRegistry, GrantType, Key, KeyRing, Policy,
    RedeemRequest, RefreshRequest, Refusal, Scope, Subject, TokenError, TokenService,
};

use crate::specification::Windows;

/// The key of all nodes. The recorder opens tokens with it.
pub const KEY: (u8, &[u8; 32]) = (1, b"a test key of thirty-two bytes..");

/// A call as a client or resource server sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "nodes answer every request")]
pub enum Request {
    /// Asks for a code of a new grant.
    Authorize,
    /// Redeems a code.
    Redeem(String),
    /// Refreshes with a refresh token.
    Refresh(String),
    /// Revokes a refresh or access token.
    Revoke(String),
    /// Introspects a refresh or access token.
    Introspect(String),
    /// Deletes expired records; there are none.
    Purge,
}

/// The answer of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the recorder handles every reply")]
pub enum Reply {
    /// A code.
    Code(String),
    /// A refresh token and an access token.
    Tokens(String, String),
    /// The token is active or not.
    Active(bool),
    /// Acknowledged.
    Done,
    /// Refused for good.
    Refused(Refusal),
    /// No answer: the outcome is unknown.
    Failed,
    /// An error that a retry does not mend. No fault that is injected here explains one.
    Broken(String),
}

/// A node of a deployment.
#[async_trait]
pub trait Node: Send + Sync {
    /// Answers a request.
    async fn answer(&self, request: &Request) -> Reply;

    /// Number of records that this node has healed.
    fn heals(&self) -> usize;
}

/// A node in this process.
#[derive(Debug)]
pub struct ServiceNode<S> {
    service: TokenService<S>,
    client: AuthenticatedClient,
    heals: Arc<Heals>,
}

/// Number of healed records.
#[derive(Debug, Default)]
struct Heals(AtomicUsize);

impl EventSink for Heals {
    fn record(&self, event: &Event<'_>) {
        if matches!(event.kind, EventKind::Healed { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S: TokenStore> ServiceNode<S> {
    /// A node whose clock stands still at `now`, so no window ends because the machine is slow.
    #[must_use]
    pub fn new(store: S, now: Timestamp, windows: Windows) -> Self {
        let heals = Arc::<Heals>::default();
        let client = Client::new(ClientId::new("app").expect("a client id"))
            .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
            .with_redirect_uris([regrant::RedirectUri::new("https://app.example/callback").expect("a URI")])
            .with_scope(scope());
        let key = Key::from_parts(KEY.0, *KEY.1).expect("random bytes");
        let service = TokenService::builder(store, ClientRegistry::new(), KeyRing::new(key))
            .clock(ManualClock::starting_at(now))
            .policy(policy(windows))
            .events(Arc::clone(&heals))
            .build()
            .expect("a policy");
        Self { service, client: AuthenticatedClient::assertion(client.into()), heals }
    }

    /// The service.
    #[must_use]
    pub const fn service(&self) -> &TokenService<S> {
        &self.service
    }

    async fn try_answer(&self, request: &Request) -> Result<Reply, TokenError>
    where
        S: PurgeExpired,
    {
        let (service, client) = (&self.service, &self.client);
        Ok(match request {
            Request::Authorize => {
                let approval = Approval::of(Subject::new("demo").expect("a subject")).with_scope(scope());
                let code = service.authorize(client, AuthorizeRequest::new(approval)).await?.code;
                Reply::Code(code.expose().to_owned())
            }
            Request::Redeem(code) => tokens(&service.redeem(client, &RedeemRequest::new(&**code)).await?),
            Request::Refresh(token) => tokens(&service.refresh(client, &RefreshRequest::new(&**token)).await?),
            Request::Revoke(token) => service.revoke(client, token).await.map(|()| Reply::Done)?,
            Request::Introspect(token) => Reply::Active(service.introspect(client, token).await?.is_some()),
            Request::Purge => service.purge_expired(100).await.map(|_| Reply::Done)?,
        })
    }
}

#[async_trait]
impl<S: TokenStore + PurgeExpired> Node for ServiceNode<S> {
    async fn answer(&self, request: &Request) -> Reply {
        match self.try_answer(request).await {
            Ok(reply) => reply,
            Err(TokenError::Refused(refusal)) => Reply::Refused(refusal),
            Err(error) if error.is_transient() => Reply::Failed,
            Err(error) => Reply::Broken(format!("{error:?}")),
        }
    }

    fn heals(&self) -> usize {
        self.heals.0.load(Ordering::Relaxed)
    }
}

fn policy(windows: Windows) -> Policy {
    let policy = Policy::default().with_max_live_access_tokens(1000);
    match windows {
        Windows::Open => policy,
        Windows::Closed => {
            policy.with_grace_period(GracePeriod::Of(Duration::ZERO)).with_catch_up_window(Duration::ZERO)
        }
    }
}

fn tokens(response: &regrant::TokenResponse) -> Reply {
    let refresh_token = response.refresh_token.as_ref().expect("the policy issues one");
    Reply::Tokens(refresh_token.expose().to_owned(), response.access_token.expose().to_owned())
}

fn scope() -> Scope {
    "read write".parse().expect("a scope")
}
