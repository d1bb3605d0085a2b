use async_trait::async_trait;
use serde_json::{Map, Value};

use super::CredentialError;
use crate::client::Client;
use crate::vocabulary::forward_to_arc;

/// Verifies request objects: authorization requests that a client signed as a JWT (RFC 9101). The crate `regrant-jose`
/// has an implementation.
///
/// # Contract
/// * **The key is one that `client` registered.** The header of the JWT must not choose it.
/// * **The algorithm is a signature.** `none` and algorithms with a shared secret are refused.
/// * **The audience is this server, and the issuer is the client** (RFC 9101 section 4): a request for another server
///   must not be accepted here.
/// * **The object is in time**, if it has `exp`, `nbf` or `iat`.
#[async_trait]
pub trait VerifyRequestObject: Send + Sync {
    /// Returns the claims of `request_object`, which are the parameters of the authorization request.
    ///
    /// # Errors
    /// [`CredentialError`] with the reason when the object is not accepted, or cannot be verified now.
    async fn verify(&self, client: &Client, request_object: &str) -> Result<Map<String, Value>, CredentialError>;

    /// Returns the accepted algorithms, for the metadata (`request_object_signing_alg_values_supported`).
    fn algorithms(&self) -> Vec<&'static str>;
}

forward_to_arc! {
    VerifyRequestObject {
        async fn verify(&self, client: &Client, request_object: &str) -> Result<Map<String, Value>, CredentialError>;
        fn algorithms(&self) -> Vec<&'static str>;
    }
}
