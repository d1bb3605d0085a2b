mod answer;
mod answers;
mod verifier;

pub use answer::{IntrospectionError, IntrospectionResponse};
pub use verifier::IntrospectionVerifier;

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

/// Asks the introspection endpoint of the authorization server (RFC 7662 section 2.1).
///
/// # Contract
/// * It posts `form` as it is, as `application/x-www-form-urlencoded`, over TLS, with the credentials of this resource server,
///   and gives back what came.
/// * Every call asks anew. What may be remembered is [`IntrospectionVerifier`]'s business.
/// * It ends: set a timeout. Requests with the token wait for it.
/// * `form` has the access token in it: it belongs into no log. Redirects are not followed.
#[async_trait]
pub trait Introspect: Send + Sync {
    /// The answer to `form`.
    ///
    /// # Errors
    /// When there is none.
    async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>>;
}

#[async_trait]
impl<I: Introspect + ?Sized> Introspect for Arc<I> {
    async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
        (**self).introspect(form).await
    }
}
