use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use regrant::clock::ManualClock;
use regrant::event::ErrorCode;
use regrant::wire::{self, Endpoints, Handler, IssuerMismatch, MalformedRequest, Request, Response};

use serde_json::json;
use tracing::error;

use crate::answer::Problem;
use crate::authorize::is_browser;
use crate::logout::Logout;
use crate::paths::{Page, Route};
use crate::server::Server;
use crate::store::SharedStore;
use crate::{authenticate, authorize, chain, dev, device, live, paths, sign_in};

/// All routes of the server, independent of the HTTP library.
pub(crate) struct App {
    serving: RwLock<Arc<Serving>>,
    routes: HashMap<String, Route>,
    /// Present if tests may set the time.
    clock: Option<ManualClock>,
}

/// The server with its endpoints, which a rotation of the key ring replaces.
struct Serving {
    server: Arc<Server>,
    endpoints: Endpoints<SharedStore>,
}

impl Serving {
    fn new(server: Server) -> Result<Arc<Self>, IssuerMismatch> {
        let server = Arc::new(server);
        let endpoints = server.endpoints()?.with_end_session(Logout(Arc::clone(&server)));
        Ok(Arc::new(Self { server, endpoints }))
    }

    /// Answers a page, with HTML for people and with JSON for programs.
    async fn page(&self, page: Page, request: &Request<'_>) -> Response {
        let has_html = matches!(page, Page::SignIn | Page::Authorize | Page::Device);
        let is_shown = ["GET", "HEAD"].contains(&request.method);
        let result = match page {
            Page::Authorize if is_shown => authorize::page(&self.server, &self.endpoints, request).await,
            Page::Device if is_shown => device::page(&self.server, request).await,
            page => self.posted(page, request).await,
        };
        match result {
            Ok(response) => response,
            Err(problem) if has_html && (is_shown || is_browser(request)) => problem.page(),
            Err(problem) => problem.into(),
        }
    }

    async fn posted(&self, page: Page, request: &Request<'_>) -> Result<Response, Problem> {
        if request.method != "POST" {
            return Ok(MalformedRequest::Method(match page {
                Page::Authenticate | Page::SignIn => "POST",
                Page::Authorize | Page::Device => "GET, HEAD, POST",
            })
            .response());
        }
        let form = || wire::form(request, self.endpoints.body_limit());
        match page {
            Page::Authenticate => authenticate::authenticate(&self.server, request).await,
            Page::SignIn => sign_in::sign_in(&self.server, request, &form()?).await,
            Page::Authorize => authorize::decide(&self.server, &self.endpoints, request).await,
            Page::Device => device::decide(&self.server, request, &form()?).await,
        }
    }
}

impl App {
    pub(crate) fn new(server: Server, clock: Option<ManualClock>) -> Result<Self, IssuerMismatch> {
        let routes = paths::routes(&server.issuer);
        Ok(Self { serving: RwLock::new(Serving::new(server)?), routes, clock })
    }

    fn serving(&self) -> Arc<Serving> {
        Arc::clone(&self.serving.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers an operation for tests.
    async fn dev(&self, server: &Server, request: &Request<'_>) -> Result<Response, Problem> {
        let nothing = Problem::new(404, "not_found", "There is nothing at this path.");
        let clock = self.clock.as_ref().filter(|_| request.path.starts_with("/dev/")).ok_or(nothing)?;
        if request.method != "POST" {
            return Ok(MalformedRequest::Method("POST").response());
        }
        if request.path == "/dev/rotate-ring" {
            return self.rotate_ring(server).map_err(|error| {
                error!("rotate-ring: {}", chain(&*error));
                Problem::of(ErrorCode::ServerError)
            });
        }
        dev::answer(server, clock, request).await
    }

    /// Serves with a new key in the ring, beside the former ones. Requests in progress end with the ring they have.
    fn rotate_ring(&self, server: &Server) -> Result<Response, Box<dyn Error>> {
        let (server, keys) = server.with_rotated_ring()?;
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = Serving::new(server)?;
        Ok(Response::json(200, &json!({ "keys": keys })))
    }
}

#[async_trait]
impl Handler for App {
    async fn respond(&self, request: &Request<'_>) -> Response {
        let serving = self.serving();
        match self.routes.get(request.path) {
            Some(Route::Endpoint(endpoint)) => serving.endpoints.handle(*endpoint, request).await,
            Some(Route::Page(page)) => serving.page(*page, request).await,
            None => match live::respond(&serving.server, request).await {
                Some(response) => response,
                None => self.dev(&serving.server, request).await.unwrap_or_else(Into::into),
            },
        }
    }
}
