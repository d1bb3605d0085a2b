//! oauth-as with its `MemoryStorage` and opaque tokens. It keeps tokens in clear and hashes nothing but client secrets.
//! A spent token stays as a record of its own until it is swept.

use std::sync::Arc;
use std::time::Duration;

use oauth_as::http::{AuthorizationService, Body, ServiceBuilder};
use oauth_as::scope::ScopeSet;
use oauth_as::server::{AuthorizationServer, ServerConfig, TokenRequest, UserApproval};
use oauth_as::store::{MemoryStorage, Storage as _};
use oauth_as::token::TokenTypeHint;
use oauth_as::{AuthorizationRequest, Client, ClientAuth, ClientId, GrantType, SecretHash};

use super::Subject;
use crate::clock::{AFTER_RETRIES, Shifted, between_batches};
use crate::session::{JsonString, Sessions};
use crate::{CLIENT, Caller, SCOPE, SECRET, Work, now, owner};

const CALLBACK: &str = "https://app.example/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The settings that matter for a refresh.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A retry after a lost answer is refused, and revokes the grant.
    Default,
    /// A retry within a minute gets the same answer, as with regrant.
    Retry,
}

pub(crate) struct OauthAs {
    server: Arc<AuthorizationServer<MemoryStorage, Shifted>>,
    service: AuthorizationService<MemoryStorage, Shifted>,
    clock: Shifted,
    mode: Mode,
    secret: Option<&'static str>,
    challenge: String,
    step: Duration,
    created: usize,
    sessions: Sessions,
    /// Requests without a body, which an HTTP library makes.
    requests: Vec<http::Request<Body>>,
    refresh_token: JsonString,
}

impl OauthAs {
    pub(crate) fn new(grants: usize, caller: Caller, mode: Mode) -> Self {
        let mut config = ServerConfig::new("https://as.example", "https://as.example/device");
        if mode == Mode::Retry {
            config.refresh_retry_window = Duration::from_secs(60);
        }
        let clock = Shifted::default();
        let server = Arc::new(AuthorizationServer::with_clock(config, MemoryStorage::new(), clock.clone()));
        let (auth, secret) = match caller {
            Caller::Public => (ClientAuth::Public, None),
            Caller::Confidential => {
                (ClientAuth::ConfidentialSecretHash { hash: SecretHash::sha256(SECRET) }, Some(SECRET))
            }
        };
        let client = Client {
            client_id: ClientId::new(CLIENT),
            auth,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            redirect_uris: vec![CALLBACK.to_owned()],
            allowed_scopes: ScopeSet::parse(SCOPE).expect("a scope"),
            default_scopes: ScopeSet::parse(SCOPE).expect("a scope"),
            name: None,
            registration: None,
        };
        now(server.register_client(client)).expect("registered");
        let service = ServiceBuilder::new(Arc::clone(&server)).build().unwrap_or_else(|_| panic!("a service"));
        let mut subject = Self {
            server,
            service,
            clock,
            mode,
            secret,
            challenge: oauth_as::pkce::code_challenge_s256(VERIFIER),
            step: Duration::from_secs(30 * 60) / u32::try_from(grants).expect("fewer grants"),
            created: 0,
            sessions: Sessions::default(),
            requests: Vec::new(),
            refresh_token: JsonString::after("\"refresh_token\":\""),
        };
        for number in 1..=grants {
            let (refresh, access) = subject.issue();
            subject.sessions.push(&refresh, &access);
            // Now and then, so that the map of redeemed codes does not grow with the grants and stay so.
            if number.is_multiple_of(grants.div_ceil(16)) {
                subject.sweep();
            }
        }
        subject.sweep();
        subject
    }

