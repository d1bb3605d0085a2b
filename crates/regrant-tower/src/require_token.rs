use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use regrant::{Scope, wire};
use regrant_jose::ResourceServer;
use regrant_jose::resource_server::{AuthenticatedRequest, Denial, Requirement, VerifiedToken};
use tower_layer::Layer;
use tower_service::Service;

use crate::Answer;
use crate::exchange::{as_request, headers, response};

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A tower layer that passes on requests with a valid access token, and answers all others according to RFC 6750 and
/// RFC 9449. It works with every service of HTTP requests whose answers have a body that bytes turn into.
///
/// The service behind it finds the token in the request extensions, as a [`VerifiedToken`]. Layers of one
/// [`ResourceServer`] may be nested, for example one on the router and one with more scope on a route: the first layer
/// verifies the token and its single-use proof, and each layer checks its own scope, and how and when the user signed
/// in.
///
/// * The [metadata](ResourceServer::with_metadata) of the resource server (RFC 9728) need no token: the layer answers
///   requests for them itself.
/// * A DPoP proof must name the URL of the resource server with the path as it was sent. In nested routers of axum this
///   needs the feature `axum`.
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
/// use std::convert::Infallible;
/// use std::sync::Arc;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use regrant_jose::ResourceServer;
/// use regrant_jose::resource_server::VerifiedToken;
/// use regrant_tower::RequireToken;
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # async fn example(server: ResourceServer) -> Result<(), Box<dyn std::error::Error>> {
/// let orders = service_fn(async |request: Request<Empty<Bytes>>| {
///     let subject = request.extensions().get::<VerifiedToken>().and_then(VerifiedToken::subject);
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(format!("the orders of {subject:?}"))))
/// });
/// let api = RequireToken::new(Arc::new(server)).with_scope("read".parse()?).layer(orders);
/// let answer = api.oneshot(Request::get("/orders").body(Empty::new())?).await?;
/// assert_eq!(answer.status(), 401); // the request has no token
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RequireToken {
    server: Arc<ResourceServer>,
    requirement: Requirement,
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

    /// Adds the token to the request extensions. Returns the DPoP nonce for the client, or the answer in place of that
    /// of the service.
    async fn check(&self, parts: &mut Parts) -> Result<Option<String>, wire::Response> {
        let (token, dpop_nonce) = match parts.extensions.get::<AuthenticatedBy>() {
            Some(present) if Arc::ptr_eq(&present.server, &self.server) => (present.token.clone(), None),
            _ => self.authenticate(parts).await?,
        };
        self.server.require(&token, &self.requirement).map_err(Denial::into_response)?;
        parts.extensions.insert(token.clone());
        parts.extensions.insert(AuthenticatedBy { server: Arc::clone(&self.server), token });
        Ok(dpop_nonce)
    }

    async fn authenticate(&self, parts: &Parts) -> Result<(VerifiedToken, Option<String>), wire::Response> {
        let (headers, body) = (headers(parts), Ok(Bytes::new()));
        let request = as_request(parts, &headers, &body);
        if self.server.metadata_path() == Some(request.path) {
            return Err(self.server.metadata(&request));
        }
        let authenticated = self.server.authenticate(&request).await.map_err(Denial::into_response)?;
        let AuthenticatedRequest { token, dpop_nonce, .. } = authenticated;
        Ok((token, dpop_nonce))
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

impl<S, B, R> Service<Request<B>> for TokenRequired<S>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
    R: From<Vec<u8>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Answer<R, S::Error>;

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
                Ok(nonce) => Ok(with_nonce(inner.call(Request::from_parts(parts, body)).await?, nonce)),
                Err(answer) => Ok(response(answer.for_method(parts.method.as_str()))),
            }
        })
    }
}

/// The server that authenticated the request. The type is private, so that only this module can create the extension.
#[derive(Clone)]
struct AuthenticatedBy {
    server: Arc<ResourceServer>,
    token: VerifiedToken,
}

/// RFC 9449 section 8.2: a nonce is for one client, so the response must not be cached.
fn with_nonce<R>(mut response: Response<R>, nonce: Option<String>) -> Response<R> {
    if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        response.headers_mut().insert(DPOP_NONCE, nonce);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
