//! Whole endpoints as sequences of requests. The bytes of the input choose endpoints, clients, tokens obtained so far,
//! changes of them, keys, parameters, steps of the clock, and faults of the store.

mod request;
mod session;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fixtures::{
    APP, Config, Events, ISSUER, OTHER, POSTER, Passwords, SPA, START, Seeded, StubIssuer, StubVerifier, WatchedStore,
    client, scope,
};
use regrant::authenticator::{AuthenticateError, ClientAuthenticator, DirectoryAuthenticator, MemoryClients};
use regrant::client::{ClientAuthenticationMethod, RegistrationRules};
use regrant::clock::ManualClock;
use regrant::host::Unavailable;
use regrant::jwt::JwtIssuer;
use regrant::policy::{AccessTokenFormat, GracePeriod, Lifetime, Limit, PreviousAccessToken, SenderConstraint};
use regrant::proof::ProofVerifier;
use regrant::store::SingleUse;
use regrant::wire::{CertificateHeader, ClientRegistration, Cors, Endpoints};
use regrant::{
    AuthenticatedClient, Client, ClientCredentials, ClientId, ClientRegistry, GrantType, Issuer, MemoryStore, Policy,
    TokenService,
};
use regrant_jose::certificate::{CertificateSubject, TlsClientAuth};
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::dpop::DpopNonces;
use regrant_jose::{DpopVerifier, JwkSet, JwtTokens, KeySet};

use super::jose::{Kind, TOKEN_ENDPOINT, generate, public_key};
use super::ring;
use crate::Input;
use session::Session;

/// The maximum number of steps of an input.
const STEPS: usize = 32;

pub(crate) fn run_plain(input: &[u8]) {
    run(input, false);
}

pub(crate) fn run_jose(input: &[u8]) {
    run(input, true);
}

fn run(input: &[u8], has_jose: bool) {
    let mut input = Input::new(input);
    let mut session = Session::new(Server::start(&mut input, has_jose));
    for _ in 0..STEPS {
        if input.is_empty() {
            return;
        }
        session.step(&mut input);
    }
}

/// Serves the device flow and token exchange as well.
pub(crate) fn serve_everything(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    let mut paths = endpoints.paths().clone();
    paths.device_verification = Some("/device".to_owned());
    endpoints.with_paths(paths).with_token_exchange()
}

/// A server with the stubs of the fixtures, or with the real JOSE.
struct Server {
    endpoints: Endpoints<WatchedStore>,
    store: WatchedStore,
    clock: ManualClock,
    events: Events,
    has_jose: bool,
}

impl Server {
    fn start(input: &mut Input<'_>, has_jose: bool) -> Self {
        let (store, clock, events) = (WatchedStore::default(), ManualClock::starting_at(START), Events::default());
        let flags = input.byte();
        let (registered, ports) = (MemoryClients::new(), Ports::new(has_jose, flags));
        let clients = Clients(clients(&clock, has_jose), DirectoryAuthenticator::new(registered.clone()));
        let service = TokenService::builder(store.clone(), clients, ring())
            .policy(policy(input.byte()))
            .clock(clock.clone())
            .entropy(Seeded::new(7))
            .events(events.clone())
            .jwt_issuer(ports.issuer)
            .proof_verifier(ports.verifier)
            .build()
            .expect("a policy");
        let mut endpoints = serve_everything(Endpoints::new(service, Issuer::from_static(ISSUER)).expect("one issuer"))
            .with_approver(GrantType::Password, Passwords)
            .with_registration(ClientRegistration::new(registered, rules()))
            .with_cors(Cors::origins(["https://app.example"]).expect("an origin"));
        let mut paths = endpoints.paths().clone();
        paths.authorization = Some("/authorize".to_owned());
        endpoints = endpoints.with_paths(paths);
        if flags & 2 != 0 {
            endpoints = endpoints.with_certificate_header(CertificateHeader::rfc_9440());
        }
        Self { endpoints, store, clock, events, has_jose }
    }
}

