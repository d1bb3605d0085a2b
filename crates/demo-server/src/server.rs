use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use regrant::clock::Clock;
use regrant::event::{ErrorCode, EventSink, TracingSink};
use regrant::host::{Admission, Attempt, AttemptKind, AttemptLimit, AttemptOutcome, RateLimit as _};
use regrant::policy::PolicyError;
use regrant::token::KeyRingError;
use regrant::wire::{CertificateHeader, Cors, Endpoints, IssuerMismatch, Paths, Request};
use regrant::{ClientId, ClientRegistry, GrantType, Issuer, Subject, TokenError, TokenService};
use regrant_jose::JwtTokens;
use regrant_jose::bearer::JwtBearerFlow;
use regrant_jose::request_object::RequestObjects;

use crate::answer::Problem;
use crate::config::{Ring, Setup, SigningKeys};
use crate::csrf::Csrf;
use crate::live::{LiveEvents, LiveStore};
use crate::password::PasswordFlow;
use crate::paths;
use crate::profile::Profiles;
use crate::session::Sessions;
use crate::store::SharedStore;
use crate::users::Users;

/// The maximum number of records that one call deletes.
const PURGE_BATCH: usize = 1000;

/// The wrong attempts that an address has at once, and the time in which it gets another one. The attempts for client
/// secrets, passwords and user codes are counted together.
const ATTEMPTS: (u32, Duration) = (100, Duration::from_secs(1));

/// The state that the endpoints share. Clones share it too.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) service: TokenService<SharedStore>,
    pub(crate) clients: Arc<ClientRegistry>,
    pub(crate) users: Users,
    attempts: Arc<AttemptLimit>,
    pub(crate) sessions: Sessions,
    pub(crate) issuer: Issuer,
    pub(crate) paths: Paths,
    pub(crate) sign_in_path: String,
    pub(crate) csrf: Csrf,
    pub(crate) live_events: LiveEvents,
    /// Present if tests may take the store down.
    pub(crate) live_store: Option<LiveStore>,
    /// The meaning of each scope token.
    scopes: BTreeMap<String, String>,
    ring: Ring,
    signing_keys: SigningKeys,
    bearer_flow: Option<Arc<JwtBearerFlow>>,
    request_objects: Option<Arc<RequestObjects>>,
    certificate_header: Option<CertificateHeader>,
    cors: Option<Cors>,
}

impl Server {
    /// Builds the service. Its events go to the log, and to `events`.
    pub(crate) fn new(
        setup: Setup,
        store: SharedStore,
        clock: Arc<dyn Clock>,
        events: Option<Arc<dyn EventSink>>,
    ) -> Result<Self, PolicyError> {
        let clients = Arc::new(setup.clients);
        let algorithms = setup.algorithms;
        let live_events = LiveEvents::default();
        let attempts = Arc::new(AttemptLimit::new(ATTEMPTS.0, ATTEMPTS.1));
        let jwt_tokens = JwtTokens::new(setup.issuer.clone(), setup.signing_keys.0.clone())
            .with_client_algorithm(move |client_id| algorithms.get(client_id).copied());
        let mut service = TokenService::builder(store, Arc::clone(&clients), setup.keys)
            .policy(setup.policy)
            .default_audience(setup.default_audience)
            .gate(setup.users.clone())
            .rate_limit(Arc::clone(&attempts))
            .events(TracingSink)
            .events(live_events.clone())
            .clock(clock)
            .claims(Profiles(setup.users.clone()))
            .jwt_issuer(jwt_tokens)
            .proof_verifier(setup.proof_verifier);
        if let Some(events) = events {
            service = service.events(events);
        }
        let paths = paths::paths(&setup.issuer);
        Ok(Self {
            service: service.build()?,
            clients,
            users: setup.users,
            attempts,
            sessions: Sessions::default(),
            sign_in_path: paths::sign_in(&paths),
            paths,
            csrf: Csrf::new(),
            live_events,
            live_store: None,
            scopes: setup.scopes,
            issuer: setup.issuer,
            ring: setup.ring,
            signing_keys: setup.signing_keys,
            bearer_flow: setup.bearer_flow.map(Arc::new),
            request_objects: setup.request_objects.map(Arc::new),
            certificate_header: setup.certificate_header,
            cors: setup.cors,
        })
    }

