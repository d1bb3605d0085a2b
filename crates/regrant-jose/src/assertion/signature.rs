use regrant::authenticator::AssertionFault;

use crate::jwk::JwkSet;
use crate::jws::{Claims, Jws, JwsError};

/// Parses a JWT of type `kind`. The type may be `JWT` or missing: older senders name no other one. A token of any
/// other type has another purpose (RFC 8725 section 3.11).
pub(crate) fn parse<'a>(text: &'a str, kind: &str) -> Result<Jws<'a>, AssertionFault> {
    let jws = Jws::parse(text).map_err(|error| match error {
        JwsError::UnsupportedAlgorithm => AssertionFault::Algorithm,
        _ => AssertionFault::Malformed,
    })?;
    let fits = jws.typ().is_none() || jws.is_typ("JWT") || jws.is_typ(kind);
    if fits { Ok(jws) } else { Err(AssertionFault::Type) }
}

/// Returns the claims, if a key of the set signed them.
pub(crate) fn verify(jws: &Jws<'_>, keys: &JwkSet) -> Result<Claims, AssertionFault> {
    let key = keys.find(jws.kid(), jws.alg()).ok_or(AssertionFault::Key)?;
    jws.verify(key).map_err(|_| AssertionFault::Signature)
}
