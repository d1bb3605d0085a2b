#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "resource-server")]
mod resource_server;

pub use regrant_tower::OAuth;
#[cfg(feature = "resource-server")]
pub use regrant_tower::{RequireToken, TokenRequired};
#[cfg(feature = "resource-server")]
pub use resource_server::{Verified, resource_metadata};

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any_service};
use regrant::TokenError;
use regrant::host::Parameters;
use regrant::store::TokenStore;
use regrant::wire::{self, AuthorizationError, Endpoint, Endpoints, Handler};
use regrant_tower::Serve;

/// Returns a router with all endpoints, each at its path of [`Endpoints::paths`]. Takes the `Arc<Endpoints>`, or an
/// [`OAuth`] with a [prefix](OAuth::with_prefix) that a nested router or a proxy removes.
///
/// # Panics
/// When a path does not begin with `/`, or two endpoints have the same path, as [`Router::route`] does.
pub fn router<S: TokenStore + 'static>(endpoints: impl Into<OAuth<S>>) -> Router {
    let oauth = endpoints.into();
    oauth.paths().fold(Router::new(), |router, path| router.route_service(path, oauth.clone()))
}

/// Returns one endpoint, for a path of your choice. It accepts all methods: regrant answers the unsupported ones
/// itself.
pub fn endpoint<S: TokenStore + 'static>(endpoints: Arc<Endpoints<S>>, endpoint: Endpoint) -> MethodRouter {
    any_service(OAuth::endpoint(endpoints, endpoint))
}

/// Returns an endpoint of the host, or several behind a fallback. It accepts all methods.
pub fn handler(handler: impl Handler + 'static) -> MethodRouter {
    any_service(Serve::new(handler))
}

/// The parameters of a form, for endpoints of the host. An authorization endpoint needs the same strictness as the
/// token endpoint, and axum's own `Form` answers errors in plain text. The limit is 64 KiB; only `resource` and
/// `audience` may repeat.
#[derive(Clone, Debug)]
pub struct Form(
    /// The parameters.
    pub Parameters<'static>,
);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let form = regrant_tower::form(request).await;
        form.map(Self).map_err(|malformed| regrant_tower::response(malformed.response()))
    }
}

/// The request to the authorization endpoint of the host, with the parameters of the query or of the form. Pass it to
/// [`Endpoints::ask`], which reports a malformed one: the extractor never fails. The limit of a form is 64 KiB.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest(
    /// The request.
    pub wire::AuthorizationRequest<'static>,
);

impl<S: Send + Sync> FromRequest<S> for AuthorizationRequest {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(regrant_tower::authorization_request(request).await))
    }
}

/// A response of regrant, such as that of `Ask::approve`, from a handler of the host. An [`AuthorizationError`] and a
/// [`TokenError`] become one, so `?` is enough in a handler without pages for errors.
#[derive(Clone, Debug)]
pub struct Answer(
    /// The response.
    pub wire::Response,
);

impl From<wire::Response> for Answer {
    fn from(response: wire::Response) -> Self {
        Self(response)
    }
}

impl From<TokenError> for Answer {
    fn from(error: TokenError) -> Self {
        Self(error.into())
    }
}

impl From<AuthorizationError> for Answer {
    fn from(error: AuthorizationError) -> Self {
        Self(error.response())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        regrant_tower::response(self.0)
    }
}
