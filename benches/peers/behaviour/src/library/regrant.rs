use std::time::Duration;

use process::now;
use regrant::clock::{ManualClock, Timestamp};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, KeyRing, MemoryStore,
    RefreshRequest, Scope, Subject, SystemEntropy, TokenResponse, TokenService,
};

use super::{CLIENT, Library, SCOPE, Tokens};

pub(crate) struct Regrant {
    service: TokenService<MemoryStore>,
    client: AuthenticatedClient,
    clock: ManualClock,
}

impl Regrant {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_millis(1_700_000_000_000));
        let client = Client::public(ClientId::from_static(CLIENT))
            .with_grant_types([GrantType::Password, GrantType::RefreshToken])
            .with_scope(Scope::from_static(SCOPE));
        let keys = KeyRing::generate(&SystemEntropy);
        let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).clock(clock.clone());
        let client = AuthenticatedClient::assertion(client.into());
        Self { service: service.build().expect("valid"), client, clock }
    }
}

impl Library for Regrant {
    fn sign_in(&mut self) -> String {
        let approval = Approval::of(Subject::from_static("demo")).with_scope(Scope::from_static(SCOPE));
        let issued = now(self.service.issue(&self.client, IssueRequest::new(GrantType::Password, approval)));
        tokens(&issued.expect("issued")).refresh
    }

    fn refresh(&mut self, token: &str, scope: Option<&str>) -> Option<Tokens> {
        let scope = scope.map(|scope| Scope::new(scope).expect("a scope"));
        let request = RefreshRequest::new(token).with_scope(scope);
        now(self.service.refresh(&self.client, &request)).ok().map(|response| tokens(&response))
    }

    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
    }
}

fn tokens(response: &TokenResponse) -> Tokens {
    Tokens {
        refresh: response.refresh_token.as_ref().expect("a refresh token").expose().to_owned(),
        access: response.access_token.expose().to_owned(),
        scope: response.scope.to_string(),
    }
}
