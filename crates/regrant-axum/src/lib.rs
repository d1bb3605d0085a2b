#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "resource-server")]
mod layer;

#[cfg(feature = "resource-server")]
pub use layer::{RequireToken, TokenRequired, Verified, resource_metadata};

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use regrant::TokenError;
use regrant::host::Parameters;
use regrant::store::TokenStore;
use regrant::wire::{self, AuthorizationError, Endpoint, Endpoints, Handler, MalformedRequest};

/// Returns a router with all endpoints, each at its path of [`Endpoints::paths`].
///
/// # Panics
/// When a path does not begin with `/`, or two endpoints have the same path, as [`Router::route`] does.
#[expect(clippy::needless_pass_by_value, reason = "the handlers own it: take a share, as `endpoint` does")]
pub fn router<S: TokenStore + 'static>(endpoints: Arc<Endpoints<S>>) -> Router {
    let route = |router: Router, (kind, path)| router.route(path, endpoint(Arc::clone(&endpoints), kind));
    endpoints.paths().iter().fold(Router::new(), route)
}

/// Returns one endpoint, for a path of your choice. It accepts all methods: regrant answers the unsupported ones
/// itself.
pub fn endpoint<S: TokenStore + 'static>(endpoints: Arc<Endpoints<S>>, endpoint: Endpoint) -> MethodRouter {
    any(async move |request: Request| {
        serve(request, endpoints.body_limit(), async |request| endpoints.handle(endpoint, request).await).await
    })
}

/// Returns an endpoint of the host, or several behind a fallback. It accepts all methods.
pub fn handler(handler: impl Handler + 'static) -> MethodRouter {
    let handler = Arc::new(handler);
    any(async move |request: Request| {
        serve(request, handler.body_limit(), async |request| handler.respond(request).await).await
    })
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
        let received = Received::read(request, FORM_LIMIT).await;
        let headers = received.headers();
        let form = wire::form(&received.as_request(&headers), FORM_LIMIT);
        form.map(|form| Self(form.into_owned())).map_err(|malformed| send(malformed.response()))
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
        let received = Received::read(request, FORM_LIMIT).await;
        let headers = received.headers();
        let request = wire::AuthorizationRequest::read(&received.as_request(&headers), FORM_LIMIT);
        Ok(Self(request.into_owned()))
    }
}

const FORM_LIMIT: usize = 64 * 1024;

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
        send(self.0)
    }
}

async fn serve(
    request: Request,
    limit: usize,
    answer: impl AsyncFnOnce(&wire::Request<'_>) -> wire::Response,
) -> Response {
    let received = Received::read(request, limit).await;
    send(answer(&received.as_request(&received.headers())).await)
}

/// A received request. The body may be incomplete.
struct Received {
    parts: Parts,
    body: Result<Bytes, MalformedRequest>,
}

impl Received {
    async fn read(request: Request, limit: usize) -> Self {
        let (parts, body) = request.into_parts();
        Self { parts, body: read(body, limit).await }
    }

    fn headers(&self) -> Vec<(&str, &[u8])> {
        self.parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
    }

    fn as_request<'a>(&'a self, headers: &'a [(&'a str, &'a [u8])]) -> wire::Request<'a> {
        let body = self.body.as_deref().map_err(|fault| *fault);
        // A nested router has stripped a part of the path.
        let uri = self.parts.extensions.get::<OriginalUri>().map_or(&self.parts.uri, |original| &original.0);
        wire::Request::received(self.parts.method.as_str(), uri.path(), headers, body)
            .with_query(uri.query())
            .with_client_certificate(self.parts.extensions.get())
            .with_peer(self.parts.extensions.get())
    }
}

/// Reads the body up to `limit`, with or without a content-length. The usual body has one frame and is not copied.
async fn read(mut stream: Body, limit: usize) -> Result<Bytes, MalformedRequest> {
    let Some(first) = next(&mut stream, limit).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(&mut stream, limit - first.len()).await? else { return Ok(first) };
    let mut body = [first, second].concat();
    while let Some(data) = next(&mut stream, limit - body.len()).await? {
        body.extend_from_slice(&data);
    }
    Ok(body.into())
}

/// Reads the next frame with data, up to `limit`.
async fn next(stream: &mut Body, limit: usize) -> Result<Option<Bytes>, MalformedRequest> {
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *stream).poll_frame(cx)).await {
        match frame.map_err(|_| MalformedRequest::Incomplete)?.into_data() {
            Ok(data) if data.len() > limit => return Err(MalformedRequest::TooLarge),
            Ok(data) => return Ok(Some(data)),
            Err(_trailers) => {}
        }
    }
    Ok(None)
}

#[expect(clippy::expect_used, reason = "regrant answers with statuses and headers that HTTP has")]
fn send(answer: wire::Response) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("HTTP has this status");
    for (name, value) in answer.headers {
        let value = match value {
            Cow::Borrowed(value) => Bytes::from_static(value.as_bytes()),
            Cow::Owned(value) => value.into(),
        };
        let value = HeaderValue::from_maybe_shared(value).expect("HTTP has this value");
        response.headers_mut().append(HeaderName::try_from(name).expect("HTTP has this name"), value);
    }
    response
}
