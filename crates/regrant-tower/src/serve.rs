use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use regrant::wire::Handler;
use tower_service::Service;

use crate::Answer;
use crate::exchange::exchange;

/// A tower service of a [`Handler`]: a page of the host, or all of them. It gets every request, with a body of at most
/// [`Handler::body_limit`].
///
/// ```
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use http_body_util::Empty;
/// use regrant::wire::{Handler, Request, Response};
/// use regrant_tower::Serve;
/// use tower::ServiceExt as _;
///
/// struct Health;
///
/// #[async_trait]
/// impl Handler for Health {
///     async fn respond(&self, _: &Request<'_>) -> Response {
///         Response::json(200, &"up")
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let answer = Serve::new(Health).oneshot(http::Request::new(Empty::<Bytes>::new())).await;
/// assert!(answer.is_ok_and(|answer| answer.status() == 200));
/// # }
/// ```
pub struct Serve<H> {
    handler: Arc<H>,
}

impl<H> Serve<H> {
    /// Serves `handler`.
    #[must_use]
    pub fn new(handler: H) -> Self {
        Self { handler: Arc::new(handler) }
    }
}

impl<H> Clone for Serve<H> {
    fn clone(&self) -> Self {
        Self { handler: Arc::clone(&self.handler) }
    }
}

impl<H> fmt::Debug for Serve<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").finish_non_exhaustive()
    }
}

impl<H: Handler + 'static, B: Body + Send + 'static> Service<Request<B>> for Serve<H> {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        let handler = Arc::clone(&self.handler);
        let limit = handler.body_limit();
        Box::pin(exchange(request, limit, async move |request| handler.respond(request).await))
    }
}
