//! The sealed token: one format for authorization codes, refresh tokens and opaque access tokens.
//!
//! ```text
//! prefix | base64url( key id 1 | nonce 12 | AES-128-GCM-SIV( grant id 16 | number 4 | secret 32 ) | tag 16 )
//! ```
//!
//! The number is a generation (refresh token), a serial (access token) or 0 (code). What is sealed are 81 bytes, a
//! multiple of three, so base64 leaves no spare bits: every token has one spelling. Kind, format version and realm are
//! associated data: a token of one kind or realm does not open as another.

mod format;
mod keys;
mod prefixes;

pub(crate) use format::{Claims, TokenSecret};
pub use format::{Opened, TokenFormat};
pub(crate) use keys::{Derivation, Salt};
pub use keys::{Key, KeyRing, KeyRingError};
pub use prefixes::TokenPrefixes;

/// Which of the three artefacts a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// An authorization code.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// An opaque access token.
    AccessToken,
}

impl TokenKind {
    pub(crate) const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::AccessToken];

    /// The byte that stands for the kind in associated data and derivations. Never reuse one.
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::AuthorizationCode => 1,
            Self::RefreshToken => 2,
            Self::AccessToken => 3,
        }
    }
}
