use std::sync::Arc;

use async_trait::async_trait;
use regrant::jwt::SignError;

use crate::jwk::Jwk;

/// Signs. A [`PrivateKey`](crate::PrivateKey) does so at once; a key management service or a hardware module takes a while.
///
/// # Contract
/// * The public key is always the same one, and its [`algorithm`](Jwk::algorithm) is what the signatures are made with.
/// * A signature has the form of RFC 7518 section 3: for ES256 that is `r || s` in 64 bytes. Many services answer in DER, which
///   must be converted; nobody could verify it.
/// * The same message should get the same signature: see the contract of [`JwtIssuer`](regrant::jwt::JwtIssuer).
#[async_trait]
pub trait Signer: Send + Sync {
    /// What others verify the signatures with. Its `kid`, if it has one, names the key in tokens; else its thumbprint does.
    fn public_key(&self) -> Jwk;

    /// Signs `message`.
    ///
    /// # Errors
    /// When that cannot be done now.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

#[async_trait]
impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn public_key(&self) -> Jwk {
        (**self).public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (**self).sign(message).await
    }
}
