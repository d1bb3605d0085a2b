use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use regrant::{Scope, wire};
use regrant_jose::ResourceServer;
use regrant_jose::resource_server::{AuthenticatedRequest, Denial, Requirement, VerifiedToken};
use tower::{Layer, Service};

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A tower layer that passes on requests with a valid access token, and answers all others according to RFC 6750 and
/// RFC 9449. It works with axum's routers and with any other service of HTTP requests.
///
/// Handlers get the token from [`Verified`], or from the request extensions as a [`VerifiedToken`]. Layers of one
/// [`ResourceServer`] may be nested, for example one on the router and one with more scope on a route: the first layer
/// verifies the token and its single-use proof, and each layer checks its own scope, and how and when the user signed
/// in.
///
/// * A DPoP proof must name the URL of the resource server with the path as it was sent, even in nested routers.
/// * The client certificate is the request extension [`ClientCertificate`](regrant::proof::ClientCertificate), set by
///   the TLS stack.
/// * The client does not learn the fault of a token or a proof. The host gets it from
///   [`ResourceServer::with_events`](regrant_jose::ResourceServer::with_events).
/// * A route that demands a stronger or a recent authentication of the user says so with
///   [`with_acr_values`](Self::with_acr_values) and [`with_max_age`](Self::with_max_age) (step-up, RFC 9470).
/// * Preflight requests of browsers have no token: put a CORS layer around this one, which exposes `DPoP-Nonce` and
///   `WWW-Authenticate`.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use axum::Router;
/// use axum::routing::{get, post};
/// use regrant_axum::{RequireToken, Verified};
/// use regrant_jose::ResourceServer;
///
/// async fn orders(Verified(token): Verified) -> String {
///     format!("the orders of {:?}", token.subject())
/// }
///
/// # fn example(server: ResourceServer) -> Result<Router, Box<dyn std::error::Error>> {
/// let token = RequireToken::new(Arc::new(server));
/// let orders = get(orders).layer(token.clone().with_scope("read".parse()?));
/// let payment = token.clone().with_scope("pay".parse()?).with_max_age(Duration::from_secs(600));
/// let payments = post(|| async { "paid" }).layer(payment);
/// let app = Router::new().route("/orders", orders).route("/payments", payments).layer(token);
/// # Ok(app)
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RequireToken {
    server: Arc<ResourceServer>,
    requirement: Requirement,
}

/// Returns a router with the metadata document of the resource server (RFC 9728), at the path that its challenges name.
/// The document needs no token: merge the router outside of [`RequireToken`]. Empty if the server has no
/// [metadata](ResourceServer::with_metadata).
///
/// ```
/// use std::sync::Arc;
///
/// use axum::Router;
/// use axum::routing::get;
/// use regrant::Resource;
/// use regrant_axum::{RequireToken, resource_metadata};
/// use regrant_jose::ResourceServer;
/// use regrant_jose::resource_server::ResourceMetadata;
///
/// # fn example(server: ResourceServer) -> Result<Router, Box<dyn std::error::Error>> {
/// let metadata = ResourceMetadata::new(&Resource::from_static("https://api.example"))?
///     .with_authorization_servers(["https://as.example"]);
/// let server = Arc::new(server.with_metadata(metadata));
/// let token = RequireToken::new(Arc::clone(&server));
/// let orders = Router::new().route("/orders", get(|| async { "orders" })).layer(token);
/// let app = orders.merge(resource_metadata(server));
/// # Ok(app)
/// # }
/// ```
///
/// # Panics
/// When the path of the resource is a pattern of the router, as [`Router::route`] does.
#[expect(clippy::needless_pass_by_value, reason = "the handler owns it: take a share, as `endpoint` does")]
pub fn resource_metadata(server: Arc<ResourceServer>) -> Router {
    let Some(path) = server.metadata_path() else { return Router::new() };
    let shared = Arc::clone(&server);
    let document = any(async move |request: axum::extract::Request| {
        let (parts, _) = request.into_parts();
        let headers: Vec<_> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = wire::Request::new(parts.method.as_str(), parts.uri.path(), &headers, b"");
        crate::send(shared.metadata(&request))
    });
    Router::new().route(path, document)
}

