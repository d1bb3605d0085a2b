//! Grants with real records, made by the service.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use regrant::clock::{Clock as _, ManualClock, SystemClock, Timestamp};
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore, Version};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, Key, KeyRing,
    RefreshRequest, Scope, Subject, TokenResponse, TokenService, TokenServiceBuilder,
};
use testbed::Random;

/// Number of clients. Their grants are equally many.
pub const CLIENTS: u64 = 100;

/// Grants of each resource owner.
const GRANTS_PER_SUBJECT: u64 = 2;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 3600;

/// A grant after its first rotation.
#[derive(Clone, Debug)]
pub struct Made {
    /// Key of the record.
    pub key: GrantKey,
    /// Record as the service stored it.
    pub record: GrantRecord,
    /// Tokens of the grant, if it belongs to the sample.
    pub session: Option<Session>,
}

/// Current tokens of a grant.
#[derive(Clone, Debug)]
pub struct Session {
    /// Place of the client in [`clients`].
    pub client: usize,
    /// Current access token.
    pub access_token: String,
    /// Current refresh token.
    pub refresh_token: String,
}

/// Size of a population.
#[derive(Clone, Copy, Debug)]
pub struct Census {
    /// Number of grants.
    pub grants: u64,
    /// Number of grants, about, whose tokens are kept.
    pub sample: u64,
    /// Share of the other grants that have expired.
    pub expired_percent: u64,
}

/// Some grants of a population, each with one rotation. Grants in the sample were refreshed in the last minutes, the
/// others in the last six days. A share of them has expired.
pub struct Population {
    service: TokenService<OneGrant>,
    store: OneGrant,
    clock: ManualClock,
    now: Timestamp,
    clients: Vec<AuthenticatedClient>,
    random: Random,
    census: Census,
    next: u64,
    step: u64,
}

impl fmt::Debug for Population {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Population").field("census", &self.census).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Population {
    /// The grants of one of `parts` equal parts.
    #[must_use]
    pub fn part(census: Census, part: u64, parts: u64) -> Self {
        let (store, now) = (OneGrant::default(), SystemClock.now());
        let clock = ManualClock::starting_at(now);
        let service = service(store.clone()).clock(clock.clone()).build().expect("a valid policy");
        let random = Random::new(part);
        Self { service, store, clock, now, clients: clients(), random, census, next: part, step: parts }
    }

    fn make(&mut self) -> Made {
        let Census { grants, sample, expired_percent } = self.census;
        let number = self.next;
        self.next += self.step;
        let is_sampled = number.is_multiple_of((grants / sample.max(1)).max(1));
        let place = self.random.below(CLIENTS) as usize;
        let client = self.clients[place].clone();
        let age = if is_sampled {
            MINUTE + self.random.below(10 * MINUTE)
        } else if self.random.below(100) < expired_percent {
            // The refresh token lives for 7 days.
            8 * DAY + self.random.below(6 * DAY)
        } else {
            MINUTE + self.random.below(6 * DAY)
        };
        let refreshed_at = Timestamp::from_millis(self.now.as_millis() - (age * 1000).cast_signed());
        self.clock.set(Timestamp::from_millis(refreshed_at.as_millis() - (30 * MINUTE * 1000).cast_signed()));
        let subject = Subject::new(format!("user-{}@example.com", number % (grants / GRANTS_PER_SUBJECT).max(1)))
            .expect("a subject");
        let approval = Approval::of(subject).with_scope(client.scope.clone());
        let issued = self.service.issue(&client, IssueRequest::new(GrantType::Password, approval));
        let issued = Session::new(place, &issued.now_or_never().expect("no wait").expect("tokens"));
        self.clock.set(refreshed_at);
        let request = RefreshRequest::new(issued.refresh_token);
        let refreshed = self.service.refresh(&client, &request).now_or_never().expect("no wait").expect("tokens");
        let (key, stored) = self.store.take().expect("a stored grant");
        Made { key, record: stored.record, session: is_sampled.then(|| Session::new(place, &refreshed)) }
    }
}

impl Iterator for Population {
    type Item = Made;

    fn next(&mut self) -> Option<Made> {
        (self.next < self.census.grants).then(|| self.make())
    }
}

impl Session {
    /// Tokens of a response to the client at this place.
    #[must_use]
    pub fn new(client: usize, tokens: &TokenResponse) -> Self {
        let refresh_token = tokens.refresh_token.as_ref().expect("a refresh token").expose().to_owned();
        Self { client, access_token: tokens.access_token.expose().to_owned(), refresh_token }
    }
}

/// The clients of every population.
#[must_use]
pub fn clients() -> Vec<AuthenticatedClient> {
    let scope = Scope::new("openid profile email offline_access").expect("a scope");
    let client = |number| {
        let client = Client::new(ClientId::new(format!("client-{number:02}")).expect("a client id"))
            .with_grant_types([GrantType::Password, GrantType::RefreshToken])
            .with_scope(scope.clone());
        AuthenticatedClient::assertion(client.into())
    };
    (0..CLIENTS).map(client).collect()
}

/// A service with the keys of every population and the default policy.
#[must_use]
pub fn service<S: TokenStore + 'static>(store: S) -> TokenServiceBuilder<S> {
    let ring = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").expect("a key"));
    TokenService::builder(store, ClientRegistry::new(), ring)
}

/// A store for one grant.
#[derive(Clone, Default)]
struct OneGrant(Arc<Mutex<Option<(GrantKey, StoredGrant)>>>);

impl OneGrant {
    fn take(&self) -> Option<(GrantKey, StoredGrant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl TokenStore for OneGrant {
    async fn load(&self, _key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let grant = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(grant.as_ref().map(|(_, stored)| stored.clone()))
    }

    async fn compare_and_swap(&self, key: &GrantKey, _: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let stored = StoredGrant { version: Version::random(), record };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((key.clone(), stored));
        Ok(Swap::Stored)
    }
}
