#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod exchange;
mod oauth;
#[cfg(feature = "resource-server")]
mod require_token;
mod serve;

pub use exchange::{authorization_request, form, response};
pub use oauth::{OAuth, WithOAuth};
#[cfg(feature = "resource-server")]
pub use require_token::{RequireToken, TokenRequired};
pub use serve::Serve;

use std::convert::Infallible;
use std::pin::Pin;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

/// The future of a service: boxed, since the future of an `async fn` has no name. It is the only allocation for it.
type Answer<R = Full<Bytes>, E = Infallible> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;
