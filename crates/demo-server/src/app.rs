use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::clock::ManualClock;
use regrant::wire::{self, Endpoint, Endpoints, Handler, IssuerMismatch, MalformedRequest, Request, Response};

use crate::answer::Problem;
use crate::server::Server;
use crate::store::SharedStore;
use crate::{authenticate, authorize, dev, device};

/// All routes of the server, independent of the HTTP library.
pub(crate) struct App {
    server: Arc<Server>,
    endpoints: Endpoints<SharedStore>,
    /// The paths of the endpoints, with the variants of AM for the root realm.
    paths: HashMap<String, Endpoint>,
    /// Present if tests may set the time.
    clock: Option<ManualClock>,
}

impl App {
    pub(crate) fn new(server: Arc<Server>, clock: Option<ManualClock>) -> Result<Self, IssuerMismatch> {
        let endpoints = server.endpoints()?;
        let own = endpoints.paths().iter().map(|(endpoint, path)| (path.to_owned(), endpoint));
        let also = [
            ("/oauth2/token", Endpoint::Token),
            ("/oauth2/realms/root/access_token", Endpoint::Token),
            ("/oauth2/realms/root/token/revoke", Endpoint::Revocation),
            ("/oauth2/realms/root/introspect", Endpoint::Introspection),
            ("/oauth2/realms/root/device/code", Endpoint::DeviceAuthorization),
            ("/oauth2/realms/root/connect/jwk_uri", Endpoint::Jwks),
            ("/oauth2/.well-known/openid-configuration", Endpoint::OpenIdConfiguration),
            ("/oauth2/realms/root/.well-known/openid-configuration", Endpoint::OpenIdConfiguration),
        ];
        let also = also.map(|(path, endpoint)| (path.to_owned(), endpoint));
        let paths = own.chain(also).collect();
        Ok(Self { server, endpoints, paths, clock })
    }

    async fn page(&self, request: &Request<'_>) -> Result<Response, Problem> {
        let page = match (request.path, &self.clock) {
            ("/json/authenticate" | "/json/realms/root/authenticate", _) => Page::Authenticate,
            ("/oauth2/authorize" | "/oauth2/realms/root/authorize", _) => Page::Authorize,
            ("/oauth2/device/user" | "/oauth2/realms/root/device/user", _) => Page::Device,
            (path, Some(clock)) if path.starts_with("/dev/") => Page::Dev(clock),
            _ => return Err(Problem::new(404, "not_found", "There is nothing at this path.")),
        };
        if request.method != "POST" {
            return Ok(MalformedRequest::Method("POST").response());
        }
        let form = || wire::form(request, self.body_limit());
        match page {
            Page::Authenticate => Ok(authenticate::authenticate(&self.server, request)),
            Page::Authorize => authorize::authorize(&self.server, request, &form()?).await,
            Page::Device => device::decide(&self.server, request, &form()?).await,
            Page::Dev(clock) => dev::answer(&self.server, clock, request).await,
        }
    }
}

enum Page<'a> {
    Authenticate,
    Authorize,
    Device,
    Dev(&'a ManualClock),
}

#[async_trait]
impl Handler for App {
    async fn respond(&self, request: &Request<'_>) -> Response {
        match self.paths.get(request.path) {
            Some(endpoint) => self.endpoints.handle(*endpoint, request).await,
            None => self.page(request).await.unwrap_or_else(Into::into),
        }
    }
}
