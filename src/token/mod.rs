//! The format of sealed tokens: authorization codes, device codes, refresh tokens, opaque access tokens, and the
//! `jti` of JWT access tokens.
//!
//! ```text
//! prefix | base64url( key id 1 | nonce 12 | AES-128-GCM-SIV( body ) | tag 16 )
//! body = grant id 16 | number 4 | secret 32             in a refresh token also: | root 16 | binding 11
//! ```
//!
//! The number is a generation (refresh token), a serial number (access token) or 0 (codes). A token has 81 bytes, a
//! refresh token 108. Both are multiples of three, so base64 has no spare bits and every token has exactly one text.
//! Kind, format version and realm are associated data, so a token of one kind or realm does not open as another.

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

/// The kind of a token.
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
    /// The `jti` of a JWT access token. It is no token, so it may be logged.
    JwtId,
}

impl TokenKind {
    pub(crate) const ALL: [Self; 5] =
        [Self::AuthorizationCode, Self::RefreshToken, Self::AccessToken, Self::DeviceCode, Self::JwtId];

    /// Returns the byte of the kind in associated data and derivations. Never reuse a value.
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
