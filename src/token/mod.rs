//! The format of sealed tokens: authorization codes, device codes, refresh tokens, opaque access tokens, the `jti` of
//! JWT access tokens, and the `request_uri` of pushed authorization requests.
//!
//! ```text
//! prefix | base64url( key id 1 | synthetic IV 16 | AES-SIV( body ) )
//! body = grant id 16 | number 4 | secret 32             in a refresh token also: | root 16 | binding 11
//! ```
//!
//! The number is a generation (refresh token), a serial number (access token) or 0 (codes). A token has 69 bytes, a
//! refresh token 96. Both are multiples of three, so base64 has no spare bits and every token has exactly one text.
//! Format version, key id, kind and realm are associated data, so a token of one kind or realm does not open as
//! another.
//!
//! # Why tokens are sealed
//!
//! A sealed token names its grant, so one read finds the record, and only the service can read the name. Text that no
//! key of the ring has sealed is refused without I/O. The record stores a SHA-256 of the secret: a copy of the database
//! contains no token.
//!
//! # Why sealing is deterministic
//!
//! A client that lost a response repeats its request and must get the same tokens. AES-SIV (RFC 5297) has no nonce:
//! equal content gives an equal token, byte for byte. Nothing else about the content shows: without the key, two tokens
//! of one grant look like tokens of two. The successor of a refresh token is derived from its parent:
//!
//! ```text
//! successor secret = SHA-256( derivation key 32 | zeros 32 | parent secret 32 | salt of the rotation 16 | kind 1 |
//!                             number 4 )
//! ```
//!
//! The service stores no token and still repeats a response. Only the client has the parent, only the service has the
//! key, and only the record has the salt.
//!
//! # Why a refresh token has a root
//!
//! The seal proves that a key of the ring made the token. The root proves that its grant did: 16 random bytes, drawn
//! with the first refresh token and copied in each rotation. The record holds only their digest. A thief of the keys
//! and the database can seal any content but knows no root, and a grant refuses every token without its root.
//!
//! # Formats that clients see
//!
//! Clients treat a token as opaque text (RFC 6749 section 1.4). The prefix is for people and secret scanners. Every
//! character can stand in a header or a form without escaping. A column of 255 characters is long enough for every
//! token but a JWT.

mod format;
pub(crate) mod keys;
mod lineage;
mod prefixes;
mod sha256;
mod siv;

pub use crate::vocabulary::{IdToken, Realm, TokenType};
pub(crate) use format::{Claims, Detail, Opened, Reference, TokenFormat, TokenSecret};
pub(crate) use keys::{Derivation, Key, KeyRing, Salt};
pub use keys::{KeyRingError, KeyText};
pub(crate) use lineage::{Binding, Lineage, Root};
pub use prefixes::TokenPrefixes;

/// The kind of a token.
///
/// The kind is part of the seal. A refresh token presented as an access token is unknown, even with another prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// An authorization code (RFC 6749 section 4.1.2). Redeemed once.
    AuthorizationCode,
    /// A refresh token (RFC 6749 section 1.5). The only kind with a root and a binding to a key.
    RefreshToken,
    /// An opaque access token (RFC 6749 section 1.4).
    AccessToken,
    /// A device code (RFC 8628 section 3.2).
    DeviceCode,
    /// The `jti` of a JWT access token (RFC 9068 section 2.2): a sealed reference to the entry of the token in the
    /// record. Introspection and revocation find the entry through the `jti`. It is no token, so it may be logged.
    JwtId,
    /// The reference to a pushed authorization request (`request_uri`, RFC 9126 section 2.2). Used once.
    RequestUri,
}

impl TokenKind {
    pub(crate) const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::AccessToken,
        Self::DeviceCode,
        Self::JwtId,
        Self::RequestUri,
    ];

    /// Returns the byte of the kind in associated data and derivations. Never reuse a value: tokens that clients still
    /// hold would open as another kind.
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::AuthorizationCode => 1,
            Self::RefreshToken => 2,
            Self::AccessToken => 3,
            Self::DeviceCode => 4,
            Self::JwtId => 5,
            Self::RequestUri => 6,
        }
    }
}
