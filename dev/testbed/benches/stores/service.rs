//! The service on a store, with active sessions.

use std::sync::Mutex;
use std::time::Duration;

use regrant::clock::{ManualClock, Timestamp};
use regrant::store::TokenStore;
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, Key, KeyRing,
    RefreshRequest, Scope, Subject, TokenResponse, TokenService,
};

use crate::measure::{GRANTS, Work};

/// Time between two calls. A grant is refreshed at most twice an hour, as by a client that refreshes before its access
/// token expires.
const STEP: Duration = Duration::from_secs(30 * 60 / GRANTS as u64);

/// A time that the clock of no server reaches during the bench.
const START: Timestamp = Timestamp::from_millis(2_000_000_000_000);

/// Sessions of one client on `S`.
pub(crate) struct Service<S> {
    service: TokenService<S>,
    client: AuthenticatedClient,
    clock: ManualClock,
    sessions: Vec<Mutex<Session>>,
}

#[derive(Clone, Default)]
struct Session {
    access_token: String,
    refresh_token: String,
}

impl<S: TokenStore + 'static> Service<S> {
    pub(crate) fn on(store: S) -> Self {
        let clock = ManualClock::starting_at(START);
        let service = TokenService::builder(
            store,
            ClientRegistry::new(),
            KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
        )
        .clock(clock.clone())
        .build()
        .unwrap();
        let client = Client::new(ClientId::new("myClient").unwrap())
            .with_grant_types([GrantType::Password, GrantType::RefreshToken])
            .with_scope(Scope::new("openid profile email offline_access").unwrap());
        let client = AuthenticatedClient::assertion(client.into());
        let sessions = (0..GRANTS).map(|_| Mutex::default()).collect();
        Self { service, client, clock, sessions }
    }

    fn session(&self, place: usize) -> Session {
        self.sessions[place].lock().unwrap().clone()
    }
}

impl<S: TokenStore + 'static> Work for Service<S> {
    /// Creates new sessions: in a long row those that are not refreshed expire.
    async fn prepare(&self) {
        for (number, session) in self.sessions.iter().enumerate() {
            let subject = Subject::new(format!("user-{number}@example.com")).unwrap();
            let approval = Approval::of(subject).with_scope(self.client.scope.clone());
            let request = IssueRequest::new(GrantType::Password, approval);
            let tokens = self.service.issue(&self.client, request).await.unwrap();
            *session.lock().unwrap() = tokens.into();
        }
    }

    async fn refresh(&self, place: usize) {
        self.clock.advance(STEP);
        let request = RefreshRequest::new(self.session(place).refresh_token);
        let tokens = self.service.refresh(&self.client, &request).await.unwrap();
        *self.sessions[place].lock().unwrap() = tokens.into();
    }

    async fn introspect(&self, place: usize) {
        let token = self.session(place).access_token;
        self.service.introspect(&self.client, &token).await.unwrap();
    }
}

impl From<TokenResponse> for Session {
    fn from(tokens: TokenResponse) -> Self {
        Self {
            access_token: tokens.access_token.expose().to_owned(),
            refresh_token: tokens.refresh_token.unwrap().expose().to_owned(),
        }
    }
}
