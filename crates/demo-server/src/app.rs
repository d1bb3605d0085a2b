use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::clock::ManualClock;
use regrant::wire::{self, Endpoints, Handler, IssuerMismatch, MalformedRequest, Request, Response};

use crate::answer::Problem;
use crate::authorize::is_browser;
use crate::logout::Logout;
use crate::paths::{Page, Route};
use crate::server::Server;
use crate::store::SharedStore;
use crate::{authenticate, authorize, dev, device, live, paths, sign_in};

/// All routes of the server, independent of the HTTP library.
pub(crate) struct App {
    server: Arc<Server>,
    endpoints: Endpoints<SharedStore>,
    routes: HashMap<String, Route>,
    /// Present if tests may set the time.
    clock: Option<ManualClock>,
}

impl App {
    pub(crate) fn new(server: Arc<Server>, clock: Option<ManualClock>) -> Result<Self, IssuerMismatch> {
        let endpoints = server.endpoints()?.with_end_session(Logout(Arc::clone(&server)));
        let routes = paths::routes(&server.issuer);
        Ok(Self { server, endpoints, routes, clock })
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
        let form = || wire::form(request, self.body_limit());
        match page {
            Page::Authenticate => authenticate::authenticate(&self.server, request).await,
            Page::SignIn => sign_in::sign_in(&self.server, request, &form()?).await,
            Page::Authorize => authorize::decide(&self.server, &self.endpoints, request).await,
            Page::Device => device::decide(&self.server, request, &form()?).await,
        }
    }

    /// Answers an operation for tests.
    async fn dev(&self, request: &Request<'_>) -> Result<Response, Problem> {
        let nothing = Problem::new(404, "not_found", "There is nothing at this path.");
        let clock = self.clock.as_ref().filter(|_| request.path.starts_with("/dev/")).ok_or(nothing)?;
        if request.method != "POST" {
            return Ok(MalformedRequest::Method("POST").response());
        }
        dev::answer(&self.server, clock, request).await
    }
}

#[async_trait]
impl Handler for App {
    async fn respond(&self, request: &Request<'_>) -> Response {
        match self.routes.get(request.path) {
            Some(Route::Endpoint(endpoint)) => self.endpoints.handle(*endpoint, request).await,
            Some(Route::Page(page)) => self.page(*page, request).await,
            None => match live::respond(&self.server, request).await {
                Some(response) => response,
                None => self.dev(request).await.unwrap_or_else(Into::into),
            },
        }
    }
}
