//! A client as it should be: what it is told to try again, it tries again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regrant::clock::{ManualClock, Timestamp};
use regrant::event::{ErrorCode, Event, EventKind, EventSink};
use regrant::store::TokenStore;
use regrant::{
    Approval, AuthenticatedClient, AuthorizeRequest, Client, ClientId, ClientRegistry, GrantType, Key, KeyRing,
    RedeemRequest, RedirectUri, RefreshRequest, Refusal, Scope, Subject, TokenError, TokenService,
};

const ATTEMPTS: usize = 1000;
const PAUSE: Duration = Duration::from_millis(50);

/// A client with a service of its own on a store: it repeats each request until it is answered or refused. All that are
/// made have the same keys, so what one was given, another one can use.
#[derive(Debug)]
pub struct Patient<S> {
    service: TokenService<S>,
    client: AuthenticatedClient,
    clock: ManualClock,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    retries: AtomicUsize,
    heals: AtomicUsize,
    spent_codes: AtomicUsize,
    forgotten_codes: AtomicUsize,
}

impl<S: TokenStore> Patient<S> {
    /// One whose clock stands at `now`. It moves when told to, so that no grace ends because a machine was slow. A store
    /// that expires by itself wants it to be near the real time.
    #[must_use]
    pub fn new(store: S, now: Timestamp) -> Self {
        let (clock, counts) = (ManualClock::starting_at(now), Arc::<Counts>::default());
        let client = Client::new(ClientId::new("app").expect("a client id"))
            .with_redirect_uris([RedirectUri::new("https://app.example/callback").expect("a URI")])
            .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
            .with_scope(scope("read write"));
        let service = TokenService::builder(
            store,
            ClientRegistry::new(),
            KeyRing::new(Key::with_id(1, *b"a test key of thirty-two bytes..").expect("random")),
        )
        .clock(clock.clone())
        .events(Arc::clone(&counts))
        .build()
        .expect("the default policy");
        Self { service, client: AuthenticatedClient::assertion(Arc::new(client)), clock, counts }
    }

    /// Moves its clock.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// How often it was told to try again.
    #[must_use]
    pub fn retries(&self) -> usize {
        self.counts.retries.load(Ordering::Relaxed)
    }

    /// How often the store was found to have lost what it had acknowledged.
    #[must_use]
    pub fn heals(&self) -> usize {
        self.counts.heals.load(Ordering::Relaxed)
    }

    /// How many codes were refused at a second attempt. An answer to a code is never repeated (RFC 6749 section 4.1.2), so
    /// a redemption that was stored and not heard of costs another sign-in.
    #[must_use]
    pub fn spent_codes(&self) -> usize {
        self.counts.spent_codes.load(Ordering::Relaxed)
    }

    /// How many codes the store had forgotten when they were redeemed.
    #[must_use]
    pub fn forgotten_codes(&self) -> usize {
        self.counts.forgotten_codes.load(Ordering::Relaxed)
    }

    /// A refresh token for a new session.
    pub async fn sign_in(&self) -> String {
        let approval = || Approval::of(Subject::new("demo").expect("a subject")).with_scope(scope("read write"));
        for _ in 0..ATTEMPTS {
            let code = self.persist(|| self.service.authorize(&self.client, AuthorizeRequest::new(approval()))).await;
            let request = RedeemRequest::new(code.answer.expect("authorized").code.expose());
            let tokens = self.persist(|| self.service.redeem(&self.client, &request)).await;
            let fault = match tokens.answer {
                Ok(tokens) => return tokens.refresh_token.expect("the policy issues one").expose().to_owned(),
                Err(Refusal::GrantUnknown) => &self.counts.forgotten_codes,
                Err(_) if tokens.attempts > 1 => &self.counts.spent_codes,
                Err(refusal) => panic!("a new code was refused: {refusal}"),
            };
            fault.fetch_add(1, Ordering::Relaxed);
        }
        panic!("no code was redeemed");
    }

    /// The next refresh token.
    ///
    /// # Errors
    /// The refusal, which is for good.
    pub async fn refresh(&self, token: &str) -> Result<String, Refusal> {
        self.refresh_with(&RefreshRequest::new(token)).await
    }

    /// The next refresh token, beside an access token for less than was granted.
    ///
    /// # Errors
    /// The refusal, which is for good.
    pub async fn refresh_narrowed(&self, token: &str) -> Result<String, Refusal> {
        self.refresh_with(&RefreshRequest::new(token).with_scope(scope("read"))).await
    }

    /// Returns when the session of this refresh token has been revoked.
    pub async fn revoke(&self, token: &str) {
        let revoked = self.persist(|| self.service.revoke(&self.client, token)).await;
        revoked.answer.expect("a revocation is never refused");
    }

    /// Whether the token is the current refresh token of a live session.
    pub async fn is_active(&self, token: &str) -> bool {
        let active = self.persist(|| self.service.introspect(&self.client, token)).await;
        active.answer.expect("its own token").is_some()
    }

    async fn refresh_with(&self, request: &RefreshRequest) -> Result<String, Refusal> {
        let tokens = self.persist(|| self.service.refresh(&self.client, request)).await;
        tokens.answer.map(|tokens| tokens.refresh_token.expect("the policy rotates").expose().to_owned())
    }

    /// The same request until it is answered or refused.
    async fn persist<T, F>(&self, request: impl Fn() -> F) -> Persisted<T>
    where
        F: Future<Output = Result<T, TokenError>>,
    {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match request().await {
                Ok(answer) => return Persisted { answer: Ok(answer), attempts },
                Err(TokenError::Refused(refusal)) => return Persisted { answer: Err(refusal), attempts },
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{error:?}");
                    assert!(attempts < ATTEMPTS, "the client gives up: {error:?}");
                }
            }
            self.counts.retries.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

struct Persisted<T> {
    answer: Result<T, Refusal>,
    attempts: usize,
}

impl EventSink for Counts {
    fn record(&self, event: &Event<'_>) {
        if matches!(event.kind, EventKind::Healed { .. }) {
            self.heals.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn scope(text: &str) -> Scope {
    text.parse().expect("a scope")
}