fn policy(choice: u8) -> Policy {
    let policy = Policy::default();
    match choice % 10 {
        0 => policy,
        1 => Policy::am_7_5(),
        // Not all requests of the target are pushed.
        2 => Policy::fapi2().with_require_pushed_authorization_requests(false),
        3 => policy.with_access_token_format(AccessTokenFormat::Jwt),
        4 => policy.with_issue_refresh_tokens_on_refresh(false),
        5 => policy.with_previous_access_token(PreviousAccessToken::Revoke).with_max_replays(Limit::AtMost(2)),
        6 => policy
            .with_refresh_token_lifetime(Lifetime::Of(Duration::from_secs(7200)))
            .with_grant_lifetime(Lifetime::Of(Duration::from_secs(3 * 3600)))
            .with_grace_period(GracePeriod::Of(Duration::ZERO)),
        7 => policy.with_sender_constraint(SenderConstraint::Dpop),
        9 => policy.with_require_pushed_authorization_requests(true),
        _ => policy.with_grace_period(GracePeriod::UntilSuccessorUse).with_max_live_access_tokens(2),
    }
}

/// All clients of the fixtures with every flow. With JOSE there are also one with a key and one with a certificate.
fn clients(clock: &ManualClock, has_jose: bool) -> ClientRegistry {
    let mut config = Config::default();
    let flows = [GrantType::DeviceCode, GrantType::TokenExchange];
    for auth in [APP, OTHER, POSTER, SPA] {
        config = config.with_client(auth, |mut client| {
            client.grant_types.extend(flows.clone());
            client.with_authorization_details_types(["account", "payment"])
        });
    }
    let clients = config.registry();
    if !has_jose {
        return clients;
    }
    let clock = Arc::new(clock.clone());
    let assertions = ClientAssertions::new(Issuer::from_static(ISSUER), clock.clone(), Arc::new(MemoryStore::new()));
    let keys: JwkSet = [public_key(Kind::EdDsa)].into_iter().collect();
    let by_key = assertions.with_audiences([TOKEN_ENDPOINT]).private_key_jwt(keys);
    let by_name = TlsClientAuth::new(CertificateSubject::Dn("CN=tls".parse().expect("a name")), clock);
    let of = |id, method| {
        let mut client = client(fixtures::Auth::Public(id)).with_authentication_methods(method);
        client.grant_types.extend(flows.clone());
        client
    };
    clients
        .register_with_verifier(of("jwt", ClientAuthenticationMethod::PrivateKeyJwt), Arc::new(by_key))
        .and_then(|all| {
            all.register_with_verifier(of("tls", ClientAuthenticationMethod::TlsClientAuth), Arc::new(by_name))
        })
        .expect("new ids")
}

/// The rules for clients that register themselves.
fn rules() -> RegistrationRules {
    let most = client(SPA).with_scope(scope("read")).with_authorization_details_types(["account"]);
    RegistrationRules::within(most)
}

/// The clients that are known at the start, and those that register themselves.
struct Clients(ClientRegistry, DirectoryAuthenticator<MemoryClients>);

#[async_trait]
impl ClientAuthenticator for Clients {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        match self.0.client(credentials.client_id()) {
            Some(_) => self.0.authenticate(credentials).await,
            None => self.1.authenticate(credentials).await,
        }
    }

    async fn find_client(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, Unavailable> {
        match self.0.client(client_id) {
            Some(client) => Ok(Some(client)),
            None => self.1.find_client(client_id).await,
        }
    }
}

struct Ports {
    issuer: Arc<dyn JwtIssuer>,
    verifier: Arc<dyn ProofVerifier>,
}

impl Ports {
    fn new(has_jose: bool, flags: u8) -> Self {
        if !has_jose {
            return Self { issuer: Arc::new(StubIssuer::default()), verifier: Arc::new(StubVerifier::default()) };
        }
        let kind = if flags & 4 == 0 { Kind::EdDsa } else { Kind::Es256 };
        let keys = KeySet::new(generate(kind, 11), Duration::from_secs(7200)).expect("a key set");
        let used: Arc<dyn SingleUse> = Arc::new(MemoryStore::new());
        let mut verifier = DpopVerifier::new(used);
        if flags & 8 != 0 {
            verifier = verifier.with_nonces(DpopNonces::new(&[3; 32]));
        }
        Self { issuer: Arc::new(JwtTokens::new(Issuer::from_static(ISSUER), keys)), verifier: Arc::new(verifier) }
    }
}
