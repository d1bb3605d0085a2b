use std::sync::Arc;

use async_trait::async_trait;
use regrant::host::Unavailable;

use crate::jwk::Jwk;

/// Signs tokens. A [`PrivateKey`](crate::PrivateKey) signs at once; a key management service or a hardware module takes
/// a while.
///
/// # Contract
/// * The public key never changes, and the signatures use its [`algorithm`](Jwk::algorithm).
/// * A signature has the form of RFC 7518 section 3: for ES256, `r || s` in 64 bytes. Many services return DER, which
///   must be converted.
/// * The same message should get the same signature: see the contract of [`JwtIssuer`](regrant::jwt::JwtIssuer).
#[async_trait]
pub trait Signer: Send + Sync {
    /// The key that verifies the signatures. Tokens name it by its `kid`, or by its thumbprint if there is none.
    fn public_key(&self) -> Jwk;

    /// Signs `message`.
    ///
    /// # Errors
    /// When the signer fails for now.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable>;
}

#[async_trait]
impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn public_key(&self) -> Jwk {
        (**self).public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        (**self).sign(message).await
    }
}
