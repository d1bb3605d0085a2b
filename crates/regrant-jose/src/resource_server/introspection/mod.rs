mod answer;
mod answer_cache;
mod verifier;

pub use answer::{IntrospectionError, IntrospectionResponse};
pub use verifier::IntrospectionVerifier;

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

/// Calls the introspection endpoint of the authorization server (RFC 7662 section 2.1).
///
/// # Contract
/// * The call posts `form` unchanged as `application/x-www-form-urlencoded`, over TLS, with the credentials of this
///   resource server, and returns the response.
/// * Each call sends a request. [`IntrospectionVerifier`] does the caching.
/// * The call ends: set a timeout. Requests with the token wait for it.
/// * `form` contains the access token: do not log it. Do not follow redirects.
#[async_trait]
pub trait Introspect: Send + Sync {
    /// Returns the response to `form`.
    ///
    /// # Errors
    /// When there is no response.
    async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>>;
}

#[async_trait]
impl<I: Introspect + ?Sized> Introspect for Arc<I> {
    async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
        (**self).introspect(form).await
    }
}
