use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use oauth_as::scope::ScopeSet;
use oauth_as::server::{AuthorizationServer, ServerConfig, TokenRequest, UserApproval};
use oauth_as::store::MemoryStorage;
use oauth_as::{AuthorizationRequest, Client, ClientAuth, ClientId, GrantType};
use process::now;

use super::{CLIENT, Library, SCOPE, Tokens};

const CALLBACK: &str = "https://app.example/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(crate) struct OauthAs {
    server: AuthorizationServer<MemoryStorage, ManualClock>,
    clock: ManualClock,
}

#[derive(Clone)]
struct ManualClock(Arc<Mutex<SystemTime>>);

impl oauth_as::server::Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().expect("no panic")
    }
}

impl OauthAs {
    pub(crate) fn new(retry_window: Duration) -> Self {
        let clock = ManualClock(Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))));
        let mut config = ServerConfig::new("https://as.example", "https://as.example/device");
        config.refresh_retry_window = retry_window;
        let server = AuthorizationServer::with_clock(config, MemoryStorage::new(), clock.clone());
        let scope = ScopeSet::parse(SCOPE).expect("a scope");
        let client = Client {
            client_id: ClientId::new(CLIENT),
            auth: ClientAuth::Public,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            redirect_uris: vec![CALLBACK.to_owned()],
            allowed_scopes: scope.clone(),
            default_scopes: scope,
            name: None,
            registration: None,
        };
        now(server.register_client(client)).expect("registered");
        Self { server, clock }
    }

    fn token(&self, request: TokenRequest) -> Option<Tokens> {
        let response = now(self.server.token(request)).ok()?;
        Some(Tokens {
            refresh: response.refresh_token.expect("a refresh token"),
            access: response.access_token,
            scope: response.scope.unwrap_or_default(),
        })
    }
}

impl Library for OauthAs {
    fn sign_in(&mut self) -> String {
        let challenge = oauth_as::pkce::code_challenge_s256(VERIFIER);
        let request = AuthorizationRequest::from_pairs([
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("scope", SCOPE),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let request = now(self.server.validate_authorization_request(&request)).unwrap_or_else(|_| panic!("valid"));
        let approval = UserApproval::granted(&request, "demo".to_owned());
        let code = now(self.server.issue_authorization_code(approval)).unwrap_or_else(|_| panic!("a code")).code;
        let redeemed = self.token(TokenRequest::AuthorizationCode {
            client_id: ClientId::new(CLIENT),
            client_secret: None,
            code,
            redirect_uri: Some(CALLBACK.to_owned()),
            code_verifier: Some(VERIFIER.to_owned()),
        });
        redeemed.expect("tokens").refresh
    }

    fn refresh(&mut self, token: &str, scope: Option<&str>) -> Option<Tokens> {
        self.token(TokenRequest::RefreshToken {
            client_id: ClientId::new(CLIENT),
            client_secret: None,
            refresh_token: token.to_owned(),
            scope: scope.map(|scope| ScopeSet::parse(scope).expect("a scope")),
        })
    }

    fn pass(&mut self, time: Duration) {
        *self.clock.0.lock().expect("no panic") += time;
    }
}