    /// Creates a grant by the code flow, the only one that has a resource owner and no device.
    fn issue(&mut self) -> (String, String) {
        let request = AuthorizationRequest::from_pairs([
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("scope", SCOPE),
            ("state", "1"),
            ("code_challenge", self.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        let request = now(self.server.validate_authorization_request(&request)).unwrap_or_else(|_| panic!("valid"));
        let approval = UserApproval::granted(&request, owner(self.created));
        self.created += 1;
        let code = now(self.server.issue_authorization_code(approval)).unwrap_or_else(|_| panic!("a code")).code;
        let tokens = now(self.server.token(TokenRequest::AuthorizationCode {
            client_id: ClientId::new(CLIENT),
            client_secret: self.secret.map(str::to_owned),
            code,
            redirect_uri: Some(CALLBACK.to_owned()),
            code_verifier: Some(VERIFIER.to_owned()),
        }));
        let tokens = tokens.expect("tokens");
        (tokens.refresh_token.expect("a refresh token"), tokens.access_token)
    }

    fn present(&self, token: &str) -> Result<(String, String), oauth_as::ErrorResponse> {
        let tokens = now(self.server.token(TokenRequest::RefreshToken {
            client_id: ClientId::new(CLIENT),
            client_secret: self.secret.map(str::to_owned),
            refresh_token: token.to_owned(),
            scope: None,
        }))?;
        Ok((tokens.refresh_token.expect("a refresh token"), tokens.access_token))
    }

    fn refresh(&mut self, slot: usize) {
        let (refresh, access) = self.present(&self.sessions.slots[slot].refresh).expect("refreshed");
        self.sessions.slots[slot].take(&refresh, &access);
    }

    fn rotate(&mut self, slots: usize) {
        self.clock.advance(between_batches(self.step, slots));
        for slot in 0..slots {
            self.sessions.slots[slot].other = self.sessions.slots[slot].refresh.clone();
            self.refresh(slot);
        }
    }

    fn post(&mut self, slot: usize) -> Vec<u8> {
        let mut request = self.requests.pop().expect("one for each call");
        *request.body_mut() = Body::from(self.sessions.slots[slot].form.clone());
        let response = now(self.service.handle(request));
        assert_eq!(response.status(), 200);
        response.into_body().into_bytes().into()
    }
}

impl Subject for OauthAs {
    fn name(&self, work: Work) -> Option<&'static str> {
        match (self.mode, work) {
            (Mode::Retry, Work::Refresh | Work::RefreshForm | Work::Replay) => Some("oauth-as-retry"),
            (Mode::Retry, _) => None,
            (
                Mode::Default,
                Work::Refresh
                | Work::RefreshForm
                | Work::Garbage
                | Work::Logout
                | Work::Theft
                | Work::Introspect
                | Work::IntrospectForm,
            ) => Some("oauth-as"),
            (Mode::Default, _) => None,
        }
    }

    fn prepare(&mut self, work: Work, places: &[usize], rounds: usize) {
        self.sessions.load(places);
        match work {
            Work::Replay => self.rotate(places.len()),
            Work::Theft => {
                self.rotate(places.len());
                self.clock.advance(AFTER_RETRIES);
            }
            Work::RefreshForm | Work::IntrospectForm => {
                let path = if work == Work::RefreshForm { "/token" } else { "/introspect" };
                self.requests.clear();
                self.requests.resize_with(rounds * places.len(), || {
                    http::Request::post(path)
                        .header("content-type", "application/x-www-form-urlencoded")
                        .body(Body::empty())
                        .expect("a request")
                });
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
                _ => {}
            }
        }
    }

    fn call(&mut self, work: Work, slot: usize) {
        match work {
            Work::Refresh => {
                self.clock.advance(self.step);
                self.refresh(slot);
            }
            Work::RefreshForm => {
                self.clock.advance(self.step);
                let json = self.post(slot);
                let session = &mut self.sessions.slots[slot];
                let token = self.refresh_token.find(&json);
                session.refresh.clear();
                session.refresh.push_str(token);
                session.write_form("grant_type=refresh_token&client_id=app&refresh_token=", token);
            }
            Work::Introspect => {
                let found = now(self.server.introspect(&self.sessions.slots[slot].access)).expect("introspected");
                assert!(found.is_some());
            }
            Work::IntrospectForm => {
                let json = self.post(slot);
                assert!(json.starts_with(b"{\"active\":true"));
            }
            Work::Replay => drop(self.present(&self.sessions.slots[slot].other).expect("replayed")),
            Work::Garbage | Work::Theft => assert!(self.present(&self.sessions.slots[slot].other).is_err()),
            Work::Logout => {
                let token = &self.sessions.slots[slot].refresh;
                let hint = Some(TokenTypeHint::RefreshToken);
                now(self.server.revoke(&ClientId::new(CLIENT), self.secret, token, hint)).expect("revoked");
            }
            _ => unreachable!("not named"),
        }
    }

    fn finish(&mut self, work: Work, places: &[usize]) {
        if work.scans() {
            for slot in 0..places.len() {
                let (refresh, access) = self.issue();
                self.sessions.slots[slot].take(&refresh, &access);
            }
        }
        if !matches!(work, Work::Introspect | Work::IntrospectForm) {
            self.sessions.save(places);
        }
    }

    fn sweep(&mut self) {
        // Redeemed codes too, which are not part of a grant.
        self.clock.advance(Duration::from_secs(120));
        let time = oauth_as::server::Clock::now(&self.clock);
        now(self.server.store().sweep_expired(time)).expect("swept");
    }

    fn client_bytes(&self) -> usize {
        self.sessions.bytes()
    }
}
