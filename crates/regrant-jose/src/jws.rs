use std::fmt;

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::claims::Claims;
use crate::error::JwsError;
use crate::jwk::Jwk;
use crate::{base64url, json};

/// A JWT in the compact serialization of a JWS (RFC 7515 section 7.1), read but not yet verified.
///
/// Only what its signature covers comes out of [`verify`](Self::verify). Everything that reads before is for finding the key,
/// and says so.
///
/// ```
/// use regrant_jose::{Algorithm, Jwk, Jws, JwsError};
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
    /// The longest token that is read, in bytes. A request header of more is refused by most servers anyhow.
    pub const MAX_LENGTH: usize = 16 * 1024;
    /// The longest header that is read, in bytes of base64url.
    pub const MAX_HEADER_LENGTH: usize = 4 * 1024;

    /// Reads a token.
    ///
    /// # Errors
    /// When it is too large, is not three parts of canonical base64url, its header or payload is not a JSON object, is nested
    /// deeper than 32, has more than 1024 values, or names a member twice; when the header asks for an extension (`crit`,
    /// `b64`), or for an algorithm that is not supported, `none` first of all.
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
            algorithm: checked_algorithm(&header)?,
            header,
            claims: Claims::new(object(payload)?),
            signing_input,
            signature: base64url::decode(signature).ok_or(JwsError::Encoding)?,
        })
    }

    /// The algorithm that the header names. It selects a key; it never decides how that key is used.
    #[must_use]
    pub const fn alg(&self) -> Algorithm {
        self.algorithm
    }

    /// What kind of token its header says it is, without `application/` (RFC 7515 section 4.1.9). Compare with
    /// [`is_typ`](Self::is_typ).
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.header_text("typ").map(subtype)
    }

    /// Whether its header says that it is of this kind, `at+jwt` say; upper or lower case, with or without `application/`.
    #[must_use]
    pub fn is_typ(&self, kind: &str) -> bool {
        self.typ().is_some_and(|typ| typ.eq_ignore_ascii_case(kind))
    }

    /// The key that the header names.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header_text("kid")
    }

    /// The key that the header carries. Whoever made the token put it there: it proves possession of itself, as DPoP wants
    /// (RFC 9449 section 4.2), and must never be trusted for anything else (CVE-2026-27962).
    #[must_use]
    pub fn jwk(&self) -> Option<&Value> {
        self.header.get("jwk")
    }

    /// What the payload says, by nobody's word: for finding out whose key to verify with.
    #[must_use]
    pub const fn claims_unverified(&self) -> &Claims {
        &self.claims
    }

    /// The claims, once the signature is found to be that of `key`. The algorithm is the key's own; a header that names another
    /// is refused.
    ///
    /// # Errors
    /// When the algorithm is not that of the key, or the signature is not.
    pub fn verify(&self, key: &Jwk) -> Result<Claims, JwsError> {
        if self.algorithm != key.algorithm() {
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
    json::object(&base64url::decode(part).ok_or(JwsError::Encoding)?).ok_or(JwsError::Json)
}

/// The algorithm, provided that the header has nothing that changes what the other members mean.
fn checked_algorithm(header: &Map<String, Value>) -> Result<Algorithm, JwsError> {
    // `b64` without `crit` must be ignored by those who do not know it, and obeyed by those who do (RFC 7797): two readings.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(JwsError::Extension);
    }
    for name in ["typ", "kid"] {
        if header.get(name).is_some_and(|value| !value.is_string()) {
            return Err(JwsError::Header(name));
        }
    }
    let alg = header.get("alg").and_then(Value::as_str).ok_or(JwsError::Header("alg"))?;
    Algorithm::named(alg).ok_or(JwsError::UnsupportedAlgorithm)
}

/// A media type without its `application/`, which senders may leave out (RFC 7515 section 4.1.9).
fn subtype(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => typ,
    }
}
