//! regrant with its memory store and default policy.

use std::time::Duration;

use regrant::client::IntrospectionAccess;
use regrant::store::GrantOwner;
use regrant::wire::{Endpoint, Endpoints, Request, Response};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, ClientSecret, GrantType, IssueRequest, Issuer,
    Key, KeyRing, MemoryStore, RefreshRequest, Refusal, Scope, SecretHash, Subject as Owner, TokenError, TokenService,
};

use super::Subject;
use crate::clock::{AFTER_RETRIES, Shifted, between_batches};
use crate::session::{JsonString, Session, Sessions};
use crate::{CLIENT, Caller, SCOPE, SECRET, Work, now, owner};

const FORM: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded");

pub(crate) struct Regrant {
    service: TokenService<MemoryStore>,
    endpoints: Endpoints<MemoryStore>,
    client: AuthenticatedClient,
    /// The client itself, or a resource server when the client is public and may not introspect.
    introspector: AuthenticatedClient,
    clock: Shifted,
    /// Time between two refreshes: each grant is refreshed every half hour.
    step: Duration,
    created: usize,
    sessions: Sessions,
    refresh_token: JsonString,
}

impl Regrant {
    pub(crate) fn new(grants: usize, caller: Caller) -> Self {
        let id = ClientId::from_static(CLIENT);
        let (client, secrets) = match caller {
            Caller::Public => (Client::public(id), Vec::new()),
            Caller::Confidential => (Client::new(id), vec![SecretHash::sha256(&ClientSecret::new(SECRET))]),
        };
        let client = client
            .with_grant_types([GrantType::Password, GrantType::RefreshToken])
            .with_scope(Scope::from_static(SCOPE));
        let introspector = match caller {
            Caller::Public => {
                Client::new(ClientId::from_static("resource-server")).with_introspection(IntrospectionAccess::Any)
            }
            Caller::Confidential => client.clone(),
        };
        let registry = ClientRegistry::new().register(client.clone(), secrets).expect("a client");
        let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").expect("random"));
        let clock = Shifted::default();
        let service = TokenService::builder(MemoryStore::new(), registry, keys).clock(clock.clone()).build();
        let service = service.expect("the policy is valid");
        let mut regrant = Self {
            endpoints: Endpoints::new(service.clone(), Issuer::from_static("https://as.example")).expect("valid"),
            service,
            introspector: AuthenticatedClient::assertion(introspector.into()),
            client: AuthenticatedClient::assertion(client.into()),
            clock,
            step: Duration::from_secs(30 * 60) / u32::try_from(grants).expect("fewer grants"),
            created: 0,
            sessions: Sessions::default(),
            refresh_token: JsonString::after("\"refresh_token\":\""),
        };
        let mut session = Session::default();
        for _ in 0..grants {
            regrant.issue(&mut session);
            regrant.sessions.push(&session.refresh, &session.access);
        }
        regrant
    }

    fn issue(&mut self, session: &mut Session) {
        let subject = Owner::new(owner(self.created)).expect("valid");
        self.created += 1;
        let approval = Approval::of(subject).with_scope(self.client.scope.clone());
        let issued = now(self.service.issue(&self.client, IssueRequest::new(GrantType::Password, approval)));
        let tokens = issued.expect("issued");
        session.take(tokens.refresh_token.expect("a refresh token").expose(), tokens.access_token.expose());
    }

    fn refresh(&mut self, slot: usize) {
        let session = &mut self.sessions.slots[slot];
        let request = RefreshRequest::new(session.refresh.as_str());
        let tokens = now(self.service.refresh(&self.client, &request)).expect("refreshed");
        session.take(tokens.refresh_token.expect("a refresh token").expose(), tokens.access_token.expose());
    }

    /// Presents the token that is not the current one.
    fn present_other(&self, slot: usize) -> Result<(), TokenError> {
        let request = RefreshRequest::new(self.sessions.slots[slot].other.as_str());
        now(self.service.refresh(&self.client, &request)).map(drop)
    }

    fn post(&self, endpoint: Endpoint, path: &str, slot: usize) -> Response {
        let request = Request::new("POST", path, &[FORM], &self.sessions.slots[slot].form);
        let response = now(self.endpoints.handle(endpoint, &request));
        assert_eq!(response.status, 200);
        response
    }

