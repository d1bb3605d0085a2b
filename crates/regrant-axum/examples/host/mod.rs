//! The host without a web framework: a [`Handler`] for each adapter. The examples for axum and actix-web share this
//! folder.

mod access;
mod authorize;
mod pages;
mod state;

use async_trait::async_trait;
use regrant::TokenError;
use regrant::wire::{AuthorizationError, AuthorizationRequest, Handler, Request, Response};

pub(crate) use state::Host;

/// The pages. Everything else that a client asks for is an endpoint of the library.
#[async_trait]
impl Handler for Host {
    async fn respond(&self, http: &Request<'_>) -> Response {
        // It reads the query and the form of any page: no parameter twice, and no more than the limit.
        let request = AuthorizationRequest::read(http, self.body_limit());
        let visitor = self.visitor(http);
        let method = if http.method == "HEAD" { "GET" } else { http.method };
        let response = match (method, http.path) {
            (_, "/authorize") => authorize::authorize(self, visitor, &request).await,
            ("GET", "/") => Ok(pages::redirect("/sessions")),
            ("GET", "/sign-in") => Ok(pages::sign_in(200, &request.query_without(&[]), None)),
            ("POST", "/sign-in") => Ok(self.sign_in(&visitor, &request).await),
            ("POST", "/sign-out") => Ok(self.sign_out(&visitor)),
            ("GET", "/sessions") => access::sessions(self, visitor, &request).await,
            ("POST", "/sessions") => access::end(self, visitor, &request).await,
            ("GET", "/sessions/end") => access::ask_to_end(self, visitor, &request).await,
            ("GET", "/admin") => access::admin(self, visitor, &request).await,
            ("POST", "/admin") => access::end_for_admin(self, visitor, &request).await,
            ("GET", "/admin/end") => access::ask_admin(self, visitor, &request).await,
            ("GET", "/host.css") => Ok(pages::file(200, "text/css; charset=utf-8", pages::STYLE)),
            ("GET", "/host.js") => Ok(pages::file(200, "text/javascript; charset=utf-8", pages::SCRIPT)),
            _ => Ok(pages::problem(404, "There is no such page.")),
        };
        response.unwrap_or_else(|Failed(page)| page)
    }
}

/// The page for a request that has failed, or the redirection of an error to the client.
pub(crate) struct Failed(Response);

impl From<TokenError> for Failed {
    /// The cause is in the events of the service. It is nothing for the user.
    fn from(error: TokenError) -> Self {
        let code = error.code();
        Self(pages::problem(code.status(), code.description()))
    }
}

impl From<AuthorizationError> for Failed {
    fn from(error: AuthorizationError) -> Self {
        match error {
            AuthorizationError::Redirect { response, .. } => Self(response),
            AuthorizationError::Show(fault) => Self(pages::problem(fault.status(), &fault.description())),
        }
    }
}
