//! The interface between adapters and endpoints. An adapter knows this trait alone, so it serves the endpoints of the
//! library and those of a host in the same way.

use async_trait::async_trait;

use super::{Request, Response};
use crate::vocabulary::forward_to_arc;

/// The default limit of a request body: 64 KiB.
pub(super) const BODY_LIMIT: usize = 64 * 1024;

/// Answers HTTP requests. Every adapter serves a handler.
///
/// Implement it for a host's own endpoints: they then work with every adapter and are as strict as the library's.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::wire::{Handler, Request, Response, form};
///
/// struct Echo;
///
/// #[async_trait]
/// impl Handler for Echo {
///     async fn respond(&self, request: &Request<'_>) -> Response {
///         match form(request, self.body_limit()) {
///             Ok(parameters) => Response::json(200, &parameters.get("message")),
///             Err(malformed) => malformed.response(),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Handler: Send + Sync {
    /// Returns the response. There is no error: an implementation turns each failure into a response, as
    /// [`MalformedRequest::response`](super::MalformedRequest::response) does. To `HEAD` it may respond as to `GET`:
    /// the adapter sends the response [for the method](Response::for_method).
    ///
    /// An adapter may drop the future when the client closes the connection.
    async fn respond(&self, request: &Request<'_>) -> Response;

    /// Returns the maximum length of a body in bytes, by default 64 KiB. An adapter stops reading there and passes on
    /// [`MalformedRequest::TooLarge`](super::MalformedRequest::TooLarge).
    fn body_limit(&self) -> usize {
        BODY_LIMIT
    }
}

forward_to_arc! {
    Handler {
        async fn respond(&self, request: &Request<'_>) -> Response;
        fn body_limit(&self) -> usize;
    }
}
