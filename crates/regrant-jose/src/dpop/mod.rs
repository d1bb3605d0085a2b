//! Proof of possession by DPoP (RFC 9449).

mod htu;
mod key;
mod nonce;
mod replay_cache;
mod verifier;

pub use key::{DpopKey, UnsignedProof};
pub use nonce::DpopNonces;
pub use replay_cache::{ReplayCache, ReplayCacheFull};
pub use verifier::DpopVerifier;

use regrant::AccessToken;
use sha2::{Digest as _, Sha256};

use crate::base64url;

/// `ath` (RFC 9449 section 4.2).
fn access_token_hash(access_token: &AccessToken) -> String {
    base64url::encode(Sha256::digest(access_token.expose().as_bytes()))
}
