//! A service with ten thousand grants, for all benches.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use regrant::clock::ManualClock;
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, Key, KeyRing,
    MemoryStore, Scope, Subject, TokenResponse, TokenService, TokenServiceBuilder,
};

/// The number of grants besides the measured one.
pub(crate) const GRANTS: u32 = 10_000;

/// The key of the service.
pub(crate) const KEY: [u8; 32] = *b"a test key of thirty-two bytes..";

/// The time between two refreshes of one grant. A client refreshes before its access token expires.
pub(crate) const BETWEEN_REFRESHES: Duration = Duration::from_secs(30 * 60);

/// Runs a future of the memory store, which never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the memory store never waits"),
    }
}

pub(crate) struct Bench {
    pub(crate) service: TokenService<MemoryStore>,
    pub(crate) client: AuthenticatedClient,
    pub(crate) clock: ManualClock,
}

impl Bench {
    /// A service with `store`, filled with grants.
    pub(crate) fn over(store: MemoryStore) -> Self {
        Self::with(store, |service| service)
    }

    /// A service with `store` and other settings, filled with grants.
    pub(crate) fn with(
        store: MemoryStore,
        change: impl FnOnce(TokenServiceBuilder<MemoryStore>) -> TokenServiceBuilder<MemoryStore>,
    ) -> Self {
        let clock = ManualClock::default();
        let service = TokenService::builder(store, ClientRegistry::new(), KeyRing::new(Key::new(KEY).expect("random")));
        let service = change(service.clock(clock.clone())).build().expect("the policy is valid");
        let client = Client::new(ClientId::from_static("myClient"))
            .with_grant_types([GrantType::Password, GrantType::RefreshToken, GrantType::DeviceCode])
            .with_scope(Scope::from_static("openid profile email offline_access"));
        let bench = Self { service, client: AuthenticatedClient::assertion(client.into()), clock };
        for number in 0..GRANTS {
            bench.issue(number);
        }
        bench
    }

    pub(crate) fn issue(&self, subject: u32) -> TokenResponse {
        let subject = Subject::new(format!("user-{subject}@example.com")).expect("valid");
        let approval = Approval::of(subject).with_scope(self.client.scope.clone());
        now(self.service.issue(&self.client, IssueRequest::new(GrantType::Password, approval))).expect("issued")
    }
}
