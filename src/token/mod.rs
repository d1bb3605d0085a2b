//! The sealed token: one format for authorization codes, device codes, refresh tokens, opaque access tokens, and what a JWT
//! access token refers to its grant by.
//!
//! ```text
//! prefix | base64url( key id 1 | nonce 12 | AES-128-GCM-SIV( body ) | tag 16 )
//! body = grant id 16 | number 4 | secret 32             of a refresh token also: | root 16 | binding 11
//! ```
//!
//! The number is a generation (refresh token), a serial (access token) or 0 (codes). A token has 81 bytes, a refresh
//! token 108: multiples of three, so base64 leaves no spare bits and every token has one spelling. Kind, format version
//! and realm are associated data: a token of one kind or realm does not open as another.

mod format;
pub(crate) mod keys;
mod lineage;
mod prefixes;

pub use crate::vocabulary::{IdToken, Realm, TokenType};
pub(crate) use format::{Claims, Detail, Opened, TokenFormat, TokenSecret};
pub use keys::KeyRingError;
pub(crate) use keys::{Derivation, Key, KeyRing, Salt};
pub(crate) use lineage::{Binding, Lineage, Root};
pub use prefixes::TokenPrefixes;

/// Which artefact a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// An authorization code.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// An opaque access token.
    AccessToken,
    /// A device code.
    DeviceCode,
    /// What a JWT access token says in its `jti`: no token itself, so that it may be logged.
    JwtId,
}

impl TokenKind {
    pub(crate) const ALL: [Self; 5] =
        [Self::AuthorizationCode, Self::RefreshToken, Self::AccessToken, Self::DeviceCode, Self::JwtId];

    /// The byte that stands for the kind in associated data and derivations. Never reuse one.
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::AuthorizationCode => 1,
            Self::RefreshToken => 2,
            Self::AccessToken => 3,
            Self::DeviceCode => 4,
            Self::JwtId => 5,
        }
    }
}