impl RequireToken {
    /// Requires a token that `server` accepts, with any scope.
    #[must_use]
    pub fn new(server: Arc<ResourceServer>) -> Self {
        Self { server, requirement: Requirement::default() }
    }

    /// Sets the scope that the token must include.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.requirement = self.requirement.with_scope(scope);
        self
    }

    /// Sets the authentication context classes of which the token must have one (step-up, RFC 9470). Default: any. For
    /// another token the client gets `insufficient_user_authentication` with these values.
    #[must_use]
    pub fn with_acr_values<A: Into<String>>(mut self, acr_values: impl IntoIterator<Item = A>) -> Self {
        self.requirement = self.requirement.with_acr_values(acr_values);
        self
    }

    /// Sets the time since the user signed in (step-up, RFC 9470), in whole seconds. Default: any. For an older
    /// authentication the client gets `insufficient_user_authentication` with this time.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.requirement = self.requirement.with_max_age(max_age);
        self
    }

    /// Adds the token to the request extensions. Returns the DPoP nonce for the client.
    async fn check(&self, parts: &mut Parts) -> Result<Option<String>, Denial> {
        let (token, dpop_nonce) = match parts.extensions.get::<AuthenticatedBy>() {
            Some(present) if Arc::ptr_eq(&present.server, &self.server) => (present.token.clone(), None),
            _ => {
                let AuthenticatedRequest { token, dpop_nonce, .. } = self.authenticate(parts).await?;
                (token, dpop_nonce)
            }
        };
        self.server.require(&token, &self.requirement)?;
        parts.extensions.insert(token.clone());
        parts.extensions.insert(AuthenticatedBy { server: Arc::clone(&self.server), token });
        Ok(dpop_nonce)
    }

    async fn authenticate(&self, parts: &Parts) -> Result<AuthenticatedRequest, Denial> {
        let headers: Vec<_> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        // A nested router has stripped a part of the path.
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let request = wire::Request::new(parts.method.as_str(), uri.path(), &headers, b"")
            .with_client_certificate(parts.extensions.get());
        self.server.authenticate(&request).await
    }
}

impl<S> Layer<S> for RequireToken {
    type Service = TokenRequired<S>;

    fn layer(&self, inner: S) -> TokenRequired<S> {
        TokenRequired { inner, layer: self.clone() }
    }
}

/// A service behind [`RequireToken`].
#[derive(Clone, Debug)]
pub struct TokenRequired<S> {
    inner: S,
    layer: RequireToken,
}

impl<S, B> Service<Request<B>> for TokenRequired<S>
where
    S: Service<Request<B>, Response: IntoResponse, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    // The only allocation per request: the future has no nameable type.
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // `poll_ready` was called on this service, not on its clone, so this one takes the request and the clone the
        // next.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match layer.check(&mut parts).await {
                Ok(nonce) => {
                    let response = inner.call(Request::from_parts(parts, body)).await?.into_response();
                    Ok(with_nonce(response, nonce))
                }
                Err(denial) => Ok(crate::send(denial.into_response())),
            }
        })
    }
}

/// The verified token of a request that passed [`RequireToken`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "handlers take it apart")]
pub struct Verified(
    /// The token.
    pub VerifiedToken,
);

impl<S: Send + Sync> FromRequestParts<S> for Verified {
    type Rejection = StatusCode;

    /// Without the layer there is no token. That is not the client's fault, and the request must not be served.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get().cloned().map(Self).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The server that authenticated the request. The type is private, so that only this module can create the extension.
#[derive(Clone)]
struct AuthenticatedBy {
    server: Arc<ResourceServer>,
    token: VerifiedToken,
}

/// RFC 9449 section 8.2: a nonce is for one client, so the response must not be cached.
fn with_nonce(mut response: Response, nonce: Option<String>) -> Response {
    if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        response.headers_mut().insert(DPOP_NONCE, nonce);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
