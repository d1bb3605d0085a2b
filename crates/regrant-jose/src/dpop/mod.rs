//! Proof of possession by DPoP (RFC 9449). The verifier is [`DpopVerifier`](crate::DpopVerifier).

mod htu;
mod key;
mod nonce;
mod replay_cache;
pub(crate) mod verifier;

pub use key::{DpopKey, UnsignedProof};
pub use nonce::DpopNonces;
pub use replay_cache::{ReplayCache, ReplayCacheFull};

use regrant::AccessToken;
use sha2::{Digest as _, Sha256};

use crate::base64url;

/// The `ath` claim (RFC 9449 section 4.2).
fn access_token_hash(access_token: &AccessToken) -> String {
    base64url::encode(Sha256::digest(access_token.expose().as_bytes()))
}