    /// Sets the switch of the store, which the service has as its store too.
    pub(crate) fn with_live_store(mut self, store: impl Into<Option<LiveStore>>) -> Self {
        self.live_store = store.into();
        self
    }

    /// Returns the endpoints of the library, at the paths of AM.
    pub(crate) fn endpoints(&self) -> Result<Endpoints<SharedStore>, IssuerMismatch> {
        let password = PasswordFlow { users: self.users.clone(), service: self.service.clone() };
        let mut endpoints = Endpoints::new(self.service.clone(), self.issuer.clone())?
            .with_paths(self.paths.clone())
            .with_token_exchange()
            .with_approver(GrantType::Password, password);
        if let Some(flow) = &self.bearer_flow {
            endpoints = endpoints.with_approver(GrantType::JwtBearer, Arc::clone(flow));
        }
        if let Some(verifier) = &self.request_objects {
            endpoints = endpoints.with_request_objects(Arc::clone(verifier));
        }
        if let Some(header) = &self.certificate_header {
            endpoints = endpoints.with_certificate_header(header.clone());
        }
        if let Some(cors) = &self.cors {
            endpoints = endpoints.with_cors(cors.clone());
        }
        Ok(endpoints)
    }

    /// Checks name and password of an enabled user, if the limit admits the attempt.
    pub(crate) async fn sign_in(
        &self,
        request: &Request<'_>,
        username: &str,
        password: &str,
    ) -> Result<Option<Subject>, Problem> {
        let attempt = Attempt::new(AttemptKind::SignIn, self.service.now()).with_peer(request.peer);
        match self.attempts.admit(&attempt).await {
            Ok(Admission::Admitted) => {}
            _ => return Err(Problem::of(ErrorCode::TooManyRequests)),
        }
        let subject = self.users.sign_in(username, password);
        let outcome = if subject.is_some() { AttemptOutcome::Right } else { AttemptOutcome::Wrong };
        self.attempts.settle(&attempt, outcome).await;
        Ok(subject)
    }

    /// Returns the name of a client for its users.
    pub(crate) fn name(&self, client_id: &ClientId) -> String {
        let client = self.clients.client(client_id);
        client.and_then(|client| client.name.clone()).unwrap_or_else(|| client_id.to_string())
    }

    /// Returns the meaning of a scope token for users, if it is known.
    pub(crate) fn scope_in_words(&self, token: &str) -> Option<&str> {
        self.scopes.get(token).map(String::as_str)
    }

    /// Returns a server that seals with a new key and opens the tokens of the former ones too, and the number of keys.
    pub(crate) fn with_rotated_ring(&self) -> Result<(Self, usize), KeyRingError> {
        let (ring, keys) = self.ring.rotate()?;
        Ok((Self { service: self.service.with_key_ring(ring), ..self.clone() }, keys))
    }

    /// Activates new signing keys, and returns their ids.
    pub(crate) fn rotate_signing_keys(&self) -> Result<Vec<String>, Box<dyn Error>> {
        self.signing_keys.rotate(self.service.now())
    }

    /// Deletes all expired records, and calls `report` with the number of each batch.
    pub(crate) async fn purge_expired(&self, report: impl Fn(usize)) -> Result<usize, TokenError> {
        let mut purged = 0;
        loop {
            let batch = self.service.purge_expired(PURGE_BATCH).await?;
            purged += batch;
            report(batch);
            if batch < PURGE_BATCH {
                return Ok(purged);
            }
        }
    }
}
