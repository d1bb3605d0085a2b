//! Reading and verifying JWTs, for tokens of your own kind.

mod claims;
mod compact;
mod error;

pub use claims::Claims;
pub(crate) use compact::{new_jti, sign};
pub use error::JwsError;

use std::fmt;

use regrant::wire::json_object;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::jwk::Jwk;

/// A JWT in the compact serialization of a JWS (RFC 7515 section 7.1), parsed but not yet verified.
///
/// Only [`verify`](Self::verify) returns trustworthy claims. The accessors before it serve to find the key.
///
/// ```
/// use regrant_jose::jws::{Jws, JwsError};
/// use regrant_jose::{Algorithm, Jwk};
///
/// // RFC 7515 appendix A.1.
/// let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
///     eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
///     dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// let jws = Jws::parse(token)?;
/// let key = Jwk::from_secret(&[7; 32], Algorithm::Hs256)?;
/// assert_eq!(jws.verify(&key), Err(JwsError::Signature));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Jws<'a> {
    algorithm: Algorithm,
    header: Map<String, Value>,
    claims: Claims,
    signing_input: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// The longest accepted token, in bytes. Most servers refuse larger request headers anyway.
    pub const MAX_LENGTH: usize = 16 * 1024;
    /// The longest accepted header, in bytes of base64url.
    pub const MAX_HEADER_LENGTH: usize = 4 * 1024;

    /// Parses a token.
    ///
    /// # Errors
    /// When the token is too large, is not three parts of canonical base64url, or its header or payload is not a JSON
    /// object, is nested deeper than 32, has more than 1024 values, or names a member twice; when the header asks for
    /// an extension (`crit`, `b64`), or for an unsupported algorithm such as `none`.
    pub fn parse(text: &'a str) -> Result<Self, JwsError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(JwsError::TooLarge);
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(JwsError::NotCompact)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::NotCompact)?;
        if payload.contains('.') {
            return Err(JwsError::NotCompact);
        }
        if header.len() > Self::MAX_HEADER_LENGTH {
            return Err(JwsError::TooLarge);
        }
        let header = object(header)?;
        Ok(Self {
            algorithm: header_algorithm(&header)?,
            header,
            claims: Claims::new(object(payload)?),
            signing_input,
            signature: base64url::decode(signature).ok_or(JwsError::Encoding)?,
        })
    }

    /// The algorithm in the header. It selects a key; it never decides how that key is used.
    #[must_use]
    pub const fn alg(&self) -> Algorithm {
        self.algorithm
    }

    /// The type in the header, without `application/` (RFC 7515 section 4.1.9). Compare it with
    /// [`is_typ`](Self::is_typ).
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.header_text("typ").map(subtype)
    }

    /// Returns true if the header has this type, for example `at+jwt`; case-insensitive, with or without
    /// `application/`.
    #[must_use]
    pub fn is_typ(&self, kind: &str) -> bool {
        self.typ().is_some_and(|typ| typ.eq_ignore_ascii_case(kind))
    }

    /// The key id in the header.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header_text("kid")
    }

    /// The key in the header. The author of the token chose it: it proves possession of itself, as DPoP requires (RFC
    /// 9449 section 4.2), and must never be trusted for anything else (CVE-2026-27962).
    #[must_use]
    pub fn jwk(&self) -> Option<&Value> {
        self.header.get("jwk")
    }

    /// The claims before verification: use them only to find the key to verify with.
    #[must_use]
    pub const fn claims_unverified(&self) -> &Claims {
        &self.claims
    }

    /// Verifies the signature with `key` and returns the claims. The algorithm is that of the key; a header with
    /// another algorithm is refused. `EdDSA` and `Ed25519` are names of one algorithm (RFC 9864 section 2.2).
    ///
    /// # Errors
    /// When the algorithm is not that of the key, or the signature is invalid.
    pub fn verify(&self, key: &Jwk) -> Result<Claims, JwsError> {
        if !self.algorithm.signs_like(key.algorithm()) {
            return Err(JwsError::WrongAlgorithm);
        }
        if !key.accepts(self.signing_input.as_bytes(), &self.signature) {
            return Err(JwsError::Signature);
        }
        Ok(self.claims.clone())
    }

    fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }
}

impl fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn object(part: &str) -> Result<Map<String, Value>, JwsError> {
    json_object(&base64url::decode(part).ok_or(JwsError::Encoding)?).ok_or(JwsError::Json)
}

/// Returns the algorithm, unless the header has an extension that changes the meaning of other members.
fn header_algorithm(header: &Map<String, Value>) -> Result<Algorithm, JwsError> {
    // RFC 7797: a reader that does not know `b64` ignores it without `crit`, and one that knows it obeys: two readings
    // of one token.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(JwsError::Extension);
    }
    for name in ["typ", "kid"] {
        if header.get(name).is_some_and(|value| !value.is_string()) {
            return Err(JwsError::Header(name));
        }
    }
    let alg = header.get("alg").and_then(Value::as_str).ok_or(JwsError::Header("alg"))?;
    Algorithm::from_name(alg).ok_or(JwsError::UnsupportedAlgorithm)
}

/// A media type without `application/`, which senders may omit (RFC 7515 section 4.1.9).
fn subtype(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => typ,
    }
}
