use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use regrant::store::TokenStore;
use regrant::wire::{Endpoint, Endpoints, Handler as _};
use tower_layer::Layer;
use tower_service::Service;

use crate::Answer;
use crate::exchange::{exchange, sent};

/// A tower service of all endpoints, each at its path of [`Endpoints::paths`], for requests with any body. As a
/// [`Layer`] it passes on requests to other paths; alone it answers them with 404.
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::Arc;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use regrant::wire::Endpoints;
/// use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
/// use regrant_tower::OAuth;
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeyRing::generate(&SystemEntropy);
/// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
/// let oauth = OAuth::new(Arc::new(Endpoints::new(service, Issuer::from_static("https://as.example"))?));
///
/// let pages = service_fn(async |_: Request<Empty<Bytes>>| {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("a page")))
/// });
/// let app = oauth.layer(pages);
/// let metadata = Request::get("/.well-known/oauth-authorization-server").body(Empty::new())?;
/// assert_eq!(app.clone().oneshot(metadata).await?.headers()["content-type"], "application/json");
/// assert_eq!(app.oneshot(Request::get("/").body(Empty::new())?).await?.status(), 200);
/// # Ok(())
/// # }
/// ```
pub struct OAuth<S> {
    endpoints: Arc<Endpoints<S>>,
    prefix: Option<Arc<str>>,
    /// The endpoint that is served at every path.
    only: Option<Endpoint>,
}

impl<S> OAuth<S> {
    /// All endpoints, each at its path.
    #[must_use]
    pub const fn new(endpoints: Arc<Endpoints<S>>) -> Self {
        Self { endpoints, prefix: None, only: None }
    }

    /// One endpoint at whatever path a router sends here.
    #[must_use]
    pub const fn endpoint(endpoints: Arc<Endpoints<S>>, endpoint: Endpoint) -> Self {
        Self { endpoints, prefix: None, only: Some(endpoint) }
    }

    /// Sets the beginning of the path that a proxy or a nested router removes, such as `/tenant`. Requests with the
    /// whole path are served too: the document of RFC 8414 lies outside of the prefix of its issuer. A single
    /// [`endpoint`](Self::endpoint) takes the path as it arrives.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use regrant::wire::Endpoints;
    /// # use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
    /// # use regrant_tower::OAuth;
    /// # let keys = KeyRing::generate(&SystemEntropy);
    /// # let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
    /// let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example/tenant"))?;
    /// let oauth = OAuth::new(Arc::new(endpoints)).with_prefix("/tenant");
    /// let paths: Vec<&str> = oauth.paths().collect();
    /// assert!(paths.contains(&"/oauth2/token"));
    /// assert!(paths.contains(&"/.well-known/oauth-authorization-server/tenant"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Returns the paths at which requests arrive here: those of [`Endpoints::paths`] without the
    /// [prefix](Self::with_prefix).
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let all = self.only.is_none().then(|| self.endpoints.paths().iter());
        all.into_iter().flatten().map(|(_, path)| path.strip_prefix(self.prefix()).unwrap_or(path))
    }

    fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or_default()
    }

    /// Returns the endpoint of a request, and the path as clients know it.
    fn find<'a>(&'a self, path: &'a str) -> Option<(Endpoint, &'a str)> {
        if let Some(only) = self.only {
            return Some((only, path));
        }
        let is_missing = |start: &str| start.is_empty() || start == self.prefix();
        self.endpoints.paths().iter().find(|(_, own)| own.strip_suffix(path).is_some_and(is_missing))
    }

    fn serves<B>(&self, request: &Request<B>) -> bool {
        self.find(sent(request.uri(), request.extensions()).path()).is_some()
    }
}

impl<S: TokenStore + 'static> OAuth<S> {
    fn answer<B, R, E>(&self, request: Request<B>) -> Answer<R, E>
    where
        B: Body + Send + 'static,
        R: From<Vec<u8>> + 'static,
        E: 'static,
    {
        let oauth = self.clone();
        Box::pin(exchange(request, self.endpoints.body_limit(), async move |request| match oauth.find(request.path) {
            Some((endpoint, path)) => {
                let mut request = *request;
                request.path = path;
                oauth.endpoints.handle(endpoint, &request).await
            }
            None => oauth.endpoints.respond(request).await,
        }))
    }
}

impl<S> From<Arc<Endpoints<S>>> for OAuth<S> {
    fn from(endpoints: Arc<Endpoints<S>>) -> Self {
        Self::new(endpoints)
    }
}

impl<S> Clone for OAuth<S> {
    fn clone(&self) -> Self {
        Self { endpoints: Arc::clone(&self.endpoints), prefix: self.prefix.clone(), only: self.only }
    }
}

impl<S> fmt::Debug for OAuth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("endpoints", &self.endpoints)
            .field("prefix", &self.prefix)
            .field("only", &self.only)
            .finish()
    }
}

impl<S: TokenStore + 'static, B: Body + Send + 'static> Service<Request<B>> for OAuth<S> {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        self.answer(request)
    }
}

impl<S, N> Layer<N> for OAuth<S> {
    type Service = WithOAuth<S, N>;

    fn layer(&self, inner: N) -> WithOAuth<S, N> {
        WithOAuth { oauth: self.clone(), inner }
    }
}

/// The endpoints in front of a service `N` that gets all other requests: see [`OAuth`].
pub struct WithOAuth<S, N> {
    oauth: OAuth<S>,
    inner: N,
}

impl<S, N: Clone> Clone for WithOAuth<S, N> {
    fn clone(&self) -> Self {
        Self { oauth: self.oauth.clone(), inner: self.inner.clone() }
    }
}

impl<S, N: fmt::Debug> fmt::Debug for WithOAuth<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithOAuth").field("oauth", &self.oauth).field("inner", &self.inner).finish()
    }
}

impl<S, N, B, R> Service<Request<B>> for WithOAuth<S, N>
where
    S: TokenStore + 'static,
    N: Service<Request<B>, Response = Response<R>, Error: 'static, Future: Send + 'static>,
    B: Body + Send + 'static,
    R: From<Vec<u8>> + 'static,
{
    type Response = Response<R>;
    type Error = N::Error;
    type Future = Answer<R, N::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), N::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.oauth.serves(&request) { self.oauth.answer(request) } else { Box::pin(self.inner.call(request)) }
    }
}
