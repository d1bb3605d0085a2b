//! A client that retries while the server asks it to.

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

/// A client with its own service on a store. It repeats each request until it is answered or refused. All clients have
/// the same keys, so each can use the tokens of another.
#[derive(Debug)]
pub struct RetryingClient<S> {
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

impl<S: TokenStore> RetryingClient<S> {
    /// A client whose clock is at `now` and moves only by [`advance`](Self::advance), so no grace period ends because
    /// the machine is slow. A store that deletes expired keys itself needs a time near the real one.
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
            KeyRing::new(Key::from_parts(1, *b"a test key of thirty-two bytes..").expect("random")),
        )
        .clock(clock.clone())
        .events(Arc::clone(&counts))
        .build()
        .expect("the default policy");
        Self { service, client: AuthenticatedClient::assertion(Arc::new(client)), clock, counts }
    }

    /// Moves the clock.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Number of retries.
    #[must_use]
    pub fn retries(&self) -> usize {
        self.counts.retries.load(Ordering::Relaxed)
    }

    /// Number of heals: the store had lost an acknowledged write.
    #[must_use]
    pub fn heals(&self) -> usize {
        self.counts.heals.load(Ordering::Relaxed)
    }

    /// Number of codes refused at a second attempt. An answer to a code is never repeated (RFC 6749 section 4.1.2), so
    /// a redemption that was stored but not answered costs another sign-in.
    #[must_use]
    pub fn spent_codes(&self) -> usize {
        self.counts.spent_codes.load(Ordering::Relaxed)
    }

    /// Number of codes that the store had forgotten when they were redeemed.
    #[must_use]
    pub fn forgotten_codes(&self) -> usize {
        self.counts.forgotten_codes.load(Ordering::Relaxed)
    }

    /// Signs in and returns the refresh token of the new session.
    pub async fn sign_in(&self) -> String {
        let approval = || Approval::of(Subject::new("demo").expect("a subject")).with_scope(scope("read write"));
        for _ in 0..ATTEMPTS {
            let code =
                self.until_answered(|| self.service.authorize(&self.client, AuthorizeRequest::new(approval()))).await;
            let request = RedeemRequest::new(code.answer.expect("authorized").code.expose());
            let tokens = self.until_answered(|| self.service.redeem(&self.client, &request)).await;
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

    /// Refreshes and returns the next refresh token.
    ///
    /// # Errors
    /// The refusal, which a retry would not change.
    pub async fn refresh(&self, token: &str) -> Result<String, Refusal> {
        self.refresh_with(&RefreshRequest::new(token)).await
    }

    /// Refreshes with a narrower scope and returns the next refresh token.
    ///
    /// # Errors
    /// The refusal, which a retry would not change.
    pub async fn refresh_narrowed(&self, token: &str) -> Result<String, Refusal> {
        self.refresh_with(&RefreshRequest::new(token).with_scope(scope("read"))).await
    }

    /// Revokes the session of this refresh token; returns when the service has acknowledged it.
    pub async fn revoke(&self, token: &str) {
        let revoked = self.until_answered(|| self.service.revoke(&self.client, token)).await;
        revoked.answer.expect("a revocation is never refused");
    }

    /// True if the token is the current refresh token of an active session.
    pub async fn is_active(&self, token: &str) -> bool {
        let active = self.until_answered(|| self.service.introspect(&self.client, token)).await;
        active.answer.expect("its own token").is_some()
    }

    async fn refresh_with(&self, request: &RefreshRequest) -> Result<String, Refusal> {
        let tokens = self.until_answered(|| self.service.refresh(&self.client, request)).await;
        tokens.answer.map(|tokens| tokens.refresh_token.expect("the policy rotates").expose().to_owned())
    }

    /// Repeats a request until it is answered or refused.
    async fn until_answered<T, F>(&self, request: impl Fn() -> F) -> Outcome<T>
    where
        F: Future<Output = Result<T, TokenError>>,
    {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match request().await {
                Ok(answer) => return Outcome { answer: Ok(answer), attempts },
                Err(TokenError::Refused(refusal)) => return Outcome { answer: Err(refusal), attempts },
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

struct Outcome<T> {
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