    fn step(&self) {
        self.clock.advance(self.step);
    }

    /// Makes the current tokens spent ones.
    fn rotate(&mut self, slots: usize) {
        self.clock.advance(between_batches(self.step, slots));
        for slot in 0..slots {
            let session = &mut self.sessions.slots[slot];
            session.other = session.refresh.clone();
            self.refresh(slot);
        }
    }
}

impl Subject for Regrant {
    fn name(&self, work: Work) -> Option<&'static str> {
        (!matches!(work, Work::RefreshBare | Work::IntrospectBare)).then_some("regrant")
    }

    fn prepare(&mut self, work: Work, places: &[usize], _: usize) {
        self.sessions.load(places);
        match work {
            Work::Replay => self.rotate(places.len()),
            Work::Theft => {
                self.rotate(places.len());
                self.clock.advance(AFTER_RETRIES);
                for slot in 0..places.len() {
                    self.refresh(slot);
                }
                self.clock.advance(AFTER_RETRIES);
            }
            _ => {}
        }
        for session in &mut self.sessions.slots {
            match work {
                Work::RefreshForm => {
                    let token = session.refresh.clone();
                    session.write_form("grant_type=refresh_token&client_id=app&refresh_token=", &token);
                }
                Work::IntrospectForm => {
                    let token = session.access.clone();
                    session.write_form(&format!("client_id=app&client_secret={SECRET}&token="), &token);
                }
                Work::Garbage => session.other = "rt_no-token-at-all".to_owned(),
                Work::Forged => {
                    let (before, after) = session.refresh.split_at(session.refresh.len() / 2);
                    let changed = if after.starts_with('A') { 'B' } else { 'A' };
                    session.other = format!("{before}{changed}{}", &after[1..]);
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, work: Work, slot: usize) {
        match work {
            Work::Refresh => {
                self.step();
                self.refresh(slot);
            }
            Work::RefreshForm => {
                self.step();
                let response = self.post(Endpoint::Token, "/oauth2/token", slot);
                let session = &mut self.sessions.slots[slot];
                let token = self.refresh_token.find(&response.body);
                session.refresh.clear();
                session.refresh.push_str(token);
                session.write_form("grant_type=refresh_token&client_id=app&refresh_token=", token);
            }
            Work::Introspect => {
                let introspected = now(self.service.introspect(&self.introspector, &self.sessions.slots[slot].access));
                assert!(introspected.expect("introspected").is_some());
            }
            Work::IntrospectForm => {
                let response = self.post(Endpoint::Introspection, "/oauth2/introspect", slot);
                assert!(response.body.starts_with(b"{\"active\":true"));
            }
            Work::Replay => self.present_other(slot).expect("replayed"),
            Work::Garbage | Work::Forged => {
                let refused = self.present_other(slot);
                assert!(matches!(refused, Err(TokenError::Refused(Refusal::TokenUnrecognized))));
            }
            Work::Theft => {
                let refused = self.present_other(slot);
                assert!(matches!(refused, Err(TokenError::Refused(Refusal::RefreshTokenReused))));
            }
            Work::Logout => {
                now(self.service.revoke(&self.client, &self.sessions.slots[slot].refresh)).expect("revoked")
            }
            Work::IssueRevoke => {
                let mut session = Session::default();
                self.issue(&mut session);
                now(self.service.revoke(&self.client, &session.refresh)).expect("revoked");
            }
            Work::Page => {
                let owner = GrantOwner::Client(self.client.id.clone());
                let page = now(self.service.grants(&owner, None, 100)).expect("a page");
                assert!(page.next.is_some());
            }
            Work::RefreshBare | Work::IntrospectBare => unreachable!("not named"),
        }
    }

    fn finish(&mut self, work: Work, places: &[usize]) {
        if work.scans() {
            for slot in 0..places.len() {
                let mut session = std::mem::take(&mut self.sessions.slots[slot]);
                self.issue(&mut session);
                self.sessions.slots[slot] = session;
            }
        }
        if !matches!(work, Work::Introspect | Work::IntrospectForm) {
            self.sessions.save(places);
        }
    }

    fn sweep(&mut self) {
        while now(self.service.purge_expired(1000)).expect("purged") == 1000 {}
    }

    fn client_bytes(&self) -> usize {
        self.sessions.bytes()
    }
}
