use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use regrant::sink::TracingSink;
use regrant::wire::{Endpoint, Endpoints, Paths};
use regrant::{ClientRegistry, GrantType, ManualClock, PolicyError, TokenError, TokenService};

use crate::answer::Problem;
use crate::authenticate::authenticate;
use crate::authorize::authorize;
use crate::config::Setup;
use crate::password::PasswordFlow;
use crate::session::Sessions;
use crate::store::SharedStore;
use crate::users::Users;

/// How many records one call deletes at most.
const PURGE_BATCH: usize = 1000;

/// What the endpoints share.
pub(crate) struct Server {
    pub(crate) service: TokenService<SharedStore>,
    pub(crate) clients: Arc<ClientRegistry>,
    pub(crate) users: Users,
    pub(crate) sessions: Sessions,
    pub(crate) issuer: String,
}

impl Server {
    pub(crate) fn new(
        setup: Setup,
        store: SharedStore,
        clock: Option<ManualClock>,
        issuer: String,
    ) -> Result<Self, PolicyError> {
        let Setup { keys, policy, clients, users, .. } = setup;
        let clients = Arc::new(clients);
        let mut service = TokenService::builder(store, Arc::clone(&clients), keys)
            .policy(policy)
            .gate(users.clone())
            .events(TracingSink);
        if let Some(clock) = clock {
            service = service.clock(clock);
        }
        Ok(Self { service: service.build()?, clients, users, sessions: Sessions::default(), issuer })
    }

    /// Deletes all that has expired.
    pub(crate) async fn purge_expired(&self) -> Result<usize, TokenError> {
        let mut purged = 0;
        loop {
            let batch = self.service.purge_expired(PURGE_BATCH).await?;
            purged += batch;
            if batch < PURGE_BATCH {
                return Ok(purged);
            }
        }
    }
}

/// The paths of AM, also as it spells them with the realm, and `/oauth2/token` besides.
pub(crate) fn router(server: &Arc<Server>) -> Router {
    let password = PasswordFlow { users: server.users.clone(), service: server.service.clone() };
    let endpoints = Endpoints::new(server.service.clone(), &server.issuer)
        .with_paths(Paths::am_7_5())
        .with_approver(GrantType::Password, password)
        .with_metadata("authorization_response_iss_parameter_supported", true);
    let endpoints = Arc::new(endpoints);

    let also = [
        ("/oauth2/token", Endpoint::Token),
        ("/oauth2/realms/root/access_token", Endpoint::Token),
        ("/oauth2/realms/root/token/revoke", Endpoint::Revocation),
        ("/oauth2/realms/root/introspect", Endpoint::Introspection),
    ];
    let also = also.into_iter().fold(Router::new(), |router, (path, endpoint)| {
        router.route(path, regrant_axum::endpoint(Arc::clone(&endpoints), endpoint))
    });

    Router::new()
        .route("/json/authenticate", post(authenticate))
        .route("/json/realms/root/authenticate", post(authenticate))
        .route("/oauth2/authorize", post(authorize))
        .route("/oauth2/realms/root/authorize", post(authorize))
        .with_state(Arc::clone(server))
        .merge(also)
        .merge(regrant_axum::router(endpoints))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path."))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "The endpoint does not have this method.")
        })
}
