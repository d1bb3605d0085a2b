use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use regrant::{Scope, wire};
use regrant_jose::{Authenticated, Denial, ResourceServer, VerifiedToken};
use tower::{Layer, Service};

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Lets requests with a good access token through, and answers all others as RFC 6750 and RFC 9449 want: a tower layer for axum's
/// routers, and for any other service of HTTP requests.
///
/// What stands behind it finds the token in [`Verified`], or among the extensions of the request as a [`VerifiedToken`]. Layers
/// of one [`ResourceServer`] may lie one within the other, one on the router and one with more scope on a route: the token and
/// its proof, which is good once, are looked at by the first, and each asks for its scope.
///
/// * A DPoP proof must name the URL of the resource server with the path as it was sent, inside of nested routers, too.
/// * The client certificate is the extension [`ClientCertificate`](regrant::proof::ClientCertificate), which whoever ends TLS puts there.
/// * What is wrong with a token or a proof the client is not told; the host is, by
///   [`ResourceServer::with_events`](regrant_jose::ResourceServer::with_events).
/// * The preflight requests of browsers have no token: a CORS layer belongs around this one, and exposes `DPoP-Nonce` and
///   `WWW-Authenticate`.
///
/// ```
/// use std::sync::Arc;
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
/// let app = Router::new().route("/orders", orders).route("/logout", post(|| async {})).layer(token);
/// # Ok(app)
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RequireToken {
    server: Arc<ResourceServer>,
    scope: Scope,
}

impl RequireToken {
    /// Asks for a token that `server` accepts, of whatever scope.
    #[must_use]
    pub fn new(server: Arc<ResourceServer>) -> Self {
        Self { server, scope: Scope::empty() }
    }

    /// Sets the scope that the token must have, all of it.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Leaves the token with the request; tells the nonce that is due to the client.
    async fn admit(&self, parts: &mut Parts) -> Result<Option<String>, Denial> {
        let (token, dpop_nonce) = match parts.extensions.get::<Admitted>() {
            Some(admitted) if Arc::ptr_eq(&admitted.by, &self.server) => (admitted.token.clone(), None),
            _ => {
                let Authenticated { token, dpop_nonce, .. } = self.authenticate(parts).await?;
                (token, dpop_nonce)
            }
        };
        self.server.authorize(&token, &self.scope)?;
        parts.extensions.insert(token.clone());
        parts.extensions.insert(Admitted { by: Arc::clone(&self.server), token });
        Ok(dpop_nonce)
    }

    async fn authenticate(&self, parts: &Parts) -> Result<Authenticated, Denial> {
        let headers: Vec<_> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        // A nested router has cut the path.
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
    // The one box of a request: what awaits the verdict has no name.
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // It is this service that said it is ready. Its clone has said nothing: it takes the next request.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match layer.admit(&mut parts).await {
                Ok(nonce) => {
                    let response = inner.call(Request::from_parts(parts, body)).await?.into_response();
                    Ok(with_nonce(response, nonce))
                }
                Err(denial) => Ok(crate::send(denial.into_response())),
            }
        })
    }
}

/// The token with which a request was let through by [`RequireToken`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "handlers take it apart")]
pub struct Verified(
    /// The token.
    pub VerifiedToken,
);

impl<S: Send + Sync> FromRequestParts<S> for Verified {
    type Rejection = StatusCode;

    /// Without the layer there is none: that is no fault of the client's, and must not open the door.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get().cloned().map(Self).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Who has let the request through. Nobody else can say so.
#[derive(Clone)]
struct Admitted {
    by: Arc<ResourceServer>,
    token: VerifiedToken,
}

/// RFC 9449 section 8.2: a nonce is for this client and for now, so no cache may hand it on.
fn with_nonce(mut response: Response, nonce: Option<String>) -> Response {
    if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        response.headers_mut().insert(DPOP_NONCE, nonce);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
